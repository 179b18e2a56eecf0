//! A plugin's file as options: typed, with Ansible's conversions, each mistake at its place.

use super::keyed::KeyedGroup;
use crate::diag::{Diagnostic, nearest_one};
use crate::value::{Kind, Value};
use crate::yaml::{Node, ValueOptions};

/// What is constructed.
#[derive(Clone, Debug, Default)]
pub(in crate::inventory) struct Construction {
    pub(in crate::inventory) strict: bool,
    pub(super) compose: Vec<(String, Value)>,
    pub(super) groups: Vec<(String, Value)>,
    pub(super) keyed_groups: Vec<KeyedGroup>,
    pub(super) filters: Vec<Value>,
    pub(super) leading_separator: bool,
    pub(super) use_extra_vars: bool,
}

/// Options that every constructing plugin has, and those of the cache, which kplay does not need.
const COMMON: &[&str] = &[
    "plugin",
    "strict",
    "compose",
    "groups",
    "keyed_groups",
    "use_extra_vars",
    "leading_separator",
    "cache",
    "cache_plugin",
    "cache_timeout",
    "cache_connection",
    "cache_prefix",
];

/// Reads options from the mapping of a plugin's file, then from the environment.
pub(in crate::inventory) struct OptionReader<'a> {
    root: &'a Node,
    values: ValueOptions<'a>,
}

impl<'a> OptionReader<'a> {
    pub(in crate::inventory) fn new(root: &'a Node, values: ValueOptions<'a>) -> Self {
        Self { root, values }
    }

    /// Returns the option, unless it is not there or null.
    pub(in crate::inventory) fn value(&self, name: &str) -> Option<Value> {
        let node = self.root.get(name).filter(|node| !node.is_null())?;
        Some(node.to_value(&self.values))
    }

    /// Returns where the options begin.
    pub(in crate::inventory) fn place(&self) -> crate::diag::Span {
        self.root.span
    }

    /// Returns a mistake in an option. Its place is the option's name: the value may be a secret.
    pub(in crate::inventory) fn wrong(
        &self,
        name: &str,
        why: impl std::fmt::Display,
    ) -> Diagnostic {
        let span = self
            .root
            .entry(name)
            .map_or(self.root.span, |(key, _)| key.span);
        Diagnostic::error("inventory-option", format!("`{name}` {why}")).at(span, "")
    }

    /// Returns text, from the file or else from the environment.
    pub(in crate::inventory) fn text(
        &self,
        name: &str,
        variable: Option<&str>,
    ) -> Result<Option<Value>, Diagnostic> {
        match self.value(name) {
            Some(value) => match value.kind() {
                Kind::Str(_) => Ok(Some(value)),
                Kind::Undefined(fault) => {
                    Err(self.wrong(name, format_args!("cannot be decrypted: {}", fault.message)))
                }
                Kind::List(_) | Kind::Dict(_) | Kind::Tuple(_) => Err(self.wrong(
                    name,
                    format_args!("is text, not of type `{}`", value.type_name()),
                )),
                _ => {
                    let marks = value.marks();
                    Ok(Some(Value::text(value.to_text()).with_marks(marks)))
                }
            },
            None => Ok(variable
                .and_then(|variable| std::env::var(variable).ok())
                .map(Value::text)),
        }
    }

    pub(in crate::inventory) fn truth(
        &self,
        name: &str,
        variable: Option<&str>,
        default: bool,
    ) -> Result<bool, Diagnostic> {
        let value = self.value(name).or_else(|| {
            variable
                .and_then(|name| std::env::var(name).ok())
                .map(Value::text)
        });
        let Some(value) = value else {
            return Ok(default);
        };
        let text = value.to_text().to_lowercase();
        match text.trim() {
            "true" | "yes" | "on" | "1" | "t" | "y" | "1.0" => Ok(true),
            "false" | "no" | "off" | "0" | "f" | "n" | "0.0" => Ok(false),
            _ => Err(self.wrong(name, "is `true` or `false`")),
        }
    }

    /// Returns a whole number from `least` up.
    pub(in crate::inventory) fn number(
        &self,
        name: &str,
        default: u64,
        least: u64,
    ) -> Result<u64, Diagnostic> {
        let Some(value) = self.value(name) else {
            return Ok(default);
        };
        value
            .to_text()
            .trim()
            .parse()
            .ok()
            .filter(|number| *number >= least)
            .ok_or_else(|| self.wrong(name, format_args!("is a whole number, {least} or more")))
    }

