//! Python's `re` over fancy-regex: patterns are rewritten where the two languages differ, replacing and finding follow
//! Python's rules for empty matches.
//!
//! Used by the `regex_*` filters, the `match`, `search` and `regex` tests and whatever else takes a Python pattern.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use fancy_regex::{Regex, RegexBuilder};

use super::regex_syntax::translate;
use crate::template::error::TemplateError;

/// `re.I`, `re.M`, `re.S`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Flags {
    /// Letters match in both cases.
    pub(crate) ignorecase: bool,
    /// `^` and `$` match at every line.
    pub(crate) multiline: bool,
}

/// A compiled pattern. Cloning shares.
#[derive(Clone)]
pub(crate) struct Pattern {
    normal: Arc<Regex>,
    /// The same for matches that are not empty; nothing where all of them are.
    not_empty: Option<Arc<Regex>>,
}

/// The places of one match: the whole first, then each group.
pub(crate) struct Groups {
    spans: Vec<Option<(usize, usize)>>,
}

impl Groups {
    /// Returns the whole match.
    pub(crate) fn whole(&self) -> (usize, usize) {
        self.spans.first().copied().flatten().unwrap_or((0, 0))
    }

    /// Returns the text of a group; nothing for one that did not take part.
    pub(crate) fn text<'t>(&self, text: &'t str, group: usize) -> Option<&'t str> {
        let (start, end) = self.spans.get(group).copied().flatten()?;
        text.get(start..end)
    }
}

type Cache = Mutex<HashMap<(String, Flags), Pattern>>;
static CACHE: LazyLock<Cache> = LazyLock::new(Cache::default);
const CACHE_SIZE: usize = 500;

