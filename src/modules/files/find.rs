//! `ansible.builtin.find`: the files below directories that fit a description.

use fancy_regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::checksum::Algorithm;
use super::encoding::Encoding;
use super::python_regex::{Flags, PythonRegex};
use super::stat::describe_status;
use crate::kit::{
    Any, Applied, ArgumentError, Effect, Failure, FileType, Host, HostError, HostPath, Meta, Mode,
    Module, Outcome, Plan, Status, Support,
};
use crate::modules::commands::glob;
use crate::value::{Dict, Value};

/// What kind of file is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// All kinds.
    Any,
    /// Directories.
    Directory,
    /// Regular files.
    #[default]
    File,
    /// Symbolic links.
    Link,
}

/// Which time counts for `age`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stamp {
    /// Last read.
    Atime,
    /// Last change of the inode.
    Ctime,
    /// Last written.
    #[default]
    Mtime,
}

/// Find files below directories
///
/// All that is given must hold: name, kind, age, size, mode, content.
///
/// ## Check mode
///
/// The same.
///
/// ## Returns
///
/// - `files`: a list; each has `path` and what `stat` tells: `mode`, `size`, `mtime`, `isdir`, `pw_name` ..., and `checksum` if asked.
/// - `matched`: how many; `examined`: how many were looked at.
/// - `skipped_paths`: what could not be looked at, and why.
/// - `msg`: whether all was looked at.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.find:
///     paths: /var/log
///     patterns: '*.gz'
///     age: 2w
///     recurse: true
///   register: old
/// - ansible.builtin.file:
///     path: "{{ item.path }}"
///     state: absent
///   loop: "{{ old.files }}"
/// ```
///
/// ## Differs from Ansible
///
/// Names come in alphabetic order. A file that is not in `encoding` (UTF-8 unless said) does not contain the expression; Ansible gives up the whole path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are arguments of the task"
)]
pub(super) struct FindArgs {
    /// The directories.
    #[serde(alias = "name", alias = "path")]
    paths: Vec<HostPath>,
    /// Names to find: shell patterns, or expressions with `use_regex`.
    #[serde(default, alias = "pattern")]
    patterns: Vec<String>,
    /// Names to leave out, as `patterns`.
    #[serde(default, alias = "exclude")]
    excludes: Vec<String>,
    /// An expression that a line of the file begins with; with `read_whole_file`, one that is anywhere in it.
    #[serde(default)]
    contains: Option<String>,
    /// Apply `contains` to the whole file.
    #[serde(default)]
    read_whole_file: bool,
    /// What kind of file.
    #[serde(default)]
    file_type: Kind,
    /// At least that old, or with `-` at most: seconds, or with `s`, `m`, `h`, `d`, `w`.
    #[serde(default)]
    age: Option<String>,
    /// Which time counts for `age`.
    #[serde(default)]
    age_stamp: Stamp,
    /// At least that large, or with `-` at most: bytes, or with `b`, `k`, `m`, `g`, `t`.
    #[serde(default)]
    size: Option<String>,
    /// Look into directories below, too.
    #[serde(default)]
    recurse: bool,
    /// Find names that begin with a dot, too.
    #[serde(default)]
    hidden: bool,
    /// Look into directories that symbolic links lead to.
    #[serde(default)]
    follow: bool,
    /// Make the checksum of files.
    #[serde(default)]
    get_checksum: bool,
    /// How the checksum is made.
    #[serde(default, alias = "checksum", alias = "checksum_algo")]
    checksum_algorithm: Algorithm,
    /// `patterns` and `excludes` are expressions, as Python's `re`, that match from the beginning of the name.
    #[serde(default)]
    use_regex: bool,
    /// How many levels to look at with `recurse`; 1 is the directory itself.
    #[serde(default)]
    depth: Option<i64>,
    /// Permission bits, as text: `'0644'` or `u=rw,g=r`.
    #[serde(default)]
    mode: Option<Any>,
    /// Exactly those bits; otherwise any of them.
    #[serde(default = "enabled")]
    exact_mode: bool,
    /// How files are encoded, for `contains`.
    #[serde(default)]
    encoding: Option<String>,
    /// Stop after that many.
    #[serde(default)]
    limit: Option<i64>,
}

fn enabled() -> bool {
    true
}

pub(super) struct Find;

