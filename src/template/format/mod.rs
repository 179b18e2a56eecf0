//! Python's two ways to fill text with values: `'%s' % x` and `'{}'.format(x)`.

use num_bigint::BigInt;

mod field;

use self::field::{Field, cut, integer_text, number_field, padded, signed};
use super::call::Keyword;
use super::error::TemplateError;
use super::evaluate::item_or_attribute;
use super::operators::{defined, float};
use crate::value::{Key, Kind, Number, Value};

/// Fills the text as Python's `%` does.
pub(crate) fn percent(text: &str, values: &Value) -> Result<String, TemplateError> {
    let mut out = String::with_capacity(text.len());
    let mut next = 0;
    let single = !matches!(values.kind(), Kind::Tuple(_));
    let mut take = || {
        let item = match values.kind() {
            Kind::Tuple(items) => items.get(next).cloned(),
            _ => (next == 0).then(|| values.clone()),
        };
        next += 1;
        item.ok_or_else(|| TemplateError::new("not enough arguments for format string"))
    };
    let mut named = false;
    let mut rest = text;
    while let Some(index) = rest.find('%') {
        out.push_str(rest.get(..index).unwrap_or(""));
        rest = rest.get(index + 1..).unwrap_or("");
        let mut name = None;
        if let Some(after) = rest.strip_prefix('(') {
            let Some((key, after)) = after.split_once(')') else {
                return Err(TemplateError::new("incomplete format key"));
            };
            name = Some(key);
            rest = after;
        }
        let mut field = Field {
            fill: None,
            ..Field::default()
        };
        let mut characters = rest.chars().peekable();
        let mut length = 0;
        while let Some(flag) = characters.next_if(|c| "-+ #0".contains(*c)) {
            length += 1;
            match flag {
                '-' => field.align = Some('<'),
                '+' => field.sign = Some('+'),
                ' ' => field.sign = field.sign.or(Some(' ')),
                '#' => field.alternate = true,
                _ => field.fill = Some('0'),
            }
        }
        let mut number = |characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
                          length: &mut usize| {
            if characters.next_if_eq(&'*').is_some() {
                *length += 1;
                return take().map(|value| usize::try_from(value.as_int().unwrap_or(0)).ok());
            }
            let mut digits = String::new();
            while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                digits.push(digit);
                *length += 1;
            }
            Ok(digits.parse().ok())
        };
        field.width = number(&mut characters, &mut length)?.unwrap_or(0);
        if characters.next_if_eq(&'.').is_some() {
            length += 1;
            field.precision = Some(number(&mut characters, &mut length)?.unwrap_or(0));
        }
        while characters.next_if(|c| "hlL".contains(*c)).is_some() {
            length += 1;
        }
        let Some(conversion) = characters.next() else {
            return Err(TemplateError::new("incomplete format"));
        };
        rest = rest.get(length + conversion.len_utf8()..).unwrap_or("");
        if conversion == '%' {
            out.push('%');
            continue;
        }
        let value = match name {
            None => take()?,
            Some(name) => {
                named = true;
                let Some(dict) = values.as_dict() else {
                    return Err(TemplateError::new("format requires a mapping"));
                };
                dict.get(name)
                    .cloned()
                    .ok_or_else(|| TemplateError::new(format!("no key `{name}` to format")))?
            }
        };
        out.push_str(&percent_field(&value, conversion, &field)?);
    }
    out.push_str(rest);
    let given = match values.kind() {
        Kind::Tuple(items) => items.len(),
        Kind::Dict(_) | Kind::List(_) => next.min(1),
        _ => 1,
    };
    if !named && next < given && !(single && values.as_dict().is_some()) {
        return Err(TemplateError::new(
            "not all arguments converted during string formatting",
        ));
    }
    Ok(out)
}

