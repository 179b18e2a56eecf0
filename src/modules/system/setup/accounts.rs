//! Facts about the one who acts, and the environment.

use crate::kit::Host;
use crate::value::{Dict, Key, Value};

/// `user_*`, `real_*`, `effective_*`.
pub(super) fn gather(host: &dyn Host) -> Dict {
    let identity = host.identity();
    // As Python's `getpass.getuser`: the environment counts before the account database.
    let name = ["LOGNAME", "USER", "LNAME", "USERNAME"]
        .iter()
        .find_map(|name| host.environment(name).filter(|value| !value.is_empty()))
        .unwrap_or_else(|| identity.user.clone());
    let account = host
        .user(&name)
        .ok()
        .flatten()
        .or_else(|| host.user_by_id(identity.uid).ok().flatten());
    let mut facts = Dict::new().with("user_id", name);
    if let Some(account) = account {
        facts.extend(
            Dict::new()
                .with("user_uid", account.uid)
                .with("user_gid", account.gid)
                .with("user_gecos", account.comment)
                .with("user_dir", account.home)
                .with("user_shell", account.shell),
        );
    }
    facts
        .with("real_user_id", identity.uid)
        .with("effective_user_id", identity.uid)
        .with("real_group_id", identity.gid)
        .with("effective_group_id", identity.gid)
}

/// `env`.
pub(super) fn environment(host: &dyn Host) -> Dict {
    let variables: Dict = host
        .environment_all()
        .into_iter()
        .map(|(name, value)| (Key::from(name), Value::from(value)))
        .collect();
    Dict::new().with("env", variables)
}
