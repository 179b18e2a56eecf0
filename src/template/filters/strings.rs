//! Filters over text, as Jinja2 and Ansible have them.

use std::fmt::Write as _;

use super::bind::{bind, defined};
use super::python::{count, iterate, text, used};
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::format::percent;
use crate::value::{Dict, Key, Kind, Value};

fn subject(call: Call<'_>) -> Result<String, TemplateError> {
    text(&bind(call, &[], 0)?.value)
}

/// `lower`.
pub(super) fn lower(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(subject(call)?.to_lowercase()))
}

/// `upper`.
pub(super) fn upper(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(subject(call)?.to_uppercase()))
}

/// `string`.
pub(super) fn string(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(subject(call)?))
}

/// `capitalize`: the first letter upper, the others lower case.
pub(super) fn capitalize(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(capitalized(&subject(call)?)))
}

fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| {
        first
            .to_uppercase()
            .chain(rest.as_str().to_lowercase().chars())
            .collect()
    })
}

/// `title`: words after spaces, dashes and opening brackets begin with an upper case letter.
pub(super) fn title(call: Call<'_>) -> Result<Value, TemplateError> {
    let subject = subject(call)?;
    let mut out = String::new();
    let mut word = String::new();
    for character in subject.chars() {
        if character.is_whitespace() || "-({[<".contains(character) {
            out.push_str(&capitalized(&word));
            word.clear();
            out.push(character);
        } else {
            word.push(character);
        }
    }
    out.push_str(&capitalized(&word));
    Ok(Value::from(out))
}

/// `trim(chars=None)`.
pub(super) fn trim(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["chars"], 0)?;
    let subject = text(&arguments.value)?;
    Ok(Value::from(match arguments.optional_text(0)? {
        Some(characters) => subject
            .trim_matches(|character| characters.contains(character))
            .to_owned(),
        None => subject.trim_matches(is_space).to_owned(),
    }))
}

/// What Python's `str.isspace` accepts: also the separators of ASCII.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

/// `replace(old, new, count=None)`.
pub(super) fn replace(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["old", "new", "count"], 2)?;
    let subject = text(&arguments.value)?;
    let old = text(arguments.get(0).unwrap_or(&Value::NULL))?;
    let new = text(arguments.get(1).unwrap_or(&Value::NULL))?;
    Ok(Value::from(match arguments.optional_int(2)? {
        Some(times) if times >= 0 => subject.replacen(&old, &new, count(times)),
        _ => subject.replace(&old, &new),
    }))
}

/// `split(sep=None, maxsplit=-1)`.
pub(super) fn split(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["sep", "maxsplit"], 0)?;
    let subject = arguments
        .value
        .as_str()
        .ok_or_else(|| arguments.error("needs text"))?;
    let limit = arguments.int(1, -1)?;
    let limit = if limit < 0 { usize::MAX } else { count(limit) };
    Ok(match arguments.optional_text(0)? {
        Some(separator) if separator.is_empty() => {
            return Err(arguments.error("cannot split at nothing"));
        }
        Some(separator) => subject
            .splitn(limit.saturating_add(1), separator.as_str())
            .map(Value::from)
            .collect(),
        None => split_at_space(subject, limit)
            .into_iter()
            .map(Value::from)
            .collect(),
    })
}

fn split_at_space(text: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        if parts.len() == limit {
            parts.push(rest);
            break;
        }
        let (word, more) = rest.split_once(is_space).unwrap_or((rest, ""));
        parts.push(word);
        rest = more.trim_start_matches(is_space);
    }
    parts
}

/// `format(*args, **kwargs)`: `%` formatting.
pub(super) fn format(call: Call<'_>) -> Result<Value, TemplateError> {
    defined(&call)?;
    let pattern = text(&call.value)?;
    let values = match (call.positional.is_empty(), call.named.is_empty()) {
        (false, false) => {
            return Err(TemplateError::new(
                "`format` takes values by position or by name, not both",
            ));
        }
        (_, true) => Value::tuple(call.positional),
        (true, false) => Value::dict(
            call.named
                .into_iter()
                .map(|(name, value)| (Key::from(name), value))
                .collect::<Dict>(),
        ),
    };
    percent(&pattern, &values).map(Value::from)
}

