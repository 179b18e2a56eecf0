//! Who runs kplay on this machine: what `~` and the `%` tokens of `ssh_config` stand for.
//!
//! Detected once per run by the [`super::Connector`]; tests make their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The user and the machine that kplay runs on.
#[derive(Debug, Clone)]
pub struct LocalUser {
    pub name: String,
    pub home: PathBuf,
    pub uid: u32,
    /// The full name of this machine.
    pub host_name: String,
    pub environment: BTreeMap<String, String>,
}

impl LocalUser {
    /// Reads the account from /etc/passwd, as OpenSSH does (a static program loads no NSS module), then from the environment.
    pub fn detect() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let account = std::fs::read_to_string("/etc/passwd")
            .ok()
            .and_then(|text| find_account(&text, uid));
        let (name, home) = account.unwrap_or_else(|| {
            let name = environment
                .get("USER")
                .or_else(|| environment.get("LOGNAME"));
            let home = environment.get("HOME").map_or("/", String::as_str);
            (
                name.cloned().unwrap_or_else(|| uid.to_string()),
                PathBuf::from(home),
            )
        });
        let host_name = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            name,
            home,
            uid,
            host_name,
            environment,
        }
    }

    /// Replaces a leading `~` or `~/` by the home directory. `~other` is looked up in /etc/passwd.
    pub fn expand_tilde(&self, text: &str) -> PathBuf {
        let Some(rest) = text.strip_prefix('~') else {
            return PathBuf::from(text);
        };
        let (user, path) = rest.split_once('/').unwrap_or((rest, ""));
        let home = if user.is_empty() || user == self.name {
            Some(self.home.clone())
        } else {
            home_of(user)
        };
        match home {
            Some(home) if path.is_empty() => home,
            Some(home) => home.join(path),
            None => PathBuf::from(text),
        }
    }

    /// Returns `~/.ssh`.
    pub fn ssh_directory(&self) -> PathBuf {
        self.home.join(".ssh")
    }
}

fn find_account(passwd: &str, uid: u32) -> Option<(String, PathBuf)> {
    let uid = uid.to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let found = fields.nth(1)? == uid;
        let home = fields.nth(2)?;
        found.then(|| (name.to_owned(), PathBuf::from(home)))
    })
}

fn home_of(user: &str) -> Option<PathBuf> {
    let text = std::fs::read_to_string(Path::new("/etc/passwd")).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == user;
        let home = fields.nth(4)?;
        found.then(|| PathBuf::from(home))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nme:x:1000:1000:Me:/home/me:/bin/sh\n";
        assert_eq!(
            find_account(passwd, 1000),
            Some(("me".to_owned(), PathBuf::from("/home/me")))
        );
        assert_eq!(find_account(passwd, 7), None);
    }

    #[test]
    fn a_tilde_is_the_home_directory() {
        let user = LocalUser {
            name: "me".to_owned(),
            home: PathBuf::from("/home/me"),
            uid: 1000,
            host_name: "desk".to_owned(),
            environment: BTreeMap::new(),
        };
        assert_eq!(
            user.expand_tilde("~/.ssh/key"),
            PathBuf::from("/home/me/.ssh/key")
        );
        assert_eq!(user.expand_tilde("~me/key"), PathBuf::from("/home/me/key"));
        assert_eq!(user.expand_tilde("/etc/key~"), PathBuf::from("/etc/key~"));
    }
}
