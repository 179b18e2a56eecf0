//! `ansible.builtin.lineinfile`: one line of a text file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::edit::{self, Edit, Found, Setting, Text};
use super::python_regex::{Flags, PythonRegex, Template};
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Outcome, Plan, Support,
    with_file_attributes,
};

/// Whether the line shall be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// No such line.
    Absent,
    /// That line, once.
    #[default]
    Present,
}

with_file_attributes! {
    /// Make sure that a line is in a text file, or that none like it is
    ///
    /// The last line that matches `regexp` (or holds `search_string`) becomes `line`. If none does, and none equals `line`, the
    /// line is added: after the last match of `insertafter`, before that of `insertbefore`, or at the end. For several lines see
    /// `blockinfile`, for each match `replace`.
    ///
    /// ## Check mode
    ///
    /// Tells what would change.
    ///
    /// ## Returns
    ///
    /// - `msg`: `line added`, `line replaced`, `2 line(s) removed`.
    /// - `found`: how many lines matched, with `state: absent`.
    /// - `backup`: the path of the copy, or an empty text.
    /// - `diff`: the text, and the attributes.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - ansible.builtin.lineinfile:
    ///     path: /etc/ssh/sshd_config
    ///     regexp: '^#?PermitRootLogin '
    ///     line: PermitRootLogin no
    ///     validate: sshd -t -f %s
    /// - ansible.builtin.lineinfile:
    ///     path: /etc/hosts
    ///     line: 10.0.0.5 nas
    ///     create: true
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// Root does not write through a symbolic link of another user's to a file that is not that user's. A line that goes after a
    /// last line without a newline gets a line of its own.
    pub(super) struct LineInFileArgs {
        /// The file.
        #[serde(alias = "dest", alias = "destfile", alias = "name")]
        path: HostPath,
        /// Whether the line shall be there.
        #[serde(default)]
        state: State,
        /// The expression, as Python's `re`, that finds the line to replace, or the lines to remove.
        #[serde(default, alias = "regex")]
        regexp: Option<String>,
        /// Text that the line to replace, or the lines to remove, hold anywhere.
        #[serde(default)]
        search_string: Option<String>,
        /// The line, without its end.
        #[serde(default, alias = "value")]
        line: Option<String>,
        /// Fill `\1`, `\g<name>` in `line` from the match of `regexp`; without a match, change nothing.
        #[serde(default)]
        backrefs: bool,
        /// Add the line after the last match of this expression, or at the end (`EOF`) or beginning (`BOF`).
        #[serde(default)]
        insertafter: Option<String>,
        /// Add the line before the last match of this expression, or at the beginning (`BOF`).
        #[serde(default)]
        insertbefore: Option<String>,
        /// Make the file, and the folders above it, if it is not there.
        #[serde(default)]
        create: bool,
        /// Copy the file before it changes.
        #[serde(default)]
        backup: bool,
        /// Take the first match of `regexp`, `search_string`, `insertafter` and `insertbefore` rather than the last.
        #[serde(default)]
        firstmatch: bool,
        /// A command that must accept the new file, whose path stands for `%s`, before it takes its place.
        #[serde(default)]
        validate: Option<String>,
    }
}

impl LineInFileArgs {
    fn setting(&self) -> Setting<'_> {
        Setting {
            path: &self.path,
            attributes: self.file_attributes(),
            backup: self.backup,
            validate: self.validate.as_deref(),
            follow: true,
        }
    }
}

pub(super) struct LineInFile;

impl Module for LineInFile {
    type Args = LineInFileArgs;
    type Change = Edit;

