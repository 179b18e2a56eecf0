//! `ansible.builtin.deb822_repository`: a source of apt in a file of its own, with the key that it is signed by.

use std::io::Read as _;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::anonymous;
use crate::kit::{
    Applied, ArgumentError, AttributeChanges, Attributes, Content, Effect, Failure, FileAttributes,
    Host, Meta, Mode, Module, Outcome, Plan, Support, Write, path_info,
};
use crate::modules::net::web::{Access, Question, Watched};
use crate::value::Value;

const KEYRINGS: &str = "/etc/apt/keyrings";

/// The most that a key may hold.
const LARGEST_KEY: u64 = 16 << 20;

/// Add or remove a source of apt in deb822 format
///
/// Writes `/etc/apt/sources.list.d/NAME.sources`, and where `signed_by` is an address the key that lies there to
/// `/etc/apt/keyrings`. The package cache is not updated: run `apt` with `update_cache` where this changed something.
///
/// ## Check mode
///
/// Tells what would change; a key's address is asked.
///
/// ## Returns
///
/// - `dest`: the source's file. `repo`: its content, or null where it was removed.
/// - `key_filename`: the key's file, or null.
/// - `owner`, `group`, `uid`, `gid`, `mode`, `size`, `state`, `secontext`: of the source's file.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.deb822_repository:
///     name: kubernetes
///     uris: https://pkgs.k8s.io/core:/stable:/v1.34/deb/
///     suites: /
///     signed_by: https://pkgs.k8s.io/core:/stable:/v1.34/deb/Release.key
/// - ansible.builtin.deb822_repository:
///     name: tailscale
///     uris: https://pkgs.tailscale.com/stable/debian
///     suites: "{{ ansible_facts.distribution_release }}"
///     components: main
///     signed_by: https://pkgs.tailscale.com/stable/debian/bookworm.noarmor.gpg
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Deb822RepositoryArgs {
    /// The source's name; its file and its key are called after it.
    name: String,
    /// There or not.
    #[serde(default)]
    state: State,
    /// The mode of the source's file.
    #[serde(default = "readable")]
    mode: Mode,
    /// What the source has: programs, or what they are made from.
    #[serde(default = "programs")]
    types: Vec<Type>,
    /// Where the archive lies.
    #[serde(default)]
    uris: Option<Vec<String>>,
    /// Versions of the distribution, or one path that ends with `/`.
    #[serde(default)]
    suites: Option<Vec<String>>,
    /// Sections of the distribution.
    #[serde(default)]
    components: Option<Vec<String>>,
    /// The key: an address, a file of the host, fingerprints, or the key itself.
    #[serde(default)]
    signed_by: Option<String>,
    /// Architectures that are looked at.
    #[serde(default)]
    architectures: Option<Vec<String>>,
    /// Languages that are fetched.
    #[serde(default)]
    languages: Option<Vec<String>>,
    /// Kinds of indexes that are fetched.
    #[serde(default)]
    targets: Option<Vec<String>>,
    /// The source is used.
    #[serde(default)]
    enabled: Option<bool>,
    /// The source is believed, or warned of, whoever signed it.
    #[serde(default)]
    trusted: Option<bool>,
    /// Let packages that were signed be replaced by such that are not.
    #[serde(default)]
    allow_downgrade_to_insecure: Option<bool>,
    /// Let the source be unsigned.
    #[serde(default)]
    allow_insecure: Option<bool>,
    /// Let the source be signed with a weak digest.
    #[serde(default)]
    allow_weak: Option<bool>,
    /// Fetch indexes by their checksums.
    #[serde(default)]
    by_hash: Option<bool>,
    /// Believe this machine's clock.
    #[serde(default)]
    check_date: Option<bool>,
    /// Look whether the source is out of date.
    #[serde(default)]
    check_valid_until: Option<bool>,
    /// How many seconds the source may come from the future.
    #[serde(default)]
    date_max_future: Option<i64>,
    /// Where the file `InRelease` lies, seen from its usual place.
    #[serde(default)]
    inrelease_path: Option<String>,
    /// Update indexes by differences.
    #[serde(default)]
    pdiffs: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
}

/// What a source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Type {
    Deb,
    DebSrc,
}

fn readable() -> Mode {
    Mode::Bits(0o644)
}

fn programs() -> Vec<Type> {
    vec![Type::Deb]
}

/// What is to be done, in this order.
#[derive(Debug, Default)]
pub(super) struct Change {
    remove: Vec<String>,
    /// The folder of keys has to be made.
    make_keyrings: bool,
    files: Vec<File>,
    attributes: Vec<AttributeChanges>,
}

