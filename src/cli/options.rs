//! The options, as users of `ansible-playbook` type them.

use std::path::PathBuf;

use clap::{ArgAction, Args};

/// Who and what a run is about.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct InventoryOptions {
    /// Inventory: a file, a directory, or hosts with commas between them; may be given several times
    #[arg(short = 'i', long = "inventory", visible_alias = "inventory-file", value_name = "INVENTORY", action = ArgAction::Append)]
    pub(super) inventory: Vec<String>,

    /// Only these hosts: a pattern, or `@FILE`
    #[arg(short, long, value_name = "PATTERN", action = ArgAction::Append)]
    pub(super) limit: Vec<String>,

    /// Variables that win over all others: `name=value`, YAML or JSON text, or `@FILE`; may be given several times
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS", action = ArgAction::Append, allow_hyphen_values = true)]
    pub(super) extra_vars: Vec<String>,

    /// Say more; up to -vvvv
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,

    /// Forget cached facts
    #[arg(long)]
    pub(super) flush_cache: bool,

    /// Only sources of Proxmox VE are read (`kplay inventory proxmox --write`).
    #[arg(skip)]
    pub(super) only_proxmox: bool,

    #[command(flatten)]
    pub(super) vault: VaultOptions,
}

/// Where vault passwords come from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Vault")]
pub(super) struct VaultOptions {
    /// Ask for the vault password
    #[arg(
        short = 'J',
        long = "ask-vault-password",
        visible_alias = "ask-vault-pass",
        conflicts_with = "vault_password_file"
    )]
    pub(super) ask_vault_password: bool,

    /// A vault password's label and source: `LABEL@FILE` or `LABEL@prompt`; may be given several times
    #[arg(long, value_name = "LABEL@SOURCE", action = ArgAction::Append)]
    pub(super) vault_id: Vec<String>,

    /// A file that holds the vault password, or a program that prints it; may be given several times
    #[arg(long, visible_alias = "vault-pass-file", value_name = "FILE", action = ArgAction::Append)]
    pub(super) vault_password_file: Vec<PathBuf>,
}

/// How hosts are reached, and as whom the work is done there.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct RunOptions {
    #[command(flatten)]
    pub(super) common: InventoryOptions,

    /// Change nothing: show what would change
    #[arg(short = 'C', long)]
    pub(super) check: bool,

    /// Show differences
    #[arg(short = 'D', long)]
    pub(super) diff: bool,

    /// How many hosts work at once
    #[arg(short, long, value_name = "COUNT")]
    pub(super) forks: Option<usize>,

    /// Directories with Ansible modules of your own, so that their names are known
    #[arg(short = 'M', long, value_name = "DIRECTORIES", action = ArgAction::Append)]
    pub(super) module_path: Vec<String>,

    #[command(flatten)]
    pub(super) connection: ConnectionOptions,

    #[command(flatten)]
    pub(super) r#become: BecomeOptions,
}

/// How hosts are reached.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(super) struct ConnectionOptions {
    /// Log in as this user
    #[arg(short, long = "user", value_name = "USER")]
    pub(super) user: Option<String>,

    /// How to connect: `ssh` or `local`
    #[arg(short, long, value_name = "CONNECTION")]
    pub(super) connection: Option<String>,

    /// How long connecting may take
    #[arg(short = 'T', long, value_name = "SECONDS")]
    pub(super) timeout: Option<u64>,

    /// Log in with this key
    #[arg(long = "private-key", visible_alias = "key-file", value_name = "FILE")]
    pub(super) private_key: Option<PathBuf>,

    /// Ask for the password to log in with
    #[arg(
        short = 'k',
        long = "ask-pass",
        conflicts_with = "connection_password_file"
    )]
    pub(super) ask_pass: bool,

    /// A file that holds the password to log in with
    #[arg(long, visible_alias = "conn-pass-file", value_name = "FILE")]
    pub(super) connection_password_file: Option<PathBuf>,

    /// Options as for ssh, sftp and scp alike, such as `-o ProxyJump=gate`
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(super) ssh_common_args: Option<String>,

    /// Options as for ssh
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(super) ssh_extra_args: Option<String>,

    /// Taken for Ansible's sake: kplay does not use sftp
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, hide = true)]
    pub(super) sftp_extra_args: Option<String>,

    /// Taken for Ansible's sake: kplay does not use scp
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, hide = true)]
    pub(super) scp_extra_args: Option<String>,
}

/// As whom the work is done.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Becoming another user")]
pub(super) struct BecomeOptions {
    /// Become another user
    #[arg(short = 'b', long = "become")]
    pub(super) r#become: bool,

    /// Whom to become, root if nobody is named
    #[arg(long, value_name = "USER")]
    pub(super) become_user: Option<String>,

    /// How: `sudo`, `su` or `doas`
    #[arg(long, value_name = "METHOD")]
    pub(super) become_method: Option<String>,

    /// Ask for the password that becoming needs
    #[arg(
        short = 'K',
        long = "ask-become-pass",
        conflicts_with = "become_password_file"
    )]
    pub(super) ask_become_pass: bool,

    /// A file that holds the password that becoming needs
    #[arg(long, visible_alias = "become-pass-file", value_name = "FILE")]
    pub(super) become_password_file: Option<PathBuf>,
}

/// Everything that a run of playbooks can be given.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
#[derive(Args, Clone, Debug, Default)]
pub(super) struct PlayOptions {
    /// Playbooks; without one `site.yml` here, then `playbooks/site.yml`
    #[arg(value_name = "PLAYBOOK")]
    pub(super) playbooks: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) run: RunOptions,

    /// Only tasks with these tags
    #[arg(short, long, value_name = "TAGS", action = ArgAction::Append)]
    pub(super) tags: Vec<String>,

    /// No tasks with these tags
    #[arg(long, value_name = "TAGS", action = ArgAction::Append)]
    pub(super) skip_tags: Vec<String>,

    /// Begin at the task of this name
    #[arg(long, value_name = "NAME")]
    pub(super) start_at_task: Option<String>,

    /// Ask before each task (not supported yet, and refused)
    #[arg(long)]
    pub(super) step: bool,

    /// Run notified handlers even where a task failed
    #[arg(long)]
    pub(super) force_handlers: bool,

    /// List the hosts and do nothing
    #[arg(long)]
    pub(super) list_hosts: bool,

    /// List the tasks and do nothing
    #[arg(long)]
    pub(super) list_tasks: bool,

    /// List the tags and do nothing
    #[arg(long)]
    pub(super) list_tags: bool,

    /// Check the playbooks and do nothing
    #[arg(long)]
    pub(super) syntax_check: bool,
}
