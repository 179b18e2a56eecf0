//! `ansible.builtin.replace`: every match of an expression in a text file.

use super::edit::{self, Edit, Found, Setting, Text};
use super::encoding::Encoding;
use super::python_regex::{Flags, PythonRegex};
use crate::kit::{
    Applied, ArgumentError, Diff, DiffText, Effect, Failure, Host, HostPath, Meta, Module, Plan,
    Support, with_file_attributes,
};

with_file_attributes! {
    /// Replace every match of an expression in a text file
    ///
    /// The expression is Python's `re` with `MULTILINE`: `^` and `$` match at each line, `.` does not match a newline. What it must not
    /// match again after the replacement is up to you. `after` and `before` narrow it to a part of the file.
    ///
    /// ## Check mode
    ///
    /// Tells what would change.
    ///
    /// ## Returns
    ///
    /// - `msg`: `3 replacements made`.
    /// - `rc`: 0.
    /// - `backup_file`: the path of the copy.
    /// - `diff`: the text, and the attributes.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - ansible.builtin.replace:
    ///     path: /etc/fstab
    ///     regexp: '^([^#].*\sswap\s.*)$'
    ///     replace: '# \1'
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// Root does not write through a symbolic link of another user's to a file that is not that user's. `encoding` knows UTF-8, UTF-16,
    /// Latin-1 and ASCII.
    pub(super) struct ReplaceArgs {
        /// The file.
        #[serde(alias = "dest", alias = "destfile", alias = "name")]
        path: HostPath,
        /// The expression.
        regexp: String,
        /// What each match becomes; `\1` and `\g<name>` refer to groups. Without it matches are removed.
        #[serde(default)]
        replace: String,
        /// Only what follows the first match of this expression.
        #[serde(default)]
        after: Option<String>,
        /// Only what precedes a match of this expression.
        #[serde(default)]
        before: Option<String>,
        /// Copy the file before it changes.
        #[serde(default)]
        backup: bool,
        /// A command that must accept the new file, whose path stands for `%s`, before it takes its place.
        #[serde(default)]
        validate: Option<String>,
        /// How the file is encoded.
        #[serde(default = "utf8")]
        encoding: String,
    }
}

fn utf8() -> String {
    "utf-8".to_owned()
}

impl ReplaceArgs {
    fn setting(&self) -> Setting<'_> {
        Setting {
            path: &self.path,
            attributes: self.file_attributes(),
            backup: self.backup,
            validate: self.validate.as_deref(),
            follow: true,
        }
    }

    /// The expression that finds the part between `after` and `before`.
    fn section(&self) -> Option<String> {
        match (
            self.after.as_deref().filter(|text| !text.is_empty()),
            self.before.as_deref().filter(|text| !text.is_empty()),
        ) {
            (Some(after), Some(before)) => Some(format!("{after}(?P<subsection>.*?){before}")),
            (Some(after), None) => Some(format!("{after}(?P<subsection>.*)")),
            (None, Some(before)) => Some(format!("(?P<subsection>.*){before}")),
            (None, None) => None,
        }
    }
}

pub(super) struct Replace;

impl Module for Replace {
    type Args = ReplaceArgs;
    type Change = Edit;

