//! `community.general.modprobe`: modules of the kernel, now and at each start.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Command, Content, Effect, Failure, Host, Meta, Module, Outcome, Plan,
    Support, Write,
};
use crate::value::Dict;

const LOAD: &str = "/etc/modules-load.d";
const OPTIONS: &str = "/etc/modprobe.d";

/// Whether the module shall be loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It shall not.
    Absent,
    /// It shall.
    #[default]
    Present,
}

/// What happens at each start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Persistent {
    /// Its files are left alone.
    #[default]
    Disabled,
    /// It is loaded, with these parameters.
    Present,
    /// It is not loaded; its lines are commented out.
    Absent,
}

/// Load and unload modules of the kernel
///
/// ## Check mode
///
/// Tells what would change; `modprobe` itself is asked whether it could.
///
/// ## Returns
///
/// - `name`, `params`, `state`: the arguments.
///
/// ## Examples
///
/// ```yaml
/// - community.general.modprobe:
///     name: br_netfilter
///     persistent: present
/// - community.general.modprobe:
///     name: dummy
///     params: numdummies=2
/// ```
///
/// ## Differs from Ansible
///
/// A host without `/lib/modules` (a container) has no built-in modules, rather than being an error. A file whose lines are commented
/// out gets no empty lines between them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModprobeArgs {
    /// The module, such as `br_netfilter`.
    name: String,
    /// Whether it shall be loaded.
    #[serde(default)]
    state: State,
    /// Parameters, such as `numdummies=2`.
    #[serde(default)]
    params: String,
    /// What happens at each start.
    #[serde(default)]
    persistent: Persistent,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::modules) struct Change {
    /// The command that loads or unloads.
    command: Option<Vec<String>>,
    /// Files and their new content.
    files: Vec<(String, String)>,
}

pub(super) struct Modprobe;

impl ModprobeArgs {
    fn values(&self) -> Dict {
        let state = match self.state {
            State::Present => "present",
            State::Absent => "absent",
        };
        Dict::new()
            .with("name", self.name.as_str())
            .with("params", self.params.as_str())
            .with("state", state)
    }

    fn parameters(&self) -> Vec<&str> {
        self.params.split_whitespace().collect()
    }

    /// Tells whether a line of [`LOAD`] names the module.
    fn is_loaded_by(&self, line: &str) -> bool {
        let line = line.split(['#', ';']).next().unwrap_or_default();
        line.trim_matches(' ') == self.name
    }

    /// Returns the parameter that a line of [`OPTIONS`] sets for the module.
    fn parameter<'a>(&self, line: &'a str) -> Option<&'a str> {
        let rest = line
            .strip_prefix("options ")?
            .strip_prefix(self.name.as_str())?
            .strip_prefix(' ')?;
        let (word, end) = rest.split_once(' ').unwrap_or((rest, ""));
        let end = end.trim_start_matches(' ');
        let (name, value) = word.split_once('=')?;
        let fine = !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_')
            && !value.is_empty()
            && (end.is_empty() || end.starts_with(['#', ';']));
        fine.then_some(word)
    }
}