fn percent_field(value: &Value, conversion: char, field: &Field) -> Result<String, TemplateError> {
    defined(value)?;
    let mut field = field.clone();
    match conversion {
        's' | 'r' | 'a' => {
            let text = if conversion == 's' {
                value.to_text()
            } else {
                value.to_repr()
            };
            field.fill = None;
            field.align = field.align.or(Some('>'));
            return padded(&cut(&text, field.precision), &field);
        }
        'c' => {
            let text = match value.kind() {
                Kind::Int(code) => u32::try_from(*code)
                    .ok()
                    .and_then(char::from_u32)
                    .map(String::from),
                Kind::Str(text) if text.chars().count() == 1 => Some(text.to_string()),
                _ => None,
            };
            let text = text.ok_or_else(|| TemplateError::new("%c requires int or char"))?;
            field.align = field.align.or(Some('>'));
            return padded(&text, &field);
        }
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {}
        other => {
            return Err(TemplateError::new(format!(
                "unsupported format character `{other}`"
            )));
        }
    }
    let Some(number) = value.as_number() else {
        return Err(TemplateError::new(format!(
            "%{conversion} format: a real number is required, not `{}`",
            value.type_name()
        )));
    };
    field.kind = Some(if matches!(conversion, 'i' | 'u') {
        'd'
    } else {
        conversion
    });
    if field.fill == Some('0') {
        if field.align == Some('<') {
            field.fill = None;
        } else {
            field.align = Some('=');
        }
    }
    let number = match (conversion, number) {
        ('d' | 'i' | 'u', Number::Float(value)) => Number::Int(whole(value)?),
        ('e' | 'E' | 'f' | 'F' | 'g' | 'G', number) => Number::Float(float(&number)),
        (_, number @ Number::Int(_)) => number,
        (_, Number::Float(_)) => {
            return Err(TemplateError::new(format!(
                "%{conversion} format: an integer is required, not `float`"
            )));
        }
    };
    // `%.3d` is the least number of digits.
    if let (Number::Int(int), Some(digits)) = (&number, field.precision) {
        let (sign, body) = integer_text(int, &field);
        let body = format!("{body:0>digits$}");
        return signed(sign, &body, &field);
    }
    number_field(&number, &field)
}

fn whole(value: f64) -> Result<BigInt, TemplateError> {
    let text = format!("{:.0}", value.trunc());
    text.parse()
        .map_err(|_| TemplateError::new(format!("cannot convert float {text} to integer")))
}

/// Fills the text as `str.format` does.
pub(crate) fn braces(
    text: &str,
    positional: &[Value],
    named: &[Keyword],
) -> Result<String, TemplateError> {
    let mut counter = 0;
    fill(text, &mut counter, 0, &|name: &str| {
        if let Ok(index) = name.parse::<usize>() {
            return positional.get(index).cloned().ok_or_else(|| {
                TemplateError::new("replacement index out of range for positional arguments")
            });
        }
        named
            .iter()
            .find(|(other, _)| **other == *name)
            .map(|(_, value)| value.clone())
            .ok_or_else(|| TemplateError::new(format!("no argument `{name}` to format")))
    })
}

/// Fills the text as `str.format_map` does.
pub(crate) fn braces_from(text: &str, values: &Value) -> Result<String, TemplateError> {
    fill(text, &mut 0, 0, &|name: &str| {
        values
            .as_dict()
            .and_then(|dict| dict.get_key(&Key::from(name)).cloned())
            .ok_or_else(|| TemplateError::new(format!("no key `{name}` to format")))
    })
}

type Finder<'a> = &'a dyn Fn(&str) -> Result<Value, TemplateError>;

fn fill(
    text: &str,
    counter: &mut usize,
    depth: usize,
    find: Finder<'_>,
) -> Result<String, TemplateError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(index) = rest.find(['{', '}']) {
        out.push_str(rest.get(..index).unwrap_or(""));
        let brace = rest.get(index..=index).unwrap_or("");
        rest = rest.get(index + 1..).unwrap_or("");
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err(TemplateError::new("single `}` in format string"));
        }
        let mut open = 1;
        let end = rest.char_indices().find_map(|(index, character)| {
            match character {
                '{' => open += 1,
                '}' => open -= 1,
                _ => {}
            }
            (open == 0).then_some(index)
        });
        let Some(end) = end.filter(|_| depth < 2) else {
            return Err(TemplateError::new("expected `}` before end of string"));
        };
        out.push_str(&replacement(
            rest.get(..end).unwrap_or(""),
            counter,
            depth,
            find,
        )?);
        rest = rest.get(end + 1..).unwrap_or("");
    }
    out.push_str(rest);
    Ok(out)
}

