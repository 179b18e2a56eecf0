//! `ansible.builtin.apt_key`: keys that apt trusts, by `apt-key`, on systems that still have it.

use std::io::Read as _;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::anonymous;
use crate::kit::{
    Applied, ArgumentError, Command, Effect, Failure, Host, HostPath, Meta, Module, Outcome,
    Output, Plan, Support,
};
use crate::modules::net::web::{Access, Question, Watched};
use crate::value::{Dict, Value};

/// The most that a key may hold.
const LARGEST_KEY: u64 = 16 << 20;

/// How often a keyserver is asked.
const TRIES: usize = 5;

/// Add or remove a key that apt trusts
///
/// `apt-key` is gone from Debian 13 and Ubuntu 25.04, and what it adds is trusted for every repository: prefer
/// `deb822_repository` with `signed_by`.
///
/// ## Check mode
///
/// Tells what would change; a key's own address is asked where no `id` is given.
///
/// ## Returns
///
/// - `id`, `key_id`, `fp`, `short_id`: the key's number as given, without `0x`, its last 16 and its last 8 digits.
/// - `before`, `after`: the numbers of all keys.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.apt_key:
///     id: 9FED2BCBDCD29CDF762678CBAED4B06F473041FA
///     url: https://ftp-master.debian.org/keys/archive-key-6.0.asc
/// - ansible.builtin.apt_key:
///     id: 0x9FED2BCBDCD29CDF762678CBAED4B06F473041FA
///     state: absent
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AptKeyArgs {
    /// The key's number: 8, 16 or more hexadecimal digits.
    #[serde(default)]
    id: Option<String>,
    /// The key itself.
    #[serde(default)]
    data: Option<String>,
    /// A file of the host that holds the key.
    #[serde(default)]
    file: Option<HostPath>,
    /// Where the key can be fetched.
    #[serde(default)]
    url: Option<String>,
    /// A keyserver that has the key; needs `id`.
    #[serde(default)]
    keyserver: Option<String>,
    /// The file in `/etc/apt/trusted.gpg.d` that holds the key instead of apt's own.
    #[serde(default)]
    keyring: Option<HostPath>,
    /// Trusted or not.
    #[serde(default)]
    state: State,
    /// A server that `url` names must prove who it is.
    #[serde(default = "enabled")]
    validate_certs: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
}

fn enabled() -> bool {
    true
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Change {
    key: KeyId,
    /// The key, where it had to be looked at already.
    data: Option<Vec<u8>>,
}

/// The number of a key, as the commands want it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyId {
    short: String,
    fingerprint: String,
    whole: String,
}

impl KeyId {
    fn read(text: &str) -> Option<Self> {
        let upper = text.trim().to_uppercase();
        let digits = upper.strip_prefix("0X").unwrap_or(&upper);
        let length = digits.len();
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            || length != 8 && length != 16 && length <= 16
        {
            return None;
        }
        let last = |count: usize| {
            let from = length.saturating_sub(count);
            digits.get(from..).unwrap_or(digits).to_owned()
        };
        Some(Self {
            short: last(8),
            fingerprint: last(16),
            whole: digits.to_owned(),
        })
    }

    fn is_short(&self) -> bool {
        self.whole.len() == 8
    }

    fn is_in(&self, keys: &[String]) -> bool {
        let wanted = if self.is_short() {
            &self.short
        } else {
            &self.fingerprint
        };
        keys.contains(wanted)
    }
}

pub(super) struct AptKey;

