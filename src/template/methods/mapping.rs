//! Methods of dictionaries.

use super::{Arguments, Called};
use crate::template::error::TemplateError;
use crate::template::operators::{extend_dict, iterate};
use crate::value::{Dict, Key, Value};

pub(crate) const METHODS: [&str; 11] = [
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

pub(super) fn call(dict: &Dict, arguments: &Arguments<'_>) -> Result<Called, TemplateError> {
    let key = || {
        let key = arguments.required(0, "key")?;
        Key::from_value(key)
            .ok_or_else(|| TemplateError::new(format!("unhashable type: `{}`", key.type_name())))
    };
    let missing =
        |key: &Key| TemplateError::new(format!("no key {} in dict", key.to_value().to_repr()));
    Ok(match arguments.method {
        "items" => Value::list(
            dict.iter()
                .map(|(key, value)| Value::tuple([key.to_value(), value.clone()])),
        )
        .into(),
        "keys" => Value::list(dict.keys().map(Key::to_value)).into(),
        "values" => Value::list(dict.values().cloned()).into(),
        "copy" => Value::dict(dict.clone()).into(),
        "clear" => Called {
            result: Value::NULL,
            changed: Some(Value::dict(Dict::new())),
        },
        "get" => match dict.get_key(&key()?) {
            Some(value) => value.clone().into(),
            None => arguments
                .get(1, "default")
                .cloned()
                .unwrap_or_default()
                .into(),
        },
        "fromkeys" => {
            let value = arguments.get(1, "value").cloned().unwrap_or_default();
            let mut made = Dict::new();
            for key in iterate(arguments.required(0, "iterable")?)? {
                let key =
                    Key::from_value(&key).ok_or_else(|| TemplateError::new("unhashable key"))?;
                made.extend([(key, value.clone())]);
            }
            Value::dict(made).into()
        }
        "pop" => {
            let key = key()?;
            let mut copy = dict.clone();
            match (copy.remove_key(&key), arguments.get(1, "default")) {
                (Some(result), _) => Called {
                    result,
                    changed: Some(Value::dict(copy)),
                },
                (None, Some(default)) => default.clone().into(),
                (None, None) => return Err(missing(&key)),
            }
        }
        "popitem" => {
            let last = dict
                .len()
                .checked_sub(1)
                .and_then(|index| dict.get_index(index));
            let Some((key, value)) = last else {
                return Err(TemplateError::new("popitem(): dictionary is empty"));
            };
            let mut copy = dict.clone();
            copy.remove_key(key);
            let result = Value::tuple([key.to_value(), value.clone()]);
            Called {
                result,
                changed: Some(Value::dict(copy)),
            }
        }
        "setdefault" => {
            let key = key()?;
            if let Some(value) = dict.get_key(&key) {
                value.clone().into()
            } else {
                let value = arguments.get(1, "default").cloned().unwrap_or_default();
                let mut copy = dict.clone();
                copy.extend([(key, value.clone())]);
                Called {
                    result: value,
                    changed: Some(Value::dict(copy)),
                }
            }
        }
        _ => {
            let mut copy = dict.clone();
            for other in arguments.positional {
                extend_dict(&mut copy, other)?;
            }
            copy.extend(
                arguments
                    .named
                    .iter()
                    .map(|(name, value)| (Key::Str(name.clone()), value.clone())),
            );
            Called {
                result: Value::NULL,
                changed: Some(Value::dict(copy)),
            }
        }
    })
}
