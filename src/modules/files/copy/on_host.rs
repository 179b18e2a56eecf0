//! `copy` with `remote_src`: a file or directory of the host to another place on it.

use super::CopyArgs;
use super::change::{Change, Step, md5};
use super::single::refused;
use crate::kit::{
    Content, Diff, Failure, FileAttributes, FileType, Host, Mode, Outcome, Plan, Status, path_info,
};
use crate::modules::files::checksum::Algorithm;
use crate::modules::files::writing::{Writing, finish_attributes, unsafe_writes};
use crate::modules::files::{directories, trust};
use crate::modules::paths::{base_name, folder, join};
use crate::value::{Dict, Value};

/// Source and destination as they were found.
struct Place {
    src: String,
    source: Status,
    /// The path that the result shows and whose attributes are set.
    dest: String,
    /// Directories to make before.
    missing: Vec<String>,
}

fn find(args: &CopyArgs, host: &dyn Host) -> Result<Place, Failure> {
    let src = crate::kit::expand_path(args.src.as_deref().unwrap_or_default(), host);
    let source = host
        .status(&src, true)?
        .ok_or_else(|| Failure::new(format!("Source {src} not found")))?;
    if !host.access(&src).0 {
        return Err(Failure::new(format!("Source {src} not readable")));
    }
    if !source.is_file() && !source.is_directory() {
        return Err(Failure::new(format!(
            "Cannot copy invalid source '{src}': not a file"
        )));
    }
    let mut dest = args.dest.as_str().to_owned();
    let missing = if dest.ends_with('/') {
        directories::missing(&dest, host)?
    } else {
        Vec::new()
    };
    let directory = !missing.is_empty()
        || host
            .status(&dest, true)?
            .is_some_and(|status| status.is_directory());
    if directory {
        let name = if src.ends_with('/') {
            ""
        } else {
            base_name(&src)
        };
        dest = join(&dest, name);
    }
    Ok(Place {
        src,
        source,
        dest,
        missing,
    })
}

impl CopyArgs {
    /// The attributes with `preserve` resolved to the source's mode.
    fn resolved<'a>(&'a self, preserve: &'a Mode) -> FileAttributes<'a> {
        let attributes = self.file_attributes();
        match attributes.mode {
            Some(Mode::Preserve) => FileAttributes {
                mode: Some(preserve),
                ..attributes
            },
            _ => attributes,
        }
    }
}

pub(super) fn plan(args: &CopyArgs, host: &dyn Host) -> Result<Plan<Change>, Failure> {
    let place = find(args, host)?;
    if place.source.is_directory() {
        plan_directory(args, &place, host)
    } else {
        plan_file(args, place, host)
    }
}

fn plan_file(args: &CopyArgs, mut place: Place, host: &dyn Host) -> Result<Plan<Change>, Failure> {
    let sha1 = Algorithm::Sha1.of_file(&place.src, host)?;
    if let Some(wanted) = args
        .checksum
        .as_deref()
        .filter(|wanted| !wanted.eq_ignore_ascii_case(&sha1))
    {
        let message = "Copied file does not match the expected checksum. Transfer failed.";
        return Err(Failure::new(message)
            .with("checksum", sha1)
            .with("expected_checksum", wanted));
    }
    let given = place.dest.clone();
    let link = host
        .status(&given, false)?
        .is_some_and(|status| status.is_link());
    let existing = host.status(&given, true)?;
    if link && args.follow && existing.is_some() {
        place.dest = host.real_path(&given)?;
    }
    let values = Dict::new()
        .with("dest", place.dest.as_str())
        .with("src", place.src.as_str());
    if existing.is_some() && !args.force {
        let plan = Plan::unchanged(format!("`{given}` is there, and `force` is off"));
        return Ok(plan.with("msg", "file already exists").with_all(values));
    }
    let above = folder(&place.dest);
    if place.missing.is_empty() && existing.is_none() && host.status(above, true)?.is_none() {
        return Err(Failure::new(format!(
            "Destination directory {above} does not exist"
        )));
    }
    let values = values
        .with("checksum", sha1.as_str())
        .with("md5sum", md5(&place.src, host));
    let replaced = link && !args.follow;
    let same = existing.is_some_and(|status| status.is_file() && status.size == place.source.size)
        && !replaced
        && Algorithm::Sha1.of_file(&place.dest, host)? == sha1;
    if same {
        let preserve = Mode::Bits(place.source.mode);
        let changes = args.resolved(&preserve).compare(&place.dest, host)?;
        let diff = changes.diff();
        let plan = if changes.is_empty() {
            Plan::unchanged(format!("`{}` has that content", place.dest))
        } else {
            trust::refuse_foreign_directory(&given, host)?;
            trust::refuse_foreign_link(&given, &place.dest, host)?;
            Plan::change(Change {
                steps: vec![Step::Attributes(changes)],
            })
        };
        let plan = plan
            .with_all(path_info(&place.dest, host)?)
            .with_all(values);
        return Ok(diff.into_iter().fold(plan, Plan::with_diff));
    }
    trust::refuse_foreign_directory(&given, host)?;
    if place.dest != given {
        trust::refuse_foreign_link(&given, &place.dest, host)?;
    }
    let sides = |sum: Value| {
        Dict::new()
            .with("path", place.dest.as_str())
            .with("checksum", sum)
    };
    let old = match existing {
        Some(status) if status.is_file() => {
            Value::from(Algorithm::Sha1.of_file(&place.dest, host)?)
        }
        _ => Value::NULL,
    };
    let diff = Diff::state(sides(old), sides(sha1.into()));
    let mut steps: Vec<Step> = place.missing.into_iter().map(Step::MakeDirectory).collect();
    steps.push(Step::CopyFile {
        from: place.src,
        to: place.dest,
        mode: place.source.mode,
    });
    Ok(Plan::change(Change { steps })
        .with_all(values)
        .with_diff(diff))
}