impl Module for AptKey {
    type Args = AptKeyArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.apt_key",
        aliases: &[],
        family: "packages",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let sources = [
            args.data.is_some(),
            args.file.is_some(),
            args.keyserver.is_some(),
            args.url.is_some(),
        ];
        if sources.iter().filter(|given| **given).count() > 1 {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: data|file|keyserver|url",
            ));
        }
        if args.keyserver.is_some() && args.id.as_ref().is_none_or(String::is_empty) {
            return Err(ArgumentError::general(
                "Missing key_id, required with keyserver.",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        for program in ["apt-key", "gpg"] {
            if host.find_program(program).is_none() {
                let help = if program == "apt-key" {
                    ": apt-key is deprecated and gone from new systems, use deb822_repository"
                } else {
                    ""
                };
                return Err(Failure::new(format!(
                    "`{program}` is not installed on this host{help}"
                )));
            }
        }
        let mut data = args.data.clone().map(String::into_bytes);
        let given = if let Some(id) = args.id.clone().filter(|id| !id.is_empty()) {
            Some(id)
        } else {
            if let Some(url) = &args.url {
                data = Some(download(url, args, host)?);
            }
            id_of(args, data.as_deref(), host)?
        };
        let shown = given.as_deref().map_or(Value::NULL, Value::from);
        let values = Dict::new().with("id", shown);
        let Some(key) = given.as_deref().and_then(KeyId::read) else {
            return Err(Failure {
                values,
                ..Failure::new("Invalid key_id")
            });
        };
        let keys = all(args, key.is_short(), host)?;
        let values = values
            .with("short_id", key.short.as_str())
            .with("fp", key.fingerprint.as_str())
            .with("key_id", key.whole.as_str())
            .with("before", list(&keys));
        let present = key.is_in(&keys);
        let plan = match args.state {
            State::Present if present => Plan::unchanged("apt trusts that key"),
            State::Absent if !keys.contains(&key.fingerprint) => {
                Plan::unchanged("apt does not trust that key")
            }
            State::Present
                if data.is_none()
                    && args.file.is_none()
                    && args.keyserver.is_none()
                    && args.url.is_none() =>
            {
                return Err(Failure {
                    values,
                    ..Failure::new(
                        "there is no key to add: give `data`, `file`, `keyserver` or `url`",
                    )
                });
            }
            State::Present | State::Absent => Plan::change(Change { key, data }),
        };
        Ok(plan.with_all(values))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let Change { key, data } = change;
        match args.state {
            State::Present => add(args, &key, data, host)?,
            State::Absent => {
                let output = host.run(&apt_key(args, &["del", &key.short]))?;
                if !output.success() {
                    let message = format!("Unable to remove a key with id {}", key.short);
                    return Err(failed(&message, &output));
                }
            }
        }
        let after = all(args, key.is_short(), host).map_err(Failure::after_change)?;
        let what = match args.state {
            State::Present if !key.is_in(&after) => Some("failed to add the key"),
            State::Absent if after.contains(&key.fingerprint) => Some("the key was not removed"),
            State::Present | State::Absent => None,
        };
        if let Some(what) = what {
            let failure = Failure::new(format!(
                "apt-key did not return an error, but {what} (check that the id is correct and *not* a subkey)"
            ));
            return Err(failure.with("after", list(&after)).after_change());
        }
        Ok(Outcome::changed().with("after", list(&after)).into())
    }
}

fn list(keys: &[String]) -> Value {
    Value::list(keys.iter().map(|key| Value::from(key.as_str())))
}

/// A command line of `apt-key`.
fn apt_key(args: &AptKeyArgs, words: &[&str]) -> Command {
    let mut argv = vec!["apt-key".to_owned()];
    if let Some(keyring) = &args.keyring {
        argv.extend(["--keyring".to_owned(), keyring.as_str().to_owned()]);
    }
    argv.extend(words.iter().map(|word| (*word).to_owned()));
    Command::new(argv).in_c_locale()
}

fn failed(message: &str, output: &Output) -> Failure {
    Failure::new(message)
        .with("rc", output.status)
        .with("stdout", output.stdout_text())
        .with("stderr", output.stderr_text())
}

/// The numbers of all keys that apt trusts.
fn all(args: &AptKeyArgs, short: bool, host: &dyn Host) -> Result<Vec<String>, Failure> {
    let words = ["adv", "--list-public-keys", "--keyid-format=long"];
    let output = host.run(&apt_key(args, &words))?;
    if !output.success() {
        return Err(failed("Unable to list public keys", &output));
    }
    let mut keys = keys_in(&output.stdout_text());
    if short {
        for key in &mut keys {
            let from = key.len().saturating_sub(8);
            *key = key.get(from..).unwrap_or_default().to_owned();
        }
    }
    Ok(keys)
}

/// Reads what gpg lists, for people (`pub   rsa4096/DC30D7C23CBBABEE ...`) or for programs (`pub:-:4096:1:DC30D7C23CBBABEE:...`).
fn keys_in(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.starts_with("pub") || line.starts_with("sub"))
        .filter(|line| !line.contains("expired"))
        .filter_map(|line| {
            let for_people = line
                .split_whitespace()
                .nth(1)
                .and_then(|word| word.split_once('/'))
                .filter(|(_, key)| !key.contains('/'))
                .map(|(_, key)| key);
            for_people
                .or_else(|| line.split(':').nth(4))
                .map(str::to_owned)
        })
        .collect()
}

