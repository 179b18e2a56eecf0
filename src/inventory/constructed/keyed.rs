//! `keyed_groups`: groups named after the value of an expression.

use super::{Construction, Evaluation, add_group, failed, put, safe_name};
use crate::diag::{Diagnostic, Span};
use crate::inventory::data::{HostId, Inventory};
use crate::value::{Dict, Kind, Value};

/// One entry of `keyed_groups`.
#[derive(Clone, Debug)]
pub(in crate::inventory) struct KeyedGroup {
    pub(super) key: Value,
    pub(super) prefix: String,
    pub(super) separator: String,
    pub(super) parent: Option<Value>,
    /// What an empty value counts as.
    pub(super) default: Option<String>,
    /// Whether an empty value of a mapping still gets the separator.
    pub(super) trailing_separator: bool,
    pub(super) span: Span,
}

/// What stands for no value.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

impl KeyedGroup {
    /// Returns the names that a value stands for, without prefix.
    fn names(&self, value: &Value) -> Result<Vec<String>, Diagnostic> {
        let or_default = |value: &Value| match &self.default {
            Some(default) if is_empty(value) => default.clone(),
            _ => value.to_text(),
        };
        match value.kind() {
            Kind::Null | Kind::Str(_) => Ok(vec![or_default(value)]),
            Kind::List(items) | Kind::Tuple(items) => Ok(items.iter().map(or_default).collect()),
            Kind::Dict(dict) => Ok(dict
                .iter()
                .map(|(key, value)| {
                    let key = key.to_value().to_text();
                    if is_empty(value) && self.default.is_none() && !self.trailing_separator {
                        key
                    } else {
                        format!("{key}{}{}", self.separator, or_default(value))
                    }
                })
                .collect()),
            _ => Err(Diagnostic::error(
                "inventory-construct",
                format!(
                    "the key of a keyed group is text, a list or a mapping, and this one is of type `{}`",
                    value.type_name()
                ),
            )
            .at(self.key.origin().or(self.span), "")
            .help("make it text: `key: ... | string`")),
        }
    }
}

impl Construction {
    /// Puts the host into the groups that the values of its variables name.
    pub(in crate::inventory) fn key(
        &self,
        inventory: &mut Inventory,
        host: HostId,
        variables: &Dict,
        evaluation: &Evaluation<'_>,
    ) -> Result<(), Diagnostic> {
        for keyed in &self.keyed_groups {
            let name = inventory.host_name(host);
            let value = match self.evaluate(&keyed.key, variables, evaluation) {
                Ok(value) => value,
                Err(error) if self.strict => {
                    return Err(failed(
                        format!("cannot tell the keyed group of host `{name}`"),
                        &error,
                    ));
                }
                Err(_) => continue,
            };
            let stands_in = is_empty(&value) && keyed.default.is_some();
            if !value.is_true() && !stands_in {
                let nothing_to_do = matches!(value.kind(), Kind::List(_) | Kind::Dict(_));
                if self.strict && !nothing_to_do {
                    return Err(Diagnostic::error(
                        "inventory-construct",
                        format!("the key of a keyed group is empty for host `{name}`"),
                    )
                    .at(keyed.key.origin().or(keyed.span), "")
                    .help("give it a `default_value`"));
                }
                continue;
            }
            let parent = match &keyed.parent {
                None => None,
                Some(parent) => {
                    let extended = self.visible(variables, evaluation);
                    match evaluation.render(parent, extended.as_ref().unwrap_or(variables)) {
                        Ok(parent) => parent.is_true().then(|| parent.to_text()),
                        Err(error) if self.strict => {
                            return Err(failed(
                                format!("cannot tell the parent of host `{name}`'s keyed group"),
                                &error,
                            ));
                        }
                        Err(_) => continue,
                    }
                }
            };
            let bare = keyed.prefix.is_empty() && !self.leading_separator;
            let separator = if bare { "" } else { &keyed.separator };
            for bare_name in keyed.names(&value)? {
                let group = safe_name(&format!("{}{separator}{bare_name}", keyed.prefix));
                let group = add_group(inventory, &group, keyed.span)?;
                put(inventory, &name, group)?;
                if let Some(parent) = &parent {
                    let parent = add_group(inventory, &safe_name(parent), keyed.span)?;
                    inventory.add_child(parent, group).map_err(|error| {
                        Diagnostic::error("inventory-construct", error.to_string())
                            .at(keyed.span, "")
                    })?;
                }
            }
        }
        Ok(())
    }
}