/// Where a directory's content goes.
fn directory_root(args: &CopyArgs, src: &str) -> String {
    if src.ends_with('/') {
        args.dest.trim_end_matches('/').to_owned()
    } else {
        join(&args.dest, base_name(src))
    }
}

fn plan_directory(
    args: &CopyArgs,
    place: &Place,
    host: &dyn Host,
) -> Result<Plan<Change>, Failure> {
    let values = Dict::new()
        .with("dest", place.dest.as_str())
        .with("src", place.src.as_str())
        .with("checksum", Value::NULL)
        .with("md5sum", Value::NULL);
    let dest = host.status(&place.dest, true)?;
    if dest.is_some() && !args.force {
        let plan = Plan::unchanged(format!("`{}` is there, and `force` is off", place.dest));
        return Ok(plan.with("msg", "file already exists").with_all(values));
    }
    if dest.is_some_and(|status| !status.is_directory()) {
        return Err(Failure::new(format!(
            "cannot copy the directory {} over the file {}",
            place.src, place.dest
        )));
    }
    let above = folder(args.dest.trim_end_matches('/'));
    if place.missing.is_empty() && host.status(above, true)?.is_none() {
        return Err(Failure::new(format!(
            "Destination directory {above} does not exist"
        )));
    }
    let root = directory_root(args, &place.src);
    let owners = FileAttributes {
        owner: args.owner.as_deref(),
        group: args.group.as_deref(),
        ..FileAttributes::default()
    };
    let mut walk = Walk {
        args,
        owners,
        steps: Vec::new(),
        host,
    };
    for folder in directories::missing(folder(&root), host)? {
        walk.steps.push(Step::MakeDirectory(folder));
    }
    walk.directory(place.src.trim_end_matches('/'), &root, place.source.mode)?;
    let mut steps = walk.steps;
    let preserve = Mode::Bits(place.source.mode);
    let mut diffs = Vec::new();
    if dest.is_some() {
        let changes = args
            .resolved(&preserve)
            .compare(place.dest.trim_end_matches('/'), host)?;
        diffs.extend(changes.diff());
        if !changes.is_empty() {
            steps.push(Step::Attributes(changes));
        }
    }
    let plan = if steps.is_empty() {
        Plan::unchanged(format!("`{root}` has all of it"))
    } else {
        Plan::change(Change { steps })
    };
    let plan = plan
        .with_all(path_info(place.dest.trim_end_matches('/'), host)?)
        .with_all(values);
    Ok(diffs.into_iter().fold(plan, Plan::with_diff))
}

struct Walk<'a> {
    args: &'a CopyArgs,
    /// Owner and group alone: they are set on all that lies in the destination.
    owners: FileAttributes<'a>,
    steps: Vec<Step>,
    host: &'a dyn Host,
}

