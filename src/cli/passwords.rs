//! Passwords that the command line asks for: to log in, to become another user, to open vaults.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::options::{BecomeOptions, ConnectionOptions, VaultOptions};
use crate::config::{Environment, Settings};
use crate::diag::Diagnostic;
use crate::engine::ask;
use crate::secrets::{Ask, Secret, VaultSecrets, VaultSource, load_sources};
use crate::value::Value;

struct Terminal;

impl Ask for Terminal {
    fn ask(&mut self, prompt: &str) -> Result<Secret, String> {
        Ok(Secret::from(ask::line(prompt, false)))
    }
}

/// Gets the vault passwords.
pub(super) fn vault(
    options: &VaultOptions,
    settings: &Settings,
    environment: &Environment,
) -> Result<(VaultSecrets, Vec<Diagnostic>), Diagnostic> {
    let home = environment.home.as_deref();
    let identity = &settings.vault_identity;
    let ids = settings.vault_identity_list.iter().chain(&options.vault_id);
    let mut sources: Vec<VaultSource> = ids.map(|id| VaultSource::parse(id, home)).collect();
    for file in settings
        .vault_password_file
        .iter()
        .chain(&options.vault_password_file)
    {
        sources.push(VaultSource::parse(
            &format!("{identity}@{}", file.display()),
            home,
        ));
    }
    if options.ask_vault_password || settings.ask_vault_password {
        sources.push(VaultSource::AskPass {
            id: identity.clone(),
        });
    }
    load_sources(&sources, settings.vault_id_match, &mut Terminal)
}

/// The passwords of a run.
#[derive(Default)]
pub(super) struct Passwords {
    /// To log in.
    pub(super) connection: Option<Value>,
    /// To become another user.
    pub(super) r#become: Option<Value>,
}

/// Asks for the passwords that were asked to be asked for, or reads their files.
pub(super) fn run(
    connection: &ConnectionOptions,
    r#become: &BecomeOptions,
    settings: &Settings,
) -> Result<Passwords, Diagnostic> {
    let mut passwords = Passwords::default();
    let secret = |text: String| Some(Value::text(text).secret());
    let connection_file = connection
        .connection_password_file
        .as_ref()
        .or(settings.connection_password_file.as_ref());
    let asked = connection.ask_pass || (settings.ask_password && connection_file.is_none());
    if asked {
        passwords.connection = secret(ask::line("SSH password: ", false));
    } else if let Some(file) = connection_file {
        passwords.connection = secret(from_file(file)?);
    }
    let become_file = r#become
        .become_password_file
        .as_ref()
        .or(settings.become_password_file.as_ref());
    if r#become.ask_become_pass || (settings.ask_become_password && become_file.is_none()) {
        let prompt = if asked {
            "BECOME password[defaults to SSH password]: "
        } else {
            "BECOME password: "
        };
        let answer = ask::line(prompt, false);
        passwords.r#become = if answer.is_empty() && asked {
            passwords.connection.clone()
        } else {
            secret(answer)
        };
    } else if let Some(file) = become_file {
        passwords.r#become = secret(from_file(file)?);
    }
    Ok(passwords)
}

/// The content of a file (`-` is standard input), or what an executable one prints, without blanks around it.
fn from_file(path: &Path) -> Result<String, Diagnostic> {
    let shown = path.display();
    let fail = |why: String| {
        Diagnostic::error(
            "password-file",
            format!("the password file `{shown}` {why}"),
        )
    };
    let content = if path == Path::new("-") {
        let mut content = Vec::new();
        std::io::stdin()
            .read_to_end(&mut content)
            .map_err(|error| fail(format!("cannot be read: {error}")))?;
        content
    } else {
        let metadata =
            std::fs::metadata(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
        if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
            let program = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let output = Command::new(program)
                .output()
                .map_err(|error| fail(format!("cannot be run: {error}")))?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                return Err(fail(format!(
                    "is a program that failed ({}): {said}",
                    output.status
                )));
            }
            output.stdout
        } else {
            std::fs::read(path).map_err(|error| fail(format!("cannot be read: {error}")))?
        }
    };
    let text = String::from_utf8(content).map_err(|_| fail("is not text".to_owned()))?;
    let text = text.trim().to_owned();
    if text.is_empty() {
        Err(fail("is empty".to_owned()))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::testing::write_program;

    #[test]
    fn files_and_programs_give_passwords() {
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("plain");
        std::fs::write(&plain, " secret \n").unwrap();
        assert_eq!(from_file(&plain).unwrap(), "secret");
        std::fs::write(&plain, "\n").unwrap();
        assert!(
            from_file(&plain)
                .unwrap_err()
                .headline
                .ends_with("is empty")
        );
        let program = directory.path().join("program");
        write_program(&program, "echo two");
        assert_eq!(from_file(&program).unwrap(), "two");
        assert!(
            from_file(Path::new("/nonexistent"))
                .unwrap_err()
                .headline
                .contains("cannot be read")
        );
    }
}