    const META: Meta = Meta {
        name: "ansible.builtin.lineinfile",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let exclusive = |names: &str| {
            Err(ArgumentError::general(format!(
                "parameters are mutually exclusive: {names}"
            )))
        };
        if args.insertafter.is_some() && args.insertbefore.is_some() {
            return exclusive("insertbefore|insertafter");
        }
        if args.regexp.is_some() && args.search_string.is_some() {
            return exclusive("regexp|search_string");
        }
        if args.backrefs && args.search_string.is_some() {
            return exclusive("backrefs|search_string");
        }
        match args.state {
            State::Present if args.backrefs && args.regexp.is_none() => Err(ArgumentError::new(
                "regexp",
                "regexp is required with backrefs=true",
            )),
            State::Present if args.line.is_none() => Err(ArgumentError::new(
                "line",
                "line is required with state=present",
            )),
            State::Absent
                if args.line.is_none() && args.regexp.is_none() && args.search_string.is_none() =>
            {
                let message = "one of line, search_string, or regexp is required with state=absent";
                Err(ArgumentError::general(message))
            }
            _ => Ok(()),
        }
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Edit>, Failure> {
        let found = edit::find(&args.path, host)?;
        let path = args.path.as_str();
        if found.status.is_none() {
            if args.state == State::Absent {
                let why = format!("`{path}` is not there");
                return Ok(Plan::unchanged(why).with("msg", "file not present"));
            }
            if !args.create {
                return Err(
                    Failure::new(format!("Destination {path} does not exist !")).with("rc", 257)
                );
            }
        }
        let (lines, message, removed) = match args.state {
            State::Present => {
                let (lines, message) = present(args, &found.text)?;
                (lines, message.to_owned(), None)
            }
            State::Absent => absent(args, &found.text)?,
        };
        let new = lines.map(|lines| lines.concat());
        let edit = Edit::new(&found, new.as_deref(), &message, &args.setting(), host)?;
        Ok(finish(args, &found, edit, removed))
    }

    fn apply(args: &Self::Args, edit: Edit, host: &dyn Host) -> Result<Applied, Failure> {
        let (outcome, backup): (Outcome, _) = edit.apply(&args.setting(), host)?;
        Ok(outcome.with("backup", backup.unwrap_or_default()).into())
    }
}

fn finish(args: &LineInFileArgs, found: &Found, edit: Edit, removed: Option<usize>) -> Plan<Edit> {
    let path = args.path.as_str();
    let (message, diffs) = (edit.message(), edit.diffs(found, path));
    let plan = if edit.is_empty() {
        Plan::unchanged(match args.state {
            State::Present => format!("`{path}` has that line"),
            State::Absent => format!("`{path}` has no such line"),
        })
    } else {
        Plan::change(edit)
    };
    let mut plan = plan.with("msg", message).with("backup", "");
    if let Some(count) = removed {
        plan = plan.with("found", count);
    }
    let empty = [
        (&args.regexp, "regular expression"),
        (&args.search_string, "search string"),
    ];
    for (_, name) in empty.iter().filter(|(text, _)| text.as_deref() == Some("")) {
        let hint = if *name == "search string" {
            ""
        } else {
            " If this is desired, use '^' to match every line in the file and avoid this warning."
        };
        plan = plan.warn(format!(
            "The {name} is an empty string, which will match every line in the file. This may have unintended \
             consequences, such as replacing the last line in the file rather than appending.{hint}"
        ));
    }
    diffs.into_iter().fold(plan, Plan::with_diff)
}

fn compile(pattern: &str, text: &Text) -> Result<PythonRegex, Failure> {
    let flags = Flags {
        ascii: true,
        ..Flags::default()
    };
    PythonRegex::new(&text.adapt(pattern), flags).map_err(Failure::new)
}

fn without_end(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

/// Where a new line goes.
enum Insertion {
    Begin,
    End,
    After(PythonRegex),
    Before(PythonRegex),
}

fn insertion(args: &LineInFileArgs, text: &Text) -> Result<Insertion, Failure> {
    Ok(
        match (args.insertafter.as_deref(), args.insertbefore.as_deref()) {
            (Some("BOF"), _) | (None, Some("BOF")) => Insertion::Begin,
            (Some("EOF"), _) | (None, None) => Insertion::End,
            (Some(pattern), _) => Insertion::After(compile(pattern, text)?),
            (None, Some(pattern)) => Insertion::Before(compile(pattern, text)?),
        },
    )
}

/// Returns the new lines if they differ, and what was done.
fn present(
    args: &LineInFileArgs,
    text: &Text,
) -> Result<(Option<Vec<String>>, &'static str), Failure> {
    let mut lines = text.lines();
    let line = text.adapt(args.line.as_deref().unwrap_or_default());
    let regexp = args
        .regexp
        .as_deref()
        .map(|pattern| compile(pattern, text))
        .transpose()?;
    let insertion = insertion(args, text)?;

    let mut matched: Option<(usize, String)> = None;
    let search = args
        .search_string
        .as_deref()
        .map(|search| text.adapt(search));
    let template = if args.backrefs {
        Some(Template::new(&line).map_err(Failure::new)?)
    } else {
        None
    };
    for (number, current) in lines.iter().enumerate() {
        let new = if let Some(regexp) = &regexp {
            match (regexp.search(current).map_err(Failure::new)?, &template) {
                (None, _) => continue,
                (Some(captures), Some(template)) => {
                    template.expand(&captures).map_err(Failure::new)?
                }
                (Some(_), None) => line.clone(),
            }
        } else if search
            .as_ref()
            .is_some_and(|search| current.contains(search.as_str()))
        {
            line.clone()
        } else {
            continue;
        };
        matched = Some((number, new));
        if args.firstmatch {
            break;
        }
    }
    if let Some((number, mut new)) = matched {
        if !new.ends_with('\n') {
            new.push('\n');
        }
        return Ok(match lines.get_mut(number) {
            Some(current) if *current != new => {
                *current = new;
                (Some(lines), "line replaced")
            }
            _ => (None, ""),
        });
    }

    let mut exact = None;
    let mut place = None;
    for (number, current) in lines.iter().enumerate() {
        if without_end(current) == line {
            exact = Some(number);
            continue;
        }
        let found = match &insertion {
            Insertion::After(regex) if regex.is_match(current).map_err(Failure::new)? => number + 1,
            Insertion::Before(regex) if regex.is_match(current).map_err(Failure::new)? => number,
            _ => continue,
        };
        place = Some(found);
        if args.firstmatch {
            break;
        }
    }
    if let Some(current) = exact.and_then(|number| lines.get_mut(number)) {
        let whole = with_end(&line);
        if *current == whole {
            return Ok((None, ""));
        }
        *current = whole;
        return Ok((Some(lines), "line replaced"));
    }
    if args.backrefs {
        return Ok((None, ""));
    }
    // With `firstmatch` the search ended before it could meet a line that stands there already.
    if let (Insertion::After(_), Some(place)) = (&insertion, place)
        && lines
            .get(place)
            .is_some_and(|current| without_end(current) == line)
    {
        return Ok((None, ""));
    }
    add(&mut lines, &line, &insertion, place);
    Ok((Some(lines), "line added"))
}

fn with_end(line: &str) -> String {
    if line.ends_with('\n') {
        line.to_owned()
    } else {
        format!("{line}\n")
    }
}

/// Adds a line that no line of the file equals.
fn add(lines: &mut Vec<String>, line: &str, insertion: &Insertion, place: Option<usize>) {
    let new = format!("{line}\n");
    match (insertion, place) {
        (Insertion::Begin, _) => lines.insert(0, new),
        (Insertion::After(_) | Insertion::Before(_), Some(place)) if place < lines.len() => {
            lines.insert(place, new);
        }
        _ => {
            if let Some(last) = lines.last_mut()
                && !last.ends_with(['\n', '\r'])
            {
                last.push('\n');
            }
            lines.push(new);
        }
    }
}

type Removal = (Option<Vec<String>>, String, Option<usize>);

fn absent(args: &LineInFileArgs, text: &Text) -> Result<Removal, Failure> {
    let regexp = args
        .regexp
        .as_deref()
        .map(|pattern| compile(pattern, text))
        .transpose()?;
    let search = args
        .search_string
        .as_deref()
        .map(|search| text.adapt(search));
    let line = text.adapt(args.line.as_deref().unwrap_or_default());
    let mut kept = Vec::new();
    let mut removed = 0_usize;
    for current in text.lines() {
        let matches = match (&regexp, &search) {
            (Some(regexp), _) => regexp.is_match(&current).map_err(Failure::new)?,
            (None, Some(search)) => current.contains(search.as_str()),
            (None, None) => without_end(&current) == line,
        };
        if matches {
            removed += 1;
        } else {
            kept.push(current);
        }
    }
    if removed == 0 {
        return Ok((None, String::new(), Some(0)));
    }
    Ok((
        Some(kept),
        format!("{removed} line(s) removed"),
        Some(removed),
    ))
}

#[cfg(test)]
mod tests;
