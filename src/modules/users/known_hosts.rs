//! `ansible.builtin.known_hosts`: the keys of hosts that an account trusts.
//!
//! `ssh-keygen` finds the lines, hashed ones too, and tells whether a key is one of that host.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Command, Content, Diff, Effect, Failure, Host, HostPath, Meta, Module,
    Outcome, Output, Plan, Support, Write, path_info,
};
use crate::value::Dict;

/// Whether the key shall be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It shall not.
    Absent,
    /// It shall.
    #[default]
    Present,
}

/// Add and remove keys of known hosts
///
/// One task has one key of one host. A key of the same type that differs is replaced.
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// The arguments, as given, and what the file is: `owner`, `group`, `uid`, `gid`, `mode`, `size`, `state`.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.known_hosts:
///     name: git.example.org
///     key: git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2k
///     path: /etc/ssh/ssh_known_hosts
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KnownHostsArgs {
    /// The host: the name or address that `ssh` is given; `[name]:port` where the port is another.
    #[serde(alias = "host")]
    name: String,
    /// The line as `ssh-keyscan` prints it. Absent without a key removes all keys of the host.
    #[serde(default)]
    key: Option<String>,
    /// The file.
    #[serde(default = "default_path")]
    path: HostPath,
    /// Hash the host's name in the file.
    #[serde(default)]
    hash_host: bool,
    /// Whether the key shall be known.
    #[serde(default)]
    state: State,
}

fn default_path() -> HostPath {
    HostPath("~/.ssh/known_hosts".to_owned())
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules) enum Change {
    /// Write this.
    Write(String),
    /// Let `ssh-keygen` remove all of the host.
    Remove,
}

/// What the file has of the host.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// The host is in there.
    host: bool,
    /// The key is another, or none of its type is there.
    replace: bool,
    /// The line of the key, or of the one of its type, from 1.
    line: Option<usize>,
}

/// A line without its comment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    marker: Option<String>,
    host: String,
    kind: String,
    text: String,
}

impl Key {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().map(str::to_owned).peekable();
        Some(Self {
            marker: words.next_if(|word| word.starts_with('@')),
            host: words.next()?,
            kind: words.next()?,
            text: words.next()?,
        })
    }
}

pub(super) struct KnownHosts;

impl KnownHostsArgs {
    fn host(&self) -> String {
        self.name.to_lowercase()
    }

    /// The arguments, and what the file is: its `state` takes the place of the one that was asked for.
    fn values(&self, host: &dyn Host) -> Result<Dict, Failure> {
        let state = match self.state {
            State::Present => "present",
            State::Absent => "absent",
        };
        let mut values = Dict::new()
            .with("name", self.name.as_str())
            .with("key", self.key.clone())
            .with("path", self.path.as_str())
            .with("hash_host", self.hash_host)
            .with("state", state);
        let path = self.path.as_str();
        if host.status(path, true)?.is_some() {
            values.extend(path_info(path, host)?);
        }
        Ok(values)
    }
}

