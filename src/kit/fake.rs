//! A host in memory for the tests of modules: files with owners and times, accounts, scripted commands, a clock that stands still.
//!
//! Build it (`FakeHost::new().file("/etc/x", "text").user("app", 1000)`), run a module on it ([`run`], [`check`],
//! [`assert_converges`]), look at it (`host.text("/etc/x")`, `host.ran()`, `host.operations()`). While a module plans, any change is
//! a failed test. A command that no script answers is one too, and says what to add.
#![expect(
    clippy::return_self_not_must_use,
    clippy::new_without_default,
    reason = "a builder for tests"
)]

mod builder;
mod files;
mod harness;
mod inodes;
mod tree;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Command, Group, HostError, Identity, Output, Supplied, User};
use crate::value::Value;
use tree::Tree;

pub use harness::{FakeStep, assert_converges, assert_unchanged, check, failure, needs, plan, run};

/// Answers a command; it may change the host as the real program would.
type Script = Rc<dyn Fn(&Command, &FakeHost) -> Output>;

/// What a scripted command answers: one after the other, the last one for good.
struct Scripted {
    prefix: Vec<String>,
    answers: Vec<Script>,
    used: usize,
}

/// What changes while a test runs.
struct State {
    tree: Tree,
    users: Vec<User>,
    groups: Vec<Group>,
    scripts: Vec<Scripted>,
    ran: Vec<Command>,
    operations: Vec<String>,
    opened: Vec<u64>,
    signals: Vec<u32>,
    clock: (i64, u32),
    counter: u64,
    frozen: bool,
}

/// A host in memory.
pub struct FakeHost {
    state: RefCell<State>,
    identity: Identity,
    umask: u32,
    environment: BTreeMap<String, String>,
    settings: BTreeMap<String, Value>,
    supplied: Vec<Supplied>,
    contents: BTreeMap<u64, Vec<u8>>,
    listening: BTreeMap<(String, u16), Vec<u8>>,
    programs: BTreeSet<String>,
    failures: BTreeMap<(String, String), i32>,
    utc_offset: i32,
}

/// Returns the end of a command that wrote this to standard output.
pub fn printed(stdout: &str) -> Output {
    Output {
        status: 0,
        stdout: stdout.into(),
        stderr: Vec::new(),
    }
}

/// Returns the end of a command that failed.
pub fn exited(status: i32, stdout: &str, stderr: &str) -> Output {
    Output {
        status,
        stdout: stdout.into(),
        stderr: stderr.into(),
    }
}

fn cause(errno: i32) -> &'static str {
    match errno {
        1 => "Operation not permitted",
        2 => "No such file or directory",
        13 => "Permission denied",
        17 => "File exists",
        20 => "Not a directory",
        21 => "Is a directory",
        22 => "Invalid argument",
        26 => "Text file busy",
        28 => "No space left on device",
        30 => "Read-only file system",
        39 => "Directory not empty",
        40 => "Too many levels of symbolic links",
        _ => "Input/output error",
    }
}

