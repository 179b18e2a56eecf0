//! Putting a whole new content in the place of a file: validated, backed up, private until it is complete.

use super::backup;
use super::checksum::{Algorithm, Summing};
use crate::kit::{
    Attributes, Command, Content, Failure, FileAttributes, Host, Placement, Staged, Write,
};
use crate::modules::commands::words;
use crate::modules::paths;

/// A content on its way to its place.
pub(super) struct Writing<'a> {
    /// Where it goes; a link of that name is replaced.
    pub(super) destination: &'a str,
    /// The file that `backup` copies before.
    pub(super) backup: Option<&'a str>,
    /// The command that must accept the content, with `%s` for its file.
    pub(super) validate: Option<&'a str>,
    /// Mode and owner that it gets.
    pub(super) attributes: Attributes,
    /// What the task says; without it the host's environment does.
    pub(super) unsafe_writes: Option<bool>,
}

/// Why `validate` refused, for the module to phrase.
pub(super) enum Refusal {
    /// The command ended with a status other than 0.
    Invalid {
        status: i32,
        stdout: String,
        stderr: String,
    },
    /// Anything else.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Writing<'_> {
    /// Writes it. Returns the path of the backup.
    pub(super) fn write(
        &self,
        content: Content<'_>,
        host: &dyn Host,
    ) -> Result<Option<String>, Refusal> {
        self.write_checked(content, None, host)
    }

    /// Makes it ready to be committed with others, if the content that has come has that SHA-1. Only what needs neither backup
    /// nor validation, and can be renamed into its place, can wait for others.
    pub(super) fn stage(
        &self,
        content: Content<'_>,
        sha1: &str,
        host: &dyn Host,
    ) -> Result<Placement, Failure> {
        Ok(Placement {
            staged: stage_checked(self.destination, content, Some(sha1), host)?,
            destination: self.destination.to_owned(),
            write: Write {
                attributes: self.attributes,
                unsafe_writes: false,
            },
        })
    }

    /// Writes it if the content that has come has that SHA-1.
    pub(super) fn write_checked(
        &self,
        content: Content<'_>,
        sha1: Option<&str>,
        host: &dyn Host,
    ) -> Result<Option<String>, Refusal> {
        let Some(command) = self.validate else {
            return self.place(content, sha1, host);
        };
        // A private copy with a name of the same ending: validators look at it, and at mode and owner.
        let folder = host.temporary_directory(None, "kplay-", "")?;
        let placed = self.validated(command, &folder, content, sha1, host);
        let removed = host.remove_tree(&folder);
        let backup = placed?;
        removed?;
        Ok(backup)
    }

    fn validated(
        &self,
        command: &str,
        folder: &str,
        content: Content<'_>,
        sha1: Option<&str>,
        host: &dyn Host,
    ) -> Result<Option<String>, Refusal> {
        let copy = format!("{folder}/source{}", suffix(self.destination));
        let staged = host.stage(&copy, content)?;
        let attributes = Attributes {
            mode: self.attributes.mode.or(Some(0o600)),
            ..self.attributes
        };
        host.commit(
            staged,
            &copy,
            Write {
                attributes,
                unsafe_writes: false,
            },
        )?;
        let argv = words::validation(command, &copy, host).map_err(Failure::new)?;
        let output = host.run(&Command::new(argv))?;
        if !output.success() {
            let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
            return Err(Refusal::Invalid {
                status: output.status,
                stdout,
                stderr,
            });
        }
        self.place(Content::File(&copy), sha1, host)
    }

    fn place(
        &self,
        content: Content<'_>,
        sha1: Option<&str>,
        host: &dyn Host,
    ) -> Result<Option<String>, Refusal> {
        let unsafe_writes = unsafe_writes(self.unsafe_writes, host);
        // Where nothing can be made beside the destination, it is made elsewhere and written into the file that is there.
        let above = paths::folder(self.destination);
        let elsewhere = (unsafe_writes && !host.access(above).1)
            .then(|| host.temporary_directory(None, "kplay-", ""))
            .transpose()?;
        let beside = elsewhere.as_ref().map_or_else(
            || self.destination.to_owned(),
            |folder| format!("{folder}/source"),
        );
        let placed = self.stage_and_commit(&beside, content, sha1, unsafe_writes, host);
        let removed = elsewhere.map_or(Ok(()), |folder| host.remove_tree(&folder));
        let backup = placed?;
        removed?;
        Ok(backup)
    }

    fn stage_and_commit(
        &self,
        beside: &str,
        content: Content<'_>,
        sha1: Option<&str>,
        unsafe_writes: bool,
        host: &dyn Host,
    ) -> Result<Option<String>, Refusal> {
        let staged = stage_checked(beside, content, sha1, host)?;
        let backup = match self.backup.map(|path| backup::make(path, host)).transpose() {
            Ok(backup) => backup.flatten(),
            Err(failure) => {
                host.discard(staged);
                return Err(failure.into());
            }
        };
        let write = Write {
            attributes: self.attributes,
            unsafe_writes,
        };
        host.commit(staged, self.destination, write)?;
        Ok(backup)
    }
}

