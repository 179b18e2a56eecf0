//! Runs kplay as a user would, in a directory of its own and with an environment that holds nothing of the machine's.
//!
//! ```text
//! TestEnvironment::new()
//!     .write("site.yml", "- hosts: localhost\n ...")
//!     .run(["site.yml", "--check"])
//!     .success()
//!     .text()
//! ```
//!
//! What the program prints is compared after filtering: the directory becomes `$DIR`, the version `$VERSION`, durations, times
//! of day and dates are replaced, so that a snapshot holds on every machine and on every day. The screen is 100 columns wide.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fancy_regex::Regex;
use tempfile::TempDir;

/// A directory, an environment and an input for programs under test.
pub(crate) struct TestEnvironment {
    directory: TempDir,
    variables: BTreeMap<String, String>,
    input: String,
}

impl TestEnvironment {
    /// Makes an empty directory (`work`, where programs run) with a home beside it.
    pub(crate) fn new() -> Self {
        // Below `target` rather than in /tmp, which is mounted noexec on some machines: the worker's cache is in the home.
        let directory = tempfile::Builder::new()
            .prefix("it-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .unwrap();
        for name in ["work", "home", "tmp"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let below = |name: &str| directory.path().join(name).display().to_string();
        let variables = [
            ("COLUMNS", "100".to_owned()),
            ("HOME", below("home")),
            ("LANG", "C.UTF-8".to_owned()),
            (
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            ),
            ("TMPDIR", below("tmp")),
            ("TZ", "UTC".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        Self {
            directory,
            variables: variables.into(),
            input: String::new(),
        }
    }

    /// Returns the path of a file in the directory where programs run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("work").join(name)
    }

    /// Returns the home directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Writes a program: `script` under `#!/bin/sh`.
    ///
    /// Another process writes it: were the file open for writing here, a program that another test starts at that moment would
    /// hold it open until its own `exec`, and a file that somebody writes cannot be run (ETXTBSY).
    pub(crate) fn program(self, name: &str, script: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let status = Command::new("sh")
            .args([
                "-c",
                r#"printf '#!/bin/sh\n%s\n' "$1" >"$0" && chmod 755 "$0""#,
            ])
            .arg(&path)
            .arg(script)
            .status()
            .unwrap();
        assert!(status.success());
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a variable of an environment that was used already.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.insert(name.to_owned(), value.into());
    }

    /// Sets what programs read from standard input, which is no terminal; without it they read nothing.
    pub(crate) fn input(mut self, text: &str) -> Self {
        text.clone_into(&mut self.input);
        self
    }

    /// Runs kplay with these arguments.
    pub(crate) fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Finished {
        self.run_program(Path::new(env!("CARGO_BIN_EXE_kplay")), arguments)
    }

    /// Runs another program in the same way.
    pub(crate) fn run_program(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Finished {
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(self.path(""))
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = self.input.clone();
        // From a thread of its own, because a program may print much before it reads; one that never reads is fine.
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()).is_ok());
        let output = child.wait_with_output().unwrap();
        let _ = writer.join();
        let text = |bytes: &[u8]| self.filter(&String::from_utf8_lossy(bytes));
        Finished {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Replaces what differs between machines and runs.
    fn filter(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let real = fs::canonicalize(self.directory.path()).unwrap();
        for directory in [real.as_path(), self.directory.path()] {
            let directory = directory.display().to_string();
            text = text.replace(&format!("{directory}/work"), "$DIR");
            text = text.replace(&format!("{directory}/home"), "$HOME");
            text = text.replace(&format!("{directory}/tmp"), "$TMPDIR");
        }
        text = text.replace(
            concat!("kplay ", env!("CARGO_PKG_VERSION")),
            "kplay $VERSION",
        );
        for (pattern, replacement) in [
            (
                r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?",
                "$$DATETIME",
            ),
            (r"\b\d{1,2}:\d\d:\d\d(\.\d+)?\b", "$$TIME"),
            (r"\b\d+(\.\d+)? ?(ms|µs|s)\b", "$$DURATION"),
        ] {
            text = Regex::new(pattern)
                .unwrap()
                .replace_all(&text, replacement)
                .into_owned();
        }
        text
    }
}

/// How a program ended and what it printed, filtered.
#[must_use = "say how the program had to end: `.success()` or `.code(2)`"]
pub(crate) struct Finished {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Finished {
    /// Asserts the exit code 0.
    #[track_caller]
    pub(crate) fn success(self) -> Output {
        self.code(0)
    }

    /// Takes the output, whatever the exit code; that ends what it said.
    pub(crate) fn any(self) -> Output {
        Output {
            stdout: self.stdout,
            stderr: format!("{}exit code {}\n", self.stderr, self.code.unwrap_or(-1)),
        }
    }

    /// Asserts that exit code.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Output {
        assert_eq!(
            self.code,
            Some(expected),
            "the exit code\n--- stdout\n{}--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        Output {
            stdout: self.stdout,
            stderr: self.stderr,
        }
    }
}

/// What a program printed that ended as it had to.
pub(crate) struct Output {
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Output {
    /// Returns both for one snapshot; what is empty is left out.
    pub(crate) fn text(&self) -> String {
        [("stdout", &self.stdout), ("stderr", &self.stderr)]
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| format!("--- {name}\n{text}"))
            .collect()
    }
}

#[test]
fn the_environment_holds_nothing_of_the_machine() {
    let environment = TestEnvironment::new().variable("EXTRA", "yes");
    let printed = environment
        .run_program(Path::new("/usr/bin/env"), [] as [&str; 0])
        .success();
    let mut lines: Vec<_> = printed.stdout.lines().collect();
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"), @r"
    COLUMNS=100
    EXTRA=yes
    HOME=$HOME
    LANG=C.UTF-8
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    TMPDIR=$TMPDIR
    TZ=UTC
    ");
    assert!(environment.home().is_dir());
}

#[test]
fn programs_run_in_their_directory_and_read_their_input() {
    let environment = TestEnvironment::new()
        .write("data/greeting", "hello\n")
        .program(
            "greet",
            "pwd; cat data/greeting -; echo at 12:30:01 after 3.2 s >&2; exit 3",
        )
        .input("there\n");
    let finished = environment.run_program(&environment.path("greet"), [] as [&str; 0]);
    insta::assert_snapshot!(finished.code(3).text(), @r"
    --- stdout
    $DIR
    hello
    there
    --- stderr
    at $TIME after $DURATION
    ");
}
