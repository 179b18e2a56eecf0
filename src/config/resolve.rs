//! From texts in files and variables to typed values.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::ini::Entries;
use crate::diag::{Diagnostic, Span};

/// One setting of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Definition {
    /// Ansible's name.
    pub(super) name: &'static str,
    /// `section.key`s; the last one that is set counts.
    pub(super) ini: &'static [&'static str],
    /// Environment variables; the last one that is set counts, before any file.
    pub(super) environment: &'static [&'static str],
    /// What it is without any.
    pub(super) default: Option<&'static str>,
    /// What it may be; empty for anything.
    pub(super) choices: &'static [&'static str],
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// An environment variable.
    Environment(String),
    /// The configuration file.
    File(Span),
}

/// A setting as `kplay config dump` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Ansible's name.
    pub name: &'static str,
    /// The value.
    pub value: String,
    /// The same as what it is, for the lookup `config`.
    pub typed: Typed,
    /// Where it comes from.
    pub origin: Origin,
}

/// A setting's value as what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Typed {
    /// None is set.
    #[default]
    Nothing,
    /// Yes or no.
    Boolean(bool),
    /// A number.
    Integer(i64),
    /// A text or a path.
    Text(String),
    /// Several of these.
    List(Vec<String>),
}

impl From<&(bool, String, Origin)> for Typed {
    fn from((truth, ..): &(bool, String, Origin)) -> Self {
        Self::Boolean(*truth)
    }
}

impl From<&i64> for Typed {
    fn from(number: &i64) -> Self {
        Self::Integer(*number)
    }
}

impl From<&String> for Typed {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&PathBuf> for Typed {
    fn from(path: &PathBuf) -> Self {
        Self::Text(path.display().to_string())
    }
}

impl From<&Vec<String>> for Typed {
    fn from(items: &Vec<String>) -> Self {
        Self::List(items.clone())
    }
}

impl From<&Vec<PathBuf>> for Typed {
    fn from(paths: &Vec<PathBuf>) -> Self {
        let paths = paths.iter();
        Self::List(paths.map(|path| path.display().to_string()).collect())
    }
}

/// Reads setting by setting and collects what is wrong.
pub(super) struct Resolver<'a> {
    pub(super) environment: &'a Environment,
    pub(super) entries: &'a Entries,
    /// The directory of the configuration file, from which its relative paths count.
    pub(super) file_directory: &'a Path,
    /// `ANSIBLE_HOME`, once it is known.
    pub(super) home: PathBuf,
    pub(super) shown: Vec<Shown>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// A text with where it comes from.
struct Raw {
    text: String,
    origin: Origin,
}

impl Resolver<'_> {
    fn raw(&self, definition: &Definition) -> Option<Raw> {
        let from_environment = definition.environment.iter().rev().find_map(|name| {
            let text = self.environment.variables.get(*name)?;
            Some(Raw {
                text: text.clone(),
                origin: Origin::Environment((*name).to_owned()),
            })
        });
        let from_file = || {
            definition.ini.iter().rev().find_map(|name| {
                let (section, key) = name.rsplit_once('.')?;
                let entry = self.entries.get(&(section.to_owned(), key.to_owned()))?;
                Some(Raw {
                    text: unquoted(&entry.value).to_owned(),
                    origin: Origin::File(entry.place),
                })
            })
        };
        let default = || {
            let text = definition
                .default?
                .replace("{{ANSIBLE_HOME}}", &self.home.display().to_string());
            Some(Raw {
                text,
                origin: Origin::Default,
            })
        };
        from_environment.or_else(from_file).or_else(default)
    }