/// `center(width=80)`.
pub(super) fn center(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["width"], 0)?;
    let subject = text(&arguments.value)?;
    let width = count(arguments.int(0, 80)?);
    let length = subject.chars().count();
    let missing = width.saturating_sub(length);
    // Python puts the odd space on the left where the width is odd.
    let left = missing / 2 + (missing & width & 1);
    Ok(Value::from(format!(
        "{}{subject}{}",
        " ".repeat(left),
        " ".repeat(missing - left)
    )))
}

/// `indent(width=4, first=false, blank=false)`.
pub(super) fn indent(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["width", "first", "blank"], 0)?;
    let subject = text(&arguments.value)?;
    let indention = match arguments.get(0).map(Value::kind) {
        None => "    ".to_owned(),
        Some(Kind::Str(text)) => text.to_string(),
        Some(_) => " ".repeat(count(arguments.int(0, 4)?)),
    };
    let first = arguments.flag(1, false)?;
    let blank = arguments.flag(2, false)?;
    let subject = subject + "\n";
    let lines = split_lines(&subject);
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        if (index == 0 && first) || (index > 0 && (blank || !line.is_empty())) {
            out.push_str(&indention);
        }
        out.push_str(line);
    }
    Ok(Value::from(out))
}

/// Python's `str.splitlines`.
pub(crate) fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find([
            '\n', '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}',
        ]);
        let Some(end) = end else {
            lines.push(rest);
            break;
        };
        let (line, more) = rest.split_at(end);
        lines.push(line);
        let skip = if more.starts_with("\r\n") {
            2
        } else {
            more.chars().next().map_or(1, char::len_utf8)
        };
        rest = more.get(skip..).unwrap_or_default();
    }
    lines
}

/// `truncate(length=255, killwords=false, end='...', leeway=5)`.
pub(super) fn truncate(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["length", "killwords", "end", "leeway"], 0)?;
    let subject: Vec<char> = text(&arguments.value)?.chars().collect();
    let length = count(arguments.int(0, 255)?);
    let killwords = arguments.flag(1, false)?;
    let end = arguments.text(2, "...")?;
    let leeway = arguments.optional_int(3)?.map_or(5, count);
    let Some(keep) = length.checked_sub(end.chars().count()) else {
        return Err(arguments.error("needs a `length` of at least that of `end`"));
    };
    if subject.len() <= length.saturating_add(leeway) {
        return Ok(Value::from(subject.into_iter().collect::<String>()));
    }
    let cut: String = subject.into_iter().take(keep).collect();
    let cut = if killwords {
        cut.as_str()
    } else {
        cut.rsplit_once(' ')
            .map_or(cut.as_str(), |(words, _)| words)
    };
    Ok(Value::from(format!("{cut}{end}")))
}

/// `wordcount`.
pub(super) fn wordcount(call: Call<'_>) -> Result<Value, TemplateError> {
    let subject = subject(call)?;
    let words = subject.split(|character: char| !(character.is_alphanumeric() || character == '_'));
    Ok(Value::from(words.filter(|word| !word.is_empty()).count()))
}

/// `wordwrap(width=79, break_long_words=true, wrapstring=None, break_on_hyphens=true)`.
pub(super) fn wordwrap(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(
        call,
        &[
            "width",
            "break_long_words",
            "wrapstring",
            "break_on_hyphens",
        ],
        0,
    )?;
    let subject = text(&arguments.value)?;
    let width = count(arguments.int(0, 79)?);
    if width == 0 {
        return Err(arguments.error("needs a `width` above 0"));
    }
    let break_long = arguments.flag(1, true)?;
    let separator = arguments
        .optional_text(2)?
        .unwrap_or_else(|| "\n".to_owned());
    let hyphens = arguments.flag(3, true)?;
    let lines: Vec<String> = split_lines(&subject)
        .into_iter()
        .map(|line| wrap(line, width, break_long, hyphens).join(&separator))
        .collect();
    Ok(Value::from(lines.join(&separator)))
}

