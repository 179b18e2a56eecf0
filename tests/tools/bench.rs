//! Where the programs are, and a directory in which they and kplay are run with nothing of the caller's environment.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The directory of the programs.
pub(crate) struct Tools(PathBuf);

impl Tools {
    /// Finds them, or builds them.
    pub(crate) fn find() -> Result<Self, String> {
        let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/get"))
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(text.lines().last().unwrap_or_default().to_owned());
        }
        Ok(Self(String::from_utf8_lossy(&output.stdout).trim().into()))
    }
}

/// A directory with a key, a home and whatever a test puts there.
pub(crate) struct Bench<'a> {
    tools: &'a Tools,
    directory: TempDir,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(tools: &'a Tools) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("tools-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .unwrap();
        let this = Self { tools, directory };
        fs::create_dir(this.path("home")).unwrap();
        this.run("age-keygen", &["-o", "key.txt"], "");
        this
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The public half of the key.
    pub(crate) fn recipient(&self) -> String {
        self.run("age-keygen", &["-y", "key.txt"], "")
            .trim()
            .to_owned()
    }

    /// Runs a program that must succeed and returns what it printed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str], input: &str) -> String {
        let output = self.ends(program, arguments, input);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {stdout}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        stdout
    }

    /// Runs a program to its end.
    pub(crate) fn ends(&self, program: &str, arguments: &[&str], input: &str) -> Output {
        let program = match program {
            "kplay" => PathBuf::from(env!("CARGO_BIN_EXE_kplay")),
            "sops" | "age" | "age-keygen" => self.tools.0.join(program),
            other => PathBuf::from(other),
        };
        let kplay = Path::new(env!("CARGO_BIN_EXE_kplay"));
        let own = kplay.parent().unwrap();
        let path = format!("{}:{}:/usr/bin:/bin", own.display(), self.tools.0.display());
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("home"))
            .env("SOPS_AGE_KEY_FILE", self.path("key.txt"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // In a thread, because a program may write before it has read everything. One that reads nothing may be gone.
        let mut stdin = child.stdin.take().unwrap();
        let input = input.as_bytes().to_vec();
        let writing = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writing.join().unwrap();
        output
    }

    /// Runs tasks on this machine; returns kplay's exit code and all that it said.
    pub(crate) fn play(&self, tasks: &str) -> (i32, String) {
        self.write("hosts", "here ansible_connection=local\n");
        let head = "- hosts: all\n  gather_facts: false\n  tasks:\n";
        self.write("site.yml", format!("{head}{tasks}"));
        let output = self.ends("kplay", &["site.yml", "-i", "hosts", "-vvv"], "");
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap_or(-1),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }

    /// Runs tasks that must succeed.
    #[track_caller]
    pub(crate) fn plays(&self, tasks: &str) -> String {
        let (code, text) = self.play(tasks);
        assert_eq!(code, 0, "{text}");
        text
    }

    /// Returns the files below the directory that hold a text.
    pub(crate) fn holding(&self, text: &str) -> Vec<PathBuf> {
        fn walk(directory: &Path, text: &[u8], found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(directory).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, text, found);
                } else if fs::read(&path)
                    .is_ok_and(|content| content.windows(text.len()).any(|part| part == text))
                {
                    found.push(path);
                }
            }
        }
        let mut found = Vec::new();
        walk(self.directory.path(), text.as_bytes(), &mut found);
        found
    }
}
