//! What `unarchive` decides and does.

use super::UnarchiveArgs;
use super::program::{Comparison, Ran};
use super::source::Archive;
use super::tar::{self, Tar};
use super::zip::{self, Zip};
use crate::kit::{AttributeChanges, Diff, Failure, Host, Outcome, Plan, path_info};
use crate::value::{Dict, Value};

/// What is to be done.
#[derive(Debug)]
pub(in crate::modules) struct Change {
    archive: Archive,
    /// Nothing where only tar may know the archive: it is asked when it may also unpack.
    found: Option<Found>,
}

/// Who knows the archive, and what differs.
#[derive(Debug)]
struct Found {
    handler: Handler,
    comparison: Comparison,
}

/// Who unpacks.
#[derive(Debug)]
enum Handler {
    Zip(Zip),
    Tar(Tar),
}

impl Handler {
    /// Tries unzip; the reason says why it does not fit.
    fn zip(
        args: &UnarchiveArgs,
        archive: &Archive,
        dest: &str,
        host: &dyn Host,
    ) -> Result<Result<Self, String>, Failure> {
        Ok(zip::find(args, &archive.path, dest, host)?.map(Self::Zip))
    }

    /// Tries all that the host has.
    fn any(
        args: &UnarchiveArgs,
        archive: &Archive,
        dest: &str,
        host: &dyn Host,
    ) -> Result<Self, Failure> {
        let mut reasons = match Self::zip(args, archive, dest, host)? {
            Ok(zip) => return Ok(zip),
            Err(reason) => vec![reason],
        };
        match tar::find(args, &archive.path, dest, host)? {
            Ok(tar) => return Ok(Self::Tar(tar)),
            Err(more) => reasons.extend(more),
        }
        reasons.sort();
        reasons.dedup();
        Err(Failure::new(format!(
            "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed.\n{}",
            archive.shown,
            reasons.join("\n")
        )))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Zip(zip) => zip.handler,
            Self::Tar(tar) => tar.packing.handler(),
        }
    }

    fn names(&self) -> &[String] {
        match self {
            Self::Zip(zip) => &zip.names,
            Self::Tar(tar) => &tar.names,
        }
    }

    fn compare(&self, args: &UnarchiveArgs, host: &dyn Host) -> Result<Comparison, Failure> {
        match self {
            Self::Zip(zip) => zip.compare(args, host),
            Self::Tar(tar) => tar.compare(args, host),
        }
    }

    fn extract(
        &self,
        args: &UnarchiveArgs,
        newer: &[String],
        host: &dyn Host,
    ) -> Result<Ran, Failure> {
        match self {
            Self::Zip(zip) => zip.extract(args, newer, host),
            Self::Tar(tar) => tar.extract(args, host),
        }
    }

    /// Compares the attributes of all members that are there, and of the folders at the top. A name that leads out of the
    /// destination is none of the archive's.
    fn attributes(
        &self,
        args: &UnarchiveArgs,
        dest: &str,
        host: &dyn Host,
    ) -> Result<Vec<AttributeChanges>, Failure> {
        let attributes = args.file_attributes();
        let wanted = attributes.mode.is_some()
            || attributes.owner.is_some()
            || attributes.group.is_some()
            || attributes.attributes.is_some()
            || attributes.selinux.iter().any(Option::is_some);
        if !wanted {
            return Ok(Vec::new());
        }
        let inside = |name: &&String| !name.split('/').any(|part| part == "..");
        let mut paths: Vec<&str> = Vec::new();
        for name in self.names().iter().filter(inside) {
            let name = name.trim_end_matches('/');
            let top = name.split('/').next().unwrap_or(name);
            for path in [name, top] {
                if !path.is_empty() && !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        let mut changes = Vec::new();
        for name in paths {
            let path = format!("{}/{name}", dest.trim_end_matches('/'));
            if host.status(&path, false)?.is_some() {
                let change = attributes.compare(&path, host)?;
                if !change.is_empty() {
                    changes.push(change);
                }
            }
        }
        Ok(changes)
    }
}

/// The destination as an absolute path, and a word to the user if it was none.
fn destination(args: &UnarchiveArgs, host: &dyn Host) -> Result<(String, Option<String>), Failure> {
    let given = args.dest.as_str();
    match host.status(given, true)? {
        Some(status) if status.is_directory() => {}
        _ => {
            return Err(Failure::new(format!(
                "dest '{given}' must be an existing dir"
            )));
        }
    }
    if given.starts_with('/') {
        return Ok((given.to_owned(), None));
    }
    let path = host.real_path(given)?;
    let warning =
        format!("Relative destination path '{given}' was resolved to absolute path '{path}'.");
    Ok((path, Some(warning)))
}

pub(super) fn plan(args: &UnarchiveArgs, host: &dyn Host) -> Result<Plan<Change>, Failure> {
    if let Some(path) = &args.creates
        && host.status(path, true)?.is_some()
    {
        return Ok(Plan::skipped(format!(
            "skipped, since {} exists",
            path.as_str()
        )));
    }
    let (dest, warning) = destination(args, host)?;
    let archive = Archive::find(args, host)?;
    let plan = match found(args, &archive, &dest, host) {
        Ok(Some(found)) => planned(args, archive, found, &dest, host)?,
        // Check mode skips tar archives, as Ansible does, whatever there is to do.
        Ok(None) => Plan::opaque(Change {
            archive,
            found: None,
        }),
        Err(failure) => {
            archive.release(host)?;
            return Err(failure);
        }
    };
    Ok(match warning {
        Some(warning) => plan.warn(warning),
        None => plan,
    })
}

/// Compares an archive that unzip knows.
fn found(
    args: &UnarchiveArgs,
    archive: &Archive,
    dest: &str,
    host: &dyn Host,
) -> Result<Option<Found>, Failure> {
    let Ok(handler) = Handler::zip(args, archive, dest, host)? else {
        return Ok(None);
    };
    let comparison = handler.compare(args, host)?;
    Ok(Some(Found {
        handler,
        comparison,
    }))
}

fn planned(
    args: &UnarchiveArgs,
    archive: Archive,
    found: Found,
    dest: &str,
    host: &dyn Host,
) -> Result<Plan<Change>, Failure> {
    let values = values(args, &archive, &found.handler, dest, host)?;
    let diff = found.comparison.diff.clone();
    let same =
        found.comparison.unarchived && found.handler.attributes(args, dest, host)?.is_empty();
    let plan = if same {
        archive.release(host)?;
        Plan::unchanged(format!("`{dest}` has all that is in the archive"))
    } else {
        Plan::change(Change {
            archive,
            found: Some(found),
        })
    };
    let plan = plan.with_all(values);
    if diff.is_empty() {
        return Ok(plan);
    }
    let shown = Diff {
        prepared: Some(diff),
        ..Diff::text("", "")
    };
    Ok(plan.with_diff(shown.alone()))
}

/// What every result tells.
fn values(
    args: &UnarchiveArgs,
    archive: &Archive,
    handler: &Handler,
    dest: &str,
    host: &dyn Host,
) -> Result<Dict, Failure> {
    let mut values = path_info(dest, host)?
        .with("handler", handler.name())
        .with("dest", args.dest.as_str())
        .with("src", archive.shown.as_str());
    if args.list_files {
        let names = handler
            .names()
            .iter()
            .map(|name| Value::from(name.as_str()));
        values.insert("files", Value::list(names));
    }
    Ok(values)
}

pub(super) fn apply(
    args: &UnarchiveArgs,
    change: Change,
    host: &dyn Host,
) -> Result<Outcome, Failure> {
    let Change { archive, found } = change;
    let done = unpack(args, &archive, found, host);
    archive.release(host)?;
    done
}

fn unpack(
    args: &UnarchiveArgs,
    archive: &Archive,
    found: Option<Found>,
    host: &dyn Host,
) -> Result<Outcome, Failure> {
    let (dest, _) = destination(args, host)?;
    let Found {
        handler,
        comparison,
    } = if let Some(found) = found {
        found
    } else {
        let handler = Handler::any(args, archive, &dest, host)?;
        let comparison = handler.compare(args, host)?;
        Found {
            handler,
            comparison,
        }
    };
    let mut outcome = Outcome::unchanged();
    if !comparison.unarchived {
        let ran = handler.extract(args, &comparison.newer, host)?;
        if !ran.output.success() {
            let mut values = values(args, archive, &handler, &dest, host)?;
            values.remove("files");
            let message = format!(
                "failed to unpack {} to {}",
                archive.shown,
                args.dest.as_str()
            );
            return Err(Failure {
                values: values.with("extract_results", ran.value()),
                ..Failure::new(message)
            });
        }
        outcome = Outcome::changed().with("extract_results", ran.value());
    }
    for change in handler.attributes(args, &dest, host)? {
        change.apply(host).map_err(Failure::after_change)?;
        outcome.changed = true;
    }
    Ok(outcome.with_all(values(args, archive, &handler, &dest, host)?))
}