impl Module for Find {
    type Args = FindArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.find",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        match args.limit {
            Some(limit) if limit <= 0 => Err(ArgumentError::new(
                "limit",
                format!("limit cannot be {limit} (use None for unlimited)"),
            )),
            _ => Ok(()),
        }
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let mut search = Search::new(args, host)?;
        let mut warnings = Vec::new();
        for path in &args.paths {
            if !host
                .status(path, true)?
                .is_some_and(|status| status.is_directory())
            {
                let reason = format!("'{}' is not a directory", path.as_str());
                warnings.push(format!(
                    "Skipped '{}' path due to this access issue: {reason}\n",
                    path.as_str()
                ));
                search.skipped.insert(path.as_str(), reason);
                continue;
            }
            search.folder(path, 1)?;
        }
        let message = if warnings.is_empty() {
            if search.full() {
                "Limit of matches reached"
            } else {
                "All paths examined"
            }
        } else {
            "Not all paths examined, check warnings for details"
        };
        let matched = search.files.len();
        let plan = Plan::unchanged("it only reads")
            .with("files", Value::list(search.files))
            .with("msg", message)
            .with("matched", matched)
            .with("examined", search.examined)
            .with("skipped_paths", search.skipped);
        Ok(warnings.into_iter().fold(plan, Plan::warn))
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}

/// Reads a number with a unit; a sign means "at most".
fn measure(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let text = text.to_lowercase();
    let (digits, factor) = match units.iter().find(|(unit, _)| text.ends_with(*unit)) {
        Some((unit, factor)) => (text.trim_end_matches(*unit), *factor),
        None => (text.as_str(), 1),
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

/// At least a positive measure, at most a negative one.
fn fits(value: f64, measure: Option<i64>) -> bool {
    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes and ages are far below 2^53"
    )]
    match measure {
        None => true,
        Some(measure) if measure >= 0 => value >= measure as f64,
        Some(measure) => value <= measure.unsigned_abs() as f64,
    }
}

/// The names that are wanted, or not.
struct Names(Vec<Regex>);

impl Names {
    fn new(patterns: &[String], use_regex: bool) -> Result<Self, Failure> {
        let compile = |pattern: &String| {
            if use_regex {
                let checked = PythonRegex::new(pattern, Flags::default()).map_err(Failure::new)?;
                return Ok(checked.into_regex());
            }
            Regex::new(&glob::expression(pattern))
                .map_err(|error| Failure::new(format!("`{pattern}` is no pattern: {error}")))
        };
        patterns
            .iter()
            .map(compile)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A match must begin where the name begins.
    fn any(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|regex| matches!(regex.find(name), Ok(Some(found)) if found.start() == 0))
    }
}

struct Search<'a> {
    args: &'a FindArgs,
    host: &'a dyn Host,
    names: Names,
    excluded: Names,
    contains: Option<PythonRegex>,
    encoding: Encoding,
    age: Option<i64>,
    size: Option<i64>,
    mode: Option<u32>,
    files: Vec<Value>,
    examined: usize,
    skipped: Dict,
}

impl<'a> Search<'a> {
    fn new(args: &'a FindArgs, host: &'a dyn Host) -> Result<Self, Failure> {
        let ages = [
            ('s', 1),
            ('m', 60),
            ('h', 3600),
            ('d', 86400),
            ('w', 604_800),
        ];
        let sizes = [
            ('b', 1),
            ('k', 1 << 10),
            ('m', 1 << 20),
            ('g', 1 << 30),
            ('t', 1 << 40),
        ];
        let read = |name: &str, text: Option<&String>, units: &[(char, i64)]| match text {
            None => Ok(None),
            Some(text) => measure(text, units)
                .map(Some)
                .ok_or_else(|| Failure::new(format!("failed to process {name}")).with(name, text)),
        };
        let mode = match &args.mode {
            None => None,
            Some(Any(value)) => {
                let text = value.as_str().ok_or_else(|| {
                    let message = "argument 'mode' is not a string and conversion is not allowed, value is of type";
                    Failure::new(format!("{message} {}", value.type_name()))
                })?;
                Some(
                    Mode::parse(text)
                        .map_err(Failure::new)?
                        .resolve(0, false, host.umask()),
                )
            }
        };
        let everything = [(if args.use_regex { ".*" } else { "*" }).to_owned()];
        let patterns = if args.patterns.is_empty() {
            &everything
        } else {
            args.patterns.as_slice()
        };
        let contains = args.contains.as_deref();
        Ok(Self {
            args,
            host,
            names: Names::new(patterns, args.use_regex)?,
            excluded: Names::new(&args.excludes, args.use_regex)?,
            contains: contains
                .map(|text| PythonRegex::new(text, Flags::default()).map_err(Failure::new))
                .transpose()?,
            encoding: Encoding::named(args.encoding.as_deref().unwrap_or("utf-8"))
                .map_err(Failure::new)?,
            age: read("age", args.age.as_ref(), &ages)?,
            size: read("size", args.size.as_ref(), &sizes)?,
            mode,
            files: Vec::new(),
            examined: 0,
            skipped: Dict::new(),
        })
    }