    fn expressions(&self, name: &str) -> Result<Vec<(String, Value)>, Diagnostic> {
        let Some(value) = self.value(name) else {
            return Ok(Vec::new());
        };
        let Some(dict) = value.as_dict() else {
            return Err(self.wrong(name, "is a mapping from names to expressions"));
        };
        Ok(dict
            .iter()
            .map(|(key, value)| (key.to_value().to_text(), value.clone()))
            .collect())
    }

    /// Returns the list of expressions; text is split at commas, as in a setting.
    fn filters(&self) -> Result<Vec<Value>, Diagnostic> {
        let Some(value) = self.value("filters") else {
            return Ok(Vec::new());
        };
        match value.kind() {
            Kind::List(items) => Ok(items.to_vec()),
            Kind::Str(text) => Ok(text
                .split(',')
                .map(|part| {
                    Value::text(part.trim())
                        .with_marks(value.marks())
                        .with_origin(value.origin())
                })
                .collect()),
            _ => Err(self.wrong("filters", "is a list of expressions")),
        }
    }

    fn keyed_groups(&self) -> Result<Vec<KeyedGroup>, Diagnostic> {
        let Some(node) = self.root.get("keyed_groups").filter(|node| !node.is_null()) else {
            return Ok(Vec::new());
        };
        let Some(entries) = node.as_sequence() else {
            return Err(self.wrong("keyed_groups", "is a list of mappings"));
        };
        entries
            .iter()
            .map(|entry| self.keyed_group(entry))
            .collect()
    }

    fn keyed_group(&self, entry: &Node) -> Result<KeyedGroup, Diagnostic> {
        let wrong =
            |why: &str| Diagnostic::error("inventory-option", why.to_owned()).at(entry.span, "");
        if entry.as_mapping().is_none_or(<[_]>::is_empty) {
            return Err(wrong("an entry of `keyed_groups` is a mapping with `key`"));
        }
        let get = |name: &str| {
            entry
                .get(name)
                .filter(|node| !node.is_null())
                .map(|node| node.to_value(&self.values))
        };
        let default = get("default_value").map(|value| value.to_text());
        let trailing = get("trailing_separator");
        if default.is_some() && trailing.is_some() {
            return Err(wrong(
                "`default_value` and `trailing_separator` of a keyed group exclude each other",
            ));
        }
        Ok(KeyedGroup {
            key: get("key").unwrap_or(Value::NULL),
            prefix: get("prefix")
                .map(|value| value.to_text())
                .unwrap_or_default(),
            separator: get("separator").map_or_else(|| "_".to_owned(), |value| value.to_text()),
            parent: get("parent_group"),
            default,
            trailing_separator: trailing.is_none_or(|value| value.as_bool() != Some(false)),
            span: entry.span,
        })
    }

    /// Returns what is to be constructed.
    pub(in crate::inventory) fn construction(&self) -> Result<Construction, Diagnostic> {
        Ok(Construction {
            strict: self.truth("strict", None, false)?,
            compose: self.expressions("compose")?,
            groups: self.expressions("groups")?,
            keyed_groups: self.keyed_groups()?,
            filters: self.filters()?,
            leading_separator: self.truth("leading_separator", None, true)?,
            use_extra_vars: self.truth(
                "use_extra_vars",
                Some("ANSIBLE_INVENTORY_USE_EXTRA_VARS"),
                false,
            )?,
        })
    }

    /// Returns a warning for each option that nobody knows: the plugin passes over it.
    pub(in crate::inventory) fn unknown(&self, own: &[&str]) -> Vec<Diagnostic> {
        let known = || own.iter().chain(COMMON).copied();
        self.root
            .as_mapping()
            .unwrap_or_default()
            .iter()
            .filter_map(|(key, _)| {
                let name = key.as_str()?;
                if known().any(|other| other == name) {
                    return None;
                }
                let warning = Diagnostic::warning(
                    "inventory-option",
                    format!("`{name}` is no option of this plugin"),
                );
                let warning = warning.at(key.span, "");
                Some(match nearest_one(name, known()) {
                    Some(near) => warning.help(format!("did you mean `{near}`?")),
                    None => warning,
                })
            })
            .collect()
    }

    /// Tells whether an option is to be rendered.
    pub(in crate::inventory) fn is_template(value: &Value) -> bool {
        value.is_trusted()
            && value
                .as_str()
                .is_some_and(|text| text.contains("{{") || text.contains("{%"))
    }
}
