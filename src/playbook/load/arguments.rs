//! The arguments of a module: put in order, and checked as far as constants tell.

use super::action::Statement;
use super::shape::{is_all_template, is_template};
use crate::diag::{Diagnostic, Span};
use crate::kit::{self, ArgumentError};
use crate::playbook::model::{Arguments, Scope};
use crate::playbook::names;
use crate::value::{Dict, Value};

/// Puts the arguments of a statement in order. Text without a name goes where the module wants it; where it wants none, a template
/// of a whole dictionary is taken as one and everything else is a fault.
pub(super) fn arguments(
    statement: &Statement,
    free_form: Option<&str>,
    lenient: bool,
    faults: &mut Vec<Diagnostic>,
) -> Arguments {
    let mut arguments = Arguments {
        given: statement.given.clone(),
        templates: statement.templates.clone(),
        spans: statement.spans.iter().cloned().collect(),
    };
    let Some(raw) = statement.raw.clone() else {
        return arguments;
    };
    match free_form {
        Some(name) => {
            arguments.given.insert(name, raw);
        }
        None if is_all_template(&raw) => arguments.templates.push(raw),
        None if lenient => {
            arguments.given.insert("_raw_params", raw);
        }
        None => {
            let headline = format!(
                "module `{}` takes no text without a name",
                statement.written
            );
            let shown = if raw.holds_secret() {
                String::new()
            } else {
                format!("`{}` has no `name=`", raw.to_text().trim())
            };
            faults.push(
                Diagnostic::error("free-text", headline).at(raw.origin().or(statement.span), shown),
            );
        }
    }
    arguments
}

/// Checks the arguments of a module: names, constants, and what is missing. All that is wrong is returned, not the first only.
pub(super) fn check(
    entry: kit::Entry,
    arguments: &Arguments,
    scope: &Scope,
    action: Span,
) -> Vec<Diagnostic> {
    let module = entry.meta().name;
    let mut given = Dict::new();
    let mut all_known = arguments.templates.is_empty();
    for defaults in scope.defaults_for(module, |group| names::group_contains(group, module)) {
        match defaults.as_dict() {
            Some(dict) => {
                given.extend(dict.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            None => all_known = false,
        }
    }
    given.extend(
        arguments
            .given
            .iter()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    // What renders to `omit` is as if it were not given, so that a missing argument cannot be told then; a template in place of
    // the value is enough for the check.
    let mut found = Vec::new();
    for _ in 0..64 {
        let Err(error) = entry.check(&Value::dict(given.clone())) else {
            break;
        };
        let name = error
            .argument
            .as_deref()
            .map(|path| path.split(['.', '[']).next().unwrap_or(path).to_owned());
        let missing = is_missing(&error, &given);
        // What a template will be is not known; a module that takes any name may stumble over what stands for it.
        let unknown_yet = name
            .as_deref()
            .and_then(|name| given.get(name))
            .is_some_and(is_template);
        if !unknown_yet && (!missing || all_known) {
            found.push(diagnostic(&error, module, arguments, action));
        }
        match name {
            // With a wrong one out of the way the next shows.
            Some(name) if given.contains(&name) => {
                given.remove(&name);
                all_known = false;
            }
            Some(name) if missing => {
                given.insert(name, Value::template("{{ omit }}", action));
            }
            _ => break,
        }
    }
    found
}

fn is_missing(error: &ArgumentError, given: &Dict) -> bool {
    !error.unknown
        && error
            .argument
            .as_deref()
            .is_some_and(|name| !name.contains(['.', '[']) && !given.contains(name))
}

fn diagnostic(
    error: &ArgumentError,
    module: &str,
    arguments: &Arguments,
    action: Span,
) -> Diagnostic {
    let top = error
        .argument
        .as_deref()
        .and_then(|path| path.split(['.', '[']).next())
        .unwrap_or_default();
    let written = arguments.spans.get(top).copied().unwrap_or_default();
    let (code, span) = if error.unknown {
        (
            "unknown-argument",
            written.key.or(error.span).or(written.value),
        )
    } else if is_missing(error, &arguments.given) {
        ("missing-argument", Span::NONE)
    } else {
        (
            "bad-argument",
            whole_value(error.span, written.value).or(written.key),
        )
    };
    let headline = match &error.argument {
        Some(argument) if error.unknown => format!("`{argument}` is not an argument of `{module}`"),
        Some(argument) if code == "missing-argument" => format!("`{module}` needs `{argument}`"),
        Some(argument) => format!("`{argument}` {}", error.message),
        None => format!("`{module}`: {}", error.message),
    };
    // The nearest name belongs beside the caret.
    match error.help.clone() {
        Some(help) if error.unknown => Diagnostic::error(code, headline).at(span.or(action), help),
        Some(help) => Diagnostic::error(code, headline)
            .at(span.or(action), "")
            .help(help),
        None => Diagnostic::error(code, headline).at(span.or(action), ""),
    }
}

/// Returns the place of a value: the one that knows its length where both are the same.
fn whole_value(precise: Span, written: Span) -> Span {
    if (precise.file, precise.line, precise.column) == (written.file, written.line, written.column)
    {
        written
    } else {
        precise.or(written)
    }
}

/// Tells whether a loop over this runs at least once for certain.
pub(super) fn runs_for_certain(terms: &Value) -> bool {
    !is_template(terms) && terms.as_list().is_some_and(|items| !items.is_empty())
}