    fn read<T>(
        &mut self,
        definition: &Definition,
        parse: impl Fn(&Self, &Raw) -> Result<T, String>,
    ) -> Option<T>
    where
        for<'v> Typed: From<&'v T>,
    {
        let raw = self.raw(definition);
        self.shown.push(Shown {
            name: definition.name,
            value: raw
                .as_ref()
                .map_or_else(String::new, |raw| raw.text.clone()),
            typed: Typed::Nothing,
            origin: raw
                .as_ref()
                .map_or(Origin::Default, |raw| raw.origin.clone()),
        });
        let raw = raw?;
        let choice =
            definition.choices.is_empty() || definition.choices.contains(&raw.text.as_str());
        let parsed = if choice {
            parse(self, &raw)
        } else {
            Err(format!(
                "is one of {}",
                definition
                    .choices
                    .iter()
                    .map(|choice| format!("`{choice}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ))
        };
        match parsed {
            Ok(value) => {
                if let Some(shown) = self.shown.last_mut() {
                    shown.typed = Typed::from(&value);
                }
                Some(value)
            }
            Err(expected) => {
                let (what, span) = match &raw.origin {
                    Origin::Environment(name) => (name.clone(), Span::NONE),
                    Origin::File(span) => (
                        definition
                            .ini
                            .last()
                            .copied()
                            .unwrap_or_default()
                            .to_owned(),
                        *span,
                    ),
                    Origin::Default => (definition.name.to_owned(), Span::NONE),
                };
                let diagnostic = Diagnostic::error(
                    "config-value",
                    format!("`{what}` {expected}, not `{}`", raw.text),
                )
                .at(span, "");
                self.errors.push(diagnostic);
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, definition: &Definition) -> bool {
        let mut odd = None;
        let value = self.read(definition, |_, raw| {
            let lower = raw.text.trim().to_lowercase();
            Ok((
                matches!(
                    lower.as_str(),
                    "y" | "yes" | "on" | "1" | "true" | "t" | "1.0"
                ),
                lower,
                raw.origin.clone(),
            ))
        });
        let truth = value.is_some_and(|(truth, lower, origin)| {
            if !truth
                && !matches!(
                    lower.as_str(),
                    "n" | "no" | "off" | "0" | "false" | "f" | "0.0" | ""
                )
            {
                odd = Some((lower, origin));
            }
            truth
        });
        // Ansible takes any other word as false; a slip in `host_key_checking` shall not pass in silence.
        if let Some((text, origin)) = odd {
            let headline = format!(
                "`{}` is neither yes nor no: `{text}` counts as no",
                definition.name
            );
            let span = if let Origin::File(span) = origin {
                span
            } else {
                Span::NONE
            };
            self.warnings
                .push(Diagnostic::warning("config-value", headline).at(span, ""));
        }
        truth
    }

    pub(super) fn optional_integer(&mut self, definition: &Definition) -> Option<i64> {
        self.read(definition, |_, raw| {
            let text = raw.text.trim();
            // `5.0` is an integer too.
            let whole = text
                .split_once('.')
                .filter(|(_, rest)| rest.bytes().all(|byte| byte == b'0'))
                .map_or(text, |(whole, _)| whole);
            whole.parse().map_err(|_| "is an integer".to_owned())
        })
    }

    pub(super) fn integer(&mut self, definition: &Definition) -> i64 {
        self.optional_integer(definition).unwrap_or_default()
    }

    pub(super) fn optional_text(&mut self, definition: &Definition) -> Option<String> {
        self.read(definition, |_, raw| Ok(raw.text.clone()))
    }

    pub(super) fn text(&mut self, definition: &Definition) -> String {
        self.optional_text(definition).unwrap_or_default()
    }

    pub(super) fn list(&mut self, definition: &Definition) -> Vec<String> {
        let items = self.read(definition, |_, raw| {
            Ok(raw
                .text
                .split(',')
                .map(|item| unquoted(item.trim()).to_owned())
                .filter(|item| !item.is_empty())
                .collect())
        });
        items.unwrap_or_default()
    }

    fn base(&self, raw: &Raw) -> &Path {
        match raw.origin {
            Origin::File(_) => self.file_directory,
            Origin::Default | Origin::Environment(_) => &self.environment.directory,
        }
    }

    pub(super) fn optional_path(&mut self, definition: &Definition) -> Option<PathBuf> {
        self.read(definition, |own, raw| {
            Ok(own.environment.path(&raw.text, own.base(raw)))
        })
    }

    pub(super) fn path(&mut self, definition: &Definition) -> PathBuf {
        self.optional_path(definition).unwrap_or_default()
    }

    pub(super) fn paths_at_colons(&mut self, definition: &Definition) -> Vec<PathBuf> {
        self.paths(definition, ':')
    }

    fn paths(&mut self, definition: &Definition, separator: char) -> Vec<PathBuf> {
        let paths = self.read(definition, |own, raw| {
            let texts = raw
                .text
                .split(separator)
                .map(str::trim)
                .filter(|text| !text.is_empty());
            Ok(texts
                .map(|text| own.environment.path(text, own.base(raw)))
                .collect())
        });
        paths.unwrap_or_default()
    }

    pub(super) fn paths_at_commas(&mut self, definition: &Definition) -> Vec<PathBuf> {
        self.paths(definition, ',')
    }
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return inner;
        }
    }
    text
}
