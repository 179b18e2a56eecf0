//! Where vault passwords come from: files, scripts, prompts.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Secret;
use super::ansible_vault::{DEFAULT_ID, VaultSecrets, is_vault};
use crate::diag::Diagnostic;

/// Asks whoever sits at the terminal.
pub trait Ask {
    /// Returns what was typed after `prompt`, without echo, or why nobody could be asked.
    fn ask(&mut self, prompt: &str) -> Result<Secret, String>;
}

/// One place to get a password from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultSource {
    /// Ask for it, naming the id.
    Prompt {
        /// The id.
        id: String,
    },
    /// Ask for it as `--ask-vault-pass` does.
    AskPass {
        /// The id.
        id: String,
    },
    /// A file that holds it, or an executable one that prints it.
    File {
        /// The id, if one was given.
        id: Option<String>,
        /// Where.
        path: PathBuf,
    },
}

impl VaultSource {
    /// Reads the argument of `--vault-id` (`label@source` or `source`); `home` stands for `~`.
    pub fn parse(text: &str, home: Option<&Path>) -> Self {
        let (id, source) = match text.split_once('@') {
            Some((id, source)) => (
                Some(id).filter(|id| !id.is_empty()).map(str::to_owned),
                source,
            ),
            None => (None, text),
        };
        let or_default = |id: Option<String>| id.unwrap_or_else(|| DEFAULT_ID.to_owned());
        match source {
            "prompt" => Self::Prompt { id: or_default(id) },
            "prompt_ask_vault_pass" => Self::AskPass { id: or_default(id) },
            _ => {
                let path = match (source.strip_prefix("~/"), home) {
                    (Some(rest), Some(home)) => home.join(rest),
                    _ => PathBuf::from(source),
                };
                Self::File { id, path }
            }
        }
    }
}

/// Gets the passwords in order. One that cannot be had is a warning as long as another one can; without any it is the error.
/// A password file may itself be a vault that an earlier password opens.
pub fn load_sources(
    sources: &[VaultSource],
    match_id: bool,
    ask: &mut dyn Ask,
) -> Result<(VaultSecrets, Vec<Diagnostic>), Diagnostic> {
    let mut secrets = VaultSecrets::default();
    secrets.set_match_id(match_id);
    let mut failures = Vec::new();
    for source in sources {
        let (id, got) = match source {
            VaultSource::Prompt { id } => (
                id.clone(),
                prompted(ask, &format!("Vault password ({id}): ")),
            ),
            VaultSource::AskPass { id } => (id.clone(), prompted(ask, "Vault password: ")),
            VaultSource::File { id, path } => (
                id.clone().unwrap_or_else(|| DEFAULT_ID.to_owned()),
                from_path(path, id.as_deref(), &secrets),
            ),
        };
        match got {
            Ok(secret) => secrets.add(id, secret),
            // Nobody answered: there is no point in going on.
            Err(why) if !matches!(source, VaultSource::File { .. }) => {
                return Err(failure(&id, &why));
            }
            Err(why) => failures.push(failure(&id, &why)),
        }
    }
    if secrets.is_empty()
        && let Some(last) = failures.pop()
    {
        return Err(last);
    }
    let warnings = failures
        .into_iter()
        .map(|failure| Diagnostic {
            severity: crate::diag::Severity::Warning,
            ..failure
        })
        .collect();
    Ok((secrets, warnings))
}

fn failure(id: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "vault-password",
        format!("no vault password for the id `{id}`: {why}"),
    )
}

fn prompted(ask: &mut dyn Ask, prompt: &str) -> Result<Secret, String> {
    let typed = ask.ask(prompt)?;
    not_empty(
        Secret::new(typed.expose().trim_ascii().to_vec()),
        "the password is empty",
    )
}

fn not_empty(secret: Secret, otherwise: &str) -> Result<Secret, String> {
    if secret.is_empty() {
        Err(otherwise.to_owned())
    } else {
        Ok(secret)
    }
}

fn from_path(path: &Path, id: Option<&str>, known: &VaultSecrets) -> Result<Secret, String> {
    let shown = path.display();
    let metadata = std::fs::metadata(path)
        .map_err(|error| format!("the password file `{shown}` cannot be read: {error}"))?;
    if metadata.is_dir() {
        return Err(format!("the password file `{shown}` is a directory"));
    }
    if metadata.permissions().mode() & 0o111 != 0 {
        return from_script(path, id);
    }
    let content = std::fs::read(path)
        .map_err(|error| format!("the password file `{shown}` cannot be read: {error}"))?;
    let content = Secret::new(content);
    let content = content.expose().trim_ascii();
    let secret = if is_vault(content) {
        let plain = known
            .decrypt(content)
            .map_err(|error| format!("the password file `{shown}` is a vault: {error}"))?;
        Secret::new(trim_line_ends(&plain).to_vec())
    } else {
        Secret::new(content.to_vec())
    };
    not_empty(secret, &format!("the password file `{shown}` is empty"))
}

