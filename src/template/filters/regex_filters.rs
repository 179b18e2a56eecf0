//! `regex_search`, `regex_findall`, `regex_replace`, `regex_escape`.

use super::bind::{Arguments, bind, bind_items, defined};
use super::python::{count, text, truth};
use super::regex::{Flags, Pattern};
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::Value;

fn pattern(
    arguments: &Arguments<'_>,
    index: usize,
    ignorecase: usize,
    multiline: usize,
) -> Result<Pattern, TemplateError> {
    let flags = Flags {
        ignorecase: arguments.flag(ignorecase, false)?,
        multiline: arguments.flag(multiline, false)?,
    };
    Pattern::new(&arguments.text(index, "")?, flags)
}

/// `regex_replace(pattern='', replacement='', ignorecase=false, multiline=false, count=0, mandatory_count=0)`.
pub(super) fn regex_replace(call: Call<'_>) -> Result<Value, TemplateError> {
    let names = [
        "pattern",
        "replacement",
        "ignorecase",
        "multiline",
        "count",
        "mandatory_count",
    ];
    let arguments = bind(call, &names, 0)?;
    let subject = text(&arguments.value)?;
    let pattern = pattern(&arguments, 0, 2, 3)?;
    let (out, replaced) = pattern.replace(
        &subject,
        &arguments.text(1, "")?,
        count(arguments.int(4, 0)?),
    )?;
    let mandatory = count(arguments.int(5, 0)?);
    if mandatory != 0 && mandatory != replaced {
        return Err(arguments.error(format!(
            "was to match {mandatory} times, it matched {replaced} times"
        )));
    }
    Ok(Value::from(out))
}

/// `regex_findall(regex, multiline=false, ignorecase=false)`.
pub(super) fn regex_findall(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["regex", "multiline", "ignorecase"], 1)?;
    let subject = text(&arguments.value)?;
    let pattern = pattern(&arguments, 0, 2, 1)?;
    let groups = pattern.groups();
    let group = |found: &super::regex::Groups, number| {
        Value::from(found.text(&subject, number).unwrap_or_default())
    };
    Ok(pattern
        .all(&subject, 0)?
        .iter()
        .map(|found| match groups {
            0 => group(found, 0),
            1 => group(found, 1),
            _ => Value::tuple((1..=groups).map(|number| group(found, number))),
        })
        .collect())
}

/// `regex_search(regex, *groups, ignorecase=false, multiline=false)`: `None` where nothing matches.
pub(super) fn regex_search(mut call: Call<'_>) -> Result<Value, TemplateError> {
    defined(&call)?;
    let subject = text(&call.value)?;
    if call.positional.is_empty()
        && let Some(index) = call
            .named
            .iter()
            .position(|(name, _)| name.as_ref() == "regex")
    {
        call.positional.push(call.named.remove(index).1);
    }
    let mut positional = call.positional.into_iter();
    let Some(regex) = positional.next() else {
        return Err(TemplateError::new(
            "`regex_search` misses its argument `regex`",
        ));
    };
    let regex = regex
        .as_str()
        .ok_or_else(|| TemplateError::new("`regex_search` needs text as `regex`"))?
        .to_owned();
    let named = bind_items(
        call.name,
        Vec::new(),
        call.named,
        &["ignorecase", "multiline"],
        0,
    )?;
    let flag = |index: usize| {
        named
            .get(index)
            .and_then(Option::as_ref)
            .map_or(Ok(false), truth)
    };
    let pattern = Pattern::new(
        &regex,
        Flags {
            ignorecase: flag(0)?,
            multiline: flag(1)?,
        },
    )?;
    let mut groups = Vec::new();
    for wanted in positional {
        let wanted = text(&wanted)?;
        groups.push(group_number(&pattern, &wanted)?);
    }
    let Some(found) = pattern.search(&subject)? else {
        return Ok(Value::NULL);
    };
    if groups.is_empty() {
        return Ok(Value::from(found.text(&subject, 0).unwrap_or_default()));
    }
    Ok(groups
        .into_iter()
        .map(|group| Value::from(found.text(&subject, group)))
        .collect())
}

fn group_number(pattern: &Pattern, wanted: &str) -> Result<usize, TemplateError> {
    let name = wanted.strip_prefix('\\').ok_or_else(|| {
        TemplateError::new(format!(
            "`regex_search` takes groups such as `\\1` or `\\g<name>`, not `{wanted}`"
        ))
    })?;
    let name = name
        .strip_prefix("g<")
        .and_then(|name| name.split('>').next())
        .unwrap_or(name);
    let number = name
        .parse::<usize>()
        .ok()
        .filter(|number| *number <= pattern.groups());
    number.or_else(|| pattern.group_of(name)).ok_or_else(|| {
        TemplateError::new(format!("`regex_search`: the pattern has no group `{name}`"))
    })
}

/// `regex_escape(re_type='python')`.
pub(super) fn regex_escape(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["re_type"], 0)?;
    let subject = text(&arguments.value)?;
    let special = match arguments.text(0, "python")?.as_str() {
        "python" => "()[]{}?*+-|^$\\.&~# \t\n\r\x0b\x0c",
        "posix_basic" => "].[^$*\\",
        other => {
            return Err(arguments.error(format!(
                "knows `re_type` python and posix_basic, not `{other}`"
            )));
        }
    };
    let mut out = String::with_capacity(subject.len());
    for character in subject.chars() {
        if special.contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    Ok(Value::from(out))
}