impl Walk<'_> {
    fn owned(&mut self, path: &str) -> Result<(), Failure> {
        let changes = self.owners.compare(path, self.host)?;
        if !changes.is_empty() {
            self.steps.push(Step::Attributes(changes));
        }
        Ok(())
    }

    fn directory(&mut self, from: &str, to: &str, mode: u32) -> Result<(), Failure> {
        let there = self.host.status(to, false)?;
        match there {
            None => self.steps.push(Step::CopyDirectory {
                path: to.to_owned(),
                mode,
            }),
            Some(_) => self.owned(to)?,
        }
        for entry in self.host.list(from)? {
            let (source, dest) = (join(from, &entry.name), join(to, &entry.name));
            if entry.kind == FileType::Link && self.args.local_follow != Some(true) {
                self.link(&source, &dest)?;
                continue;
            }
            let Some(status) = self.host.status(&source, true)? else {
                continue;
            };
            let existing = self.host.status(&dest, true)?;
            match (status.kind, existing) {
                (FileType::Directory, existing)
                    if existing.is_none_or(|status| status.is_directory()) =>
                {
                    self.directory(&source, &dest, status.mode)?;
                }
                (FileType::File, existing) if existing.is_none_or(|status| status.is_file()) => {
                    self.file(&source, &status, &dest, existing.as_ref())?;
                }
                // A file where the source has a directory, or the other way round, stays, as in Ansible.
                _ => {}
            }
        }
        if there.is_some() {
            self.strangers(from, to)?;
        }
        Ok(())
    }

    fn file(
        &mut self,
        from: &str,
        status: &Status,
        to: &str,
        existing: Option<&Status>,
    ) -> Result<(), Failure> {
        let same = match existing {
            Some(existing) => {
                existing.size == status.size && self.same_content(from, status, to, existing)?
            }
            None => false,
        };
        if !same {
            self.steps.push(Step::CopyFile {
                from: from.to_owned(),
                to: to.to_owned(),
                mode: status.mode,
            });
        } else if existing.is_some() {
            self.owned(to)?;
        }
        Ok(())
    }

    /// Equal times of writing and sizes count as equal contents, as for Python's `filecmp`.
    fn same_content(
        &self,
        from: &str,
        status: &Status,
        to: &str,
        existing: &Status,
    ) -> Result<bool, Failure> {
        if status.times.modified == existing.times.modified {
            return Ok(true);
        }
        let sum = |path| Algorithm::Sha1.of_file(path, self.host);
        Ok(sum(from)? == sum(to)?)
    }

    fn link(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        if self.host.status(to, false)?.is_some() {
            return self.owned(to);
        }
        let target = self.host.read_link(from)?;
        self.steps.push(Step::Link {
            path: to.to_owned(),
            target,
        });
        Ok(())
    }

    /// What only the destination has gets the owner, too.
    fn strangers(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        if self.owners.owner.is_none() && self.owners.group.is_none() {
            return Ok(());
        }
        for entry in self.host.list(to)? {
            if self.host.status(&join(from, &entry.name), false)?.is_none() {
                self.below(&join(to, &entry.name), entry.kind)?;
            }
        }
        Ok(())
    }

    fn below(&mut self, path: &str, kind: FileType) -> Result<(), Failure> {
        self.owned(path)?;
        if kind == FileType::Directory {
            for entry in self.host.list(path)? {
                self.below(&join(path, &entry.name), entry.kind)?;
            }
        }
        Ok(())
    }
}

/// Copies the one file of the task, with its backup, validation and attributes.
fn copy_single(
    args: &CopyArgs,
    from: &str,
    to: &str,
    mode: u32,
    host: &dyn Host,
) -> Result<Dict, Failure> {
    let above = folder(to);
    if !host.access(above).1 && !unsafe_writes(args.unsafe_writes, host) {
        return Err(Failure::new(format!("Destination {above} not writable")));
    }
    let preserve = Mode::Bits(mode);
    let resolved = args.resolved(&preserve);
    let link = host
        .status(to, false)?
        .is_some_and(|status| status.is_link());
    let existing = host.status(to, true)?.filter(|_| !link);
    // Over a file that is there, the source's mode counts; a new one is as the umask has it.
    let default = if existing.is_some() {
        mode
    } else {
        0o666 & !host.umask()
    };
    let identity = host.identity();
    let mut attributes = resolved.for_write(None, default, host)?;
    attributes.uid = attributes.uid.or(Some(identity.uid));
    attributes.gid = attributes.gid.or(Some(identity.gid));
    let writing = Writing {
        destination: to,
        backup: args.backup.then_some(to),
        validate: args.validate.as_deref(),
        attributes,
        unsafe_writes: args.unsafe_writes,
    };
    let backup = writing.write(Content::File(from), host).map_err(refused)?;
    finish_attributes(to, &resolved, host)?;
    let mut values = path_info(to, host)?;
    if let Some(backup) = backup {
        values.insert("backup_file", backup);
    }
    Ok(values)
}

pub(super) fn apply(args: &CopyArgs, change: &Change, host: &dyn Host) -> Result<Outcome, Failure> {
    let place = find(args, host)?;
    let mut outcome = Outcome::changed();
    for (number, step) in change.steps.iter().enumerate() {
        let after = |failure: Failure| {
            if number > 0 {
                failure.after_change()
            } else {
                failure
            }
        };
        match step {
            Step::CopyFile { from, to, mode } if place.source.is_file() => {
                let values = copy_single(args, from, to, *mode, host).map_err(after)?;
                outcome = outcome.with_all(values);
            }
            step => step
                .apply(&args.directory_attributes(), host)
                .map_err(after)?,
        }
    }
    let shown = place.dest.trim_end_matches('/');
    if place.source.is_directory() {
        let preserve = Mode::Bits(place.source.mode);
        finish_attributes(shown, &args.resolved(&preserve), host)?;
        outcome = outcome.with_all(path_info(shown, host)?);
    } else if outcome.values.is_empty() {
        outcome = outcome.with_all(path_info(shown, host)?);
    }
    Ok(outcome)
}