/// The number of the first key that the task gives, as gpg reads it.
fn id_of(
    args: &AptKeyArgs,
    data: Option<&[u8]>,
    host: &dyn Host,
) -> Result<Option<String>, Failure> {
    let (name, stdin, shown) = match (&args.file, data) {
        (Some(file), _) => (file.as_str(), None, file.as_str()),
        (None, Some(data)) => ("-", Some(data.to_vec()), "inline data"),
        (None, None) => return Ok(None),
    };
    let command = Command {
        stdin,
        ..Command::new(["gpg", "--with-colons", name])
    };
    let output = host.run(&command.in_c_locale())?;
    if !output.success() {
        let failure = Failure::new(format!("Unable to extract key from '{shown}'"));
        return Err(failure
            .with("stdout", output.stdout_text())
            .with("stderr", output.stderr_text()));
    }
    Ok(keys_in(&output.stdout_text()).into_iter().next())
}

fn download(url: &str, args: &AptKeyArgs, host: &dyn Host) -> Result<Vec<u8>, Failure> {
    let shown = anonymous(url);
    let wrong = |cause: &str| Failure::new(format!("Failed to download key at {shown}: {cause}"));
    let access = Access {
        validate_certs: args.validate_certs,
        ..Access::default()
    };
    let mut answer = access
        .ask(Question::get(url), host)
        .map_err(|error| wrong(&error.failure().message))?;
    if answer.status != Some(200) {
        return Err(wrong(&answer.message));
    }
    let mut bytes = Vec::new();
    Watched::new(&mut answer.body, host)
        .take(LARGEST_KEY + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| wrong(&error.to_string()))?;
    if bytes.len() as u64 > LARGEST_KEY {
        return Err(wrong("it is too large for a key"));
    }
    Ok(bytes)
}

fn add(
    args: &AptKeyArgs,
    key: &KeyId,
    data: Option<Vec<u8>>,
    host: &dyn Host,
) -> Result<(), Failure> {
    if let Some(file) = &args.file {
        let output = host.run(&apt_key(args, &["add", file]))?;
        if !output.success() {
            let message = format!("Unable to add a key from file {}", file.as_str());
            return Err(failed(&message, &output));
        }
        return Ok(());
    }
    if let Some(server) = &args.keyserver {
        return receive(args, server, key, host);
    }
    let data = match (data, &args.url) {
        (Some(data), _) => data,
        (None, Some(url)) => download(url, args, host)?,
        (None, None) => return Err(Failure::new("there is no key to add")),
    };
    let output = host.run(&apt_key(args, &["add", "-"]).with_stdin(data))?;
    if !output.success() {
        return Err(failed("Unable to add a key from binary data", &output));
    }
    Ok(())
}

