//! The lines of an INI file and of one section in it: what `ini_file` looks for and how it changes them.
//!
//! Everything that is not about the option stays as it is, byte by byte; so there is no parsing into a tree.

use std::ops::Range;

/// An option's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OptionLine<'a> {
    /// It is commented out.
    pub(super) inactive: bool,
    /// What stands behind the `=`.
    pub(super) value: &'a str,
}

const BLANKS: [char; 2] = [' ', '\t'];

/// Reads a line as that of this option: `option = value`, `option` alone, or the same behind one `#` or `;`.
pub(super) fn read<'a>(line: &'a str, option: &str) -> Option<OptionLine<'a>> {
    let start = line.trim_start_matches(BLANKS);
    let commented = start
        .strip_prefix(['#', ';'])
        .and_then(|rest| value(rest.trim_start_matches(BLANKS), option));
    let (inactive, found) = match commented {
        Some(value) => (true, Some(value)),
        None => (false, value(start, option)),
    };
    found.map(|value| OptionLine { inactive, value })
}

fn value<'a>(text: &'a str, option: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(option)?.trim_start_matches(BLANKS);
    let rest = rest.strip_suffix('\n').unwrap_or(rest);
    match rest.strip_prefix('=') {
        Some(value) => Some(value.trim_start_matches(BLANKS)),
        None => rest.is_empty().then_some(""),
    }
}

/// Tells whether nothing stands on the line but a comment.
fn is_idle(line: &str) -> bool {
    let text = line.trim_end_matches('\n').trim_start_matches(BLANKS);
    text.is_empty() || text.starts_with(['#', ';'])
}

/// Tells whether the line is the heading of that section.
fn is_heading(line: &str, section: &str) -> bool {
    line.strip_prefix('[')
        .and_then(|rest| rest.trim_start().strip_prefix(section.trim()))
        .is_some_and(|rest| rest.trim_start().starts_with(']'))
}

/// Splits a text into lines, each with its end; ends of other systems become plain ones.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .split_inclusive('\n')
        .map(ToOwned::to_owned)
        .collect()
}

/// An option that a section must have, with one of these values; without values, any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) option: String,
    pub(super) values: Vec<String>,
}

/// Finds the lines of a section, its heading included; without a name, those in front of the first section. Of several sections of
/// that name it is the first with all marks.
pub(super) fn find(
    lines: &[String],
    section: Option<&str>,
    marks: &[Mark],
) -> Option<Range<usize>> {
    let end_after = |start: usize| {
        lines
            .iter()
            .skip(start)
            .position(|line| line.starts_with('['))
            .map_or(lines.len(), |at| start + at)
    };
    let Some(section) = section else {
        return Some(0..end_after(0));
    };
    (0..lines.len())
        .filter(|at| lines.get(*at).is_some_and(|line| is_heading(line, section)))
        .map(|start| start..end_after(start + 1))
        .find(|range| {
            let own = lines.get(range.clone()).unwrap_or_default();
            marks.iter().all(|mark| {
                let wanted = |value: &str| {
                    mark.values.is_empty() || mark.values.iter().any(|known| known == value)
                };
                own.iter()
                    .filter_map(|line| read(line, &mark.option))
                    .any(|found| wanted(found.value))
            })
        })
}

/// What an option shall be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) option: Option<&'a str>,
    pub(super) values: &'a [String],
    pub(super) exclusive: bool,
    pub(super) no_extra_spaces: bool,
    pub(super) ignore_spaces: bool,
    pub(super) allow_no_value: bool,
    pub(super) modify_inactive: bool,
}

/// What has become of a section, in Ansible's words.
pub(super) type Message = &'static str;

pub(super) const FINE: Message = "OK";
const CHANGED: Message = "option changed";

