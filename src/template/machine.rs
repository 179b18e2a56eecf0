//! This machine as lookups and file tests ask for it, with and without a play: what the implementors of
//! [`super::LookupContext`] share. They know the directories that relative paths start from.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use super::context::{FileStatus, ShellOutput};
use super::error::TemplateError;

/// Returns an error that says what could not be done with a path.
pub fn refused(path: &Path, verb: &str, error: &std::io::Error) -> TemplateError {
    TemplateError::new(format!("cannot {verb} `{}`: {error}", path.display()))
}

/// Returns the names in a directory, sorted.
pub fn list(path: &Path) -> Result<Vec<String>, TemplateError> {
    let entries = fs::read_dir(path).map_err(|error| refused(path, "list", &error))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Returns what an absolute path is, following links, or nothing where there is none.
pub fn status(path: &Path) -> Option<FileStatus> {
    let link = fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink());
    let data = fs::metadata(path).ok()?;
    let parent = path.parent().and_then(|parent| fs::metadata(parent).ok());
    Some(FileStatus {
        directory: data.is_dir(),
        file: data.is_file(),
        link,
        mount: parent
            .is_some_and(|parent| parent.dev() != data.dev() || parent.ino() == data.ino()),
        mode: data.permissions().mode() & 0o7777,
        identity: (data.dev(), data.ino()),
        owner: data.uid(),
        modified: (data.mtime(), u32::try_from(data.mtime_nsec()).unwrap_or(0)),
    })
}

/// Runs a command with `/bin/sh -c` in a directory, without input.
pub fn shell(directory: &Path, command: &str) -> Result<ShellOutput, TemplateError> {
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| TemplateError::new(format!("cannot run `{command}`: {error}")))?;
    Ok(ShellOutput {
        status: output.status.code().unwrap_or(128),
        stdout: output.stdout,
        stderr: output.stderr,
    })
}

/// Writes a file at an absolute path, 0600, with its folders 0700, whole or not at all.
pub fn write(path: &Path, content: &[u8]) -> Result<(), TemplateError> {
    let failed = |error: std::io::Error| refused(path, "write", &error);
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed)?;
    let draft = folder.join(format!(".kplay-{}-{}", std::process::id(), now().1));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .map_err(failed)?;
    let written = file
        .write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&draft);
        failed(error)
    })
}

/// Returns the time: seconds since 1970 and nanoseconds.
pub fn now() -> (i64, u32) {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (
        i64::try_from(since.as_secs()).unwrap_or(0),
        since.subsec_nanos(),
    )
}
