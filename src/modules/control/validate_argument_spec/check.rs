//! The check itself, level by level, in Ansible's order: what an earlier part sets (an alias, a default, a converted value) the
//! later ones see.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::convert::{self, convert};
use super::relations;
use super::specification::{Relations, Specification, Wanted};
use crate::kit::Failure;
use crate::value::{Dict, Key, Kind, Value};

const STARS: &str = "********";

/// Returns everything that is wrong with the values, in the order in which Ansible says it.
pub(super) fn errors(wanted: &Specification, mut values: Dict) -> Result<Vec<String>, Failure> {
    let mut check = Check::default();
    let mut secrets = BTreeSet::new();
    secret_defaults(wanted, &mut secrets);
    // What cannot be looked through is reported where it stands.
    let _ = secret_values(wanted, &values, &mut secrets);
    check.level(wanted, &Relations::default(), &mut values, &mut Vec::new())?;
    check.report_unsupported();
    let mut secrets: Vec<String> = secrets.into_iter().collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    Ok(check
        .errors
        .into_iter()
        .map(|error| {
            secrets
                .iter()
                .fold(error, |error, secret| error.replace(secret, STARS))
        })
        .collect())
}

/// What goes with an option that nobody knows: the options and aliases of its level.
type Supported = (Vec<String>, Vec<String>);

#[derive(Default)]
struct Check {
    errors: Vec<String>,
    unsupported: BTreeMap<String, Supported>,
}

fn within(message: String, context: &[String]) -> String {
    if context.is_empty() {
        message
    } else {
        format!("{message} found in {}", context.join(" -> "))
    }
}

impl Check {
    /// Checks one level and what lies below it.
    fn level(
        &mut self,
        wanted: &Specification,
        relations: &Relations,
        values: &mut Dict,
        context: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let aliases = match aliases(wanted, values) {
            Ok(aliases) => aliases,
            Err(error) => {
                self.errors.push(error);
                IndexMap::new()
            }
        };
        if let Err(error) = secret_values(wanted, values, &mut BTreeSet::new()) {
            self.errors.push(error);
        }
        self.note_unsupported(wanted, &aliases, values, context);
        if let Some(error) = relations::exclusive(relations, values) {
            self.errors.push(within(error, context));
        }
        set_defaults(wanted, values, false);
        self.required(wanted, values, context);
        self.types(wanted, values, context);
        self.choices(wanted, values, context);
        for error in relations::required(relations, values)? {
            self.errors.push(within(error, context));
        }
        set_defaults(wanted, values, true);
        for (name, option) in &wanted.options {
            self.below(name, option, values, context)?;
        }
        Ok(())
    }

    fn note_unsupported(
        &mut self,
        wanted: &Specification,
        aliases: &IndexMap<String, String>,
        values: &Dict,
        context: &[String],
    ) {
        for name in values.keys().map(|key| key.to_value().to_text()) {
            if wanted.options.contains_key(&name) || aliases.contains_key(&name) {
                continue;
            }
            if let Err(error) = self::aliases(wanted, &mut values.clone()) {
                self.errors.push(error);
                return;
            }
            let mut path = context.to_vec();
            path.push(name);
            let options = wanted
                .options
                .keys()
                .filter(|option| !aliases.contains_key(*option));
            let mut supported: Supported = (
                options.cloned().collect(),
                aliases.keys().cloned().collect(),
            );
            supported.0.sort();
            supported.1.sort();
            self.unsupported.insert(path.join("."), supported);
        }
    }

    fn report_unsupported(&mut self) {
        let Some((options, aliases)) = self.unsupported.values().next_back() else {
            return;
        };
        let names: Vec<&str> = self.unsupported.keys().map(String::as_str).collect();
        let mut supported = options.join(", ");
        if !aliases.is_empty() {
            supported = format!("{supported} ({})", aliases.join(", "));
        }
        self.errors.push(format!(
            "{}. Supported parameters include: {supported}.",
            names.join(", ")
        ));
    }

    fn required(&mut self, wanted: &Specification, values: &Dict, context: &[String]) {
        let mut missing: Vec<&str> = wanted
            .options
            .iter()
            .filter(|(name, option)| option.required && !values.contains(name))
            .map(|(name, _)| name.as_str())
            .collect();
        missing.sort_unstable();
        if !missing.is_empty() {
            let message = format!("missing required arguments: {}", missing.join(", "));
            self.errors.push(within(message, context));
        }
    }

