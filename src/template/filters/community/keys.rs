//! `keep_keys`, `remove_keys`, `replace_keys`: the keys of dictionaries in a list.

use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::{Arguments, bind};
use crate::template::filters::python::{mapping, sequence};
use crate::template::filters::regex::{Flags, Pattern};
use crate::value::{Dict, Kind, Value};

const NAMES: [&str; 2] = ["target", "matching_parameter"];

/// How a key is compared.
enum Rule {
    Equal(String),
    Starts(String),
    Ends(String),
    Regex(Pattern),
}

impl Rule {
    fn new(text: &str, how: &str, arguments: &Arguments<'_>) -> Result<Self, TemplateError> {
        let owned = text.to_owned();
        Ok(match how {
            "equal" => Self::Equal(owned),
            "starts_with" => Self::Starts(owned),
            "ends_with" => Self::Ends(owned),
            "regex" => Self::Regex(Pattern::new(text, Flags::default()).map_err(|error| {
                arguments.error(format!(
                    "must be given a regular expression as target, not `{text}`: {error}"
                ))
            })?),
            other => {
                return Err(arguments.error(format!(
                    "knows the matching parameters equal, starts_with, ends_with and regex, not `{other}`"
                )));
            }
        })
    }

    fn fits(&self, key: &str) -> Result<bool, TemplateError> {
        Ok(match self {
            Self::Equal(text) => key == text,
            Self::Starts(text) => key.starts_with(text.as_str()),
            Self::Ends(text) => key.ends_with(text.as_str()),
            Self::Regex(pattern) => pattern.starts(key)?,
        })
    }
}

/// `keep_keys(target, matching_parameter='equal')`.
pub(crate) fn keep_keys(call: Call<'_>) -> Result<Value, TemplateError> {
    sifted(call, true)
}

/// `remove_keys(target, matching_parameter='equal')`.
pub(crate) fn remove_keys(call: Call<'_>) -> Result<Value, TemplateError> {
    sifted(call, false)
}

fn sifted(call: Call<'_>, keep: bool) -> Result<Value, TemplateError> {
    let arguments = bind(call, &NAMES, 0)?;
    let how = arguments.text(1, "equal")?;
    let targets = match arguments.get(0).map(Value::kind) {
        Some(Kind::Str(text)) if !text.is_empty() => vec![text.to_string()],
        Some(Kind::List(items) | Kind::Tuple(items)) if !items.is_empty() => {
            let texts: Option<Vec<String>> = items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect();
            texts.ok_or_else(|| arguments.error("needs text as items of the target"))?
        }
        _ => return Err(arguments.error("needs a target: text, or a list of text")),
    };
    if how == "regex" && targets.len() > 1 {
        return Err(arguments.error("takes one regular expression as target"));
    }
    let rules: Vec<Rule> = targets
        .iter()
        .map(|text| Rule::new(text, &how, &arguments))
        .collect::<Result<_, _>>()?;
    let fits = |key: &str| -> Result<bool, TemplateError> {
        for rule in &rules {
            if rule.fits(key)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    each(&arguments, |key| {
        Ok((fits(key)? == keep).then(|| key.to_owned()))
    })
}

/// `replace_keys(target, matching_parameter='equal')`: `target` lists `before` and `after`.
pub(crate) fn replace_keys(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &NAMES, 0)?;
    let how = arguments.text(1, "equal")?;
    let mut rules = Vec::new();
    for pair in arguments
        .get(0)
        .and_then(Value::as_list)
        .unwrap_or_default()
    {
        let part = |name: &str| pair.get(name).and_then(Value::as_str);
        let (Some(before), Some(after)) = (part("before"), part("after")) else {
            return Err(
                arguments.error("needs text as `before` and `after` in each item of the target")
            );
        };
        rules.push((Rule::new(before, &how, &arguments)?, after.to_owned()));
    }
    if rules.is_empty() {
        return Err(arguments.error("needs a list as target"));
    }
    each(&arguments, |key| {
        for (rule, after) in &rules {
            if rule.fits(key)? {
                return Ok(Some(after.clone()));
            }
        }
        Ok(Some(key.to_owned()))
    })
}

/// Gives each key of each dictionary another name, or drops it.
fn each(
    arguments: &Arguments<'_>,
    name: impl Fn(&str) -> Result<Option<String>, TemplateError>,
) -> Result<Value, TemplateError> {
    let mut result = Vec::new();
    for item in sequence(&arguments.value, &arguments.name)? {
        let mut dict = Dict::new();
        for (key, value) in mapping(item, &arguments.name)? {
            let key = key
                .as_str()
                .ok_or_else(|| arguments.error("needs dictionaries whose keys are text"))?;
            if let Some(name) = name(key)? {
                dict.insert(name, value.clone());
            }
        }
        result.push(Value::dict(dict));
    }
    Ok(Value::list(result))
}
