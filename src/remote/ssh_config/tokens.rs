//! The `%` tokens and `${VARIABLE}` of `ssh_config` values.
//!
//! Each option takes only some of them; kplay is as strict as ssh in refusing an unknown one, and generous in taking any
//! known one everywhere.

use super::{ConfigError, Place};
use crate::remote::bytes::hex;
use crate::remote::local_user::LocalUser;

/// What the tokens of one host stand for.
#[derive(Debug, Clone)]
pub(super) struct TokenValues<'a> {
    pub(super) local: &'a LocalUser,
    /// `%n`: the name as given.
    pub(super) original: &'a str,
    /// `%h`: the name to connect to.
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// `%r`
    pub(super) user: &'a str,
    /// `%k`: `HostKeyAlias`, or the name as given.
    pub(super) host_key_alias: &'a str,
    /// `%j`: `ProxyJump` as written.
    pub(super) jump: &'a str,
}

impl TokenValues<'_> {
    /// Replaces the `%` tokens of a value.
    pub(super) fn expand(&self, text: &str, place: &Place) -> Result<String, ConfigError> {
        let mut expanded = String::with_capacity(text.len());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                expanded.push(character);
                continue;
            }
            match characters.next() {
                Some('%') => expanded.push('%'),
                Some('h') => expanded.push_str(self.host),
                Some('n') => expanded.push_str(self.original),
                Some('p') => expanded.push_str(&self.port.to_string()),
                Some('r') => expanded.push_str(self.user),
                Some('u') => expanded.push_str(&self.local.name),
                Some('d') => expanded.push_str(&self.local.home.to_string_lossy()),
                Some('i') => expanded.push_str(&self.local.uid.to_string()),
                Some('l') => expanded.push_str(&self.local.host_name),
                Some('L') => expanded.push_str(self.short_host_name()),
                Some('k') => expanded.push_str(self.host_key_alias),
                Some('j') => expanded.push_str(self.jump),
                Some('C') => expanded.push_str(&self.connection_hash()),
                other => {
                    let token = other.map_or_else(|| "%".to_owned(), |letter| format!("%{letter}"));
                    return Err(ConfigError::Syntax {
                        place: place.clone(),
                        problem: format!("unknown token `{token}` in `{text}`"),
                    });
                }
            }
        }
        Ok(expanded)
    }

    /// Replaces `${VARIABLE}`, then the tokens.
    pub(super) fn expand_with_environment(
        &self,
        text: &str,
        place: &Place,
    ) -> Result<String, ConfigError> {
        self.expand(&expand_environment(self.local, text, place)?, place)
    }

    fn short_host_name(&self) -> &str {
        self.local.host_name.split('.').next().unwrap_or_default()
    }

    /// `%C`: what ssh names control sockets by.
    fn connection_hash(&self) -> String {
        use sha1::{Digest, Sha1};
        let text = format!(
            "{}{}{}{}{}",
            self.local.host_name, self.host, self.port, self.user, self.jump
        );
        hex(&Sha1::digest(text.as_bytes()))
    }
}

/// Replaces `${VARIABLE}`; one that is not set is an error, as in ssh.
pub(super) fn expand_environment(
    local: &LocalUser,
    text: &str,
    place: &Place,
) -> Result<String, ConfigError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        expanded.push_str(before);
        let problem = |problem: String| ConfigError::Syntax {
            place: place.clone(),
            problem,
        };
        let (name, behind) = after
            .split_once('}')
            .ok_or_else(|| problem(format!("`${{` is never closed in `{text}`")))?;
        let value = local
            .environment
            .get(name)
            .ok_or_else(|| problem(format!("environment variable `{name}` is not set")))?;
        expanded.push_str(value);
        rest = behind;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn every_token_has_its_value() {
        let local = LocalUser {
            name: "me".to_owned(),
            home: PathBuf::from("/home/me"),
            uid: 1000,
            host_name: "desk.lan".to_owned(),
            environment: BTreeMap::from([("KEYS".to_owned(), "/keys".to_owned())]),
        };
        let values = TokenValues {
            local: &local,
            original: "web",
            host: "web.lan",
            port: 22,
            user: "root",
            host_key_alias: "web-key",
            jump: "",
        };
        let expand = |text| values.expand_with_environment(text, &Place::Arguments);
        assert_eq!(
            expand("%h %n %p %r %u %d %i %l %L %k %j %% ${KEYS}/x").unwrap(),
            "web.lan web 22 root me /home/me 1000 desk.lan desk web-key  % /keys/x"
        );
        assert_eq!(expand("%C").unwrap().len(), 40);
        assert!(expand("%z").unwrap_err().to_string().contains("`%z`"));
        assert!(
            expand("${NOPE}")
                .unwrap_err()
                .to_string()
                .contains("`NOPE` is not set")
        );
    }
}