/// A script whose name ends in `-client` is told the id and may answer 2 for "not mine".
fn from_script(path: &Path, id: Option<&str>) -> Result<Secret, String> {
    let shown = path.display();
    let client = path
        .file_stem()
        .and_then(OsStr::to_str)
        .is_some_and(|stem| stem.ends_with("-client"));
    // A name without a slash must not be looked for in PATH.
    let program = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut command = Command::new(program);
    if let (true, Some(id)) = (client, id) {
        command.args(["--vault-id", id]);
    }
    // What it says on standard error is for the user: it may ask for something.
    let output = command.stdin(Stdio::inherit()).stderr(Stdio::inherit()).output().map_err(|error| {
        format!("the password script `{shown}` cannot be run: {error}; if it is no script, take its executable bit away")
    })?;
    if client && output.status.code() == Some(2) {
        return Err(format!("the password script `{shown}` has none for it"));
    }
    if !output.status.success() {
        return Err(format!(
            "the password script `{shown}` failed ({})",
            output.status
        ));
    }
    let printed = Secret::new(output.stdout);
    not_empty(
        Secret::new(trim_line_ends(printed.expose()).to_vec()),
        &format!("the password script `{shown}` printed nothing"),
    )
}

fn trim_line_ends(bytes: &[u8]) -> &[u8] {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = bytes
        .iter()
        .position(|byte| !is_end(byte))
        .unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|byte| !is_end(byte))
        .map_or(start, |at| at + 1);
    bytes.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::testing::write_program;
    use super::*;

    struct Typed(&'static str);

    impl Ask for Typed {
        fn ask(&mut self, prompt: &str) -> Result<Secret, String> {
            assert!(prompt.starts_with("Vault password"));
            Ok(Secret::from(self.0))
        }
    }

    #[test]
    fn labels_and_sources_are_told_apart() {
        let file = |id: Option<&str>, path: &str| VaultSource::File {
            id: id.map(str::to_owned),
            path: path.into(),
        };
        assert_eq!(
            VaultSource::parse("dev@pw.txt", None),
            file(Some("dev"), "pw.txt")
        );
        assert_eq!(VaultSource::parse("pw.txt", None), file(None, "pw.txt"));
        assert_eq!(
            VaultSource::parse("@~/pw", Some(Path::new("/home/a"))),
            file(None, "/home/a/pw")
        );
        assert_eq!(
            VaultSource::parse("dev@prompt", None),
            VaultSource::Prompt {
                id: "dev".to_owned()
            }
        );
    }

    #[test]
    fn files_scripts_and_prompts_give_passwords() {
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("plain");
        std::fs::write(&plain, " one \n").unwrap();
        let shell = directory.path().join("shell");
        write_program(&shell, "echo ' two '");
        let client = directory.path().join("my-client.sh");
        write_program(&client, "[ $2 = dev ] || exit 2\necho three-$2");
        let sources = [
            VaultSource::File {
                id: None,
                path: plain,
            },
            VaultSource::File {
                id: Some("s".to_owned()),
                path: shell,
            },
            VaultSource::File {
                id: Some("dev".to_owned()),
                path: client.clone(),
            },
            VaultSource::File {
                id: Some("other".to_owned()),
                path: client,
            },
            VaultSource::Prompt { id: "p".to_owned() },
        ];
        let (secrets, warnings) = load_sources(&sources, false, &mut Typed(" four\n")).unwrap();
        let got: Vec<_> = secrets
            .iter()
            .map(|(id, secret)| format!("{id}={}", secret.expose_text().unwrap()))
            .collect();
        assert_eq!(got, ["default=one", "s= two ", "dev=three-dev", "p=four"]);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].headline.contains("`other`"));
    }

    #[test]
    fn without_any_password_the_last_failure_is_the_error() {
        let sources = [VaultSource::File {
            id: None,
            path: "/nonexistent/pw".into(),
        }];
        let error = load_sources(&sources, false, &mut Typed("")).unwrap_err();
        assert!(error.is_error() && error.headline.contains("/nonexistent/pw"));
        let error = load_sources(
            &[VaultSource::parse("prompt", None)],
            false,
            &mut Typed(" "),
        )
        .unwrap_err();
        assert!(error.headline.contains("empty"));
    }
}
