//! `copy` of a directory of the controller.

use std::collections::{BTreeSet, VecDeque};

use super::CopyArgs;
use super::change::{Change, Step, write};
use super::single::{Asked, Data, Decision, Sight, Source, Sum, Target, WriteDecision};
use crate::kit::{Diff, Failure, Host, Mode, Outcome, Placement, Plan, TreeEntry};
use crate::modules::files::{directories, trust};
use crate::modules::paths::{base_name, folder, join};
use crate::value::Dict;

/// Where an entry goes.
fn place(args: &CopyArgs, entry: &TreeEntry) -> String {
    let src = args.src.as_deref().unwrap_or_default();
    let path = join(&args.dest, &entry.path);
    if src.ends_with('/') {
        path
    } else {
        join(&join(&args.dest, base_name(src)), &entry.path)
    }
}

fn is_file(entry: &TreeEntry) -> bool {
    !entry.directory && entry.link.is_none()
}

fn source(entry: &TreeEntry) -> Source<'_> {
    Source {
        name: base_name(&entry.path),
        shown: Some(&entry.path),
        mode: entry.mode,
        sha1: Sum::known(entry.sha1.clone()),
        size: entry.size,
        data: Data::Remote(entry.content),
        secret: false,
    }
}

/// The target of one file. Links on the host are followed only where the source has no directories, as in Ansible.
fn target<'a>(args: &'a CopyArgs, entry: &TreeEntry, path: &'a str, flat: bool) -> Target<'a> {
    let source = source(entry);
    Target {
        dest: path,
        follow: args.follow && flat,
        checksum: None,
        preserve: Mode::Bits(source.mode),
        ..args.target(&source)
    }
}

/// How many contents are asked for before the first has come: on a long line each would cost a round trip.
const AHEAD: usize = 64;

/// An entry's number, what its place looks like, and its content if it is needed.
type Seen<'e> = (usize, &'e TreeEntry, Sight, Option<Asked<'e>>);

pub(super) fn plan(
    args: &CopyArgs,
    source_root: &Source<'_>,
    entries: &[TreeEntry],
    host: &dyn Host,
) -> Result<Plan<Change>, Failure> {
    let flat = !entries.iter().any(|entry| entry.directory);
    let mut planning = Planning {
        steps: Vec::new(),
        diffs: Vec::new(),
        made: BTreeSet::new(),
        host,
    };
    let mut waiting = VecDeque::new();
    for (index, entry) in entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| is_file(entry))
    {
        let path = place(args, entry);
        let source = source(entry);
        let sight = target(args, entry, &path, flat).look(&source, host)?;
        let asked = match &sight {
            Sight::Differs(_) => Some(source.ask(host)?),
            Sight::Decided(_) => None,
        };
        waiting.push_back((index, entry, sight, asked));
        if waiting.len() > AHEAD
            && let Some(first) = waiting.pop_front()
        {
            planning.file(first)?;
        }
    }
    for rest in waiting {
        planning.file(rest)?;
    }
    for entry in entries.iter().filter(|entry| entry.directory) {
        planning.directory(args, &place(args, entry))?;
    }
    for entry in entries {
        if let Some(link) = &entry.link {
            planning.link(args, &place(args, entry), link)?;
        }
    }
    let Planning { steps, diffs, .. } = planning;
    let plan = if steps.is_empty() {
        Plan::unchanged(format!("`{}` has all of it", args.dest.as_str()))
    } else {
        Plan::change(Change { steps })
    };
    let plan = plan.with_all(values(args, source_root.shown.unwrap_or_default()));
    Ok(diffs.into_iter().fold(plan, Plan::with_diff))
}

fn values(args: &CopyArgs, src: &str) -> Dict {
    let slash = if args.src.as_ref().is_some_and(|src| src.ends_with('/')) {
        "/"
    } else {
        ""
    };
    let src = format!("{}{slash}", src.trim_end_matches('/'));
    Dict::new()
        .with("dest", format!("{}/", args.dest.trim_end_matches('/')))
        .with("src", src)
}

struct Planning<'a> {
    steps: Vec<Step>,
    diffs: Vec<Diff>,
    /// Directories that will be made by a step before.
    made: BTreeSet<String>,
    host: &'a dyn Host,
}

