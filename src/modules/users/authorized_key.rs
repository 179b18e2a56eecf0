//! `ansible.posix.authorized_key`: who may log in by key.
//!
//! The file lies in a folder that the account controls. A link there that leads out of the account's own files is refused: root would
//! read or write somebody else's file (T11).

use schemars::JsonSchema;
use serde::Deserialize;

use super::keys::{self, Key, Line};
use crate::kit::{
    Applied, ArgumentError, Attributes, Content, Diff, Effect, Failure, Host, HostPath, Meta,
    Module, Outcome, Plan, Status, Support, User, Write, path_info,
};
use crate::value::Dict;

/// Whether keys shall be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// They shall not.
    Absent,
    /// They shall.
    #[default]
    Present,
}

/// Add and remove keys that may log in
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `keyfile`: the file.
/// - the arguments, as given.
///
/// ## Examples
///
/// ```yaml
/// - ansible.posix.authorized_key:
///     user: deploy
///     key: "{{ lookup('file', 'keys/deploy.pub') }}"
///     exclusive: true
/// ```
///
/// ## Differs from Ansible
///
/// A symbolic link to a file that does not belong to the account is refused, `follow` or not. Keys from an `http` address are not
/// fetched yet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorizedKeyArgs {
    /// The account.
    user: String,
    /// Keys, one a line, as in a `.pub` file; or `file:///path` of such a file on the host.
    key: String,
    /// The file, if it is not `~/.ssh/authorized_keys`.
    #[serde(default)]
    path: Option<HostPath>,
    /// Make the folder, and set its owner and mode. Say no if the folder is a shared one.
    #[serde(default = "enabled")]
    manage_dir: bool,
    /// Whether the keys shall be there.
    #[serde(default)]
    state: State,
    /// Options in front of the keys, such as `no-port-forwarding,from="10.0.0.0/8"`.
    #[serde(default)]
    key_options: Option<String>,
    /// Remove all other keys.
    #[serde(default)]
    exclusive: bool,
    /// The keys' comment, instead of their own.
    #[serde(default)]
    comment: Option<String>,
    /// For keys from an address: check its certificate.
    #[serde(default = "enabled")]
    validate_certs: bool,
    /// Write to the target of a symbolic link rather than replacing the link.
    #[serde(default)]
    follow: bool,
}

fn enabled() -> bool {
    true
}

/// The file's new content.
#[derive(Clone, Debug)]
pub(in crate::modules) struct Change {
    content: String,
}

pub(super) struct AuthorizedKey;

impl AuthorizedKeyArgs {
    fn account(&self, host: &dyn Host) -> Result<User, Failure> {
        let name = &self.user;
        host.user(name)?.ok_or_else(|| {
            Failure::new(format!(
                "Failed to lookup user {name}: \"getpwnam(): name not found: '{name}'\""
            ))
        })
    }

    fn file(&self, user: &User) -> String {
        self.path.as_ref().map_or_else(
            || format!("{}/.ssh/authorized_keys", user.home.trim_end_matches('/')),
            |path| path.0.clone(),
        )
    }

    fn values(&self, file: &str) -> Dict {
        Dict::new()
            .with("user", self.user.as_str())
            .with("key", self.key.as_str())
            .with("path", self.path.as_ref().map(|path| path.0.clone()))
            .with("manage_dir", self.manage_dir)
            .with(
                "state",
                if self.state == State::Present {
                    "present"
                } else {
                    "absent"
                },
            )
            .with("key_options", self.key_options.clone())
            .with("exclusive", self.exclusive)
            .with("comment", self.comment.clone())
            .with("validate_certs", self.validate_certs)
            .with("follow", self.follow)
            .with("keyfile", file)
    }
}

/// The file's folder and name; the folder is held open, so that no link of the account's can lead a write elsewhere (T11).
struct Target {
    /// The folder as it is called in messages.
    folder: String,
    /// The name under which the folder is held, if it is there.
    held: Option<String>,
    name: String,
}

