//! The tree of commands, and which word makes a command of it.

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use super::options::{InventoryOptions, PlayOptions, RunOptions};

/// Runs Ansible playbooks over SSH with nothing to install on the hosts
///
/// `kplay PLAYBOOK ...` runs playbooks. A first word that is a command is the command: `./inventory` names a playbook of that name.
#[derive(Debug, Parser)]
#[command(
    name = "kplay",
    version,
    infer_long_args = true,
    args_conflicts_with_subcommands = true
)]
pub(super) struct Root {
    #[command(flatten)]
    pub(super) play: PlayOptions,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// The same without commands: what `kplay` is given when its first word is none.
#[derive(Debug, Parser)]
#[command(name = "kplay", version, infer_long_args = true)]
struct PlayOnly {
    #[command(flatten)]
    play: PlayOptions,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run one module on hosts
    Run(Box<AdHocOptions>),
    /// Show hosts, groups and their variables
    Inventory(Box<ShowInventoryOptions>),
    /// Draw the steps of playbooks and what they wait for
    Graph(Box<GraphOptions>),
    /// Show a module's documentation, or list all modules
    Doc {
        /// The module; `exit-codes` shows what kplay ends with
        module: Option<String>,
    },
    /// Explain the code of a message
    Explain {
        /// The code, such as `unknown-argument`; without one all are listed
        code: Option<String>,
    },
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `kplay run`.
#[derive(Args, Debug)]
pub(super) struct AdHocOptions {
    /// The hosts: a pattern
    #[arg(value_name = "HOSTS")]
    pub(super) hosts: String,

    /// The module
    #[arg(short, long, value_name = "MODULE")]
    pub(super) module_name: Option<String>,

    /// The module's arguments: `name=value ...`, a command, or JSON
    #[arg(
        short,
        long,
        value_name = "ARGS",
        default_value = "",
        allow_hyphen_values = true
    )]
    pub(super) args: String,

    /// Make a job of it that may take so many seconds
    #[arg(short = 'B', long = "background", value_name = "SECONDS")]
    pub(super) seconds: Option<u64>,

    /// Seconds between two questions about the job; 0 leaves it to itself
    #[arg(short = 'P', long = "poll", value_name = "SECONDS")]
    pub(super) poll_interval: Option<u64>,

    /// List the hosts and do nothing
    #[arg(long)]
    pub(super) list_hosts: bool,

    #[command(flatten)]
    pub(super) run: RunOptions,
}

/// `kplay inventory`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(super) struct ShowInventoryOptions {
    /// All hosts and groups as JSON
    #[arg(long, group = "what")]
    pub(super) list: bool,

    /// One host's variables as JSON
    #[arg(long, value_name = "HOST", group = "what")]
    pub(super) host: Option<String>,

    /// The groups as a tree
    #[arg(long, group = "what")]
    pub(super) graph: bool,

    /// Write what the sources give, without the files beside them, as a static YAML inventory; `-` is standard output
    #[arg(long, value_name = "FILE", group = "what")]
    pub(super) write: Option<std::path::PathBuf>,

    /// With --graph: the group whose tree is shown. With --write: `proxmox` writes only what Proxmox sources give
    #[arg(value_name = "GROUP", default_value = "all")]
    pub(super) group: String,

    /// Variables in the tree
    #[arg(long, requires = "graph")]
    pub(super) vars: bool,

    /// With --list: variables stay with the groups that have them
    #[arg(long)]
    pub(super) export: bool,

    /// Take variable files from beside playbooks in this directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) playbook_dir: Option<std::path::PathBuf>,

    #[command(flatten)]
    pub(super) common: InventoryOptions,
}

/// `kplay graph`.
#[derive(Args, Debug)]
pub(super) struct GraphOptions {
    /// For whom: Graphviz, Mermaid, or a program
    #[arg(long, value_name = "FORMAT", default_value = "dot")]
    pub(super) format: GraphFormat,