fn replacement(
    inside: &str,
    counter: &mut usize,
    depth: usize,
    find: Finder<'_>,
) -> Result<String, TemplateError> {
    let mut bracket = 0;
    let split = inside.char_indices().find_map(|(index, character)| {
        match character {
            '[' => bracket += 1,
            ']' => bracket -= 1,
            _ => {}
        }
        (bracket == 0 && matches!(character, '!' | ':')).then_some(index)
    });
    let (name, after) = inside.split_at(split.unwrap_or(inside.len()));
    let (conversion, specification) = match after.strip_prefix('!') {
        Some(rest) => (rest.chars().next(), rest.get(1..).unwrap_or("")),
        None => (None, after),
    };
    let specification = specification.strip_prefix(':').unwrap_or("");
    let first = name.find(['.', '[']).unwrap_or(name.len());
    let (base, mut path) = name.split_at(first);
    let mut value = if base.is_empty() {
        let index = counter.to_string();
        *counter += 1;
        find(&index)?
    } else {
        find(base)?
    };
    while !path.is_empty() {
        let (step, rest) = if let Some(rest) = path.strip_prefix('.') {
            rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()))
        } else if let Some((step, rest)) =
            path.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        {
            (step, rest)
        } else {
            return Err(TemplateError::new(
                "a field of the format string cannot be read",
            ));
        };
        let index = step
            .parse::<i64>()
            .map_or_else(|_| Value::text(step), Value::from);
        value = item_or_attribute(&value, &index);
        defined(&value)?;
        path = rest;
    }
    defined(&value)?;
    let value = match conversion {
        Some('s') => Value::from(value.to_text()),
        Some('r' | 'a') => Value::from(value.to_repr()),
        Some(other) => {
            return Err(TemplateError::new(format!(
                "unknown conversion specifier `{other}`"
            )));
        }
        None => value,
    };
    let specification = fill(specification, counter, depth + 1, find)?;
    formatted(&value, &specification)
}

/// Writes a value as Python's `format(value, specification)`.
pub(crate) fn formatted(value: &Value, specification: &str) -> Result<String, TemplateError> {
    if specification.is_empty() {
        return Ok(value.to_text());
    }
    if let Kind::Moment(moment) = value.kind() {
        return super::methods::strftime(*moment, specification);
    }
    let field = parse(specification)
        .ok_or_else(|| TemplateError::new(format!("invalid format specifier `{specification}`")))?;
    let text_kind = matches!(field.kind, None | Some('s'));
    match value.kind() {
        Kind::Str(text) if text_kind => {
            let field = Field {
                align: field.align.or(Some('<')),
                ..field
            };
            padded(&cut(text, field.precision), &field)
        }
        Kind::Bool(_) if text_kind && field.kind.is_some() => Err(unknown(value, &field)),
        _ => match value.as_number() {
            Some(number) if field.kind != Some('s') => {
                let number = match (field.kind, number) {
                    (Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%'), number) => {
                        Number::Float(float(&number))
                    }
                    (Some('d' | 'x' | 'X' | 'o' | 'b' | 'c'), Number::Float(_)) => {
                        return Err(unknown(value, &field));
                    }
                    (_, number) => number,
                };
                number_field(&number, &field)
            }
            _ => Err(unknown(value, &field)),
        },
    }
}

fn unknown(value: &Value, field: &Field) -> TemplateError {
    TemplateError::new(match field.kind {
        Some(kind) => format!(
            "unknown format code `{kind}` for object of type `{}`",
            value.type_name()
        ),
        None => format!(
            "unsupported format string passed to `{}`",
            value.type_name()
        ),
    })
}

fn parse(specification: &str) -> Option<Field> {
    let mut field = Field::default();
    let characters: Vec<char> = specification.chars().collect();
    let mut index = 0;
    let aligns = |character: Option<&char>| character.copied().filter(|c| "<>=^".contains(*c));
    if let Some(align) = aligns(characters.get(1)) {
        field.fill = characters.first().copied();
        field.align = Some(align);
        index = 2;
    } else if let Some(align) = aligns(characters.first()) {
        field.align = Some(align);
        index = 1;
    }
    let mut next = |wanted: &dyn Fn(char) -> bool| {
        let found = characters.get(index).copied().filter(|c| wanted(*c));
        index += usize::from(found.is_some());
        found
    };
    field.sign = next(&|c| "+- ".contains(c)).filter(|c| *c != '-');
    field.alternate = next(&|c| c == '#').is_some();
    if next(&|c| c == '0').is_some() {
        field.fill = field.fill.or(Some('0'));
        field.align = field.align.or(Some('='));
    }
    let mut digits = String::new();
    while let Some(digit) = next(&|c| c.is_ascii_digit()) {
        digits.push(digit);
    }
    field.width = digits.parse().unwrap_or(0);
    field.group = next(&|c| c == ',' || c == '_');
    if next(&|c| c == '.').is_some() {
        let mut digits = String::new();
        while let Some(digit) = next(&|c| c.is_ascii_digit()) {
            digits.push(digit);
        }
        field.precision = Some(digits.parse().ok()?);
    }
    field.kind = next(&|c| c.is_ascii_alphabetic() || c == '%');
    (index == characters.len()).then_some(field)
}
