//! Which files a command line means: the playbook that was named, or the one that is run when none was.

use std::path::{Path, PathBuf};

use crate::diag::Diagnostic;

/// Where playbooks are looked for after the working directory.
const FOLDER: &str = "playbooks";
/// What is run when nothing is named.
const SITE: &str = "site.yml";

/// Returns the playbooks that are meant, or which are not there.
pub(super) fn playbooks(named: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    if named.is_empty() {
        let default = find(Path::new(SITE)).map_err(|looked| {
            let diagnostic = Diagnostic::error(
                "file-not-found",
                "no playbook was named, and there is no `site.yml`",
            );
            vec![
                diagnostic
                    .note(format!("looked for {looked}"))
                    .help("name one: `kplay PLAYBOOK`; `kplay --help` shows what else there is"),
            ]
        })?;
        return Ok(vec![default]);
    }
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for name in named {
        match find(name) {
            Ok(path) => found.push(path),
            Err(looked) => {
                let headline = format!("there is no playbook `{}`", name.display());
                errors.push(
                    Diagnostic::error("file-not-found", headline)
                        .note(format!("looked for {looked}")),
                );
            }
        }
    }
    if errors.is_empty() {
        Ok(found)
    } else {
        Err(errors)
    }
}

/// Returns the file of that name, or the places where it is not.
fn find(name: &Path) -> Result<PathBuf, String> {
    if name.exists() {
        return Ok(name.to_owned());
    }
    let second = Path::new(FOLDER).join(name);
    let shown = std::path::absolute(name).unwrap_or_else(|_| name.to_owned());
    if name.is_absolute() || name.starts_with("..") {
        return Err(format!("`{}`", shown.display()));
    }
    if second.exists() {
        return Ok(second);
    }
    let second = std::path::absolute(&second).unwrap_or(second);
    Err(format!("`{}` and `{}`", shown.display(), second.display()))
}
