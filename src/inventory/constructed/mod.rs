//! What inventory plugins construct from a host's variables: `compose`, `groups`, `keyed_groups` and `filters`, with `strict`.
//!
//! `proxmox` uses it for the guests that it finds, and `source` is the plugin `constructed`, which does the same with the hosts
//! that earlier sources gave. Rules and order are those of ansible-core's `Constructable`.

mod keyed;
mod options;
mod source;

use super::data::{HostId, Inventory};
use crate::diag::{Diagnostic, Span};
use crate::template::{LookupContext, Scope, Templar, TemplateError};
use crate::value::{Dict, Value};

pub(super) use options::{Construction, OptionReader};
pub(super) use source::construct;

/// What expressions are evaluated with.
pub(super) struct Evaluation<'a> {
    pub(super) templar: &'a Templar,
    /// The controller, for lookups.
    pub(super) outside: &'a dyn LookupContext,
    pub(super) sources: &'a crate::diag::SourceMap,
    /// The variables of the command line (`-e`).
    pub(super) extra: &'a Dict,
}

impl Evaluation<'_> {
    fn scope<'a>(&'a self, variables: &'a Dict) -> Scope<'a> {
        Scope {
            variables,
            outside: Some(self.outside),
            sources: Some(self.sources),
        }
    }

    /// Returns the value of an expression; whatever is no text is none.
    pub(super) fn expression(
        &self,
        expression: &Value,
        variables: &Dict,
    ) -> Result<Value, TemplateError> {
        let Some(text) = expression.as_str() else {
            return Err(TemplateError::new(format!(
                "an expression is text, not of type `{}`",
                expression.type_name()
            ))
            .at(expression.origin()));
        };
        self.templar
            .expression(text, expression.origin(), &self.scope(variables))
    }

    /// Returns what a text with `{{ }}` renders to.
    pub(super) fn render(
        &self,
        template: &Value,
        variables: &Dict,
    ) -> Result<Value, TemplateError> {
        self.templar.render(template, &self.scope(variables))
    }
}

/// Joins the second over the first.
pub(super) fn combined(under: &Dict, over: &Dict) -> Dict {
    let mut all = under.clone();
    all.extend(over.iter().map(|(key, value)| (key.clone(), value.clone())));
    all
}

/// Returns a host's own variables with those that every host has, as plugins see them.
pub(super) fn host_variables(inventory: &Inventory, host: HostId) -> Dict {
    let name = inventory.host_name(host);
    let mut variables = inventory
        .host_data(host)
        .map(|data| Dict::clone(&data.vars))
        .unwrap_or_default();
    let short = name.split('.').next().unwrap_or_default().to_owned();
    variables.insert("inventory_hostname", name);
    variables.insert("inventory_hostname_short", short);
    variables.insert(
        "group_names",
        Value::list(inventory.group_names(host).into_iter().map(Value::from)),
    );
    variables
}

/// Returns the name with everything that no variable's name may have as `_`.
pub(super) fn safe_name(name: &str) -> String {
    name.chars()
        .enumerate()
        .map(|(at, letter)| {
            let fits = if at == 0 {
                letter.is_alphabetic() || letter == '_'
            } else {
                letter.is_alphanumeric() || letter == '_'
            };
            if fits { letter } else { '_' }
        })
        .collect()
}

impl Construction {
    /// Returns the variables that expressions see: `-e` over them, where that was asked for.
    fn visible(&self, variables: &Dict, evaluation: &Evaluation<'_>) -> Option<Dict> {
        self.use_extra_vars
            .then(|| combined(variables, evaluation.extra))
    }

    fn evaluate(
        &self,
        expression: &Value,
        variables: &Dict,
        evaluation: &Evaluation<'_>,
    ) -> Result<Value, TemplateError> {
        let extended = self.visible(variables, evaluation);
        evaluation.expression(expression, extended.as_ref().unwrap_or(variables))
    }

    /// Sets the variables of `compose`. None of them sees another.
    pub(super) fn compose(
        &self,
        inventory: &mut Inventory,
        host: HostId,
        variables: &Dict,
        evaluation: &Evaluation<'_>,
    ) -> Result<(), Diagnostic> {
        for (name, expression) in &self.compose {
            match self.evaluate(expression, variables, evaluation) {
                Ok(value) => inventory.set_host_variable(host, name.as_str(), value),
                Err(error) if self.strict => {
                    let host = inventory.host_name(host);
                    return Err(failed(
                        format!("cannot set `{name}` for host `{host}`"),
                        &error,
                    ));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Puts the host into the groups whose conditions it meets.
    pub(super) fn group(
        &self,
        inventory: &mut Inventory,
        host: HostId,
        variables: &Dict,
        evaluation: &Evaluation<'_>,
    ) -> Result<(), Diagnostic> {
        for (name, condition) in &self.groups {
            let name = safe_name(name);
            match evaluation
                .templar
                .condition(condition, &evaluation.scope(variables))
            {
                Ok(true) => {
                    let group = add_group(inventory, &name, condition.origin())?;
                    let host = inventory.host_name(host);
                    put(inventory, &host, group)?;
                }
                Err(error) if self.strict => {
                    let host = inventory.host_name(host);
                    return Err(failed(
                        format!("cannot tell whether host `{host}` is in group `{name}`"),
                        &error,
                    ));
                }
                Ok(false) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Tells whether a host is kept: every filter holds. One that cannot be evaluated is a warning and holds, or an error.
    pub(super) fn keeps(
        &self,
        name: &str,
        variables: &Dict,
        evaluation: &Evaluation<'_>,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<bool, Diagnostic> {
        for filter in &self.filters {
            match self.evaluate(filter, variables, evaluation) {
                Ok(value) if value.is_true() => {}
                Ok(_) => return Ok(false),
                Err(error) => {
                    let headline = format!("cannot evaluate a filter for host `{name}`");
                    let diagnostic = failed(headline, &error);
                    if self.strict {
                        return Err(diagnostic);
                    }
                    warnings.push(Diagnostic {
                        severity: crate::diag::Severity::Warning,
                        ..diagnostic
                    });
                }
            }
        }
        Ok(true)
    }
}

/// An expression that failed, under the headline of what it was for.
fn failed(headline: impl std::fmt::Display, error: &TemplateError) -> Diagnostic {
    let why = Diagnostic::from(error.clone());
    Diagnostic::error(
        "inventory-construct",
        format!("{headline}: {}", why.headline),
    )
    .at(why.span(), "")
}

fn add_group(
    inventory: &mut Inventory,
    name: &str,
    span: Span,
) -> Result<super::data::GroupId, Diagnostic> {
    inventory
        .add_group(name, span)
        .map_err(|error| Diagnostic::error("inventory-construct", error.to_string()).at(span, ""))
}

fn put(
    inventory: &mut Inventory,
    host: &str,
    group: super::data::GroupId,
) -> Result<(), Diagnostic> {
    inventory
        .add_host(host, Some(group))
        .map(drop)
        .map_err(|error| Diagnostic::error("inventory-construct", error.to_string()))
}

#[cfg(test)]
mod tests;
