//! What each state of `file` asks for, compared with what is there. Links are in `links.rs`.

use std::collections::BTreeSet;

use super::change::{Action, Change, Sides};
use super::current::{Current, Decision, followed};
use super::links;
use super::times::Times;
use super::{FileArgs, State};
use crate::kit::{Diff, Failure, FileAttributes, FileType, Host, Plan, path_info};
use crate::modules::files::{directories, trust};
use crate::value::Dict;

pub(super) fn plan(args: &FileArgs, host: &dyn Host) -> Result<Plan<Change>, Failure> {
    let mut path = args.path.as_str().to_owned();
    let inside = !matches!(args.state, Some(State::Link | State::Absent));
    if let Some(src) = args
        .original_basename
        .as_deref()
        .or(args.src.as_deref())
        .filter(|_| inside)
        && host
            .status(&path, true)?
            .is_some_and(|status| status.is_directory())
    {
        let name = src.rsplit('/').next().unwrap_or(src);
        path = format!("{}/{name}", path.trim_end_matches('/'));
    }
    let current = Current::at(&path, host)?;
    let state = args.state.unwrap_or(match current {
        Current::Absent if args.recurse => State::Directory,
        Current::Absent | Current::File => State::File,
        Current::Directory => State::Directory,
        Current::Hard => State::Hard,
        Current::Link => State::Link,
    });
    if args.recurse && state != State::Directory {
        return Err(
            Failure::new("recurse option requires state to be 'directory'").with("path", path),
        );
    }
    if args.src.is_some() && !matches!(state, State::Link | State::Hard) {
        return Err(
            Failure::new("src option requires state to be 'link' or 'hard'").with("path", path),
        );
    }
    let times = Times::of(args, state, host)?;
    let decision = match state {
        State::Absent => absent(&path, current, host)?,
        State::Directory => directory(args, &path, times, host)?,
        State::File => attributes_of_file(args, &path, times, host)?,
        State::Touch => touch(args, &path, current, times, host)?,
        State::Link => links::symbolic(args, &path, current, times, host)?,
        State::Hard => links::hard(args, &path, current, times, host)?,
    };
    if !decision.actions.is_empty() {
        trust::refuse_foreign_directory(&path, host)?;
    }
    finish(args, decision, state, host)
}

fn finish(
    args: &FileArgs,
    decision: Decision,
    state: State,
    host: &dyn Host,
) -> Result<Plan<Change>, Failure> {
    let Decision {
        actions,
        sides,
        values,
        shown,
        warnings,
    } = decision;
    let info = path_info(&shown, host)?;
    let mut missing = Vec::new();
    let plan = if actions.is_empty() {
        Plan::unchanged(format!("`{shown}` is as it shall be"))
    } else {
        let makes = |action: &Action| {
            matches!(
                action,
                Action::MakeDirectory(_) | Action::Touch(..) | Action::AttributesOf(_)
            )
        };
        if actions.iter().any(makes) {
            missing = unknown_accounts(&args.file_attributes(), host)?;
        }
        Plan::change(Change { actions, shown })
    };
    let plan = if state == State::Absent {
        // Check mode tells what is still there.
        plan.with_all_in_check(info).with("state", "absent")
    } else {
        plan.with_all(info)
    };
    let plan = plan
        .with_all(values)
        .with_diff(Diff::state(sides.before, sides.after));
    let plan = warnings.into_iter().fold(plan, Plan::warn);
    Ok(missing.into_iter().fold(plan, Plan::warn_in_check))
}

