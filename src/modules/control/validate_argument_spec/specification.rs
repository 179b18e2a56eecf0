//! The specification as read: what is wanted of each option. What makes no sense as a specification fails the task.

use indexmap::IndexMap;

use crate::kit::Failure;
use crate::value::{Dict, Value};

/// Options by name, in their order.
#[derive(Debug, Default)]
pub(super) struct Specification {
    pub(super) options: IndexMap<String, Wanted>,
}

/// What is wanted of one option.
#[derive(Debug)]
pub(super) struct Wanted {
    /// `type`, as written.
    pub(super) kind: Option<String>,
    /// `elements`
    pub(super) elements: Option<String>,
    /// `choices`
    pub(super) choices: Option<Value>,
    /// `required`
    pub(super) required: bool,
    /// `default`; null is the same as none.
    pub(super) default: Value,
    /// `aliases`
    pub(super) aliases: Option<Value>,
    /// `no_log`
    pub(super) no_log: bool,
    /// `apply_defaults`
    pub(super) apply_defaults: bool,
    /// `options`
    pub(super) options: Option<Specification>,
    /// How the options below depend on each other.
    pub(super) relations: Relations,
}

/// How options depend on each other, as written.
#[derive(Debug, Default)]
pub(super) struct Relations {
    pub(super) mutually_exclusive: Option<Value>,
    pub(super) required_together: Option<Value>,
    pub(super) required_one_of: Option<Value>,
    pub(super) required_if: Option<Value>,
    pub(super) required_by: Option<Value>,
}

impl Wanted {
    /// Tells whether the values of the option are dictionaries.
    pub(super) fn holds_dictionaries(&self) -> bool {
        match self.kind.as_deref() {
            Some("dict") => true,
            Some("list") => self.elements.as_deref() == Some("dict"),
            _ => false,
        }
    }
}

impl Specification {
    /// Reads it, with what lies below.
    pub(super) fn read(written: &Dict) -> Result<Self, Failure> {
        let mut options = IndexMap::new();
        for (name, wanted) in written {
            let name = name.to_value().to_text();
            let Some(wanted) = wanted.as_dict() else {
                return Err(Failure::new(format!(
                    "the specification of `{name}` must be a dict, not {}",
                    wanted.type_name()
                )));
            };
            let read = Wanted::read(&name, wanted)?;
            options.insert(name, read);
        }
        Ok(Self { options })
    }
}

impl Wanted {
    fn read(name: &str, written: &Dict) -> Result<Self, Failure> {
        let stated = |key: &str| written.get(key).filter(|value| !value.is_null()).cloned();
        let text = |key: &str| stated(key).map(|value| value.to_text());
        let holds = |key: &str| written.get(key).is_some_and(Value::is_true);
        if stated("fallback").is_some() {
            return Err(Failure::new(format!(
                "the specification of `{name}` has a `fallback`, which YAML cannot express"
            )));
        }
        let options = match stated("options") {
            None => None,
            Some(below) => match below.as_dict() {
                Some(below) => Some(Specification::read(below)?),
                None => {
                    return Err(Failure::new(format!(
                        "`options` of `{name}` must be a dict, not {}",
                        below.type_name()
                    )));
                }
            },
        };
        Ok(Self {
            kind: text("type"),
            elements: text("elements").filter(|elements| !elements.is_empty()),
            choices: stated("choices"),
            required: holds("required"),
            default: stated("default").unwrap_or(Value::NULL),
            aliases: stated("aliases"),
            no_log: holds("no_log"),
            apply_defaults: holds("apply_defaults"),
            options,
            relations: Relations {
                mutually_exclusive: stated("mutually_exclusive"),
                required_together: stated("required_together"),
                required_one_of: stated("required_one_of"),
                required_if: stated("required_if"),
                required_by: stated("required_by"),
            },
        })
    }
}