    const META: Meta = Meta {
        name: "ansible.builtin.replace",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        Encoding::named(&args.encoding)
            .map(drop)
            .map_err(|error| ArgumentError::new("encoding", error))
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Edit>, Failure> {
        let path = args.path.as_str();
        let encoding = Encoding::named(&args.encoding).map_err(Failure::new)?;
        let Found { text, status } = edit::find(path, host)?;
        if status.is_none() {
            return Err(Failure::new(format!("Path {path} does not exist !")).with("rc", 257));
        }
        let bytes = text.encode(&text.text);
        let text = encoding
            .decode(&bytes)
            .map_err(|error| Failure::new(format!("cannot read `{path}`: {error}")))?;
        let (new, count) = match replaced(args, &text)? {
            Replaced::NoSection(pattern) => {
                let message = format!(
                    "Pattern for before/after params did not match the given file: {pattern}"
                );
                return Ok(Plan::unchanged(format!("`{path}` has no such part"))
                    .with("msg", message)
                    .with("rc", 0));
            }
            Replaced::Text(new, count) => (new, count),
        };
        let content = match &new {
            Some(new) => Some(
                encoding
                    .encode(new)
                    .map_err(|error| Failure::new(format!("cannot write `{path}`: {error}")))?,
            ),
            None => None,
        };
        let message = if content.is_some() {
            format!("{count} replacements made")
        } else {
            String::new()
        };
        let found = Found {
            text: Text::of(bytes),
            status,
        };
        let edit = Edit {
            content,
            ..Edit::new(&found, None, &message, &args.setting(), host)?
        };
        let diff = new.map(|new| {
            let diff = Diff::text("", "").headers(path, path).alone();
            Diff {
                before: DiffText::Text(text),
                after: DiffText::Text(new),
                ..diff
            }
        });
        let attributes = edit
            .changes
            .as_ref()
            .and_then(crate::kit::AttributeChanges::diff);
        let message = edit.message();
        let plan = if edit.is_empty() {
            Plan::unchanged(format!("nothing in `{path}` matches, or it stays the same"))
        } else {
            Plan::change(edit)
        };
        let plan = plan.with("msg", message).with("rc", 0);
        Ok(diff
            .into_iter()
            .chain(attributes)
            .fold(plan, Plan::with_diff))
    }

    fn apply(args: &Self::Args, edit: Edit, host: &dyn Host) -> Result<Applied, Failure> {
        let (outcome, backup) = edit.apply(&args.setting(), host)?;
        Ok(match backup {
            Some(backup) => outcome.with("backup_file", backup).into(),
            None => outcome.into(),
        })
    }
}

enum Replaced {
    /// `after` and `before` match nowhere; the expression that was made of them.
    NoSection(String),
    /// The new text, if it differs, and how many matches there were.
    Text(Option<String>, usize),
}

fn replaced(args: &ReplaceArgs, text: &str) -> Result<Replaced, Failure> {
    let (start, end) = match args.section() {
        None => (0, text.len()),
        Some(pattern) => {
            let flags = Flags {
                dot_all: true,
                ..Flags::default()
            };
            let regex = PythonRegex::new(&pattern, flags).map_err(Failure::new)?;
            let captures = regex.search(text).map_err(Failure::new)?;
            match captures.and_then(|captures| captures.name("subsection")) {
                Some(part) => (part.start(), part.end()),
                None => return Ok(Replaced::NoSection(pattern)),
            }
        }
    };
    let flags = Flags {
        multiline: true,
        ..Flags::default()
    };
    let regex = PythonRegex::new(&args.regexp, flags).map_err(Failure::new)?;
    let section = text.get(start..end).unwrap_or_default();
    let (new, count) = regex.replace_all(section, &args.replace).map_err(|error| {
        Failure::new(format!("Unable to process replace due to error: {error}"))
    })?;
    if new == section {
        return Ok(Replaced::Text(None, count));
    }
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    Ok(Replaced::Text(Some(format!("{before}{new}{after}")), count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, check, failure, run};
    use crate::value::{Dict, Value};

    fn args(pairs: &[(&str, &str)]) -> Value {
        let start = Dict::new().with("path", "/etc/x");
        pairs
            .iter()
            .fold(start, |dict, (name, value)| dict.with(*name, *value))
            .into()
    }

    fn edited(text: &str, pairs: &[(&str, &str)]) -> String {
        let host = FakeHost::new().file("/etc/x", text);
        assert_converges::<Replace>(&args(pairs), &host);
        host.text("/etc/x")
    }

    #[test]
    fn every_match_is_replaced() {
        let pairs = [("regexp", r"^(\w+)=old$"), ("replace", r"\1=new")];
        assert_eq!(
            edited("a=old\nb=old\nc=older\n", &pairs),
            "a=new\nb=new\nc=older\n"
        );
        assert_eq!(edited("a b\n", &[("regexp", " b")]), "a\n");
        let host = FakeHost::new().file("/etc/x", "a a\n");
        let outcome = run::<Replace>(&args(&[("regexp", "a"), ("replace", "b")]), &host);
        assert_eq!(
            outcome.values.get("msg"),
            Some(&Value::from("2 replacements made"))
        );
    }

    #[test]
    fn a_part_can_be_chosen() {
        let replace = [("regexp", "x"), ("replace", "y")];
        let text = "x\n[a]\nx\n[b]\nx\n";
        let with = |more: &[(&str, &str)]| edited(text, &[&replace, more].concat());
        assert_eq!(
            with(&[("after", r"\[a\]"), ("before", r"\[b\]")]),
            "x\n[a]\ny\n[b]\nx\n"
        );
        assert_eq!(with(&[("after", r"\[b\]")]), "x\n[a]\nx\n[b]\ny\n");
        assert_eq!(with(&[("before", r"\[a\]")]), "y\n[a]\nx\n[b]\nx\n");
        let host = FakeHost::new().file("/etc/x", text);
        let outcome =
            assert_unchanged::<Replace>(&args(&[replace[0], replace[1], ("after", "none")]), &host);
        assert!(
            outcome
                .values
                .get("msg")
                .unwrap()
                .to_text()
                .starts_with("Pattern for before/after params did not match")
        );
    }

    #[test]
    fn nothing_to_replace_is_no_change() {
        let host = FakeHost::new().file("/etc/x", "a\n");
        let outcome =
            assert_unchanged::<Replace>(&args(&[("regexp", "q"), ("replace", "z")]), &host);
        assert_eq!(
            (outcome.values.get("msg"), outcome.values.get("rc")),
            (Some(&"".into()), Some(&0.into()))
        );
        assert_unchanged::<Replace>(&args(&[("regexp", "a"), ("replace", "a")]), &host);
        assert_converges::<Replace>(&args(&[("regexp", "q"), ("mode", "0600")]), &host);
    }

    #[test]
    fn other_encodings_stay() {
        let host = FakeHost::new().file("/etc/x", b"\xe9=1\n");
        run::<Replace>(
            &args(&[
                ("regexp", "é=1"),
                ("replace", "é=2"),
                ("encoding", "latin-1"),
            ]),
            &host,
        );
        assert_eq!(
            crate::kit::Host::read(&host, "/etc/x").unwrap(),
            b"\xe9=2\n"
        );
        let host = FakeHost::new().file("/etc/x", b"\xff");
        assert!(failure::<Replace>(&args(&[("regexp", "a")]), &host).contains("not UTF-8"));
    }

    #[test]
    fn the_difference_shows_the_text() {
        let host = FakeHost::new().file("/etc/x", "a\n");
        let outcome = check::<Replace>(&args(&[("regexp", "a"), ("replace", "b")]), &host);
        assert_eq!(outcome.diff[0].before, DiffText::Text("a\n".to_owned()));
        assert_eq!(outcome.diff[0].after, DiffText::Text("b\n".to_owned()));
    }

    #[test]
    fn mistakes_are_explained() {
        let host = FakeHost::new().directory("/etc/x");
        assert!(failure::<Replace>(&args(&[("regexp", "a")]), &host).contains("is a directory !"));
        let outcome = run::<Replace>(&args(&[("regexp", "a")]), &FakeHost::new());
        assert_eq!(outcome.values.get("rc"), Some(&Value::from(257)));
        let host = FakeHost::new().file("/etc/x", "a");
        assert!(
            failure::<Replace>(&args(&[("regexp", "(")]), &host).contains("no regular expression")
        );
        assert!(
            failure::<Replace>(&args(&[("regexp", "a"), ("replace", r"\9")]), &host)
                .contains("Unable to process replace")
        );
    }

    #[test]
    fn t11_no_write_through_another_users_link() {
        let host = FakeHost::new()
            .file("/etc/shadow", "a")
            .link("/etc/x", "/etc/shadow")
            .owner("/etc/x", 5, 5);
        assert!(
            failure::<Replace>(&args(&[("regexp", "a"), ("replace", "b")]), &host)
                .contains("refusing to follow")
        );
    }
}
