//! Filters that make, take apart and merge dictionaries.

use super::bind::{Arguments, bind, defined, unknown};
use super::lists::flatten_values;
use super::python::{iterate, key, mapping, sort_by_keys, truth, used, without_case};
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Dict, Kind, Value};

/// `combine(*dictionaries, recursive=false, list_merge='replace')`.
pub(super) fn combine(call: Call<'_>) -> Result<Value, TemplateError> {
    defined(&call)?;
    let mut recursive = false;
    let mut lists = ListMerge::Replace;
    for (name, value) in &call.named {
        match name.as_ref() {
            "recursive" => recursive = truth(value)?,
            "list_merge" => lists = ListMerge::from_value(value)?,
            other => return Err(unknown(call.name, other, &["recursive", "list_merge"])),
        }
    }
    let mut terms = vec![call.value];
    terms.extend(call.positional);
    let mut all = flatten_values(&terms, Some(1), true)?;
    if all.len() == 1 {
        return Ok(all.remove(0));
    }
    let mut merged: Option<Value> = None;
    for value in all.into_iter().rev() {
        merged = Some(match merged {
            None => value,
            Some(above) => merge(&value, &above, recursive, lists)?,
        });
    }
    Ok(merged.unwrap_or_else(|| Value::dict(Dict::new())))
}

/// What becomes of two lists under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListMerge {
    /// The later one stays.
    Replace,
    /// The earlier one stays.
    Keep,
    /// Earlier, then later.
    Append,
    /// Later, then earlier.
    Prepend,
    /// As `Append`, without what the later one repeats.
    AppendNew,
    /// As `Prepend`, without what the later one repeats.
    PrependNew,
}

impl ListMerge {
    /// Reads the word that `list_merge` holds.
    pub(super) fn from_value(value: &Value) -> Result<Self, TemplateError> {
        Ok(match value.as_str() {
            Some("replace") => Self::Replace,
            Some("keep") => Self::Keep,
            Some("append") => Self::Append,
            Some("prepend") => Self::Prepend,
            Some("append_rp") => Self::AppendNew,
            Some("prepend_rp") => Self::PrependNew,
            _ => {
                return Err(TemplateError::new(format!(
                    "`list_merge` is {}, it can be replace, keep, append, prepend, append_rp or prepend_rp",
                    value.to_repr()
                )));
            }
        })
    }

    fn apply(self, below: &[Value], above: &[Value]) -> Value {
        let kept = || below.iter().filter(|item| !above.contains(item)).cloned();
        match self {
            Self::Replace => Value::list(above.iter().cloned()),
            Self::Keep => Value::list(below.iter().cloned()),
            Self::Append => Value::list(below.iter().chain(above).cloned()),
            Self::Prepend => Value::list(above.iter().chain(below).cloned()),
            Self::AppendNew => Value::list(kept().chain(above.iter().cloned())),
            Self::PrependNew => Value::list(above.iter().cloned().chain(kept())),
        }
    }
}

/// Lays one dictionary over another.
pub(super) fn merge(
    below: &Value,
    above: &Value,
    recursive: bool,
    lists: ListMerge,
) -> Result<Value, TemplateError> {
    let base = mapping(below, "combine")?;
    let patch = mapping(above, "combine")?;
    if base.is_empty() || below == above {
        return Ok(above.clone());
    }
    if patch.is_empty() {
        return Ok(below.clone());
    }
    let mut merged = base.clone();
    for (name, value) in patch {
        let new = match (base.get_key(name).map(Value::kind), value.kind()) {
            (Some(Kind::Dict(_)), Kind::Dict(_)) if recursive => merge(
                base.get_key(name).unwrap_or(&Value::NULL),
                value,
                recursive,
                lists,
            )?,
            (Some(Kind::List(old)), Kind::List(new)) if lists != ListMerge::Replace => {
                lists.apply(old, new)
            }
            _ => value.clone(),
        };
        merged.insert(name.clone(), new);
    }
    Ok(Value::dict(merged))
}

fn names(arguments: &Arguments<'_>) -> (Value, Value) {
    let name = |index, default: &str| {
        arguments
            .get(index)
            .cloned()
            .unwrap_or_else(|| Value::from(default))
    };
    (name(0, "key"), name(1, "value"))
}

