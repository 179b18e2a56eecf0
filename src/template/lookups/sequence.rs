//! The `sequence` lookup: numbers as text.

use super::options::{Options, inline, text_term};
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::format::percent;
use crate::value::Value;

/// `sequence` by `start`, `end` or `count`, `stride` and `format`, or short as `0-20/2:host%02d`.
pub(super) fn sequence(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let names = &["start", "end", "count", "stride", "format"];
    let terms = if terms.is_empty() && !named.is_empty() {
        vec![Value::from("")]
    } else {
        terms
    };
    let given = Options::new(call, named, names);
    let mut results = Vec::new();
    for term in &terms {
        let mut options = given.clone();
        let term = text_term(term, call)?;
        if !short_form(term, &mut options) {
            let term = inline(term, call)?;
            if let Some(words) = term.words {
                return Err(options.error(format!("`{words}` is not a range or an option")));
            }
            for (name, value) in term.options {
                if !options.set(&name, Value::from(value)) {
                    return Err(options.error(format!("it has no option `{name}`")));
                }
            }
        }
        numbers(&options, &mut results)?;
    }
    Ok(results)
}

/// Reads `[start-]end[/stride][:format]` and tells whether it is that.
fn short_form(term: &str, options: &mut Options<'_>) -> bool {
    let (range, format) = match term.split_once(':') {
        Some((range, format)) => (range, Some(format)),
        None => (term, None),
    };
    let (range, stride) = match range.split_once('/') {
        Some((range, stride)) => (range, Some(stride)),
        None => (range, None),
    };
    let (start, end) = match range.split_once('-') {
        Some((start, end)) => (Some(start), end),
        None => (None, range),
    };
    let numbers = [start, Some(end), stride];
    if !numbers.into_iter().flatten().all(is_number) || format == Some("") {
        return false;
    }
    let parts = [
        ("start", start),
        ("end", Some(end)),
        ("stride", stride),
        ("format", format),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            options.set(name, Value::from(value));
        }
    }
    true
}

/// What looks like a number, in base 16 too (which then cannot be read, as in ansible-core).
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = digits
        .or_else(|| text.strip_prefix(['x', 'X']))
        .unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn numbers(options: &Options<'_>, results: &mut Vec<Value>) -> Result<(), TemplateError> {
    let start = options.int("start")?.unwrap_or(1);
    let stride = options.int("stride")?.unwrap_or(1);
    let format = options.text("format", "%d")?;
    let end = match (options.int("end")?, options.int("count")?) {
        (Some(end), None) => end,
        (None, Some(0)) => return Ok(()),
        (None, Some(count)) => start
            .saturating_add(count.saturating_mul(stride))
            .saturating_sub(1),
        (None, None) => return Err(options.error("it needs `end` or `count`")),
        (Some(_), Some(_)) => {
            return Err(options.error("`end` and `count` cannot stand together"));
        }
    };
    if stride > 0 && end < start {
        return Err(options.error("to count backwards, make `stride` negative"));
    }
    if stride < 0 && end > start {
        return Err(options.error("to count forwards, make `stride` positive"));
    }
    if stride == 0 {
        return Ok(());
    }
    if format.matches('%').count() != 1 {
        return Err(options.error(format!("`format` must have one `%`: `{format}`")));
    }
    let mut current = Some(start);
    while let Some(number) = current.filter(|number| {
        if stride > 0 {
            *number <= end
        } else {
            *number >= end
        }
    }) {
        let shown = percent(&format, &Value::from(number))
            .map_err(|error| options.error(format!("`{format}`: {error}")))?;
        results.push(Value::from(shown));
        current = number.checked_add(stride);
    }
    Ok(())
}