/// What a run would fail on unless an earlier task makes the account: in check mode that task has not run.
fn unknown_accounts(
    attributes: &FileAttributes<'_>,
    host: &dyn Host,
) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    if let Some(owner) = attributes.owner {
        let (found, who) = match owner.trim().parse::<u32>() {
            Ok(uid) => (host.user_by_id(uid)?.is_some(), format!("with uid {uid}")),
            Err(_) => (host.user(owner)?.is_some(), owner.to_owned()),
        };
        if !found {
            warnings.push(format!(
                "failed to look up user {who}. Create user up to this point in real play"
            ));
        }
    }
    if let Some(group) = attributes.group {
        let (found, which) = match group.trim().parse::<u32>() {
            Ok(gid) => (host.group_by_id(gid)?.is_some(), format!("with gid {gid}")),
            Err(_) => (host.group(group)?.is_some(), group.to_owned()),
        };
        if !found {
            warnings.push(format!(
                "failed to look up group {which}. Create group up to this point in real play"
            ));
        }
    }
    Ok(warnings)
}

fn absent(path: &str, current: Current, host: &dyn Host) -> Result<Decision, Failure> {
    let mut sides = Sides::new(path, current.name(), "absent");
    let actions = match current {
        Current::Absent => Vec::new(),
        Current::Directory => {
            let (mut directories, mut files) = (Vec::new(), Vec::new());
            walk(path, host, &mut |path, directory| {
                if directory {
                    directories.push(path);
                } else {
                    files.push(path);
                }
            })?;
            let content = Dict::new()
                .with("directories", directories)
                .with("files", files);
            sides.before.insert("path_content", content);
            vec![Action::RemoveTree(path.to_owned())]
        }
        Current::File | Current::Hard | Current::Link => vec![Action::Remove(path.to_owned())],
    };
    let values = Dict::new().with("path", path).with("state", "absent");
    Ok(Decision {
        actions,
        sides,
        values,
        shown: path.to_owned(),
        warnings: Vec::new(),
    })
}

/// Calls for everything below a directory; links are not followed. The order is that of a walk from the top.
fn walk(
    folder: &str,
    host: &dyn Host,
    found: &mut impl FnMut(String, bool),
) -> Result<(), Failure> {
    let mut folders = Vec::new();
    for entry in host.list(folder)? {
        let path = format!("{}/{}", folder.trim_end_matches('/'), entry.name);
        let directory = entry.kind == FileType::Directory;
        found(path.clone(), directory);
        folders.extend(directory.then_some(path));
    }
    folders
        .iter()
        .try_for_each(|folder| walk(folder, host, found))
}

fn directory(
    args: &FileArgs,
    path: &str,
    times: Times,
    host: &dyn Host,
) -> Result<Decision, Failure> {
    let given = path;
    let path = followed(given, args.follow, host)?;
    let current = Current::at(&path, host)?;
    let mut sides = Sides::new(&path, current.name(), State::Directory.name());
    let attributes = args.file_attributes();
    let (mut actions, mut warnings) = (Vec::new(), Vec::new());
    match current {
        Current::Absent => actions.extend(
            directories::missing(&path, host)?
                .into_iter()
                .map(Action::MakeDirectory),
        ),
        Current::Directory => {
            sides.compare(&path, &attributes, times, &mut actions, host)?;
            if args.recurse {
                let (below, warned) = recurse(&path, args, times, host)?;
                actions.extend(below);
                warnings.extend(warned);
            }
        }
        Current::File | Current::Hard | Current::Link => {
            return Err(
                Failure::new(format!("{path} already exists as a {}", current.name()))
                    .with("path", path),
            );
        }
    }
    if !actions.is_empty() {
        trust::refuse_foreign_link(given, &path, host)?;
    }
    let values = Dict::new().with("path", path.as_str());
    Ok(Decision {
        actions,
        sides,
        values,
        shown: path,
        warnings,
    })
}

/// Compares everything below a directory. Accounts are looked up once.
fn recurse(
    path: &str,
    args: &FileArgs,
    times: Times,
    host: &dyn Host,
) -> Result<(Vec<Action>, Vec<String>), Failure> {
    let attributes = args.file_attributes();
    let owner = attributes.uid(host)?.map(|uid| uid.to_string());
    let group = attributes.gid(host)?.map(|gid| gid.to_string());
    let attributes = FileAttributes {
        owner: owner.as_deref(),
        group: group.as_deref(),
        ..attributes
    };
    let mut walk = Walk {
        attributes,
        times,
        follow: args.follow,
        seen: BTreeSet::new(),
        actions: Vec::new(),
        warnings: Vec::new(),
        host,
    };
    walk.folder(path)?;
    Ok((walk.actions, walk.warnings))
}

