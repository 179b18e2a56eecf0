//! `community.general.ini_file`: options in the sections of an INI file.

mod section;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;

use self::section::{FINE, Mark, Wanted};
use super::edit::{self, Edit, Found, Setting};
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Plan, Support,
    path_info, with_file_attributes,
};
use crate::value::Dict;

/// Whether it shall be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It shall not.
    Absent,
    /// It shall.
    #[default]
    Present,
}

/// What a section of several with one name must have.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SectionMark {
    /// The section has this option ...
    option: String,
    /// ... with this value.
    #[serde(default)]
    value: Option<String>,
    /// ... with one of these values.
    #[serde(default)]
    values: Option<Vec<String>>,
}

with_file_attributes! {
    /// Set options in an INI file
    ///
    /// Lines that are not about the option stay as they are, comments too. A commented line of the option is put to use. A section
    /// that is not there is added at the end; without `section`, the option goes before the first one.
    ///
    /// ## Check mode
    ///
    /// Tells what would change.
    ///
    /// ## Returns
    ///
    /// - `msg`: `OK`, `option added`, `option changed`, `section removed`, `section and option added`, `only section added`.
    /// - `path`, `state`, `mode`, `owner`, `group`, `uid`, `gid`, `size`: the file.
    /// - `backup_file`: the copy, if one was made.
    /// - `diff`: the text, and the attributes.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - community.general.ini_file:
    ///     path: /etc/systemd/timesyncd.conf
    ///     section: Time
    ///     option: NTP
    ///     value: ntp.example.org
    ///     no_extra_spaces: true
    /// - community.general.ini_file:
    ///     path: /etc/wireguard/wg0.conf
    ///     section: Peer
    ///     section_has_values:
    ///       - option: AllowedIPs
    ///         value: 10.4.0.11/32
    ///     state: absent
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// `state: absent` with neither `section` nor `option` removes what stands before the first section, and not also the heading of that
    /// section. Check mode tells of attributes too.
    pub(super) struct IniFileArgs {
        /// The file.
        #[serde(alias = "dest")]
        path: HostPath,
        /// The section.
        #[serde(default)]
        section: Option<String>,
        /// Of several sections of that name, take the first that has these options.
        #[serde(default)]
        section_has_values: Option<Vec<SectionMark>>,
        /// The option. Without one it is about the whole section.
        #[serde(default)]
        option: Option<String>,
        /// Its value.
        #[serde(default)]
        value: Option<String>,
        /// Its values, each on a line of its own.
        #[serde(default)]
        values: Option<Vec<String>>,
        /// Copy the file before it changes.
        #[serde(default)]
        backup: bool,
        /// Whether it shall be there.
        #[serde(default)]
        state: State,
        /// The option has these values and no others; with `state: absent`, all its lines go.
        #[serde(default = "yes")]
        exclusive: bool,
        /// Write `option=value`.
        #[serde(default)]
        no_extra_spaces: bool,
        /// Leave a line that differs in the spaces around `=` alone.
        #[serde(default)]
        ignore_spaces: bool,
        /// Make the file, and the folders above it, if it is not there.
        #[serde(default = "yes")]
        create: bool,
        /// The option may stand alone, without `=`.
        #[serde(default)]
        allow_no_value: bool,
        /// Put a commented line of the option to use.
        #[serde(default = "yes")]
        modify_inactive_option: bool,
        /// Write through a symbolic link; else the file takes the link's place.
        #[serde(default)]
        follow: bool,
    }
}

fn yes() -> bool {
    true
}

impl IniFileArgs {
    fn setting(&self) -> Setting<'_> {
        Setting {
            path: &self.path,
            attributes: self.file_attributes(),
            backup: self.backup,
            validate: None,
            follow: self.follow,
        }
    }

    fn section(&self) -> Option<&str> {
        self.section.as_deref().filter(|name| !name.is_empty())
    }

    fn option(&self) -> Option<&str> {
        self.option.as_deref().filter(|name| !name.is_empty())
    }

    /// The values, each once.
    fn values(&self) -> Vec<String> {
        let given = match (&self.value, &self.values) {
            (Some(value), _) => std::slice::from_ref(value),
            (None, Some(values)) => values,
            (None, None) => &[],
        };
        let mut all: Vec<String> = Vec::new();
        for value in given {
            if !all.contains(value) {
                all.push(value.clone());
            }
        }
        all
    }

    fn marks(&self) -> Vec<Mark> {
        let marks = self.section_has_values.as_deref().unwrap_or_default();
        marks
            .iter()
            .map(|mark| Mark {
                option: mark.option.clone(),
                values: match &mark.value {
                    Some(value) => vec![value.clone()],
                    None => mark.values.clone().unwrap_or_default(),
                },
            })
            .collect()
    }
}

pub(super) struct IniFile;

impl Module for IniFile {
    type Args = IniFileArgs;
    type Change = Edit;