/// Stages a content, if it has that SHA-1.
fn stage_checked(
    beside: &str,
    content: Content<'_>,
    sha1: Option<&str>,
    host: &dyn Host,
) -> Result<Staged, Failure> {
    let Some(expected) = sha1 else {
        return Ok(host.stage(beside, content)?);
    };
    let (staged, found) = match content {
        Content::Bytes(bytes) => (
            host.stage(beside, content)?,
            Ok(Algorithm::Sha1.of_bytes(bytes)),
        ),
        Content::Stream(stream) => {
            let mut summing = Summing::new(Algorithm::Sha1, stream);
            let staged = host.stage(beside, Content::Stream(&mut summing))?;
            (staged, Ok(summing.sum()))
        }
        Content::File(_) => {
            let staged = host.stage(beside, content)?;
            let found = Algorithm::Sha1.of_file(&staged.path, host);
            (staged, found)
        }
    };
    if found.as_ref().is_ok_and(|found| found == expected) {
        return Ok(staged);
    }
    host.discard(staged);
    let message = "Copied file does not match the expected checksum. Transfer failed.";
    let failure = Failure::new(message).with("expected_checksum", expected);
    Err(failure.with("checksum", found?))
}

/// Tells whether a file may be written into where it cannot be replaced: the task's word, or `ANSIBLE_UNSAFE_WRITES`.
pub(in crate::modules) fn unsafe_writes(given: Option<bool>, host: &dyn Host) -> bool {
    let from_environment = || {
        host.environment("ANSIBLE_UNSAFE_WRITES")
            .is_some_and(|text| {
                ["y", "yes", "on", "1", "true", "t", "1.0"]
                    .contains(&text.to_ascii_lowercase().as_str())
            })
    };
    given.unwrap_or_else(from_environment)
}

/// The ending of a name with its dot, if it has one.
fn suffix(path: &str) -> &str {
    let name = paths::base_name(path);
    match name.rfind('.') {
        Some(at) if at > 0 => name.get(at..).unwrap_or_default(),
        _ => "",
    }
}

/// Sets what of the attributes a rename does not carry: flags and the `SELinux` context.
pub(in crate::modules) fn finish_attributes(
    path: &str,
    attributes: &FileAttributes<'_>,
    host: &dyn Host,
) -> Result<(), Failure> {
    attributes
        .compare(path, host)?
        .apply(host)
        .map_err(Failure::after_change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{exited, printed};

    fn writing(validate: Option<&str>) -> Writing<'_> {
        let attributes = Attributes {
            mode: Some(0o440),
            ..Attributes::default()
        };
        let destination = "/etc/x.conf";
        Writing {
            destination,
            backup: None,
            validate,
            attributes,
            unsafe_writes: None,
        }
    }

    #[test]
    fn t08_content_is_private_until_it_has_its_mode() {
        let host = FakeHost::new();
        assert!(writing(None).write(Content::Bytes(b"a"), &host).is_ok());
        assert_eq!(
            host.operations(),
            ["stage /etc/x.conf 0600", "commit /etc/x.conf 0440"]
        );
    }

    #[test]
    fn what_is_not_valid_is_not_written_and_leaves_nothing() {
        let host = FakeHost::new()
            .file("/etc/x.conf", "old")
            .command(&["check"], exited(2, "out", "no"));
        let refusal = writing(Some("check -f %s")).write(Content::Bytes(b"new"), &host);
        let Err(Refusal::Invalid {
            status: 2, stderr, ..
        }) = refusal
        else {
            panic!()
        };
        assert_eq!(
            (stderr.as_str(), host.text("/etc/x.conf").as_str()),
            ("no", "old")
        );
        assert_eq!(host.ran()[0][2].rsplit('.').next(), Some("conf"));
        assert!(
            host.names()
                .iter()
                .all(|name| !name.contains("source") && !name.contains("kplay-"))
        );
    }

    #[test]
    fn what_is_valid_is_written() {
        let host = FakeHost::new().command(&["check"], printed(""));
        assert!(
            writing(Some("check %s"))
                .write(Content::Bytes(b"new"), &host)
                .is_ok()
        );
        assert_eq!(
            (
                host.text("/etc/x.conf").as_str(),
                host.mode_of("/etc/x.conf")
            ),
            ("new", 0o440)
        );
    }

    #[test]
    fn a_failing_write_keeps_the_old_file() {
        let host = FakeHost::new()
            .file("/etc/x.conf", "old")
            .failing("stage", "/etc/x.conf", 28);
        let Err(Refusal::Failed(failure)) = writing(None).write(Content::Bytes(b"a"), &host) else {
            panic!()
        };
        assert!(failure.message.contains("No space left on device"));
        assert_eq!(host.text("/etc/x.conf"), "old");
    }
}