struct Walk<'a> {
    attributes: FileAttributes<'a>,
    times: Times,
    follow: bool,
    /// Directories that were entered, so that links in a circle end.
    seen: BTreeSet<(u64, u64)>,
    actions: Vec<Action>,
    warnings: Vec<String>,
    host: &'a dyn Host,
}

impl Walk<'_> {
    fn one(&mut self, path: &str) -> Result<(), Failure> {
        let (mut before, mut after) = (Dict::new(), Dict::new());
        let changes = self.attributes.compare(path, self.host)?;
        if !changes.is_empty() {
            self.actions.push(Action::Attributes(changes));
        }
        let times = self
            .times
            .compare(path, self.host, &mut before, &mut after)?;
        self.actions.extend(times.map(Action::Times));
        Ok(())
    }

    fn folder(&mut self, folder: &str) -> Result<(), Failure> {
        let Some(status) = self.host.status(folder, true)? else {
            return Ok(());
        };
        if !self.seen.insert((status.device, status.inode)) {
            return Ok(());
        }
        for entry in self.host.list(folder)? {
            let path = format!("{}/{}", folder.trim_end_matches('/'), entry.name);
            self.one(&path)?;
            match entry.kind {
                FileType::Directory => self.folder(&path)?,
                FileType::Link if self.follow => {
                    let target = self.host.real_path(&path)?;
                    let Some(status) = self.host.status(&target, false)? else {
                        continue;
                    };
                    if let Some(owner) = trust::foreign_link(&path, &target, self.host)? {
                        self.warnings.push(format!(
                            "left `{target}` alone: a link of user {owner}'s, `{path}`, leads there"
                        ));
                        continue;
                    }
                    if status.is_directory() {
                        self.folder(&target)?;
                    }
                    self.one(&target)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn attributes_of_file(
    args: &FileArgs,
    path: &str,
    times: Times,
    host: &dyn Host,
) -> Result<Decision, Failure> {
    let given = path;
    let path = followed(given, args.follow, host)?;
    let current = Current::at(&path, host)?;
    if !matches!(current, Current::File | Current::Hard) {
        let message = format!("file ({path}) is {}, cannot continue", current.name());
        let failure = Failure::new(message)
            .with("path", path)
            .with("state", current.name());
        let warnings = unknown_accounts(&args.file_attributes(), host)?;
        return Err(match warnings.as_slice() {
            [] => failure,
            _ => failure.with_in_check("warnings", warnings),
        });
    }
    let mut sides = Sides::new(&path, current.name(), State::File.name());
    let mut actions = Vec::new();
    sides.compare(&path, &args.file_attributes(), times, &mut actions, host)?;
    if !actions.is_empty() {
        trust::refuse_foreign_link(given, &path, host)?;
    }
    let values = Dict::new().with("path", path.as_str());
    Ok(Decision {
        actions,
        sides,
        values,
        shown: path,
        warnings: Vec::new(),
    })
}

fn touch(
    args: &FileArgs,
    path: &str,
    current: Current,
    times: Times,
    host: &dyn Host,
) -> Result<Decision, Failure> {
    let mut sides = Sides::new(path, current.name(), State::Touch.name());
    let mut actions = Vec::new();
    if current == Current::Absent {
        actions.push(Action::Touch(path.to_owned(), times.for_new(path, host)));
    } else {
        let target = followed(path, args.follow, host)?;
        sides.compare(&target, &args.file_attributes(), times, &mut actions, host)?;
        if !actions.is_empty() {
            trust::refuse_foreign_link(path, &target, host)?;
        }
    }
    let values = Dict::new().with("dest", path);
    Ok(Decision {
        actions,
        sides,
        values,
        shown: path.to_owned(),
        warnings: Vec::new(),
    })
}
