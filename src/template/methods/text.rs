//! Methods of text.

use super::Arguments;
use crate::template::error::TemplateError;
use crate::template::format;
use crate::template::operators::iterate;
use crate::value::{Key, Kind, Value};

pub(super) const METHODS: [&str; 47] = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

pub(super) fn call(text: &str, arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    Ok(match arguments.method {
        "upper" => Value::from(text.to_uppercase()),
        "lower" => Value::from(text.to_lowercase()),
        "casefold" => Value::from(text.to_lowercase().replace('ß', "ss")),
        "capitalize" => Value::from(capitalized(text)),
        "title" => Value::from(titled(text)),
        "swapcase" => Value::from(
            text.chars()
                .flat_map(|c| {
                    if c.is_lowercase() {
                        c.to_uppercase().collect::<Vec<_>>()
                    } else {
                        c.to_lowercase().collect()
                    }
                })
                .collect::<String>(),
        ),
        "strip" | "lstrip" | "rstrip" => strip(text, arguments)?,
        "split" | "rsplit" => split(text, arguments)?,
        "splitlines" => Value::list(lines(
            text,
            arguments.get(0, "keepends").is_some_and(Value::is_true),
        )),
        "join" => join(text, arguments)?,
        "replace" => {
            let (old, new) = (arguments.text(0, "old")?, arguments.text(1, "new")?);
            match arguments
                .integer(2, "count")?
                .and_then(|count| usize::try_from(count).ok())
            {
                Some(count) => Value::from(text.replacen(old, new, count)),
                None => Value::from(text.replace(old, new)),
            }
        }
        "startswith" | "endswith" => Value::from(has_edge(text, arguments)?),
        "find" | "rfind" | "index" | "rindex" => find(text, arguments)?,
        "count" => {
            let (part, _, inside) = window(text, arguments)?;
            Value::from(inside.map_or(0, |inside| {
                if part.is_empty() {
                    inside.chars().count() + 1
                } else {
                    inside.matches(part).count()
                }
            }))
        }
        "partition" | "rpartition" => {
            let separator = arguments.text(0, "sep")?;
            if separator.is_empty() {
                return Err(TemplateError::new("empty separator"));
            }
            let last = arguments.method == "rpartition";
            let found = if last {
                text.rsplit_once(separator)
            } else {
                text.split_once(separator)
            };
            let parts = match found {
                Some((before, after)) => [before, separator, after],
                None if last => ["", "", text],
                None => [text, "", ""],
            };
            Value::tuple(parts.map(Value::from))
        }
        "removeprefix" => Value::from(
            text.strip_prefix(arguments.text(0, "prefix")?)
                .unwrap_or(text),
        ),
        "removesuffix" => Value::from(
            text.strip_suffix(arguments.text(0, "suffix")?)
                .unwrap_or(text),
        ),
        "format" => Value::from(format::braces(text, arguments.positional, arguments.named)?),
        "format_map" => Value::from(format::braces_from(
            text,
            arguments.required(0, "mapping")?,
        )?),
        "zfill" | "center" | "ljust" | "rjust" => pad(text, arguments)?,
        "expandtabs" => {
            let size = arguments.integer(0, "tabsize")?.unwrap_or(8);
            Value::from(expand_tabs(
                text,
                usize::try_from(size).unwrap_or(0).min(1_000),
            ))
        }
        "encode" => Value::new(Kind::Bytes(text.as_bytes().into())),
        "maketrans" => table(arguments)?,
        "translate" => translate(text, arguments)?,
        _ => Value::from(is(text, arguments.method)),
    })
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + &characters.as_str().to_lowercase()
    })
}

fn titled(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if inside {
            out.extend(character.to_lowercase());
        } else {
            out.extend(character.to_uppercase());
        }
        inside = character.is_alphabetic();
    }
    out
}

fn strip(text: &str, arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    let characters = arguments.optional_text(0, "chars")?;
    let matches = |c: char| characters.map_or_else(|| is_space(c), |wanted| wanted.contains(c));
    Ok(Value::from(match arguments.method {
        "lstrip" => text.trim_start_matches(matches),
        "rstrip" => text.trim_end_matches(matches),
        _ => text.trim_matches(matches),
    }))
}

/// What Python counts as space: Unicode's and the four separators of ASCII.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