/// The folder and the name of a path.
fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
        None => (".", path),
    }
}

impl Target {
    /// Finds where to write: the file, or with `follow` what it is a link to.
    fn find(args: &AuthorizedKeyArgs, user: &User, host: &dyn Host) -> Result<Self, Failure> {
        let here = Self::of(&args.file(user), user, host)?;
        match here.path() {
            Some(path) if args.follow => match host.status(&path, false)? {
                Some(status) if status.is_link() => {
                    // What the link leads to must be the account's own, unless root made the link.
                    let held = host.pin(&args.file(user), user.uid)?;
                    let real = host.real_path(held.as_deref().unwrap_or(&path))?;
                    Self::of(&real, user, host)
                }
                _ => Ok(here),
            },
            _ => Ok(here),
        }
    }

    fn of(file: &str, user: &User, host: &dyn Host) -> Result<Self, Failure> {
        let (folder, name) = split(file);
        Ok(Self {
            folder: folder.to_owned(),
            held: host.pin(folder, user.uid)?,
            name: name.to_owned(),
        })
    }

    fn path(&self) -> Option<String> {
        let held = self.held.as_ref()?;
        Some(format!("{}/{}", held.trim_end_matches('/'), self.name))
    }

    fn shown(&self) -> String {
        format!("{}/{}", self.folder.trim_end_matches('/'), self.name)
    }

    /// Returns what the file holds.
    fn text(&self, user: &User, host: &dyn Host) -> Result<String, Failure> {
        let Some(path) = self.path() else {
            return Ok(String::new());
        };
        let linked = host
            .status(&path, false)?
            .is_some_and(|status| status.is_link());
        let file = if linked { self.shown() } else { path };
        let Some(held) = host.pin(&file, user.uid)? else {
            return Ok(String::new());
        };
        match host.status(&held, true)? {
            // Another name of a file that the account could not read.
            Some(status) if status.links > 1 && status.uid != user.uid => {
                Err(Failure::new(format!(
                    "`{}` is another name of a file that does not belong to {}",
                    self.shown(),
                    user.name
                )))
            }
            Some(status) if status.is_file() => {
                Ok(String::from_utf8_lossy(&host.read(&held)?).into_owned())
            }
            _ => Ok(String::new()),
        }
    }

    /// Makes the folder, and gives it to the account.
    fn make_folder(&mut self, user: &User, host: &dyn Host) -> Result<(), Failure> {
        if self.held.is_none() {
            let (above, name) = split(&self.folder);
            let above = host
                .pin(above, user.uid)?
                .unwrap_or_else(|| above.to_owned());
            host.make_directory(&format!("{}/{name}", above.trim_end_matches('/')), 0o700)?;
            self.held = host.pin(&self.folder, user.uid)?;
        }
        let Some(held) = &self.held else {
            return Ok(());
        };
        let root = host.identity().uid == 0;
        // The dot makes calls that do not follow links look at the folder itself.
        let folder = format!("{held}/.");
        if let Some(status) = host.status(&folder, true)?.filter(Status::is_directory) {
            if root && (status.uid, status.gid) != (user.uid, user.gid) {
                host.set_owner(&folder, Some(user.uid), Some(user.gid), false)?;
            }
            if status.mode != 0o700 {
                host.set_mode(&folder, 0o700, false)?;
            }
        }
        Ok(())
    }
}