impl Module for Modprobe {
    type Args = ModprobeArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "community.general.modprobe",
        aliases: &["ansible.builtin.modprobe"],
        family: "system",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let odd = |letter: char| letter.is_whitespace() || letter == '/';
        if args.name.is_empty() || args.name.starts_with('-') || args.name.contains(odd) {
            return Err(ArgumentError::new("name", "must be the name of a module"));
        }
        if args.parameters().iter().any(|word| word.starts_with('-')) {
            return Err(ArgumentError::new("params", "must not hold options"));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let mut change = Change::default();
        let loaded = is_loaded(&args.name, host)?;
        let words: Option<Vec<&str>> = match args.state {
            State::Present if !loaded => {
                let mut words = vec!["modprobe", args.name.as_str()];
                words.extend(args.parameters());
                Some(words)
            }
            State::Absent if loaded => Some(vec!["modprobe", "-r", args.name.as_str()]),
            _ => None,
        };
        if let Some(words) = words {
            let mut dry = words.clone();
            dry.insert(1, "-n");
            modprobe(&dry, args, host)?;
            change.command = Some(words.into_iter().map(str::to_owned).collect());
        }
        change.files = match args.persistent {
            Persistent::Disabled => Vec::new(),
            Persistent::Present => loading(args, host)?,
            Persistent::Absent => {
                let mut files = commented(LOAD, host, |line| args.is_loaded_by(line))?;
                files.extend(commented(OPTIONS, host, |line| {
                    args.parameter(line).is_some()
                })?);
                files
            }
        };
        let plan = if change == Change::default() {
            Plan::unchanged("the module is as it shall be")
        } else {
            Plan::change(change)
        };
        Ok(plan.with_all(args.values()))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let mut outcome = Outcome::unchanged().with_all(args.values());
        if let Some(words) = &change.command {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            modprobe(&words, args, host)?;
            outcome.changed = args.state == State::Absent || is_loaded(&args.name, host)?;
            if !outcome.changed {
                let mut first = vec!["modprobe", "-n", "--first-time"];
                first.extend(words.iter().skip(1));
                let output = host.run(&Command::new(first).in_c_locale())?;
                if !output.success() {
                    outcome = outcome.warn(output.stderr_text());
                }
            }
        }
        for (path, content) in change.files {
            let staged = host.stage(&path, Content::Bytes(content.as_bytes()))?;
            host.commit(staged, &path, Write::default())?;
            outcome.changed = true;
        }
        Ok(outcome.into())
    }
}

fn modprobe(words: &[&str], args: &ModprobeArgs, host: &dyn Host) -> Result<(), Failure> {
    let output = host.run(&Command::new(words.iter().copied()).in_c_locale())?;
    if output.success() {
        return Ok(());
    }
    let mut failure = Failure::new(output.stderr_text())
        .with("rc", output.status)
        .with("stdout", output.stdout_text())
        .with("stderr", output.stderr_text());
    failure.values.extend(args.values());
    Err(failure)
}

fn text(path: &str, host: &dyn Host) -> Result<String, Failure> {
    Ok(String::from_utf8_lossy(&host.read(path)?).into_owned())
}

/// Tells whether the kernel has the module, loaded or built in.
fn is_loaded(name: &str, host: &dyn Host) -> Result<bool, Failure> {
    let start = format!("{} ", name.replace('-', "_"));
    if text("/proc/modules", host)?
        .lines()
        .any(|line| line.starts_with(&start))
    {
        return Ok(true);
    }
    let release = text("/proc/sys/kernel/osrelease", host)?;
    let builtin = format!("/lib/modules/{}/modules.builtin", release.trim());
    if host.status(&builtin, true)?.is_none() {
        return Ok(false);
    }
    let end = format!("/{name}.ko");
    Ok(text(&builtin, host)?
        .lines()
        .any(|line| line.ends_with(&end)))
}

/// The files of a folder with their content.
fn files(folder: &str, host: &dyn Host) -> Result<Vec<(String, String)>, Failure> {
    let mut found = Vec::new();
    if host
        .status(folder, true)?
        .is_some_and(|status| status.is_directory())
    {
        for entry in host.list(folder)? {
            let path = format!("{folder}/{}", entry.name);
            if host
                .status(&path, true)?
                .is_some_and(|status| status.is_file())
            {
                let content = text(&path, host)?;
                found.push((path, content));
            }
        }
    }
    Ok(found)
}

/// The files of a folder that hold such lines, with these commented out.
fn commented(
    folder: &str,
    host: &dyn Host,
    matches: impl Fn(&str) -> bool,
) -> Result<Vec<(String, String)>, Failure> {
    let mut changed = Vec::new();
    for (path, content) in files(folder, host)? {
        let mut new = String::new();
        for line in content.split_inclusive('\n') {
            if matches(line.trim_end_matches('\n')) {
                new.push('#');
            }
            new.push_str(line);
        }
        if new != content {
            changed.push((path, new));
        }
    }
    Ok(changed)
}