    fn types(&mut self, wanted: &Specification, values: &mut Dict, context: &[String]) {
        for (name, option) in &wanted.options {
            let Some(value) = values.get(name).cloned() else {
                continue;
            };
            if value.is_null() && !option.required && option.default.is_null() {
                continue;
            }
            let kind = option.kind.as_deref().unwrap_or("str");
            let converted =
                convert(kind, &value).and_then(|value| match option.elements.as_deref() {
                    Some(elements) => self.elements(name, kind, elements, &value, context),
                    None => Ok(value),
                });
            match converted {
                Ok(value) => drop(values.insert(name.as_str(), value)),
                Err(why) => {
                    let place = sentence(context);
                    self.errors.push(format!(
                        "argument '{name}' is of type {}{place} and we were unable to convert to {kind}: {why}",
                        value.type_name()
                    ));
                }
            }
        }
    }

    fn elements(
        &mut self,
        name: &str,
        kind: &str,
        wanted: &str,
        value: &Value,
        context: &[String],
    ) -> Result<Value, String> {
        let items = if let Kind::List(items) = value.kind() {
            items.to_vec()
        } else {
            self.errors.push(format!(
                "Invalid type {kind} for option '{}'{}, elements value check is supported only with 'list' type",
                value.to_text(),
                sentence(context)
            ));
            match value.kind() {
                Kind::Str(text) => text
                    .chars()
                    .map(|letter| Value::text(letter.to_string()))
                    .collect(),
                Kind::Dict(dict) => dict.keys().map(Key::to_value).collect(),
                _ => return Err(format!("'{}' object is not iterable", value.type_name())),
            }
        };
        let mut converted = Vec::new();
        for item in &items {
            match convert(wanted, item) {
                Ok(item) => converted.push(item),
                Err(why) => {
                    let place = if context.is_empty() {
                        String::new()
                    } else {
                        format!(" found in '{}'", context.join(" -> "))
                    };
                    self.errors.push(format!(
                        "Elements value for option '{name}'{place} is of type {} and we were unable to convert to {wanted}: {why}",
                        item.type_name()
                    ));
                }
            }
        }
        Ok(Value::list(converted))
    }

    fn choices(&mut self, wanted: &Specification, values: &mut Dict, context: &[String]) {
        for (name, option) in &wanted.options {
            let Some(written) = &option.choices else {
                continue;
            };
            let Some(choices) = written.as_list() else {
                let message = format!(
                    "internal error: choices for argument {name} are not iterable: {}",
                    written.to_text()
                );
                self.errors.push(within(message, context));
                continue;
            };
            let Some(value) = values.get(name) else {
                continue;
            };
            if let Some(items) = value.as_list() {
                let odd: Vec<&Value> = items
                    .iter()
                    .filter(|item| !choices.contains(item))
                    .collect();
                if !odd.is_empty() {
                    let message = format!(
                        "value of {name} must be one or more of: {}. Got no match for: {}",
                        listed(choices),
                        listed(odd)
                    );
                    self.errors.push(within(message, context));
                }
            } else if !choices.contains(value) {
                if let Some(word) = truth_word(value, choices) {
                    values.insert(name.as_str(), word);
                    continue;
                }
                let message = format!(
                    "value of {name} must be one of: {}, got: {}",
                    listed(choices),
                    value.to_text()
                );
                self.errors.push(within(message, context));
            }
        }
    }

    fn below(
        &mut self,
        name: &str,
        option: &Wanted,
        values: &mut Dict,
        context: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let (true, Some(options)) = (option.holds_dictionaries(), &option.options) else {
            return Ok(());
        };
        let given = match values.get(name).filter(|value| !value.is_null()) {
            Some(value) => value.clone(),
            None if option.apply_defaults => Value::dict(Dict::new()),
            None => return Ok(()),
        };
        let elements = match given.as_list() {
            Some(items) => items.to_vec(),
            None => vec![given],
        };
        context.push(name.to_owned());
        for element in &elements {
            match element.as_dict() {
                Some(own) => self.level(options, &option.relations, &mut own.clone(), context)?,
                None => self.errors.push(format!(
                    "value of '{name}' must be of type dict or list of dicts"
                )),
            }
        }
        context.pop();
        Ok(())
    }
}