impl Module for AuthorizedKey {
    type Args = AuthorizedKeyArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.posix.authorized_key",
        aliases: &["ansible.builtin.authorized_key"],
        family: "users",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.key.starts_with("http") {
            return Err(ArgumentError::new(
                "key",
                "keys from an address are not fetched yet; use lookup('url', ...) or a file",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let user = args.account(host)?;
        let file = args.file(&user);
        let target = Target::find(args, &user, host)?;
        let text = target.text(&user, host)?;
        let wanted = wanted_keys(args, host)?;
        let mut lines = keys::parse_file(&text);
        let changed = adjust(&mut lines, wanted, args);
        let plan = if changed {
            let content = keys::serialize(&lines);
            let diff = Diff::text(text, content.clone()).headers(file.clone(), target.shown());
            Plan::change(Change { content }).with_diff(diff)
        } else {
            Plan::unchanged("the keys are as they shall be")
        };
        let plan = plan.with_all(args.values(&file));
        Ok(if args.path.is_some() {
            plan.with_all(attributes(&file, host)?)
        } else {
            plan
        })
    }

    fn apply(
        args: &Self::Args,
        Change { content }: Change,
        host: &dyn Host,
    ) -> Result<Applied, Failure> {
        let user = args.account(host)?;
        let root = host.identity().uid == 0;
        let (uid, gid) = (root.then_some(user.uid), root.then_some(user.gid));
        let file = args.file(&user);
        let mut target = Target::find(args, &user, host)?;
        if args.manage_dir {
            target.make_folder(&user, host)?;
        }
        let target = target.path().unwrap_or_else(|| target.shown());
        let staged = host.stage(&target, Content::Bytes(content.as_bytes()))?;
        let attributes_wanted = Attributes {
            mode: Some(0o600),
            uid,
            gid,
        };
        host.commit(
            staged,
            &target,
            Write {
                attributes: attributes_wanted,
                unsafe_writes: false,
            },
        )?;
        let outcome = Outcome::changed();
        Ok(match args.path.is_some() {
            true => outcome.with_all(attributes(&file, host)?),
            false => outcome,
        }
        .into())
    }
}

/// What the file is; Ansible adds that where the result has a `path`.
fn attributes(file: &str, host: &dyn Host) -> Result<Dict, Failure> {
    let info = path_info(file, host)?;
    Ok(if host.status(file, false)?.is_some() {
        info
    } else {
        Dict::new()
    })
}

fn wanted_keys(args: &AuthorizedKeyArgs, host: &dyn Host) -> Result<Vec<Key>, Failure> {
    let text = match args.key.strip_prefix("file://") {
        Some(path) => match host.status(path, true)? {
            None => {
                return Err(Failure::new(format!(
                    "Path to a key file not found: {path}"
                )));
            }
            Some(status) if !status.is_file() => {
                return Err(Failure::new(format!(
                    "Path to a key is a directory and must be a file: {path}"
                )));
            }
            Some(_) => String::from_utf8_lossy(&host.read(path)?).into_owned(),
        },
        None => args.key.clone(),
    };
    let mut wanted = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let mut key = Key::parse(line)
            .ok_or_else(|| Failure::new(format!("invalid key specified: {line}")))?;
        if let Some(options) = &args.key_options {
            key.options = keys::parse_options(options);
        }
        if let Some(comment) = &args.comment {
            key.comment.clone_from(comment);
        }
        wanted.push(key);
    }
    Ok(wanted)
}

/// Changes the lines to what is wanted, and tells whether that was needed.
fn adjust(lines: &mut Vec<Line>, wanted: Vec<Key>, args: &AuthorizedKeyArgs) -> bool {
    let mut changed = false;
    let numbers: Vec<String> = wanted.iter().map(|key| key.number.clone()).collect();
    for key in wanted {
        let at = lines
            .iter()
            .position(|line| matches!(line, Line::Key(known) if known.number == key.number));
        let same = at.and_then(|at| lines.get(at)) == Some(&Line::Key(key.clone()));
        match (args.state, at) {
            (State::Present, Some(_)) if same => {}
            (State::Present, at) => {
                if let Some(at) = at {
                    lines.remove(at);
                }
                lines.push(Line::Key(key));
                changed = true;
            }
            (State::Absent, Some(at)) => {
                lines.remove(at);
                changed = true;
            }
            (State::Absent, None) => {}
        }
    }
    if args.state == State::Present && args.exclusive {
        let before = lines.len();
        lines.retain(|line| matches!(line, Line::Key(key) if numbers.contains(&key.number)));
        changed |= lines.len() != before;
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, failure, run};

    const ONE: &str = "ssh-ed25519 AAAAone one@example";
    const TWO: &str = "ssh-ed25519 AAAAtwo two@example";
    const FILE: &str = "/home/anna/.ssh/authorized_keys";

    fn host() -> FakeHost {
        FakeHost::new()
            .user("anna", 1000)
            .group("anna", 1000, &[])
            .directory("/home/anna")
            .owner("/home/anna", 1000, 1000)
    }

    fn args(key: &str) -> Dict {
        Dict::new().with("user", "anna").with("key", key)
    }

    #[test]
    fn a_key_is_added_with_its_folder() {
        let host = host();
        assert_converges::<AuthorizedKey>(&args(ONE).into(), &host);
        assert_eq!(host.text(FILE), format!("{ONE}\n"));
        assert_eq!(
            (
                host.mode_of("/home/anna/.ssh"),
                host.owner_of("/home/anna/.ssh")
            ),
            (0o700, (1000, 1000))
        );
        assert_eq!(
            (host.mode_of(FILE), host.owner_of(FILE)),
            (0o600, (1000, 1000))
        );
    }

    #[test]
    fn other_lines_stay_unless_exclusive() {
        let host = host().file(FILE, format!("# mine\n{ONE}\n"));
        let outcome = assert_converges::<AuthorizedKey>(
            &args(TWO)
                .with("key_options", "no-pty,from=\"10.0.0.1,b\"")
                .into(),
            &host,
        );
        assert_eq!(
            host.text(FILE),
            format!("# mine\n{ONE}\nno-pty,from=\"10.0.0.1,b\" {TWO}\n")
        );
        assert_eq!(outcome.diff.len(), 1);
        assert_converges::<AuthorizedKey>(&args(ONE).with("comment", "renamed").into(), &host);
        assert!(host.text(FILE).ends_with("ssh-ed25519 AAAAone renamed\n"));
        assert_converges::<AuthorizedKey>(&args(TWO).with("exclusive", true).into(), &host);
        assert_eq!(host.text(FILE), format!("{TWO}\n"));
        assert_converges::<AuthorizedKey>(&args(TWO).with("state", "absent").into(), &host);
        assert_unchanged::<AuthorizedKey>(&args(ONE).with("state", "absent").into(), &host);
    }

    #[test]
    fn mistakes_are_told() {
        assert_eq!(
            failure::<AuthorizedKey>(&args("what is this").into(), &host()),
            "invalid key specified: what is this"
        );
        let nobody = Dict::new().with("user", "none").with("key", ONE);
        assert!(
            failure::<AuthorizedKey>(&nobody.into(), &host()).contains("name not found: 'none'")
        );
        assert!(
            failure::<AuthorizedKey>(&args("https://x/y").into(), &host())
                .contains("not fetched yet")
        );
        assert!(
            failure::<AuthorizedKey>(&args("file:///none").into(), &host())
                .contains("not found: /none")
        );
    }

    #[test]
    fn t11_links_out_of_the_home_are_refused() {
        for (host, path) in [
            (
                host()
                    .directory("/home/anna/.ssh")
                    .file("/etc/shadow", "root:x")
                    .link(FILE, "/etc/shadow")
                    .owner(FILE, 1000, 1000),
                "/etc/shadow",
            ),
            (
                host()
                    .directory("/root/.ssh")
                    .link("/home/anna/.ssh", "/root/.ssh")
                    .owner("/home/anna/.ssh", 1000, 1000),
                "/root/.ssh/authorized_keys",
            ),
        ] {
            let before = host.exists(path).then(|| host.text(path));
            for follow in [false, true] {
                let outcome = run::<AuthorizedKey>(&args(ONE).with("follow", follow).into(), &host);
                assert!(outcome.failed, "{outcome:?}");
            }
            assert_eq!(host.exists(path).then(|| host.text(path)), before);
            assert!(host.operations().is_empty());
        }
    }
}
