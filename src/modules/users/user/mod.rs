//! `ansible.builtin.user`: accounts.
//!
//! `plan` compares an account with what is wanted, `apply` runs shadow's programs. A password's hash never is an argument of a
//! process: everybody on the host could read it there.

mod apply;
mod key;
mod plan;
mod shadow;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Plan, Support,
    User as Account,
};
use crate::value::Dict;
use plan::Change;

/// Whether an account shall be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It shall not.
    Absent,
    /// It shall.
    #[default]
    Present,
}

/// When a password is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Update {
    /// Whenever it differs.
    #[default]
    Always,
    /// For new accounts.
    OnCreate,
}

/// Add, change and remove accounts
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `name`, `state`, `uid`, `group` (the number of the primary group), `comment`, `home`, `shell`: what the account is.
/// - `groups`: those asked for, separated by commas.
/// - `create_home`, `system` for a new account; `append`, `move_home` for one that was there; `force`, `remove` for one that is gone.
/// - `ssh_key_file`, `ssh_public_key`, `ssh_fingerprint`: with `generate_ssh_key`.
/// - `password`: never the password.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.user:
///     name: deploy
///     groups: [sudo, adm]
///     append: true
///     shell: /bin/bash
/// - ansible.builtin.user:
///     name: etcd
///     system: true
///     create_home: false
///     shell: /usr/sbin/nologin
/// ```
///
/// ## Differs from Ansible
///
/// `password_expire_account_disable` is compared, so that a second run changes nothing. With `local` the programs of shadow are used
/// rather than those of libuser. A key in a folder that the account controls is made as that account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserArgs {
    /// The account.
    #[serde(alias = "user")]
    name: String,
    /// Whether it shall be there.
    #[serde(default)]
    state: State,
    /// Its number.
    #[serde(default)]
    uid: Option<u32>,
    /// Let it share the number of another account.
    #[serde(default)]
    non_unique: bool,
    /// Its primary group, by name or number.
    #[serde(default)]
    group: Option<String>,
    /// Its other groups. An empty list means none.
    #[serde(default)]
    groups: Option<Vec<String>>,
    /// Add to the groups that it has, rather than replacing them.
    #[serde(default)]
    append: bool,
    /// A comment, often the full name.
    #[serde(default)]
    comment: Option<String>,
    /// Its home.
    #[serde(default)]
    home: Option<HostPath>,
    /// Its login shell.
    #[serde(default)]
    shell: Option<HostPath>,
    /// The hash of its password, as `password_hash` makes it. `*` lets nobody in by password.
    #[serde(default)]
    password: Option<String>,
    /// When the password is set.
    #[serde(default)]
    update_password: Update,
    /// Lock the password, or unlock it.
    #[serde(default)]
    password_lock: Option<bool>,
    /// Days after which the password must be changed.
    #[serde(default)]
    password_expire_max: Option<i64>,
    /// Days before which the password cannot be changed again.
    #[serde(default)]
    password_expire_min: Option<i64>,
    /// Days of warning before the password ends.
    #[serde(default)]
    password_expire_warn: Option<i64>,
    /// Days after the password's end until the account is disabled.
    #[serde(default)]
    password_expire_account_disable: Option<i64>,
    /// When the account ends, in seconds since 1970; negative for never.
    #[serde(default)]
    expires: Option<f64>,
    /// Make the home if it is missing.
    #[serde(default = "enabled", alias = "createhome")]
    create_home: bool,
    /// Move what is in the old home when `home` changes.
    #[serde(default)]
    move_home: bool,
    /// What a new home is a copy of.
    #[serde(default)]
    skeleton: Option<String>,
    /// The umask for a new home.
    #[serde(default)]
    umask: Option<String>,
    /// Take the number from those of the system.
    #[serde(default)]
    system: bool,
    /// The lowest number to choose from.
    #[serde(default)]
    uid_min: Option<u32>,
    /// The highest number to choose from.
    #[serde(default)]
    uid_max: Option<u32>,
    /// With `absent`: remove it even while it is logged in. With `generate_ssh_key`: replace a key that is there.
    #[serde(default)]
    force: bool,
    /// With `absent`: remove its home and mail too.
    #[serde(default)]
    remove: bool,
    /// Make an SSH key for it.
    #[serde(default)]
    generate_ssh_key: bool,
    /// The key's size; 0 leaves it to `ssh-keygen`.
    #[serde(default)]
    ssh_key_bits: u32,
    /// The key's type.
    #[serde(default = "default_key")]
    ssh_key_type: String,
    /// Where the key lies, below the home unless it begins with `/`.
    #[serde(default)]
    ssh_key_file: Option<HostPath>,
    /// The key's comment.
    #[serde(default)]
    ssh_key_comment: Option<String>,
    /// The key's passphrase.
    #[serde(default)]
    ssh_key_passphrase: Option<String>,
    /// Look at `/etc/passwd` only, rather than at what a directory service knows too.
    #[serde(default)]
    local: bool,
    /// The SELinux user of a new account.
    #[serde(default)]
    seuser: Option<String>,
    /// For the BSDs; has no effect on Linux.
    #[serde(default)]
    login_class: Option<String>,
    /// For macOS; has no effect on Linux.
    #[serde(default)]
    hidden: Option<bool>,
    /// For illumos; has no effect on Linux.
    #[serde(default)]
    profile: Option<String>,
    /// For illumos; has no effect on Linux.
    #[serde(default)]
    authorization: Option<String>,
    /// For illumos; has no effect on Linux.
    #[serde(default)]
    role: Option<String>,
}

fn enabled() -> bool {
    true
}

fn default_key() -> String {
    "rsa".to_owned()
}

pub(super) struct User;

impl Module for User {
    type Args = UserArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.user",
        aliases: &[],
        family: "users",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let excluded = [
            ("umask", args.umask.is_some()),
            ("uid_min", args.uid_min.is_some()),
            ("uid_max", args.uid_max.is_some()),
        ];
        if let Some((name, _)) = excluded.iter().find(|(_, given)| args.local && *given) {
            return Err(ArgumentError::new(
                name,
                format!("'{name}' can not be used with 'local'"),
            ));
        }
        // The line for chpasswd must stay one line.
        let hash = args.password.as_deref().unwrap_or_default();
        if hash.contains(['\n', '\0'])
            || (args.password.is_some() && args.name.contains([':', '\n']))
        {
            return Err(ArgumentError::new(
                "password",
                "neither the name nor the hash may hold a line break",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        plan::plan(args, host)
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        Ok(apply::apply(args, change, host)?.into())
    }
}

/// What the result says of an account.
fn describe(args: &UserArgs, user: &Account) -> Dict {
    let mut values = Dict::new()
        .with("name", args.name.as_str())
        .with("state", "present")
        .with("uid", user.uid)
        .with("group", user.gid)
        .with("comment", user.comment.as_str())
        .with("home", user.home.as_str())
        .with("shell", user.shell.as_str());
    if let Some(groups) = &args.groups {
        values.insert("groups", groups.join(","));
    }
    if args.password.is_some() {
        values.insert("password", "NOT_LOGGING_PASSWORD");
    }
    values
}