/// The files to write so that the module is loaded at each start with its parameters.
fn loading(args: &ModprobeArgs, host: &dyn Host) -> Result<Vec<(String, String)>, Failure> {
    let mut wanted = Vec::new();
    let named = files(LOAD, host)?
        .iter()
        .any(|(_, content)| content.lines().any(|line| args.is_loaded_by(line)));
    if !named {
        wanted.push((
            format!("{LOAD}/{}.conf", args.name),
            format!("{}\n", args.name),
        ));
    }
    let present = files(OPTIONS, host)?;
    let mut set: Vec<&str> = present
        .iter()
        .flat_map(|(_, content)| content.lines())
        .filter_map(|line| args.parameter(line))
        .collect();
    let mut parameters = args.parameters();
    for list in [&mut set, &mut parameters] {
        list.sort_unstable();
        list.dedup();
    }
    if set != parameters {
        let own = format!("{OPTIONS}/{}.conf", args.name);
        wanted.extend(
            commented(OPTIONS, host, |line| args.parameter(line).is_some())?
                .into_iter()
                .filter(|(path, _)| *path != own),
        );
        let lines: Vec<String> = args
            .parameters()
            .iter()
            .map(|word| format!("options {} {word}", args.name))
            .collect();
        wanted.push((own, format!("{}\n", lines.join("\n"))));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, exited, failure, printed};

    fn host() -> FakeHost {
        FakeHost::new()
            .file("/proc/modules", "overlay 1 0 - Live 0x0\n")
            .file("/proc/sys/kernel/osrelease", "6.1\n")
            .file(
                "/lib/modules/6.1/modules.builtin",
                "kernel/fs/ext4/ext4.ko\n",
            )
            .directory(LOAD)
            .directory(OPTIONS)
            .script(&["modprobe"], |command, host| {
                let text = host.text("/proc/modules");
                if command.argv.iter().any(|word| word == "-n") {
                } else if command.argv.iter().any(|word| word == "-r") {
                    host.write("/proc/modules", "");
                } else {
                    host.write("/proc/modules", format!("{text}br_netfilter 1 0 -\n"));
                }
                printed("")
            })
    }

    fn args(name: &str) -> Dict {
        Dict::new().with("name", name)
    }

    #[test]
    fn a_module_is_loaded_and_unloaded() {
        let host = host();
        assert_converges::<Modprobe>(&args("br_netfilter").into(), &host);
        assert_unchanged::<Modprobe>(&args("ext4").into(), &host);
        assert_converges::<Modprobe>(&args("overlay").with("state", "absent").into(), &host);
    }

    #[test]
    fn it_is_loaded_at_each_start_with_its_parameters() {
        let host = host().file(
            "/etc/modprobe.d/old.conf",
            "options overlay a=1 # mine\noptions other a=1\n",
        );
        let wanted = args("overlay")
            .with("persistent", "present")
            .with("params", "b=2 c=3");
        assert_converges::<Modprobe>(&wanted.clone().into(), &host);
        assert_eq!(host.text("/etc/modules-load.d/overlay.conf"), "overlay\n");
        assert_eq!(
            host.text("/etc/modprobe.d/old.conf"),
            "#options overlay a=1 # mine\noptions other a=1\n"
        );
        assert_eq!(
            host.text("/etc/modprobe.d/overlay.conf"),
            "options overlay b=2\noptions overlay c=3\n"
        );
        assert_converges::<Modprobe>(&wanted.with("persistent", "absent").into(), &host);
        assert_eq!(host.text("/etc/modules-load.d/overlay.conf"), "#overlay\n");
    }

    #[test]
    fn t12_refusals_are_told_and_options_are_none() {
        let host = FakeHost::new()
            .file("/proc/modules", "")
            .file("/proc/sys/kernel/osrelease", "6.1\n")
            .command(
                &["modprobe"],
                exited(1, "", "modprobe: FATAL: Module none not found\n"),
            );
        assert!(failure::<Modprobe>(&args("none").into(), &host).contains("not found"));
        for bad in ["-r", "../x", "a b", ""] {
            assert!(failure::<Modprobe>(&args(bad).into(), &host).contains("name of a module"));
        }
        let options = args("x").with("params", "-C /tmp/evil");
        assert!(failure::<Modprobe>(&options.into(), &host).contains("options"));
    }
}