#[derive(Debug)]
struct File {
    path: String,
    content: Vec<u8>,
    mode: Mode,
}

impl Change {
    fn is_empty(&self) -> bool {
        self.remove.is_empty()
            && !self.make_keyrings
            && self.files.is_empty()
            && self.attributes.is_empty()
    }

    /// Wants a file to be so; what is so already is left.
    fn want(&mut self, file: File, host: &dyn Host) -> Result<(), Failure> {
        let there = host
            .status(&file.path, true)?
            .is_some_and(|status| status.is_file());
        if !there || host.read(&file.path)? != file.content {
            self.files.push(file);
        } else {
            self.want_mode(&file.path, &file.mode, host)?;
        }
        Ok(())
    }

    fn want_mode(&mut self, path: &str, mode: &Mode, host: &dyn Host) -> Result<(), Failure> {
        let attributes = FileAttributes {
            mode: Some(mode),
            ..FileAttributes::default()
        };
        let changes = attributes.compare(path, host)?;
        if !changes.is_empty() {
            self.attributes.push(changes);
        }
        Ok(())
    }
}

pub(super) struct Deb822Repository;

impl Module for Deb822Repository {
    type Args = Deb822RepositoryArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.deb822_repository",
        aliases: &[],
        family: "packages",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if slug(&args.name).is_empty() {
            return Err(ArgumentError::new(
                "name",
                "must hold letters or digits, since files are called after it",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let slug = slug(&args.name);
        let dest = format!("/etc/apt/sources.list.d/{slug}.sources");
        let mut change = Change::default();
        let (repo, key) = match args.state {
            State::Absent => {
                let armored = format!("{KEYRINGS}/{slug}.asc");
                let binary = format!("{KEYRINGS}/{slug}.gpg");
                for path in [dest.clone(), armored, binary.clone()] {
                    if host.status(&path, false)?.is_some() {
                        change.remove.push(path);
                    }
                }
                (Value::NULL, Value::from(binary))
            }
            State::Present => {
                let signed = match &args.signed_by {
                    Some(given) => Some(signature(given, &slug, &mut change, host)?),
                    None => None,
                };
                let value = signed.as_ref().map(|signed| signed.value.as_str());
                let repo = args.text(value);
                let file = File {
                    path: dest.clone(),
                    content: repo.clone().into_bytes(),
                    mode: args.mode.clone(),
                };
                change.want(file, host)?;
                let key = signed.and_then(|signed| signed.file);
                (Value::from(repo), key.map_or(Value::NULL, Value::from))
            }
        };
        let plan = if change.is_empty() {
            Plan::unchanged("the source is as it shall be")
        } else {
            Plan::change(change)
        };
        let info = path_info(&dest, host)?;
        let plan = match args.state {
            State::Present => plan.with_all(info),
            // What is removed is still there in check mode only.
            State::Absent => plan.with_all_in_check(info),
        };
        Ok(plan
            .with("repo", repo)
            .with("dest", dest)
            .with("key_filename", key))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        for path in &change.remove {
            host.remove(path)?;
        }
        if change.make_keyrings {
            host.make_directory(KEYRINGS, 0o755)?;
        }
        for file in &change.files {
            let existing = host.status(&file.path, true)?;
            let attributes = FileAttributes {
                mode: Some(&file.mode),
                ..FileAttributes::default()
            };
            let default = 0o666 & !host.umask();
            let mode = attributes.for_write(existing.as_ref(), default, host)?.mode;
            let staged = host.stage(&file.path, Content::Bytes(&file.content))?;
            let write = Write {
                attributes: Attributes {
                    mode,
                    ..Attributes::default()
                },
                unsafe_writes: false,
            };
            host.commit(staged, &file.path, write)?;
        }
        for changes in &change.attributes {
            changes.apply(host)?;
        }
        let dest = format!("/etc/apt/sources.list.d/{}.sources", slug(&args.name));
        Ok(Outcome::changed().with_all(path_info(&dest, host)?).into())
    }
}

/// A name as files have it.
fn slug(name: &str) -> String {
    let mut out = String::new();
    let mut gap = false;
    for letter in name.to_lowercase().chars() {
        if letter == '_' || letter.is_whitespace() {
            if !gap {
                out.push('-');
            }
            gap = true;
            continue;
        }
        gap = false;
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-' {
            out.push(letter);
        }
    }
    out
}

/// What stands after `Signed-By`, and the file that it means.
struct Signed {
    value: String,
    file: Option<String>,
}

/// Finds out what `signed_by` is; what lies at an address goes to a file.
fn signature(
    given: &str,
    slug: &str,
    change: &mut Change,
    host: &dyn Host,
) -> Result<Signed, Failure> {
    let file = |path: String| Signed {
        value: path.clone(),
        file: Some(path),
    };
    // No path is that long; a key that is given itself is.
    let short = given.len() < 4096 && !given.contains('\n');
    if short
        && host
            .status(given, true)?
            .is_some_and(|status| status.is_file())
    {
        return Ok(file(given.to_owned()));
    }
    if !has_scheme(given) {
        return Ok(Signed {
            value: given.to_owned(),
            file: None,
        });
    }
    let content = fetch(given, host)?;
    if content.is_empty() {
        return Ok(file(given.to_owned()));
    }
    let armored =
        String::from_utf8_lossy(&content).contains("-----BEGIN PGP PUBLIC KEY BLOCK-----");
    let ending = if armored { "asc" } else { "gpg" };
    let path = format!("{KEYRINGS}/{slug}.{ending}");
    let before = change.files.len();
    let key = File {
        path: path.clone(),
        content,
        mode: readable(),
    };
    change.want(key, host)?;
    if change.files.len() > before {
        if host
            .status(KEYRINGS, true)?
            .is_some_and(|status| status.is_directory())
        {
            let mode = Mode::Bits(0o755);
            let attributes = FileAttributes {
                mode: Some(&mode),
                owner: Some("root"),
                group: Some("root"),
                ..FileAttributes::default()
            };
            let changes = attributes.compare(KEYRINGS, host)?;
            if !changes.is_empty() {
                change.attributes.push(changes);
            }
        } else {
            change.make_keyrings = true;
        }
    }
    Ok(file(path))
}

fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

fn fetch(url: &str, host: &dyn Host) -> Result<Vec<u8>, Failure> {
    let wrong = |cause: &str| {
        Failure::new(format!(
            "Could not fetch signed_by key: {}: {cause}",
            anonymous(url)
        ))
    };
    let mut answer = Access::default()
        .ask(Question::get(url), host)
        .map_err(|error| wrong(&error.failure().message))?;
    if !answer.is_fine() {
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

impl Deb822RepositoryArgs {
    /// The content of the source's file: fields in the order of the arguments' names.
    fn text(&self, signed_by: Option<&str>) -> String {
        let flag = |value: Option<bool>| value.map(|on| if on { "yes" } else { "no" }.to_owned());
        let list = |value: &Option<Vec<String>>| value.as_ref().map(|items| items.join(" "));
        let types: Vec<&str> = self
            .types
            .iter()
            .map(|kind| match kind {
                Type::Deb => "deb",
                Type::DebSrc => "deb-src",
            })
            .collect();
        let fields = [
            (
                "Allow-Downgrade-To-Insecure",
                flag(self.allow_downgrade_to_insecure),
            ),
            ("Allow-Insecure", flag(self.allow_insecure)),
            ("Allow-Weak", flag(self.allow_weak)),
            ("Architectures", list(&self.architectures)),
            ("By-Hash", flag(self.by_hash)),
            ("Check-Date", flag(self.check_date)),
            ("Check-Valid-Until", flag(self.check_valid_until)),
            ("Components", list(&self.components)),
            (
                "Date-Max-Future",
                self.date_max_future.map(|seconds| seconds.to_string()),
            ),
            ("Enabled", flag(self.enabled)),
            ("Inrelease-Path", self.inrelease_path.clone()),
            ("Languages", list(&self.languages)),
            ("X-Repolib-Name", Some(self.name.clone())),
            ("Pdiffs", flag(self.pdiffs)),
            ("Signed-By", signed_by.map(str::to_owned)),
            ("Suites", list(&self.suites)),
            ("Targets", list(&self.targets)),
            ("Trusted", flag(self.trusted)),
            ("Types", Some(types.join(" "))),
            ("URIs", list(&self.uris)),
        ];
        let mut out = String::new();
        for (name, value) in fields {
            let Some(value) = value else { continue };
            out.push_str(name);
            out.push(':');
            if value.contains('\n') {
                for line in value.trim().lines() {
                    let line = line.trim();
                    out.push_str("\n    ");
                    out.push_str(if line.is_empty() { "." } else { line });
                }
            } else if !value.is_empty() {
                out.push(' ');
                out.push_str(&value);
            }
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::{answer, served};
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, check, failure};
    use crate::value::Dict;

    const FILE: &str = "/etc/apt/sources.list.d/my-repo.sources";

    fn host() -> FakeHost {
        FakeHost::new()
            .directory("/etc/apt/sources.list.d")
            .group("root", 0, &[])
            .user("root", 0)
    }

    fn args() -> Dict {
        Dict::new()
            .with("name", "My_ Repo!")
            .with("uris", "https://repo.example/debian")
            .with("suites", "stable")
            .with("components", Value::list(["main".into(), "contrib".into()]))
    }

    #[test]
    fn a_source_is_written_once() {
        let host = host();
        let given = args()
            .with("types", "deb,deb-src")
            .with("enabled", false)
            .with("date_max_future", 10);
        let outcome = assert_converges::<Deb822Repository>(&given.into(), &host);
        let text = "Components: main contrib\nDate-Max-Future: 10\nEnabled: no\nX-Repolib-Name: My_ Repo!\nSuites: stable\nTypes: deb deb-src\nURIs: https://repo.example/debian\n";
        assert_eq!(host.text(FILE), text);
        assert_eq!(host.mode_of(FILE), 0o644);
        assert_eq!(outcome.values.get("repo"), Some(&text.into()));
        assert_eq!(outcome.values.get("key_filename"), Some(&Value::NULL));
        let given = args()
            .with("types", "deb,deb-src")
            .with("enabled", false)
            .with("date_max_future", 10);
        assert_converges::<Deb822Repository>(&given.with("mode", "0600").into(), &host);
        assert_eq!(host.mode_of(FILE), 0o600);
    }

    #[test]
    fn a_key_of_the_web_gets_a_file() {
        let armored = || answer("200 OK", "", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n");
        let (url, _asked) = served(vec![
            armored(),
            armored(),
            armored(),
            armored(),
            answer("200 OK", "", b"\x99\x01"),
        ]);
        let host = host();
        let given: Value = args().with("signed_by", url.as_str()).into();
        let outcome = assert_converges::<Deb822Repository>(&given, &host);
        assert_eq!(
            outcome.values.get("key_filename"),
            Some(&"/etc/apt/keyrings/my-repo.asc".into())
        );
        assert!(
            host.text(FILE)
                .contains("Signed-By: /etc/apt/keyrings/my-repo.asc\n")
        );
        assert_eq!(host.mode_of("/etc/apt/keyrings"), 0o755);
        let binary = check::<Deb822Repository>(&given, &host);
        assert_eq!(
            binary.values.get("key_filename"),
            Some(&"/etc/apt/keyrings/my-repo.gpg".into())
        );
        let gone = args().with("state", "absent");
        assert_converges::<Deb822Repository>(&gone.into(), &host);
        assert!(!host.exists(FILE) && !host.exists("/etc/apt/keyrings/my-repo.asc"));
    }

    #[test]
    fn a_key_that_is_given_itself_stands_in_the_source() {
        let host = host().file("/key.gpg", "");
        let block =
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME\n-----END PGP PUBLIC KEY BLOCK-----\n";
        assert_converges::<Deb822Repository>(&args().with("signed_by", block).into(), &host);
        assert!(host.text(FILE).contains("Signed-By:\n    -----BEGIN PGP PUBLIC KEY BLOCK-----\n    .\n    mDME\n    -----END PGP PUBLIC KEY BLOCK-----\nSuites:"));
        assert_converges::<Deb822Repository>(&args().with("signed_by", "/key.gpg").into(), &host);
        assert!(host.text(FILE).contains("Signed-By: /key.gpg\n"));
        assert_converges::<Deb822Repository>(&args().with("signed_by", "ABCDEF").into(), &host);
        assert!(host.text(FILE).contains("Signed-By: ABCDEF\n"));
    }

    #[test]
    fn what_cannot_be_is_said() {
        let (url, _asked) = served(vec![answer("404 Not Found", "", b"")]);
        let message = failure::<Deb822Repository>(&args().with("signed_by", url).into(), &host());
        assert!(
            message.starts_with("Could not fetch signed_by key: ") && message.contains("404"),
            "{message}"
        );
        let nameless = Dict::new().with("name", "..");
        assert!(
            failure::<Deb822Repository>(&nameless.into(), &host()).contains("letters or digits")
        );
        assert_unchanged::<Deb822Repository>(&args().with("state", "absent").into(), &host());
    }
}