fn refused(operation: &'static str, path: &str, errno: i32) -> HostError {
    HostError::System {
        operation,
        path: path.to_owned(),
        cause: cause(errno).to_owned(),
        errno,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::kit::{Attributes, Content, FileType, Host, SuppliedSum, Write};

    #[test]
    fn links_are_followed_where_asked() {
        let host = FakeHost::new()
            .file("/srv/data/x", "1")
            .link("/data", "srv/data")
            .link("/l", "data/x")
            .link("/broken", "no");
        assert_eq!(host.read("/l").unwrap(), b"1");
        assert_eq!(
            host.status("/l", false).unwrap().unwrap().kind,
            FileType::Link
        );
        assert_eq!(
            host.status("/l", true).unwrap().unwrap().kind,
            FileType::File
        );
        assert_eq!(host.status("/broken", true).unwrap(), None);
        assert_eq!(
            host.real_path("/data/new/file").unwrap(),
            "/srv/data/new/file"
        );
        assert_eq!(host.real_path("/data/../x").unwrap(), "/srv/x");
        assert_eq!(host.list("/data").unwrap().len(), 1);
        assert!(host.read("/data/x/y").unwrap_err().is_missing());
    }

    #[test]
    fn staged_files_are_private_and_keep_what_was_there() {
        let host = FakeHost::new()
            .user("app", 1000)
            .file("/etc/x", "old")
            .mode("/etc/x", 0o640)
            .owner("/etc/x", 0, 1000);
        let staged = host.stage("/etc/x", Content::Bytes(b"new")).unwrap();
        assert_eq!(
            (host.mode_of(&staged.path), host.text("/etc/x").as_str()),
            (0o600, "old")
        );
        host.commit(staged, "/etc/x", Write::default()).unwrap();
        assert_eq!(
            (
                host.text("/etc/x").as_str(),
                host.mode_of("/etc/x"),
                host.owner_of("/etc/x")
            ),
            ("new", 0o640, (0, 1000))
        );
        let staged = host.stage("/etc/y", Content::File("/etc/x")).unwrap();
        let attributes = Attributes {
            uid: Some(1000),
            ..Attributes::default()
        };
        host.commit(
            staged,
            "/etc/y",
            Write {
                attributes,
                unsafe_writes: false,
            },
        )
        .unwrap();
        assert_eq!(
            (host.mode_of("/etc/y"), host.owner_of("/etc/y")),
            (0o644, (1000, 0))
        );
        assert_eq!(
            host.operations(),
            [
                "stage /etc/x 0600",
                "commit /etc/x 0640",
                "stage /etc/y 0600",
                "commit /etc/y 0644"
            ]
        );
    }

    #[test]
    fn other_accounts_are_held_back() {
        let host = FakeHost::new()
            .user("app", 1000)
            .file("/etc/x", "")
            .mode("/etc/x", 0o600)
            .acting_as("app");
        assert!(host.read("/etc/x").is_err());
        assert!(host.stage("/etc/x", Content::Bytes(b"")).is_err());
        assert!(host.set_mode("/etc/x", 0o777, true).is_err());
        assert_eq!(host.access("/etc/x"), (false, false, false));
    }

    #[test]
    fn commands_are_answered_by_the_longest_script_in_turn() {
        let host = FakeHost::new()
            .command(&["systemctl"], printed("any"))
            .command(&["systemctl", "is-active"], exited(3, "inactive", ""))
            .command(&["systemctl", "is-active"], printed("active"))
            .script(&["useradd"], |command, host| {
                host.write("/etc/passwd", &command.argv[1]);
                Output::default()
            });
        let ask = |words: &[&str]| host.run(&Command::new(words.iter().copied())).unwrap();
        assert_eq!(ask(&["systemctl", "is-active", "x"]).status, 3);
        assert_eq!(ask(&["systemctl", "is-active", "x"]).stdout, b"active");
        assert_eq!(ask(&["systemctl", "is-active", "x"]).stdout, b"active");
        assert_eq!(ask(&["systemctl", "show"]).stdout, b"any");
        ask(&["useradd", "app"]);
        assert_eq!(host.text("/etc/passwd"), "app");
        assert_eq!(host.ran().len(), 5);
        assert_eq!(
            host.find_program("useradd").as_deref(),
            Some("/usr/bin/useradd")
        );
        assert!(matches!(
            host.run(&Command::new(["nothing"])),
            Err(HostError::NoProgram { .. })
        ));
    }

    #[test]
    fn supplied_content_is_counted_when_opened() {
        let host = FakeHost::new()
            .supply("files/x", 0o644, "abc")
            .supply_tree("files/d", &[("a", 0o600, Some("1"))]);
        assert_eq!(
            host.supplied()[0].sha1,
            SuppliedSum::Known("a9993e364706816aba3e25717850c26c9cd0d89d".to_owned())
        );
        let mut text = String::new();
        host.open_supplied(1)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!((text.as_str(), host.opened()), ("abc", vec![1]));
    }
}