/// Ansible ends the place with a full stop here.
fn sentence(context: &[String]) -> String {
    if context.is_empty() {
        String::new()
    } else {
        format!(" found in '{}'.", context.join(" -> "))
    }
}

fn listed<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    let texts: Vec<String> = values.into_iter().map(Value::to_text).collect();
    texts.join(", ")
}

/// Returns the one choice that `True` or `False` in text stands for.
fn truth_word(value: &Value, choices: &[Value]) -> Option<Value> {
    let words: [&str; 6] = match value.as_str()? {
        "True" => ["y", "yes", "on", "1", "true", "t"],
        "False" => ["n", "no", "off", "0", "false", "f"],
        _ => return None,
    };
    let truth = Value::from(value.as_str() == Some("True"));
    let mut found = choices.iter().filter(|choice| {
        **choice == truth || choice.as_str().is_some_and(|text| words.contains(&text))
    });
    let first = found.next()?;
    found.next().is_none().then(|| first.clone())
}

/// Gives options the values of their aliases. Returns the option of each alias.
fn aliases(wanted: &Specification, values: &mut Dict) -> Result<IndexMap<String, String>, String> {
    let mut all = IndexMap::new();
    for (name, option) in &wanted.options {
        if !option.default.is_null() && option.required {
            return Err(format!(
                "internal error: required and default are mutually exclusive for {name}"
            ));
        }
        let Some(aliases) = &option.aliases else {
            continue;
        };
        let Some(aliases) = aliases.as_list() else {
            return Err("internal error: aliases must be a list or tuple".to_owned());
        };
        for alias in aliases.iter().map(Value::to_text) {
            if let Some(value) = values.get(&alias).cloned() {
                values.insert(name.as_str(), value);
            }
            all.insert(alias, name.clone());
        }
    }
    Ok(all)
}

fn set_defaults(wanted: &Specification, values: &mut Dict, empty: bool) {
    for (name, option) in &wanted.options {
        if !values.contains(name) && (empty || !option.default.is_null()) {
            values.insert(name.as_str(), option.default.clone());
        }
    }
}

fn secret_defaults(wanted: &Specification, secrets: &mut BTreeSet<String>) {
    for option in wanted.options.values() {
        if option.no_log {
            texts(&option.default, secrets);
        }
        if let Some(below) = &option.options {
            secret_defaults(below, secrets);
        }
    }
}

/// Collects the values of options with `no_log`, and complains of values that hide some of them from the search, as Ansible does.
fn secret_values(
    wanted: &Specification,
    values: &Dict,
    secrets: &mut BTreeSet<String>,
) -> Result<(), String> {
    for (name, option) in &wanted.options {
        let stated = values.get(name).filter(|value| !value.is_null());
        if option.no_log
            && let Some(value) = stated
        {
            texts(value, secrets);
        }
        let (Some(below), Some(value), true) =
            (&option.options, stated, option.holds_dictionaries())
        else {
            continue;
        };
        let items = match value.as_list() {
            Some(items) => items.to_vec(),
            None => vec![value.clone()],
        };
        for item in items {
            let item = match item.kind() {
                Kind::Str(_) => convert::dict(&item)?,
                _ => item,
            };
            let Some(own) = item.as_dict() else {
                return Err(format!(
                    "Value '{}' in the sub parameter field '{name}' must be a {}, not '{}'",
                    item.to_text(),
                    option.kind.as_deref().unwrap_or_default(),
                    item.type_name()
                ));
            };
            secret_values(below, own, secrets)?;
        }
    }
    Ok(())
}

/// Adds every text and number in a value.
fn texts(value: &Value, into: &mut BTreeSet<String>) {
    match value.kind() {
        Kind::List(items) | Kind::Tuple(items) => items.iter().for_each(|item| texts(item, into)),
        Kind::Dict(dict) => dict.values().for_each(|item| texts(item, into)),
        Kind::Str(text) if !text.is_empty() => drop(into.insert(text.to_string())),
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => drop(into.insert(value.to_text())),
        _ => {}
    }
}