/// `dict2items(key_name='key', value_name='value')`.
pub(super) fn dict2items(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["key_name", "value_name"], 0)?;
    let (key_name, value_name) = names(&arguments);
    let (key_name, value_name) = (key(&key_name)?, key(&value_name)?);
    let dict = mapping(&arguments.value, "dict2items")?;
    Ok(dict
        .iter()
        .map(|(name, value)| {
            Value::dict(
                Dict::new()
                    .with(key_name.clone(), name.to_value())
                    .with(value_name.clone(), value.clone()),
            )
        })
        .collect())
}

/// `items2dict(key_name='key', value_name='value')`.
pub(super) fn items2dict(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["key_name", "value_name"], 0)?;
    let (key_name, value_name) = names(&arguments);
    let (key_name, value_name) = (key(&key_name)?, key(&value_name)?);
    let mut dict = Dict::new();
    for item in super::python::sequence(&arguments.value, "items2dict")? {
        let item = mapping(item, "items2dict")?;
        let (Some(name), Some(value)) = (item.get_key(&key_name), item.get_key(&value_name)) else {
            return Err(arguments.error(format!(
                "needs dictionaries with the keys {} and {}",
                key_name.to_value().to_repr(),
                value_name.to_value().to_repr()
            )));
        };
        dict.insert(key(name)?, value.clone());
    }
    Ok(Value::dict(dict))
}

/// `rekey_on_member(key, duplicates='error')`.
pub(super) fn rekey_on_member(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["key", "duplicates"], 1)?;
    let member = key(arguments.get(0).unwrap_or(&Value::NULL))?;
    let overwrite = match arguments.text(1, "error")?.as_str() {
        "error" => false,
        "overwrite" => true,
        other => {
            return Err(arguments.error(format!(
                "knows `duplicates` error and overwrite, not `{other}`"
            )));
        }
    };
    let items = match arguments.value.kind() {
        Kind::Dict(dict) => dict.values().cloned().collect(),
        Kind::List(items) | Kind::Tuple(items) => items.to_vec(),
        _ => return Err(arguments.error("needs a list or a dictionary")),
    };
    let mut result = Dict::new();
    for item in items {
        let Some(name) = mapping(&item, "rekey_on_member")?.get_key(&member).cloned() else {
            return Err(arguments.error(format!(
                "did not find the key {} in an item",
                member.to_value().to_repr()
            )));
        };
        let name = key(&name)?;
        if !overwrite && result.get_key(&name).is_some() {
            return Err(
                arguments.error(format!("found the key {} twice", name.to_value().to_repr()))
            );
        }
        result.insert(name, item);
    }
    Ok(Value::dict(result))
}

/// `dictsort(case_sensitive=false, by='key', reverse=false)`.
pub(super) fn dictsort(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["case_sensitive", "by", "reverse"], 0)?;
    let case_sensitive = arguments.flag(0, false)?;
    let by_value = match arguments.text(1, "key")?.as_str() {
        "key" => false,
        "value" => true,
        _ => return Err(arguments.error("sorts by `key` or `value`")),
    };
    let reverse = arguments.flag(2, false)?;
    let keyed = mapping(&arguments.value, "dictsort")?
        .iter()
        .map(|(name, value)| {
            let by = if by_value {
                value.clone()
            } else {
                name.to_value()
            };
            let by = if case_sensitive {
                by
            } else {
                without_case(&by)
            };
            (by, Value::tuple([name.to_value(), value.clone()]))
        })
        .collect();
    sort_by_keys(keyed, reverse).map(Value::list)
}

/// `items`: pairs of key and value.
pub(super) fn items(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let dict = mapping(&arguments.value, "items")?;
    Ok(dict
        .iter()
        .map(|(name, value)| Value::tuple([name.to_value(), value.clone()]))
        .collect())
}

/// `community.general.dict`: a dictionary from pairs.
pub(super) fn dict(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let mut dict = Dict::new();
    for pair in iterate(&arguments.value)? {
        let pair = iterate(&pair)?;
        let [name, value] = pair.as_slice() else {
            return Err(arguments.error("needs pairs of key and value"));
        };
        dict.insert(key(name)?, value.clone());
    }
    Ok(Value::dict(dict))
}

/// `community.general.dict_kv(key)`: the value under one key.
pub(super) fn dict_kv(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["key"], 1)?;
    let name = key(used(arguments.get(0).unwrap_or(&Value::NULL))?)?;
    Ok(Value::dict(Dict::new().with(name, arguments.value)))
}