/// Python's `textwrap.wrap` with white space kept inside of lines.
fn wrap(line: &str, width: usize, break_long: bool, hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<Vec<char>> = Vec::new();
    for character in line.chars() {
        let joins = chunks
            .last()
            .and_then(|chunk| chunk.last().map(|last| (chunk, *last)))
            .is_some_and(|(chunk, last)| {
                let after_hyphen = hyphens
                    && last == '-'
                    && character.is_alphabetic()
                    && chunk
                        .iter()
                        .rev()
                        .skip(1)
                        .take(2)
                        .filter(|before| before.is_alphabetic())
                        .count()
                        == 2;
                last.is_whitespace() == character.is_whitespace() && !after_hyphen
            });
        match chunks.last_mut() {
            Some(chunk) if joins => chunk.push(character),
            _ => chunks.push(vec![character]),
        }
    }
    let mut lines = Vec::new();
    let mut current: Vec<char> = Vec::new();
    let mut rest = std::collections::VecDeque::from(chunks);
    while let Some(mut chunk) = rest.pop_front() {
        if current.len() + chunk.len() <= width {
            current.extend(chunk);
            continue;
        }
        if break_long && chunk.len() > width {
            let room = (width - current.len()).max(usize::from(current.is_empty()));
            let tail = chunk.split_off(room.min(chunk.len()));
            current.extend(chunk);
            rest.push_front(tail);
        } else if current.is_empty() {
            current = chunk;
        } else {
            rest.push_front(chunk);
        }
        push_line(&mut lines, &mut current);
        while rest
            .front()
            .is_some_and(|chunk| chunk.iter().all(|character| character.is_whitespace()))
            && !lines.is_empty()
        {
            rest.pop_front();
        }
    }
    push_line(&mut lines, &mut current);
    lines
}

fn push_line(lines: &mut Vec<String>, current: &mut Vec<char>) {
    while current.last().is_some_and(|last| last.is_whitespace()) {
        current.pop();
    }
    if !current.is_empty() {
        lines.push(current.drain(..).collect());
    }
}

/// `quote`: as one word of a shell command.
pub(super) fn quote(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let subject = if arguments.value.is_null() {
        String::new()
    } else {
        text(&arguments.value)?
    };
    Ok(Value::from(shell_quote(&subject)))
}

/// Python's `shlex.quote`.
pub(crate) fn shell_quote(text: &str) -> String {
    let safe =
        |character: char| character.is_ascii_alphanumeric() || "@%+=:,./-_".contains(character);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

/// `comment(style='plain', ...)`: text as a comment of some language.
pub(super) fn comment(call: Call<'_>) -> Result<Value, TemplateError> {
    let names = [
        "style",
        "newline",
        "beginning",
        "prefix",
        "prefix_count",
        "decoration",
        "postfix",
        "postfix_count",
        "end",
    ];
    let arguments = bind(call, &names, 0)?;
    let subject = arguments
        .value
        .as_str()
        .ok_or_else(|| arguments.error("needs text"))?;
    let (beginning, decoration, end) = match arguments.text(0, "plain")?.as_str() {
        "plain" => ("", "# ", ""),
        "erlang" => ("", "% ", ""),
        "c" => ("", "// ", ""),
        "cblock" => ("/*", " * ", " */"),
        "xml" => ("<!--", " - ", "-->"),
        other => {
            return Err(arguments.error(format!(
                "knows the styles plain, erlang, c, cblock and xml, not `{other}`"
            )));
        }
    };
    let newline = arguments.text(1, "\n")?;
    let decoration = arguments.text(5, decoration)?;
    let bare = decoration.trim_end_matches(is_space);
    let beginning = arguments.text(2, beginning)?;
    let prefix = arguments.text(3, bare)?;
    let postfix = arguments.text(6, bare)?;
    let end = arguments.text(8, end)?;
    let mut out = String::new();
    if !beginning.is_empty() {
        out.push_str(&beginning);
        out.push_str(&newline);
    }
    if !prefix.is_empty() {
        let line = if prefix == newline {
            newline.clone()
        } else {
            format!("{prefix}{newline}")
        };
        out.push_str(&line.repeat(count(arguments.int(4, 1)?)));
    }
    let decorated = format!(
        "{decoration}{}",
        subject.replace(&newline, &format!("{newline}{decoration}"))
    );
    out.push_str(&decorated.replace(
        &format!("{decoration}{newline}"),
        &format!("{bare}{newline}"),
    ));
    for _ in 0..count(arguments.int(7, 1)?) {
        out.push_str(&newline);
        out.push_str(&postfix);
    }
    if !end.is_empty() {
        out.push_str(&newline);
        out.push_str(&end);
    }
    Ok(Value::from(out))
}

/// `escape`, `e`, `forceescape`: for HTML.
pub(super) fn escape(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(html(&subject(call)?)))
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&#34;")
}