fn split(text: &str, arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    arguments.at_most(2)?;
    let limit = arguments
        .integer(1, "maxsplit")?
        .and_then(|limit| usize::try_from(limit).ok());
    let last = arguments.method == "rsplit";
    let Some(separator) = arguments.optional_text(0, "sep")? else {
        return Ok(Value::list(
            split_space(text, limit, last).into_iter().map(Value::from),
        ));
    };
    if separator.is_empty() {
        return Err(TemplateError::new("empty separator"));
    }
    let parts: Vec<&str> = match (limit, last) {
        (None, _) => text.split(separator).collect(),
        (Some(limit), false) => text.splitn(limit.saturating_add(1), separator).collect(),
        (Some(limit), true) => {
            let mut parts: Vec<&str> = text.rsplitn(limit.saturating_add(1), separator).collect();
            parts.reverse();
            parts
        }
    };
    Ok(Value::list(parts.into_iter().map(Value::from)))
}

fn split_space(text: &str, limit: Option<usize>, last: bool) -> Vec<&str> {
    let Some(limit) = limit else {
        return text
            .split(is_space)
            .filter(|part| !part.is_empty())
            .collect();
    };
    let mut parts = Vec::new();
    let mut rest = if last {
        text.trim_end_matches(is_space)
    } else {
        text.trim_start_matches(is_space)
    };
    // What remains after the last split keeps the space at its far end.
    while !rest.is_empty() && parts.len() < limit {
        let cut = if last {
            rest.rfind(is_space)
        } else {
            rest.find(is_space)
        };
        let Some(index) = cut else {
            break;
        };
        let (before, after) = rest.split_at(index);
        if last {
            parts.push(after.trim_start_matches(is_space));
            rest = before.trim_end_matches(is_space);
        } else {
            parts.push(before);
            rest = after.trim_start_matches(is_space);
        }
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    if last {
        parts.reverse();
    }
    parts
}

fn lines(text: &str, keep: bool) -> Vec<Value> {
    let ends = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'
                ..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(ends).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        let length = if after.starts_with("\r\n") {
            2
        } else {
            after.chars().next().map_or(0, char::len_utf8)
        };
        let shown = if keep {
            rest.get(..end + length).unwrap_or(line)
        } else {
            line
        };
        out.push(Value::from(shown));
        rest = after.get(length..).unwrap_or("");
    }
    out
}

fn join(text: &str, arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    let mut out = String::new();
    for (index, item) in iterate(arguments.required(0, "iterable")?)?
        .iter()
        .enumerate()
    {
        if index > 0 {
            out.push_str(text);
        }
        out.push_str(item.as_str().ok_or_else(|| {
            TemplateError::new(format!(
                "sequence item {index}: expected str instance, `{}` found",
                item.type_name()
            ))
        })?);
    }
    Ok(Value::from(out))
}

fn has_edge(text: &str, arguments: &Arguments<'_>) -> Result<bool, TemplateError> {
    let wanted = arguments.required(0, "prefix")?;
    let options: Vec<&str> = match wanted.kind() {
        Kind::Tuple(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => vec![arguments.text(0, "prefix")?],
    };
    let length = text.chars().count();
    let start = bound(arguments.integer(1, "start")?, length, 0);
    let stop = bound(arguments.integer(2, "end")?, length, length);
    let Some(inside) = characters(text, start, stop) else {
        return Ok(false);
    };
    Ok(options.iter().any(|option| {
        if arguments.method == "startswith" {
            inside.starts_with(option)
        } else {
            inside.ends_with(option)
        }
    }))
}

fn bound(index: Option<i64>, length: usize, default: usize) -> usize {
    let Some(index) = index else {
        return default;
    };
    let size = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    if index < 0 {
        length.saturating_sub(size)
    } else {
        size
    }
}

fn characters(text: &str, start: usize, stop: usize) -> Option<&str> {
    if start > stop || start > text.chars().count() {
        return None;
    }
    let at = |index: usize| {
        text.char_indices()
            .nth(index)
            .map_or(text.len(), |(offset, _)| offset)
    };
    text.get(at(start)..at(stop))
}

/// Returns what is looked for, where the part begins in which it is looked for, and that part.
fn window<'a>(
    text: &'a str,
    arguments: &Arguments<'a>,
) -> Result<(&'a str, usize, Option<&'a str>), TemplateError> {
    let part = arguments.text(0, "sub")?;
    let length = text.chars().count();
    let start = bound(arguments.integer(1, "start")?, length, 0);
    let stop = bound(arguments.integer(2, "end")?, length, length);
    Ok((part, start, characters(text, start, stop)))
}

