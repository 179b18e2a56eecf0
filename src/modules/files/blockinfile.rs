//! `ansible.builtin.blockinfile`: lines between two markers in a text file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::edit::{self, Edit, Setting, Text};
use super::python_regex::{Flags, PythonRegex};
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Plan, Support,
    with_file_attributes,
};

/// Whether the block shall be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// No such block.
    Absent,
    /// That block.
    #[default]
    Present,
}

with_file_attributes! {
    /// Keep a block of lines between two marker lines in a text file
    ///
    /// The lines between the markers become `block`. Where the markers are not in the file yet, they are added with the block: after
    /// the last match of `insertafter`, before that of `insertbefore`, or at the end. An empty `block` removes markers and block. Give each
    /// block of one file a `marker` of its own.
    ///
    /// ## Check mode
    ///
    /// Tells what would change.
    ///
    /// ## Returns
    ///
    /// - `msg`: `Block inserted`, `Block removed`, `File created`.
    /// - `backup_file`: the path of the copy.
    /// - `diff`: the text, and the attributes.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - ansible.builtin.blockinfile:
    ///     path: /etc/hosts
    ///     marker: '# {mark} cluster'
    ///     block: |
    ///       10.0.0.1 master
    ///       10.0.0.2 worker
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// Root does not write through a symbolic link of another user's to a file that is not that user's.
    pub(super) struct BlockInFileArgs {
        /// The file.
        #[serde(alias = "dest", alias = "destfile", alias = "name")]
        path: HostPath,
        /// Whether the block shall be there.
        #[serde(default)]
        state: State,
        /// The lines above and below the block; `{mark}` stands for `marker_begin` and `marker_end`.
        #[serde(default = "marker")]
        marker: String,
        /// What stands for `{mark}` above.
        #[serde(default = "marker_begin")]
        marker_begin: String,
        /// What stands for `{mark}` below.
        #[serde(default = "marker_end")]
        marker_end: String,
        /// The lines.
        #[serde(default, alias = "content")]
        block: String,
        /// Add the block after the last line that matches this expression, or at the end (`EOF`).
        #[serde(default)]
        insertafter: Option<String>,
        /// Add the block before the last line that matches this expression, or at the beginning (`BOF`).
        #[serde(default)]
        insertbefore: Option<String>,
        /// Make the file, and the folders above it, if it is not there.
        #[serde(default)]
        create: bool,
        /// Copy the file before it changes.
        #[serde(default)]
        backup: bool,
        /// A command that must accept the new file, whose path stands for `%s`, before it takes its place.
        #[serde(default)]
        validate: Option<String>,
        /// Keep an empty line below the block, unless it ends the file.
        #[serde(default)]
        append_newline: bool,
        /// Keep an empty line above the block, unless it begins the file.
        #[serde(default)]
        prepend_newline: bool,
    }
}

fn marker() -> String {
    "# {mark} ANSIBLE MANAGED BLOCK".to_owned()
}

fn marker_begin() -> String {
    "BEGIN".to_owned()
}

fn marker_end() -> String {
    "END".to_owned()
}

impl BlockInFileArgs {
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

pub(super) struct BlockInFile;

impl Module for BlockInFile {
    type Args = BlockInFileArgs;
    type Change = Edit;