    #[command(flatten)]
    pub(super) play: PlayOptions,
}

/// In which language a graph is written.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum GraphFormat {
    /// Graphviz
    Dot,
    /// Mermaid
    Mermaid,
    /// JSON
    Json,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Wish {
    /// Run playbooks.
    Play(Box<PlayOptions>),
    /// Do something else.
    Command(Box<Command>),
}

/// Reads the command line.
pub(super) fn parse(words: &[OsString]) -> Result<Wish, clap::Error> {
    let first = words.get(1).map(OsString::as_os_str);
    if first.is_some_and(|word| is_command(word) || word == "--version" || word == "-V")
        || asks_for_help(words)
    {
        let root = Root::try_parse_from(words)?;
        return Ok(match root.command {
            Some(command) => Wish::Command(Box::new(command)),
            None => Wish::Play(Box::new(root.play)),
        });
    }
    PlayOnly::try_parse_from(words)
        .map(|only| Wish::Play(Box::new(only.play)))
        .map_err(|mut error| {
            // The usage shall name the commands too.
            if error.kind() == ErrorKind::UnknownArgument {
                error = error.with_cmd(&Root::command());
            }
            error
        })
}

fn is_command(word: &OsStr) -> bool {
    word == "help"
        || Root::command()
            .get_subcommands()
            .any(|command| command.get_name() == word)
}

/// `-h` somewhere before `--`: the help of the whole tree.
fn asks_for_help(words: &[OsString]) -> bool {
    words
        .iter()
        .skip(1)
        .take_while(|word| *word != "--")
        .any(|word| word == "-h" || word == "--help")
        && words
            .get(1)
            .is_some_and(|word| word == "-h" || word == "--help")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Wish, clap::Error> {
        let words: Vec<OsString> = std::iter::once("kplay")
            .chain(line.split_whitespace())
            .map(OsString::from)
            .collect();
        parse(&words)
    }

    fn play(line: &str) -> PlayOptions {
        match read(line).unwrap() {
            Wish::Play(options) => *options,
            Wish::Command(command) => panic!("{command:?}"),
        }
    }

    #[test]
    fn the_tree_is_sound() {
        Root::command().debug_assert();
        PlayOnly::command().debug_assert();
    }

    #[test]
    fn only_a_first_word_is_a_command() {
        assert!(matches!(
            read("inventory --list").unwrap(),
            Wish::Command(_)
        ));
        assert_eq!(
            play("./inventory").playbooks,
            [std::path::PathBuf::from("./inventory")]
        );
        assert_eq!(
            play("-i hosts inventory").playbooks,
            [std::path::PathBuf::from("inventory")]
        );
    }

    #[test]
    fn options_are_those_of_ansible_playbook() {
        let options = play(
            "a.yml -i x -i y,z -l web -e a=1 -e @f -t one,two --skip-tags three -C -D -f 7 -u me -b -K -c local -T 5 -vvv b.yml \
             --become-user you --key-file k --vault-pass-file p --vault-id a@prompt --ssh-common-args -oX=1 --start-at t",
        );
        assert_eq!(options.playbooks.len(), 2);
        assert_eq!(options.run.common.inventory, ["x", "y,z"]);
        assert_eq!(options.run.common.extra_vars, ["a=1", "@f"]);
        assert_eq!(options.run.common.verbose, 3);
        assert_eq!(
            (options.run.check, options.run.diff, options.run.forks),
            (true, true, Some(7))
        );
        assert_eq!(
            options.run.connection.ssh_common_args.as_deref(),
            Some("-oX=1")
        );
        assert_eq!(options.start_at_task.as_deref(), Some("t"));
        assert!(options.run.r#become.ask_become_pass && options.run.r#become.r#become);
    }

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "x.yml -k --connection-password-file p",
            "x.yml -K --become-pass-file p",
            "x.yml -J --vault-password-file p",
            "x.yml --nonsense",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