impl Wanted<'_> {
    pub(super) fn assignment(&self, option: &str, value: &str) -> String {
        let sign = if self.no_extra_spaces { "=" } else { " = " };
        format!("{option}{sign}{value}\n")
    }

    fn find<'l>(&self, line: &'l str, option: &str) -> Option<OptionLine<'l>> {
        if self.modify_inactive {
            read(line, option)
        } else {
            active(line, option)
        }
    }

    /// Puts a new text in the place of a line, unless they are the same. Says whether they were not.
    fn replace(&self, line: &mut String, new: String, option: &str) -> bool {
        let spaces_only = self.ignore_spaces
            && read(line, option).is_some_and(|old| {
                !old.inactive && read(&new, option).is_some_and(|new| new.value == old.value)
            });
        if spaces_only || *line == new {
            return false;
        }
        *line = new;
        true
    }

    /// Makes sure that the option is in the section with these values.
    pub(super) fn put(&self, section: &mut Vec<String>) -> Message {
        let Some(option) = self.option else {
            return FINE;
        };
        let mut message = FINE;
        let mut missing: Vec<&str> = self.values.iter().map(String::as_str).collect();
        let mut settled = vec![false; section.len()];
        let mut bare = false;
        // Lines that have one of the values already.
        for (line, settled) in section.iter_mut().zip(&mut settled) {
            let Some(found) = self.find(line, option).map(|found| found.value.to_owned()) else {
                continue;
            };
            let alone = || format!("{option}\n");
            let (new, last) = match missing.iter().position(|value| *value == found) {
                Some(at) => {
                    missing.remove(at);
                    if found.is_empty() && self.allow_no_value {
                        bare = true;
                        (alone(), false)
                    } else {
                        (self.assignment(option, &found), false)
                    }
                }
                None if missing.is_empty() && self.allow_no_value => {
                    bare = true;
                    (alone(), true)
                }
                None => continue,
            };
            if self.replace(line, new, option) {
                message = CHANGED;
            }
            *settled = true;
            if last {
                break;
            }
        }
        if self.exclusive
            && !self.allow_no_value
            && self.give_other_lines(section, &mut settled, &mut missing, option)
        {
            message = CHANGED;
        }
        let new: Vec<String> = if missing.is_empty() && self.allow_no_value && !bare {
            vec![format!("{option}\n")]
        } else {
            missing
                .iter()
                .map(|value| self.assignment(option, value))
                .collect()
        };
        let place = section
            .iter()
            .rposition(|line| !is_idle(line))
            .map_or(0, |at| at + 1);
        if !new.is_empty() {
            section.splice(place..place, new);
            message = "option added";
        }
        message
    }

    /// Other lines of the option get the values that are missing; those that are left over go. Says whether something changed.
    fn give_other_lines(
        &self,
        section: &mut Vec<String>,
        settled: &mut [bool],
        missing: &mut Vec<&str>,
        option: &str,
    ) -> bool {
        let mut changed = false;
        for (line, settled) in section.iter_mut().zip(settled.iter_mut()) {
            if missing.is_empty() {
                break;
            }
            if !*settled && self.find(line, option).is_some() {
                let new = self.assignment(option, missing.remove(0));
                changed |= self.replace(line, new, option);
                *settled = true;
            }
        }
        let before = section.len();
        let mut settled = settled.iter();
        section.retain(|line| settled.next() == Some(&true) || self.find(line, option).is_none());
        changed || section.len() != before
    }

    /// Makes sure that the option is not in the section, or with `exclusive: false` not with these values.
    pub(super) fn remove(&self, section: &mut Vec<String>, option: &str) -> Message {
        let before = section.len();
        section.retain(|line| {
            active(line, option).is_none_or(|found| {
                !self.exclusive && !self.values.iter().any(|value| value == found.value)
            })
        });
        if section.len() == before {
            FINE
        } else {
            CHANGED
        }
    }
}

fn active<'a>(line: &'a str, option: &str) -> Option<OptionLine<'a>> {
    value(line.trim_start_matches(BLANKS), option).map(|value| OptionLine {
        inactive: false,
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_an_option_are_known() {
        let found = |line| read(line, "fav").map(|found| (found.inactive, found.value));
        assert_eq!(found("fav = lemon ade \n"), Some((false, "lemon ade ")));
        assert_eq!(found("\t# fav=\n"), Some((true, "")));
        assert_eq!(found(";fav\n"), Some((true, "")));
        assert_eq!(found("fav"), Some((false, "")));
        for other in ["favourite = x\n", "## fav = x\n", "fav x\n", "[fav]\n"] {
            assert_eq!(found(other), None, "{other}");
        }
        assert_eq!(active("# fav=1\n", "fav"), None);
    }

    #[test]
    fn sections_are_found_by_name_and_marks() {
        let text = lines("top=1\n[a]\nx=1\n[ b ] # c\nip = 1\n\n[b]\nip = 2\n");
        assert_eq!(find(&text, None, &[]), Some(0..1));
        assert_eq!(find(&text, Some("b"), &[]), Some(3..6));
        let mark = |value: &str| Mark {
            option: "ip".to_owned(),
            values: vec![value.to_owned()],
        };
        assert_eq!(find(&text, Some("b"), &[mark("2")]), Some(6..8));
        assert_eq!(find(&text, Some("b"), &[mark("3")]), None);
        assert_eq!(find(&text, Some("c"), &[]), None);
    }
}