    fn full(&self) -> bool {
        self.args.limit.is_some_and(|limit| {
            usize::try_from(limit).is_ok_and(|limit| self.files.len() >= limit)
        })
    }

    fn folder(&mut self, folder: &str, level: i64) -> Result<(), Failure> {
        let listed = match self.host.list(folder) {
            Ok(listed) => listed,
            Err(error @ HostError::System { .. }) => {
                self.skipped.insert(folder, error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.examined += listed.len();
        if self
            .args
            .depth
            .is_some_and(|depth| depth != 0 && level > depth)
        {
            return Ok(());
        }
        // Files come before directories, as a walk from the top has them.
        let mut folders = Vec::new();
        let mut paths = Vec::new();
        for entry in listed {
            let path = format!("{}/{}", folder.trim_end_matches('/'), entry.name);
            let directory = match entry.kind {
                FileType::Directory => true,
                FileType::Link => self
                    .host
                    .status(&path, true)?
                    .is_some_and(|status| status.is_directory()),
                _ => false,
            };
            let enters = directory && (entry.kind == FileType::Directory || self.args.follow);
            if directory {
                folders.push((path, entry.name, enters));
            } else {
                paths.push((path, entry.name));
            }
        }
        let all = paths.iter().map(|(path, name)| (path, name));
        for (path, name) in all.chain(folders.iter().map(|(path, name, _)| (path, name))) {
            if self.full() {
                return Ok(());
            }
            self.entry(path, name)?;
        }
        if self.args.recurse {
            for (path, ..) in folders.iter().filter(|(.., enters)| *enters) {
                if self.full() {
                    return Ok(());
                }
                self.folder(path, level + 1)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &str, name: &str) -> Result<(), Failure> {
        if name.starts_with('.') && !self.args.hidden {
            return Ok(());
        }
        let Some(status) = self.host.status(path, false)? else {
            return Ok(());
        };
        if self.fits(path, name, &status)? {
            let mut found = describe_status(path, &status);
            found.insert(
                "gr_name",
                self.host
                    .group_by_id(status.gid)?
                    .map_or_else(String::new, |group| group.name),
            );
            found.insert(
                "pw_name",
                self.host
                    .user_by_id(status.uid)?
                    .map_or_else(String::new, |user| user.name),
            );
            if status.is_file() && self.args.get_checksum {
                found.insert(
                    "checksum",
                    self.args.checksum_algorithm.of_file(path, self.host)?,
                );
            }
            self.files.push(found.into());
        }
        Ok(())
    }

    fn fits(&self, path: &str, name: &str, status: &Status) -> Result<bool, Failure> {
        let kind = match self.args.file_type {
            Kind::Any => true,
            Kind::Directory => status.is_directory(),
            Kind::File => status.is_file(),
            Kind::Link => status.is_link(),
        };
        if !kind || !self.names.any(name) || self.excluded.any(name) {
            return Ok(false);
        }
        let seconds = super::stat::seconds;
        let time = seconds(match self.args.age_stamp {
            Stamp::Atime => status.times.accessed,
            Stamp::Ctime => status.times.changed,
            Stamp::Mtime => status.times.modified,
        });
        if !fits(seconds(self.host.now()) - time, self.age) {
            return Ok(false);
        }
        let mode = self.mode.is_none_or(|mode| {
            if self.args.exact_mode {
                status.mode == mode
            } else {
                status.mode & mode != 0
            }
        });
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
        let size = !status.is_file() || fits(status.size as f64, self.size);
        Ok(mode && size && (self.args.file_type != Kind::File || self.holds(path)?))
    }

    /// Tells whether the file holds what `contains` says.
    fn holds(&self, path: &str) -> Result<bool, Failure> {
        let Some(regex) = &self.contains else {
            return Ok(true);
        };
        let content = match self.host.read(path) {
            Ok(content) => content,
            Err(error @ (HostError::Deadline(_) | HostError::Cancelled)) => {
                return Err(error.into());
            }
            Err(_) => return Ok(false),
        };
        let Ok(text) = self.encoding.decode(&content) else {
            return Ok(false);
        };
        if self.args.read_whole_file {
            return regex.is_match(&text).map_err(Failure::new);
        }
        for line in text.split_inclusive('\n') {
            let found = regex
                .search(line)
                .map_err(Failure::new)?
                .and_then(|captures| captures.get(0));
            if found.is_some_and(|found| found.start() == 0) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