impl Pattern {
    /// Compiles a Python pattern, or takes it from those compiled before.
    pub(crate) fn new(pattern: &str, flags: Flags) -> Result<Self, TemplateError> {
        let name = (pattern.to_owned(), flags);
        if let Some(found) = CACHE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&name)
        {
            return Ok(found.clone());
        }
        let wrong = |reason: String| {
            TemplateError::new(format!("`{pattern}` is not a regular expression: {reason}"))
        };
        let text = translate(pattern, flags).map_err(&wrong)?;
        let build = |not_empty: bool| RegexBuilder::new(&text).find_not_empty(not_empty).build();
        let normal = build(false).map_err(|error| wrong(error.to_string()))?;
        let compiled = Self {
            normal: Arc::new(normal),
            not_empty: build(true).ok().map(Arc::new),
        };
        let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE_SIZE {
            cache.clear();
        }
        cache.insert(name, compiled.clone());
        Ok(compiled)
    }

    /// Returns how many groups the pattern has.
    pub(crate) fn groups(&self) -> usize {
        self.normal.captures_len().saturating_sub(1)
    }

    /// Returns the number of a named group.
    pub(crate) fn group_of(&self, name: &str) -> Option<usize> {
        self.normal
            .capture_names()
            .position(|known| known == Some(name))
    }

    /// Finds the first match.
    pub(crate) fn search(&self, text: &str) -> Result<Option<Groups>, TemplateError> {
        find(&self.normal, text, 0)
    }

    /// Tells whether the text begins with a match (`re.match`).
    pub(crate) fn starts(&self, text: &str) -> Result<bool, TemplateError> {
        // A later match says nothing of the beginning, but the leftmost one is the one at the beginning if there is any.
        Ok(self
            .search(text)?
            .is_some_and(|groups| groups.whole().0 == 0))
    }

    /// Returns all matches as `re.finditer` yields them, `limit` at most (0: all).
    pub(crate) fn all(&self, text: &str, limit: usize) -> Result<Vec<Groups>, TemplateError> {
        let mut found = Vec::new();
        let mut position = 0;
        let mut after_empty = false;
        while position <= text.len() && (limit == 0 || found.len() < limit) {
            let next = if after_empty {
                // Python looks for a longer match where the last one was empty before it moves on.
                let longer = match &self.not_empty {
                    Some(regex) => find(regex, text, position)?,
                    None => None,
                };
                match longer {
                    Some(groups) if groups.whole().0 == position => Some(groups),
                    _ => match text.get(position..).and_then(|rest| rest.chars().next()) {
                        Some(character) => {
                            find(&self.normal, text, position + character.len_utf8())?
                        }
                        None => None,
                    },
                }
            } else {
                find(&self.normal, text, position)?
            };
            let Some(groups) = next else { break };
            let (start, end) = groups.whole();
            after_empty = start == end;
            position = end;
            found.push(groups);
        }
        Ok(found)
    }

    /// Replaces matches by the template (`re.subn`) and returns how many.
    pub(crate) fn replace(
        &self,
        text: &str,
        template: &str,
        limit: usize,
    ) -> Result<(String, usize), TemplateError> {
        let parts = self.parse_template(template)?;
        let found = self.all(text, limit)?;
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for groups in &found {
            let (start, end) = groups.whole();
            out.push_str(text.get(copied..start).unwrap_or_default());
            for part in &parts {
                match part {
                    Part::Text(text) => out.push_str(text),
                    Part::Group(group) => {
                        out.push_str(groups.text(text, *group).unwrap_or_default());
                    }
                }
            }
            copied = end;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Ok((out, found.len()))
    }

    fn group_number(&self, number: usize) -> Result<Part, TemplateError> {
        if number > self.groups() {
            return Err(TemplateError::new(format!(
                "the replacement names group {number}, which the pattern lacks"
            )));
        }
        Ok(Part::Group(number))
    }

    fn parse_template(&self, template: &str) -> Result<Vec<Part>, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = template.chars().peekable();
        while let Some(character) = rest.next() {
            if character != '\\' {
                plain.push(character);
                continue;
            }
            let bad = |what: String| {
                TemplateError::new(format!("bad escape `\\{what}` in the replacement"))
            };
            let group = match rest.next() {
                None => {
                    return Err(TemplateError::new(
                        "the replacement ends in a lone backslash",
                    ));
                }
                Some('g') => {
                    if rest.next() != Some('<') {
                        return Err(bad("g".to_owned()));
                    }
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('>') => break,
                            Some(letter) => name.push(letter),
                            None => return Err(bad("g<".to_owned())),
                        }
                    }
                    match name.parse::<usize>() {
                        Ok(number) => self.group_number(number)?,
                        Err(_) => Part::Group(self.group_of(&name).ok_or_else(|| {
                            TemplateError::new(format!(
                                "the replacement names group `{name}`, which the pattern lacks"
                            ))
                        })?),
                    }
                }
                Some('0') => {
                    let mut digits = String::new();
                    while let Some(digit) =
                        rest.next_if(|next| digits.len() < 2 && ('0'..='7').contains(next))
                    {
                        digits.push(digit);
                    }
                    plain.push(
                        u32::from_str_radix(&digits, 8)
                            .ok()
                            .and_then(char::from_u32)
                            .unwrap_or('\0'),
                    );
                    continue;
                }
                Some(first) if first.is_ascii_digit() => {
                    let mut digits = String::from(first);
                    if let Some(second) = rest.next_if(char::is_ascii_digit) {
                        digits.push(second);
                        let octal = digits.chars().all(|digit| ('0'..='7').contains(&digit))
                            && first <= '3';
                        if octal
                            && let Some(third) = rest.next_if(|next| ('0'..='7').contains(next))
                        {
                            digits.push(third);
                            plain.extend(
                                u32::from_str_radix(&digits, 8)
                                    .ok()
                                    .and_then(char::from_u32),
                            );
                            continue;
                        }
                    }
                    self.group_number(digits.parse().unwrap_or(usize::MAX))?
                }
                Some(escape) => {
                    match escape {
                        'n' => plain.push('\n'),
                        't' => plain.push('\t'),
                        'r' => plain.push('\r'),
                        'a' => plain.push('\x07'),
                        'b' => plain.push('\x08'),
                        'f' => plain.push('\x0c'),
                        'v' => plain.push('\x0b'),
                        '\\' => plain.push('\\'),
                        letter if letter.is_ascii_alphabetic() => {
                            return Err(bad(letter.to_string()));
                        }
                        other => {
                            plain.push('\\');
                            plain.push(other);
                        }
                    }
                    continue;
                }
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(group);
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(parts)
    }
}

/// A piece of a replacement.
enum Part {
    Text(String),
    Group(usize),
}

fn find(regex: &Regex, text: &str, from: usize) -> Result<Option<Groups>, TemplateError> {
    let captures = regex.captures_from_pos(text, from).map_err(|error| {
        TemplateError::new(format!(
            "the regular expression could not be matched: {error}"
        ))
    })?;
    Ok(captures.map(|captures| Groups {
        spans: (0..captures.len())
            .map(|group| {
                captures
                    .get(group)
                    .map(|found| (found.start(), found.end()))
            })
            .collect(),
    }))
}