fn find(text: &str, arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    let (part, start, inside) = window(text, arguments)?;
    let found = inside.and_then(|inside| {
        let offset = if arguments.method.starts_with('r') {
            inside.rfind(part)
        } else {
            inside.find(part)
        }?;
        Some(start + inside.get(..offset)?.chars().count())
    });
    match found {
        Some(index) => Ok(Value::from(index)),
        None if arguments.method.ends_with("find") => Ok(Value::from(-1)),
        None => Err(TemplateError::new("substring not found")),
    }
}

fn pad(text: &str, arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    let width = arguments.integer(0, "width")?.unwrap_or(0);
    let width = usize::try_from(width).unwrap_or(0);
    if width > 1_000_000 {
        return Err(TemplateError::new("the width is too large"));
    }
    let missing = width.saturating_sub(text.chars().count());
    if arguments.method == "zfill" {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let sign = text.get(..text.len() - digits.len()).unwrap_or("");
        return Ok(Value::from(format!(
            "{sign}{}{digits}",
            "0".repeat(missing)
        )));
    }
    let fill = arguments.optional_text(1, "fillchar")?.unwrap_or(" ");
    if fill.chars().count() != 1 {
        return Err(TemplateError::new(
            "the fill character must be exactly one character long",
        ));
    }
    let (before, after) = match arguments.method {
        "ljust" => (0, missing),
        "rjust" => (missing, 0),
        // CPython gives the odd one to the left where the width is odd.
        _ => {
            let before = missing / 2 + (missing & width & 1);
            (before, missing - before)
        }
    };
    Ok(Value::from(
        fill.repeat(before) + text + &fill.repeat(after),
    ))
}

fn expand_tabs(text: &str, size: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for character in text.chars() {
        match character {
            '\t' => {
                let spaces = if size == 0 { 0 } else { size - column % size };
                out.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            '\n' | '\r' => {
                out.push(character);
                column = 0;
            }
            other => {
                out.push(other);
                column += 1;
            }
        }
    }
    out
}

fn table(arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    let mut table = crate::value::Dict::new();
    let code = |c: char| Key::Int(i64::from(u32::from(c)));
    if let Some(dict) = arguments.required(0, "x")?.as_dict() {
        for (key, value) in dict {
            let key = key
                .as_str()
                .and_then(|text| text.chars().next())
                .map_or_else(|| key.clone(), code);
            table.extend([(key, value.clone())]);
        }
        return Ok(Value::dict(table));
    }
    let (from, to) = (arguments.text(0, "x")?, arguments.text(1, "y")?);
    if from.chars().count() != to.chars().count() {
        return Err(TemplateError::new(
            "the first two maketrans arguments must have equal length",
        ));
    }
    table.extend(
        from.chars()
            .zip(to.chars())
            .map(|(a, b)| (code(a), Value::from(u32::from(b)))),
    );
    if let Some(gone) = arguments.optional_text(2, "z")? {
        table.extend(gone.chars().map(|c| (code(c), Value::NULL)));
    }
    Ok(Value::dict(table))
}

fn translate(text: &str, arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    let table = arguments.required(0, "table")?;
    let Some(dict) = table.as_dict() else {
        return Err(arguments.wrong("table", "dict", table));
    };
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match dict
            .get_key(&Key::Int(i64::from(u32::from(character))))
            .map(Value::kind)
        {
            None => out.push(character),
            Some(Kind::Str(with)) => out.push_str(with),
            Some(Kind::Int(code)) => out.extend(u32::try_from(*code).ok().and_then(char::from_u32)),
            Some(_) => {}
        }
    }
    Ok(Value::from(out))
}

fn is(text: &str, method: &str) -> bool {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    match method {
        "isdigit" | "isdecimal" => all(|c| {
            c.is_ascii_digit() || (c.is_numeric() && c.to_digit(36).is_none() && is_decimal(c))
        }),
        "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(is_space),
        "isascii" => text.is_ascii(),
        "isprintable" => text
            .chars()
            .all(|c| !c.is_control() && (c == ' ' || !c.is_whitespace())),
        "isidentifier" => {
            let mut characters = text.chars();
            characters
                .next()
                .is_some_and(|c| c.is_alphabetic() || c == '_')
                && characters.all(|c| c.is_alphanumeric() || c == '_')
        }
        "isupper" => text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase),
        "islower" => text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase),
        "istitle" => text.chars().any(char::is_alphabetic) && titled(text) == text,
        _ => false,
    }
}

/// Tells whether the character is a digit of another script's decimal numbers (Arabic, Devanagari, full width).
fn is_decimal(character: char) -> bool {
    matches!(character, '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' | '\u{966}'..='\u{96f}' | '\u{ff10}'..='\u{ff19}')
}