impl Module for KnownHosts {
    type Args = KnownHostsArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.known_hosts",
        aliases: &[],
        family: "users",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.name.starts_with('-') {
            return Err(ArgumentError::new("name", "must not begin with `-`"));
        }
        if args.state == State::Present && args.key.as_deref().unwrap_or_default().is_empty() {
            return Err(ArgumentError::general(
                "No key specified when adding a host",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let path = args.path.as_str();
        let key = match args.key.as_deref().filter(|key| !key.is_empty()) {
            None => None,
            Some(key) => {
                check_key(args, key, host)?;
                Some(key)
            }
        };
        let exists = host.status(path, true)?.is_some();
        let text = if exists {
            String::from_utf8_lossy(&host.read(path)?).into_owned()
        } else {
            String::new()
        };
        let found = if exists {
            search(args, key, host)?
        } else {
            Found::default()
        };
        let present = args.state == State::Present;
        let drops = found.replace || !present;
        let mut new = String::new();
        for (number, line) in text.split_inclusive('\n').enumerate() {
            if !(drops && found.line == Some(number + 1)) {
                new.push_str(line);
            }
        }
        if let Some(key) = key.filter(|_| present && (found.replace || found.line.is_none())) {
            new.push_str(&written(args, key, host)?);
        }
        let header = if exists { path } else { "/dev/null" };
        // As in Ansible, the result has it even where nobody wants to see it.
        let diff = Diff::text(text, new.clone()).headers(header, path).alone();
        let nothing_of_the_key = !present && found.line.is_none() && key.is_some();
        let plan = if nothing_of_the_key || (!found.replace && present == found.host) {
            Plan::unchanged("the keys are as they shall be").with_all(args.values(host)?)
        } else if !present && key.is_none() {
            Plan::change(Change::Remove)
        } else {
            Plan::change(Change::Write(new))
        };
        Ok(plan.with("diff", diff.to_value()).with_diff(diff))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        match change {
            Change::Write(content) => {
                let path = args.path.as_str();
                let staged = host.stage(path, Content::Bytes(content.as_bytes()))?;
                host.commit(staged, path, Write::default())?;
            }
            Change::Remove => {
                let output = keygen(&["-R", &args.host(), "-f", args.path.as_str()], None, host)?;
                if !output.success() {
                    return Err(Failure::new(output.stderr_text()).with("rc", output.status));
                }
            }
        }
        Ok(Outcome::changed().with_all(args.values(host)?).into())
    }
}

fn keygen(words: &[&str], input: Option<&str>, host: &dyn Host) -> Result<Output, Failure> {
    let words = std::iter::once("ssh-keygen").chain(words.iter().copied());
    let mut command = Command::new(words).in_c_locale();
    if let Some(input) = input {
        command = command.with_stdin(input);
    }
    Ok(host.run(&command)?)
}

/// Lets `ssh-keygen` tell whether the key is one of that host.
fn check_key(args: &KnownHostsArgs, key: &str, host: &dyn Host) -> Result<(), Failure> {
    let name = args.host();
    if name
        .split_once(',')
        .is_some_and(|(before, _)| !before.trim_end().is_empty())
    {
        return Err(Failure::new(
            "Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.",
        ));
    }
    // With `hash_host` the host's part is made here, so it fits whatever the key says.
    let line = if args.hash_host {
        let mut parts: Vec<&str> = key.split_whitespace().collect();
        let at = usize::from(key.trim_start().starts_with('@'));
        if let Some(part) = parts.get_mut(at) {
            *part = &name;
        }
        parts.join(" ")
    } else {
        key.trim_end_matches('\n').to_owned()
    };
    let output = keygen(
        &["-F", &name, "-f", "/dev/stdin"],
        Some(&format!("{line}\n")),
        host,
    )?;
    if output.stdout.is_empty() {
        return Err(Failure::new(
            "Host parameter does not match hashed host field in supplied key",
        ));
    }
    Ok(())
}

/// Looks for the host, and for the key or one of its type.
fn search(args: &KnownHostsArgs, key: Option<&str>, host: &dyn Host) -> Result<Found, Failure> {
    let output = keygen(&["-F", &args.host(), "-f", args.path.as_str()], None, host)?;
    let (text, error) = (output.stdout_text(), output.stderr_text());
    if text.is_empty() && error.is_empty() && matches!(output.status, 0 | 1) {
        return Ok(Found::default());
    }
    if !output.success() {
        return Err(Failure::new(format!(
            "ssh-keygen failed (rc={}, stdout='{text}',stderr='{error}')",
            output.status
        )));
    }
    let mut found = Found {
        host: true,
        ..Found::default()
    };
    let Some(wanted) = key else { return Ok(found) };
    let wanted = Key::parse(wanted).ok_or_else(|| Failure::new("the key has too few words"))?;
    let mut line = None;
    for text in text.lines().filter(|line| !line.is_empty()) {
        if text.starts_with('#') {
            line = text
                .rsplit_once("found: line ")
                .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
            continue;
        }
        let Some(known) = Key::parse(text) else {
            continue;
        };
        let mut wanted = wanted.clone();
        let hashed = |key: &Key| key.host.starts_with("|1|");
        // A hash is another one each time; `ssh-keygen` has found this one.
        if hashed(&known) && (args.hash_host || hashed(&wanted)) {
            wanted.host.clone_from(&known.host);
        }
        if known == wanted {
            found.line = line;
            return Ok(found);
        }
        if known.marker.is_none() && known.kind == wanted.kind {
            found.line = line;
            found.replace = true;
            return Ok(found);
        }
    }
    found.replace = true;
    Ok(found)
}

/// Returns the line to add, its host hashed if that is asked for.
fn written(args: &KnownHostsArgs, key: &str, host: &dyn Host) -> Result<String, Failure> {
    if !args.hash_host {
        return Ok(format!("{}\n", key.trim_end_matches('\n')));
    }
    let salt = hmac_key(host)?;
    let hash = hashed(&salt, args.host().as_bytes());
    let at = usize::from(key.trim_start().starts_with('@'));
    let words: Vec<&str> = key
        .split_whitespace()
        .enumerate()
        .map(|(index, word)| if index == at { hash.as_str() } else { word })
        .collect();
    Ok(format!("{}\n", words.join(" ")))
}

/// Twenty random bytes of the host.
fn hmac_key(host: &dyn Host) -> Result<[u8; 20], Failure> {
    use std::io::Read as _;
    let mut salt = [0; 20];
    host.open("/dev/urandom")?
        .read_exact(&mut salt)
        .map_err(|error| Failure::new(format!("cannot read random numbers: {error}")))?;
    Ok(salt)
}

/// `|1|salt|hash`, as `ssh` hashes names.
fn hashed(salt: &[u8], name: &[u8]) -> String {
    use base64::Engine as _;
    use hmac::{KeyInit as _, Mac as _};
    let base64 = base64::engine::general_purpose::STANDARD;
    let digest = hmac::Hmac::<sha1::Sha1>::new_from_slice(salt)
        .map(|mac| mac.chain_update(name).finalize().into_bytes())
        .unwrap_or_default();
    format!("|1|{}|{}", base64.encode(salt), base64.encode(digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, exited, failure, printed};

    const FILE: &str = "/root/.ssh/known_hosts";
    const KEY: &str = "git ssh-ed25519 AAAAone";

    /// A host whose `ssh-keygen` finds plain names.
    fn host(text: &str) -> FakeHost {
        FakeHost::new()
            .directory("/root/.ssh")
            .file(FILE, text)
            .file("/dev/urandom", [7; 20])
            .script(&["ssh-keygen", "-F"], |command, host| {
                let text = match command.argv[4].as_str() {
                    "/dev/stdin" => {
                        String::from_utf8(command.stdin.clone().unwrap_or_default()).unwrap()
                    }
                    path => host.text(path),
                };
                let name = command.argv[2].clone();
                let found: String = text
                    .lines()
                    .enumerate()
                    .filter(|(_, line)| line.starts_with(&name) || line.starts_with("|1|"))
                    .map(|(at, line)| format!("# Host {name} found: line {}\n{line}\n", at + 1))
                    .collect();
                exited(i32::from(found.is_empty()), &found, "")
            })
            .script(&["ssh-keygen", "-R"], |_, host| {
                host.write(FILE, "");
                printed("")
            })
    }

    fn args(key: &str) -> Dict {
        Dict::new()
            .with("name", "Git")
            .with("key", key)
            .with("path", FILE)
    }

    #[test]
    fn a_key_is_added_replaced_and_removed() {
        let host = host("other ssh-rsa AAAA\n");
        assert_converges::<KnownHosts>(&args(KEY).into(), &host);
        assert_eq!(host.text(FILE), format!("other ssh-rsa AAAA\n{KEY}\n"));
        assert_unchanged::<KnownHosts>(&args(&format!("{KEY} comment")).into(), &host);
        assert_converges::<KnownHosts>(&args("git ssh-ed25519 AAAAtwo").into(), &host);
        assert_eq!(
            host.text(FILE),
            "other ssh-rsa AAAA\ngit ssh-ed25519 AAAAtwo\n"
        );
        let absent = args("git ssh-ed25519 AAAAtwo").with("state", "absent");
        assert_converges::<KnownHosts>(&absent.into(), &host);
        assert_eq!(host.text(FILE), "other ssh-rsa AAAA\n");
    }

    #[test]
    fn all_of_a_host_is_removed() {
        let host = host(&format!("{KEY}\n"));
        let absent = Dict::new()
            .with("name", "git")
            .with("path", FILE)
            .with("state", "absent");
        assert_converges::<KnownHosts>(&absent.into(), &host);
    }

    #[test]
    fn a_hashed_name_stays_as_it_is() {
        let host = host("");
        let hash = args(KEY).with("hash_host", true);
        assert_converges::<KnownHosts>(&hash.into(), &host);
        let text = host.text(FILE);
        assert!(
            text.starts_with("|1|BwcHBwcHBwcHBwcHBwcHBwcHBwc=|"),
            "{text}"
        );
        assert!(text.ends_with(" ssh-ed25519 AAAAone\n"));
    }

    #[test]
    fn names_are_hashed_as_ssh_does() {
        let salt = b"01234567890123456789";
        assert_eq!(
            hashed(salt, b"example.org"),
            "|1|MDEyMzQ1Njc4OTAxMjM0NTY3ODk=|D7Ox6QEGSMOtpXFD3Xnwjh9acms="
        );
    }

    #[test]
    fn mistakes_are_told() {
        let nothing = Dict::new().with("name", "x").with("path", FILE);
        assert!(failure::<KnownHosts>(&nothing.into(), &host("")).contains("No key specified"));
        assert!(
            failure::<KnownHosts>(&args("foreign ssh-rsa AAAA").into(), &host(""))
                .contains("does not match")
        );
        let option = Dict::new().with("name", "-R").with("key", KEY);
        assert!(failure::<KnownHosts>(&option.into(), &host("")).contains("begin with"));
        let two = Dict::new().with("name", "a,b").with("key", KEY);
        assert!(failure::<KnownHosts>(&two.into(), &host("")).contains("Comma separated"));
    }
}