    const META: Meta = Meta {
        name: "ansible.builtin.blockinfile",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.insertafter.is_some() && args.insertbefore.is_some() {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: insertbefore|insertafter",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Edit>, Failure> {
        let path = args.path.as_str();
        let found = edit::find(path, host)?;
        if found.status.is_none() {
            if args.state == State::Absent && args.create {
                let why = format!("`{path}` is not there");
                return Ok(Plan::unchanged(why).with("msg", format!("File {path} not present")));
            }
            if !args.create {
                return Err(Failure::new(format!("Path {path} does not exist !")).with("rc", 257));
            }
        }
        let (new, inserted) = arrange(args, &found.text)?;
        let changed = found.status.is_none() || new != found.text.text;
        let message = match (changed, found.status.is_none(), inserted) {
            (false, ..) => "",
            (true, true, _) => "File created",
            (true, false, true) => "Block inserted",
            (true, false, false) => "Block removed",
        };
        let edit = Edit::new(
            &found,
            changed.then_some(new.as_str()),
            message,
            &args.setting(),
            host,
        )?;
        let (message, diffs) = (edit.message(), edit.diffs(&found, path));
        let plan = if edit.is_empty() {
            Plan::unchanged(match args.state {
                State::Present => format!("`{path}` has that block"),
                State::Absent => format!("`{path}` has no such block"),
            })
        } else {
            Plan::change(edit)
        };
        Ok(diffs
            .into_iter()
            .fold(plan.with("msg", message), Plan::with_diff))
    }

    fn apply(args: &Self::Args, edit: Edit, host: &dyn Host) -> Result<Applied, Failure> {
        let (outcome, backup) = edit.apply(&args.setting(), host)?;
        Ok(match backup {
            Some(backup) => outcome.with("backup_file", backup).into(),
            None => outcome.into(),
        })
    }
}

/// Splits into lines with their ends, as Python's `splitlines` of bytes: `\r` ends one too.
fn split(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let length = if rest.get(at..).is_some_and(|end| end.starts_with("\r\n")) {
            2
        } else {
            1
        };
        let (line, tail) = rest.split_at(at + length);
        lines.push(line.to_owned());
        rest = tail;
    }
    if !rest.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// Returns the new text, and whether there is a block to be in it.
fn arrange(args: &BlockInFileArgs, text: &Text) -> Result<(String, bool), Failure> {
    let mut lines = split(&text.text);
    let marker = text.adapt(&args.marker);
    let begin = marker.replace("{mark}", &text.adapt(&args.marker_begin)) + "\n";
    let end = marker.replace("{mark}", &text.adapt(&args.marker_end)) + "\n";
    let present = args.state == State::Present;
    let mut block = Vec::new();
    if present && !args.block.is_empty() {
        let mut body = text.adapt(&args.block);
        if !body.ends_with('\n') {
            body.push('\n');
        }
        block.push(begin.clone());
        block.extend(split(&body));
        block.push(end.clone());
    }
    let last = |wanted: &str| lines.iter().rposition(|line| line == wanted);
    let mut at = match (last(&begin), last(&end)) {
        (Some(first), Some(second)) => {
            let (low, high) = (first.min(second), first.max(second));
            lines.drain(low..=high);
            low
        }
        _ => insertion(args, text, &lines)?,
    };
    if let Some(before) = at.checked_sub(1).and_then(|before| lines.get_mut(before))
        && !before.ends_with('\n')
    {
        before.push('\n');
    }
    if args.prepend_newline
        && present
        && at != 0
        && at
            .checked_sub(1)
            .and_then(|before| lines.get(before))
            .is_some_and(|line| line != "\n")
    {
        lines.insert(at, "\n".to_owned());
        at += 1;
    }
    let below = at + block.len();
    let inserted = !block.is_empty();
    lines.splice(at..at, block);
    if args.append_newline && present && lines.get(below).is_some_and(|line| line != "\n") {
        lines.insert(below, "\n".to_owned());
    }
    Ok((lines.concat(), inserted))
}

/// Where a new block goes.
fn insertion(args: &BlockInFileArgs, text: &Text, lines: &[String]) -> Result<usize, Failure> {
    let (pattern, after) = match (args.insertafter.as_deref(), args.insertbefore.as_deref()) {
        (None | Some("EOF"), None) | (Some("EOF"), Some(_)) => return Ok(lines.len()),
        (None, Some("BOF")) => return Ok(0),
        (Some(pattern), _) => (pattern, true),
        (None, Some(pattern)) => (pattern, false),
    };
    let flags = Flags {
        ascii: true,
        ..Flags::default()
    };
    let regex = PythonRegex::new(&text.adapt(pattern), flags).map_err(Failure::new)?;
    let mut found = None;
    if regex.multiline {
        if let Some(whole) = regex
            .search(&text.text)
            .map_err(Failure::new)?
            .and_then(|captures| captures.get(0))
        {
            let until = if after { whole.end() } else { whole.start() };
            found = Some(
                text.text
                    .get(..until)
                    .unwrap_or_default()
                    .matches('\n')
                    .count(),
            );
        }
    } else {
        for (number, line) in lines.iter().enumerate() {
            if regex.is_match(line).map_err(Failure::new)? {
                found = Some(number);
            }
        }
    }
    Ok(found
        .map_or(lines.len(), |number| number + usize::from(after))
        .min(lines.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, exited, failure, run};
    use crate::value::{Dict, Value};

    const BLOCK: &str = "# BEGIN ANSIBLE MANAGED BLOCK\nx\ny\n# END ANSIBLE MANAGED BLOCK\n";

    fn args(pairs: &[(&str, &str)]) -> Value {
        let start = Dict::new().with("path", "/etc/x");
        pairs
            .iter()
            .fold(start, |dict, (name, value)| dict.with(*name, *value))
            .into()
    }

    fn edited(text: &str, pairs: &[(&str, &str)]) -> String {
        let host = FakeHost::new().file("/etc/x", text);
        assert_converges::<BlockInFile>(&args(pairs), &host);
        host.text("/etc/x")
    }

    #[test]
    fn a_new_block_goes_where_asked() {
        let block = ("block", "x\ny");
        assert_eq!(edited("a\nb", &[block]), format!("a\nb\n{BLOCK}"));
        assert_eq!(
            edited("a\nb\n", &[block, ("insertbefore", "BOF")]),
            format!("{BLOCK}a\nb\n")
        );
        assert_eq!(
            edited("a\nb\na\nb\n", &[block, ("insertafter", "^a")]),
            format!("a\nb\na\n{BLOCK}b\n")
        );
        assert_eq!(
            edited("a\nb\n", &[block, ("insertbefore", "^b")]),
            format!("a\n{BLOCK}b\n")
        );
        assert_eq!(
            edited("a\nb\n", &[block, ("insertbefore", "^q")]),
            format!("a\nb\n{BLOCK}")
        );
        assert_eq!(
            edited("a\nb\nc\n", &[block, ("insertafter", "(?m)^a\\nb$")]),
            format!("a\nb\n{BLOCK}c\n")
        );
    }

    #[test]
    fn a_block_is_replaced_in_its_place_and_removed() {
        let old = BLOCK.replace("x\ny\n", "old\n");
        assert_eq!(
            edited(&format!("a\n{old}b\n"), &[("block", "x\ny\n")]),
            format!("a\n{BLOCK}b\n")
        );
        assert_eq!(
            edited(&format!("a\n{old}b\n"), &[("state", "absent")]),
            "a\nb\n"
        );
        assert_eq!(edited(&format!("a\n{old}b\n"), &[("block", "")]), "a\nb\n");
        let host = FakeHost::new().file("/etc/x", format!("a\n{BLOCK}"));
        assert_unchanged::<BlockInFile>(&args(&[("content", "x\ny")]), &host);
    }

    #[test]
    fn markers_can_be_named() {
        let pairs = [
            ("block", "x"),
            ("marker", "<!-- {mark} me -->"),
            ("marker_begin", "on"),
            ("marker_end", "off"),
        ];
        assert_eq!(edited("", &pairs), "<!-- on me -->\nx\n<!-- off me -->\n");
    }

    #[test]
    fn empty_lines_are_kept_around_it() {
        let both = [
            ("block", "x\ny"),
            ("append_newline", "yes"),
            ("prepend_newline", "yes"),
            ("insertafter", "a"),
        ];
        assert_eq!(edited("a\nb\n", &both), format!("a\n\n{BLOCK}\nb\n"));
        assert_eq!(edited("a\n", &both), format!("a\n\n{BLOCK}"));
    }

    #[test]
    fn messages_say_what_was_done() {
        let host = FakeHost::new().file("/etc/x", "");
        let message = |pairs: &[(&str, &str)]| {
            run::<BlockInFile>(&args(pairs), &host)
                .values
                .get("msg")
                .unwrap()
                .to_text()
        };
        assert_eq!(message(&[("block", "x")]), "Block inserted");
        assert_eq!(
            message(&[("block", "x"), ("mode", "0600")]),
            "ownership, perms or SE linux context changed"
        );
        assert_eq!(message(&[("state", "absent")]), "Block removed");
        assert_eq!(message(&[("state", "absent")]), "");
    }

    #[test]
    fn a_file_is_created_only_where_asked() {
        let host = FakeHost::new();
        let outcome = run::<BlockInFile>(&args(&[("block", "x")]), &host);
        assert_eq!(outcome.values.get("rc"), Some(&Value::from(257)));
        let outcome =
            assert_converges::<BlockInFile>(&args(&[("block", "x"), ("create", "yes")]), &host);
        assert_eq!(
            outcome.values.get("msg"),
            Some(&Value::from("File created"))
        );
    }

    #[test]
    fn mistakes_are_explained() {
        let host = FakeHost::new().directory("/etc/x");
        assert!(
            failure::<BlockInFile>(&args(&[("block", "x")]), &host).contains("is a directory !")
        );
        let both = [("insertafter", "a"), ("insertbefore", "b")];
        assert!(failure::<BlockInFile>(&args(&both), &host).contains("mutually exclusive"));
        let host = FakeHost::new()
            .file("/etc/x", "")
            .command(&["check"], exited(1, "", "no"));
        let message =
            failure::<BlockInFile>(&args(&[("block", "x"), ("validate", "check %s")]), &host);
        assert_eq!(message, "failed to validate: rc:1 error:no");
    }

    #[test]
    fn t11_no_write_through_another_users_link() {
        let host = FakeHost::new()
            .file("/etc/shadow", "")
            .link("/etc/x", "/etc/shadow")
            .owner("/etc/x", 5, 5);
        assert!(
            failure::<BlockInFile>(&args(&[("block", "evil")]), &host)
                .contains("refusing to follow")
        );
    }
}