    const META: Meta = Meta {
        name: "community.general.ini_file",
        aliases: &["ansible.builtin.ini_file"],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let exclusive = |one: bool, other: bool| {
            (one && other)
                .then(|| ArgumentError::general("parameters are mutually exclusive: value|values"))
        };
        let marks = args.section_has_values.as_deref().unwrap_or_default();
        let faults = [exclusive(args.value.is_some(), args.values.is_some())]
            .into_iter()
            .chain(
                marks
                    .iter()
                    .map(|mark| exclusive(mark.value.is_some(), mark.values.is_some())),
            );
        if let Some(fault) = faults.flatten().next() {
            return Err(fault);
        }
        let no_values = args.value.is_none() && args.values.as_ref().is_none_or(Vec::is_empty);
        if args.state == State::Present && !args.allow_no_value && no_values {
            return Err(ArgumentError::general(
                "Parameter 'value(s)' must be defined if state=present and allow_no_value=False.",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Edit>, Failure> {
        let path = args.path.as_str();
        let mut found = edit::find(path, host)?;
        if let Some(text) = found.text.text.strip_prefix('\u{feff}') {
            found.text.text = text.to_owned();
        }
        if found.status.is_none() && !args.create {
            return Err(Failure::new(format!("Destination {path} does not exist!")).with("rc", 257));
        }
        let (new, message) = changed(args, &found);
        let edit = Edit::new(&found, new.as_deref(), message, &args.setting(), host)?;
        // The ends of lines are no part of what is shown: other ones alone are no change.
        found.text.text = section::lines(&found.text.text).concat();
        let diffs = edit.diffs(&found, path);
        let plan = if edit.is_empty() {
            Plan::unchanged(format!("`{path}` is as it shall be"))
        } else {
            Plan::change(edit)
        };
        let plan = plan.with_all(described(path, host)?).with("msg", message);
        Ok(diffs.into_iter().fold(plan, Plan::with_diff))
    }

    fn apply(args: &Self::Args, edit: Edit, host: &dyn Host) -> Result<Applied, Failure> {
        let (outcome, backup) = edit.apply(&args.setting(), host)?;
        let outcome = outcome
            .with_all(described(&args.path, host)?)
            .with("msg", edit.message.as_str());
        Ok(match backup {
            Some(backup) => outcome.with("backup_file", backup),
            None => outcome,
        }
        .into())
    }
}

/// The file as results tell of it.
fn described(path: &str, host: &dyn Host) -> Result<Dict, Failure> {
    Ok(path_info(path, host)?.with("path", path))
}

/// Returns the new text if it differs, and what was done.
fn changed(args: &IniFileArgs, found: &Found) -> (Option<String>, &'static str) {
    let adapted = |text: &str| found.text.adapt(text);
    let values: Vec<String> = args.values().iter().map(|value| adapted(value)).collect();
    let option = args.option().map(adapted);
    let section = args.section().map(adapted);
    let marks = args.marks();
    let wanted = Wanted {
        option: option.as_deref(),
        values: &values,
        exclusive: args.exclusive,
        no_extra_spaces: args.no_extra_spaces,
        ignore_spaces: args.ignore_spaces,
        allow_no_value: args.allow_no_value,
        modify_inactive: args.modify_inactive_option,
    };
    let mut lines = section::lines(&found.text.text);
    if lines.is_empty() {
        lines.push("\n".to_owned());
    }
    let mut touched = false;
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push('\n');
        touched = true;
    }
    let message = match section::find(&lines, section.as_deref(), &marks) {
        Some(range) => {
            let mut own: Vec<String> = lines.get(range.clone()).unwrap_or_default().to_vec();
            let message = match (args.state, option.as_deref()) {
                (State::Present, _) => wanted.put(&mut own),
                (State::Absent, Some(option)) => wanted.remove(&mut own, option),
                (State::Absent, None) if own.is_empty() => FINE,
                (State::Absent, None) => {
                    own.clear();
                    "section removed"
                }
            };
            lines.splice(range, own);
            message
        }
        None if args.state == State::Absent => FINE,
        None => add_section(
            &mut lines,
            section.as_deref().unwrap_or_default(),
            &wanted,
            &marks,
        ),
    };
    let new = (touched || message != FINE).then(|| lines.concat());
    (new, message)
}

/// Adds a section with its marks and the option.
fn add_section(
    lines: &mut Vec<String>,
    section: &str,
    wanted: &Wanted<'_>,
    marks: &[Mark],
) -> &'static str {
    lines.push(format!("[{section}]\n"));
    let mut values = wanted.values.to_vec();
    for mark in marks {
        if Some(mark.option.as_str()) != wanted.option {
            let assignments = mark.values.iter();
            lines.extend(assignments.map(|value| wanted.assignment(&mark.option, value)));
            if mark.values.is_empty() && wanted.allow_no_value {
                lines.push(format!("{}\n", mark.option));
            }
        } else if !wanted.exclusive {
            for value in &mark.values {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
        }
    }
    match wanted.option {
        Some(option) if !values.is_empty() => {
            lines.extend(values.iter().map(|value| wanted.assignment(option, value)));
        }
        Some(option) if wanted.allow_no_value => lines.push(format!("{option}\n")),
        _ => return "only section added",
    }
    "section and option added"
}