impl Planning<'_> {
    fn folders(&mut self, path: &str) -> Result<(), Failure> {
        for folder in directories::missing(path, self.host)? {
            if self.made.insert(folder.clone()) {
                self.steps.push(Step::MakeDirectory(folder));
            }
        }
        Ok(())
    }

    fn file(&mut self, seen: Seen<'_>) -> Result<(), Failure> {
        let (index, entry, sight, asked) = seen;
        let decision = match sight {
            Sight::Decided(decision) => decision,
            Sight::Differs(differing) => {
                let source = source(entry);
                let content = source.receive(asked.unwrap_or(Asked::Later))?;
                Target::conclude(&source, differing, content, self.host)?
            }
        };
        match decision {
            Decision::Kept { .. } => {}
            Decision::Same { changes, .. } => self.attributes(*changes),
            Decision::Write(decision) => {
                self.folders(folder(&decision.path))?;
                self.diffs.push(decision.diff.clone());
                self.steps.push(Step::Write(index, decision));
            }
        }
        Ok(())
    }

    fn attributes(&mut self, changes: crate::kit::AttributeChanges) {
        if !changes.is_empty() {
            self.diffs.extend(changes.diff());
            self.steps.push(Step::Attributes(changes));
        }
    }

    fn directory(&mut self, args: &CopyArgs, path: &str) -> Result<(), Failure> {
        match self.host.status(path, true)? {
            None => self.folders(path),
            Some(status) if status.is_directory() => {
                let real = self.host.real_path(path)?;
                let changes = args.directory_attributes().compare(&real, self.host)?;
                if !changes.is_empty() {
                    trust::refuse_foreign_link(path, &real, self.host)?;
                }
                self.attributes(changes);
                Ok(())
            }
            Some(_) => {
                Err(Failure::new(format!("{path} already exists as a file")).with("path", path))
            }
        }
    }

    fn link(&mut self, args: &CopyArgs, path: &str, target: &str) -> Result<(), Failure> {
        match self.host.status(path, false)? {
            Some(status) if status.is_link() && self.host.read_link(path)? == target => {
                let changes = args.file_attributes().compare(path, self.host)?;
                self.attributes(changes);
            }
            Some(status) if status.is_directory() => {
                let message = format!("the directory {path} is not empty, refusing to convert it");
                return Err(Failure::new(message).with("path", path));
            }
            _ => {
                self.folders(folder(path))?;
                self.diffs.push(Diff::state(
                    Dict::new().with("path", path),
                    Dict::new()
                        .with("path", path)
                        .with("state", "link")
                        .with("src", target),
                ));
                self.steps.push(Step::Link {
                    path: path.to_owned(),
                    target: target.to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// How many files are on the disk together before the first of them gets its name, and how many bytes.
const TOGETHER: (usize, u64) = (64, 8 << 20);

/// Files that are ready to take their places, and what is left to do then.
struct Ready<'a> {
    args: &'a CopyArgs,
    entries: &'a [TreeEntry],
    flat: bool,
    host: &'a dyn Host,
    placements: Vec<Placement>,
    written: Vec<(&'a TreeEntry, Box<WriteDecision>)>,
    bytes: u64,
}

impl<'a> Ready<'a> {
    fn entry(&self, index: usize) -> Result<&'a TreeEntry, Failure> {
        self.entries
            .get(index)
            .ok_or_else(|| Failure::new("the source has changed"))
    }

    /// Stages a file, and commits all that are ready once they are many.
    fn add(&mut self, entry: &'a TreeEntry, decision: Box<WriteDecision>) -> Result<(), Failure> {
        let path = place(self.args, entry);
        let target = target(self.args, entry, &path, self.flat);
        let placement = target.stage(&decision, &source(entry), self.host)?;
        self.placements.push(placement);
        self.written.push((entry, decision));
        self.bytes += entry.size;
        if self.written.len() >= TOGETHER.0 || self.bytes >= TOGETHER.1 {
            return self.commit();
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Failure> {
        self.bytes = 0;
        self.host.commit_all(std::mem::take(&mut self.placements))?;
        for (entry, decision) in std::mem::take(&mut self.written) {
            let path = place(self.args, entry);
            target(self.args, entry, &path, self.flat).finish(&decision, self.host)?;
        }
        Ok(())
    }
}

pub(super) fn apply(
    args: &CopyArgs,
    entries: &[TreeEntry],
    change: Change,
    host: &dyn Host,
) -> Result<Outcome, Failure> {
    let directories = args.directory_attributes();
    let mut outcome = Outcome::changed();
    let mut ready = Ready {
        args,
        entries,
        flat: !entries.iter().any(|entry| entry.directory),
        host,
        placements: Vec::new(),
        written: Vec::new(),
        bytes: 0,
    };
    for (number, step) in change.steps.into_iter().enumerate() {
        let after = |failure: Failure| {
            if number > 0 {
                failure.after_change()
            } else {
                failure
            }
        };
        let done = match step {
            Step::Write(index, decision) => ready.entry(index).and_then(|entry| {
                let path = place(args, entry);
                let target = target(args, entry, &path, ready.flat);
                // A directory of one file gives that file's result, as in Ansible.
                if entries.len() == 1 {
                    let values = write(&target, &decision, &source(entry), host)?;
                    outcome = std::mem::take(&mut outcome).with_all(values);
                    Ok(())
                } else if target.can_wait(host) {
                    ready.add(entry, decision)
                } else {
                    target.write(&decision, &source(entry), host).map(drop)
                }
            }),
            other => other.apply(&directories, host),
        };
        if let Err(failure) = done {
            // What is ready takes its place: files before one that fails are written.
            let _ = ready.commit();
            return Err(after(failure));
        }
    }
    ready.commit().map_err(Failure::after_change)?;
    Ok(outcome)
}