/// Asks a keyserver, through the proxy that the environment names.
fn receive(args: &AptKeyArgs, server: &str, key: &KeyId, host: &dyn Host) -> Result<(), Failure> {
    let proxy = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]
        .iter()
        .find_map(|name| host.environment(name).filter(|value| !value.is_empty()))
        .map(|proxy| format!("http-proxy={proxy}"));
    let mut words = vec!["adv", "--no-tty", "--keyserver", server];
    if let Some(proxy) = &proxy {
        words.extend(["--keyserver-options", proxy]);
    }
    words.extend(["--recv", &key.whole]);
    let command = apt_key(args, &words);
    let mut last = Output::default();
    for _ in 0..TRIES {
        last = host.run(&command)?;
        if last.success() {
            return Ok(());
        }
    }
    let message = if last.status == 2 && last.stdout_text().contains("not found on keyserver") {
        format!("Key {} not found on keyserver {server}", key.whole)
    } else {
        format!("Error fetching key {} from keyserver: {server}", key.whole)
    };
    Err(failed(&message, &last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::{answer, served};
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, exited, failure, printed, run};

    const FULL: &str = "9FED2BCBDCD29CDF762678CBAED4B06F473041FA";
    const LISTED: &str = "pub   rsa4096/AED4B06F473041FA 2010-08-27 [SC]\nuid   x\nsub   rsa4096/1111111111111111 2010-08-27 [E]\n";
    const OTHER: &str = "pub   rsa4096/DC30D7C23CBBABEE 2021-01-17 [SC]\n";

    /// A host whose apt trusts another key, and this one from `add` to `del`.
    fn host() -> FakeHost {
        let list = |_: &Command, host: &FakeHost| {
            printed(&if host.exists("/trusted") {
                format!("{OTHER}{LISTED}")
            } else {
                OTHER.to_owned()
            })
        };
        let add = |_: &Command, host: &FakeHost| {
            host.write("/trusted", "");
            printed("OK\n")
        };
        let delete = |_: &Command, host: &FakeHost| {
            host.erase("/trusted");
            printed("OK\n")
        };
        FakeHost::new()
            .program("gpg")
            .script(&["apt-key", "adv", "--list-public-keys"], list)
            .script(&["apt-key", "add"], add)
            .script(&["apt-key", "del"], delete)
            .command(
                &["gpg", "--with-colons"],
                printed("pub:-:4096:1:AED4B06F473041FA:1282940623:::-:\n"),
            )
    }

    fn args(source: &str, value: &str) -> Dict {
        Dict::new().with(source, value)
    }

    #[test]
    fn a_key_is_added_and_removed_once() {
        let host = host();
        let outcome =
            assert_converges::<AptKey>(&args("data", "KEY").with("id", FULL).into(), &host);
        assert_eq!(outcome.values.get("short_id"), Some(&"473041FA".into()));
        assert_eq!(outcome.values.get("fp"), Some(&"AED4B06F473041FA".into()));
        let added = host
            .commands()
            .into_iter()
            .find(|command| command.argv[1] == "add");
        assert_eq!(added.unwrap().stdin.as_deref(), Some(b"KEY".as_slice()));
        let gone = args("state", "absent").with("id", format!("0x{FULL}"));
        assert_converges::<AptKey>(&gone.into(), &host);
        assert!(host.ran().contains(&vec![
            "apt-key".to_owned(),
            "del".to_owned(),
            "473041FA".to_owned()
        ]));
    }

    #[test]
    fn the_key_itself_tells_its_number() {
        let (url, _asked) = served(vec![answer("200 OK", "", b"KEY")]);
        let outcome = run::<AptKey>(&args("url", &url).into(), &host());
        assert!(outcome.changed, "{outcome:?}");
        assert_eq!(outcome.values.get("id"), Some(&"AED4B06F473041FA".into()));
        let host = host();
        host.write("/key.asc", "KEY");
        assert_converges::<AptKey>(&args("file", "/key.asc").into(), &host);
    }

    #[test]
    fn a_keyring_and_a_short_number_are_used() {
        let host = FakeHost::new()
            .program("gpg")
            .command(&["apt-key", "--keyring", "/k.gpg", "adv"], printed(LISTED));
        let given = args("id", "473041FA").with("keyring", "/k.gpg");
        assert_unchanged::<AptKey>(&given.into(), &host);
    }

    #[test]
    fn a_keyserver_is_asked_through_the_proxy() {
        let receive = |_: &Command, host: &FakeHost| {
            host.write("/trusted", "");
            printed("")
        };
        let host = host()
            .variable("https_proxy", "http://proxy:3128")
            .script(&["apt-key", "adv", "--no-tty"], receive);
        let given = args("keyserver", "keys.example").with("id", FULL);
        assert!(run::<AptKey>(&given.into(), &host).changed);
        let asked = host
            .ran()
            .into_iter()
            .find(|argv| argv[2] == "--no-tty")
            .unwrap();
        assert_eq!(
            asked[3..],
            [
                "--keyserver",
                "keys.example",
                "--keyserver-options",
                "http-proxy=http://proxy:3128",
                "--recv",
                FULL
            ]
        );
    }

    #[test]
    fn what_cannot_be_is_said() {
        let (url, _asked) = served(vec![answer("404 Not Found", "", b"")]);
        let gone = url.replace("http://", "http://u:s3cret@");
        for (given, cause) in [
            (args("id", "xyz"), "Invalid key_id"),
            (args("id", "1234567890"), "Invalid key_id"),
            (args("keyserver", "x"), "Missing key_id"),
            (args("data", "a").with("url", "b"), "mutually exclusive"),
            (args("id", FULL), "there is no key to add"),
            (args("url", &gone), "HTTP Error 404"),
        ] {
            let message = failure::<AptKey>(&given.into(), &host());
            assert!(
                message.contains(cause) && !message.contains("s3cret"),
                "{message}"
            );
        }
        let broken = FakeHost::new()
            .program("gpg")
            .command(&["apt-key", "adv", "--list-public-keys"], printed(OTHER))
            .command(
                &["apt-key", "add"],
                exited(2, "", "gpg: no valid OpenPGP data found."),
            );
        let message = failure::<AptKey>(&args("data", "x").with("id", FULL).into(), &broken);
        assert_eq!(message, "Unable to add a key from binary data");
        let message = failure::<AptKey>(&args("id", FULL).into(), &FakeHost::new());
        assert!(message.contains("deb822_repository"), "{message}");
    }
}