/// `striptags`: without HTML's tags and comments, white space as single spaces.
pub(super) fn striptags(call: Call<'_>) -> Result<Value, TemplateError> {
    let mut rest = subject(call)?;
    for (open, close) in [("<!--", "-->"), ("<", ">")] {
        while let Some((before, tail)) = rest.split_once(open) {
            let Some((_, after)) = tail.split_once(close) else {
                break;
            };
            rest = format!("{before}{after}");
        }
    }
    let words = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = words
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#39;", "'")
        .replace("&#34;", "\"");
    Ok(Value::from(
        plain.replace("&quot;", "\"").replace("&amp;", "&"),
    ))
}

/// `xmlattr(autospace=true)`.
pub(super) fn xmlattr(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["autospace"], 0)?;
    let mut parts = Vec::new();
    for (name, value) in super::python::mapping(&arguments.value, "xmlattr")? {
        if used(value).is_err() || value.is_null() {
            continue;
        }
        let name = name.to_value().to_text();
        if name.contains([' ', '\t', '\n', '\x0c', '\r', '/', '>', '=']) {
            return Err(arguments.error(format!("takes no attribute `{name}`")));
        }
        parts.push(format!("{}=\"{}\"", html(&name), html(&text(value)?)));
    }
    let joined = parts.join(" ");
    let spaced = arguments.flag(0, true)? && !joined.is_empty();
    Ok(Value::from(if spaced {
        format!(" {joined}")
    } else {
        joined
    }))
}

/// `pprint`: Python's literal form.
pub(super) fn pprint(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    Ok(Value::from(
        super::python::used_deep(&arguments.value)?.to_repr(),
    ))
}

/// `urlencode`: text quoted, pairs as a query.
pub(super) fn urlencode(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let pairs: Vec<(Value, Value)> = match arguments.value.kind() {
        Kind::Dict(dict) => dict
            .iter()
            .map(|(name, value)| (name.to_value(), value.clone()))
            .collect(),
        Kind::List(items) | Kind::Tuple(items) => {
            let mut pairs = Vec::new();
            for pair in items.iter() {
                let pair = iterate(pair)?;
                let [name, value] = pair.as_slice() else {
                    return Err(arguments.error("needs pairs"));
                };
                pairs.push((name.clone(), value.clone()));
            }
            pairs
        }
        _ => return Ok(Value::from(percent_encode(&text(&arguments.value)?, "/"))),
    };
    let mut parts = Vec::new();
    for (name, value) in pairs {
        let quoted =
            |value: &Value| text(value).map(|text| percent_encode(&text, " ").replace(' ', "+"));
        parts.push(format!("{}={}", quoted(&name)?, quoted(&value)?));
    }
    Ok(Value::from(parts.join("&")))
}

fn percent_encode(text: &str, safe: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let character = char::from(byte);
        if byte.is_ascii_alphanumeric()
            || "_.-~".contains(character)
            || (byte.is_ascii() && safe.contains(character))
        {
            out.push(character);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `urldecode`.
pub(super) fn urldecode(call: Call<'_>) -> Result<Value, TemplateError> {
    let subject = subject(call)?.replace('+', " ");
    let bytes = subject.as_bytes();
    let mut out = Vec::new();
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let code = subject.get(index + 1..index + 3).filter(|_| *byte == b'%');
        if let Some(decoded) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            out.push(decoded);
            index += 3;
        } else {
            out.push(*byte);
            index += 1;
        }
    }
    Ok(Value::from(String::from_utf8_lossy(&out).into_owned()))
}
