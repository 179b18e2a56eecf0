//! The functions that every template has: `range`, `dict`, `now`, `lookup` and the others.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::call::Keyword;
use super::error::TemplateError;
use super::methods::strftime;
use super::operators;
use crate::value::{Dict, Key, Kind, Marks, Moment, Value};

/// The longest range that is made.
const LONGEST_RANGE: i64 = 10_000_000;

/// A function that every template has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Range,
    Dict,
    Lipsum,
    Cycler,
    Joiner,
    Namespace,
    Now,
    Lookup,
    Query,
    Undef,
}

impl Function {
    /// Returns the function of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "range" => Self::Range,
            "dict" => Self::Dict,
            "lipsum" => Self::Lipsum,
            "cycler" => Self::Cycler,
            "joiner" => Self::Joiner,
            "namespace" => Self::Namespace,
            "now" => Self::Now,
            "lookup" => Self::Lookup,
            "query" | "q" => Self::Query,
            "undef" => Self::Undef,
            _ => return None,
        })
    }

    /// Returns the function's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Dict => "dict",
            Self::Lipsum => "lipsum",
            Self::Cycler => "cycler",
            Self::Joiner => "joiner",
            Self::Namespace => "namespace",
            Self::Now => "now",
            Self::Lookup => "lookup",
            Self::Query => "query",
            Self::Undef => "undef",
        }
    }
}

/// Calls a function that needs nothing but its arguments.
pub(crate) fn call(
    function: Function,
    positional: &[Value],
    named: &[Keyword],
) -> Result<Value, TemplateError> {
    match function {
        Function::Range => range(positional),
        Function::Dict => {
            let mut dict = Dict::new();
            for value in positional {
                operators::extend_dict(&mut dict, value)?;
            }
            dict.extend(
                named
                    .iter()
                    .map(|(name, value)| (Key::Str(name.clone()), value.clone())),
            );
            Ok(Value::dict(dict))
        }
        other => Err(TemplateError::new(format!(
            "`{}` cannot be called here",
            other.name()
        ))),
    }
}

fn range(arguments: &[Value]) -> Result<Value, TemplateError> {
    let number = |value: &Value| match value.kind() {
        Kind::Int(number) => Ok(*number),
        Kind::Bool(number) => Ok(i64::from(*number)),
        _ => Err(TemplateError::new(format!(
            "`{}` object cannot be interpreted as an integer",
            value.type_name()
        ))),
    };
    let (start, stop, step) = match arguments {
        [stop] => (0, number(stop)?, 1),
        [start, stop] => (number(start)?, number(stop)?, 1),
        [start, stop, step] => (number(start)?, number(stop)?, number(step)?),
        _ => return Err(TemplateError::new("`range` takes one to three numbers")),
    };
    if step == 0 {
        return Err(TemplateError::new("the step of `range` must not be zero"));
    }
    if stop.saturating_sub(start) / step > LONGEST_RANGE {
        return Err(TemplateError::new(format!(
            "`range` makes at most {LONGEST_RANGE} numbers"
        )));
    }
    let mut items = Vec::new();
    let mut next = start;
    while if step > 0 { next < stop } else { next > stop } {
        items.push(Value::from(next));
        let Some(after) = next.checked_add(step) else {
            break;
        };
        next = after;
    }
    Ok(Value::list(items).with_marks(Marks::RANGE))
}

/// Returns the point in time, or its text in the form that `fmt` gives.
pub(crate) fn now(
    positional: &[Value],
    named: &[Keyword],
    (seconds, nanoseconds): (i64, u32),
) -> Result<Value, TemplateError> {
    let argument = |index: usize, wanted: &str| {
        positional.get(index).or_else(|| {
            named
                .iter()
                .find(|(name, _)| name.as_ref() == wanted)
                .map(|(_, value)| value)
        })
    };
    let utc = argument(0, "utc").is_some_and(Value::is_true);
    let zone = if utc {
        TimeZone::fixed(Offset::UTC)
    } else {
        TimeZone::system()
    };
    let moment = in_zone((seconds, nanoseconds), zone)?;
    match argument(1, "fmt").filter(|format| format.is_true()) {
        Some(format) => strftime(moment, &format.to_text()).map(Value::from),
        None => Ok(Value::from(moment)),
    }
}

/// Returns the point in time by the controller's clock, as `datetime.fromtimestamp` does.
pub(crate) fn local(instant: (i64, u32)) -> Result<Moment, TemplateError> {
    in_zone(instant, TimeZone::system())
}

fn in_zone((seconds, nanoseconds): (i64, u32), zone: TimeZone) -> Result<Moment, TemplateError> {
    let instant = i32::try_from(nanoseconds)
        .ok()
        .and_then(|nanoseconds| Timestamp::new(seconds, nanoseconds).ok())
        .ok_or_else(|| TemplateError::new("the clock is out of range"))?;
    let time = instant.to_zoned(zone).datetime();
    let micros = time.subsec_nanosecond() / 1_000 * 1_000;
    let time = time
        .with()
        .subsec_nanosecond(micros)
        .build()
        .unwrap_or(time);
    Ok(Moment::DateTime(time, None))
}

const WORDS: [&str; 48] = [
    "a",
    "ac",
    "accumsan",
    "ad",
    "aenean",
    "aliquam",
    "amet",
    "ante",
    "arcu",
    "at",
    "auctor",
    "augue",
    "bibendum",
    "commodo",
    "condimentum",
    "congue",
    "consectetuer",
    "cras",
    "cubilia",
    "curabitur",
    "dapibus",
    "diam",
    "dictum",
    "dolor",
    "donec",
    "eget",
    "elit",
    "enim",
    "erat",
    "eros",
    "et",
    "facilisi",
    "fames",
    "felis",
    "fusce",
    "gravida",
    "hac",
    "iaculis",
    "id",
    "integer",
    "ipsum",
    "justo",
    "lacinia",
    "lectus",
    "libero",
    "lorem",
    "magna",
    "mauris",
];

/// Returns filler text: `n` paragraphs of `min` to `max` words.
pub(crate) fn lipsum(positional: &[Value], named: &[Keyword]) -> Result<Value, TemplateError> {
    let argument = |index: usize, wanted: &str, default: i64| {
        let value = positional.get(index);
        let value = value.or_else(|| {
            named
                .iter()
                .find(|(name, _)| name.as_ref() == wanted)
                .map(|(_, value)| value)
        });
        value.map_or(Ok(default), |value| match value.kind() {
            Kind::Int(number) => Ok(*number),
            Kind::Bool(flag) => Ok(i64::from(*flag)),
            _ => Err(TemplateError::new(format!(
                "`{wanted}` of `lipsum` has to be a number"
            ))),
        })
    };
    let paragraphs = argument(0, "n", 5)?.clamp(0, 1_000);
    let html = argument(1, "html", 1)? != 0;
    let (least, most) = (
        argument(2, "min", 20)?.max(1),
        argument(3, "max", 100)?.max(2),
    );
    let mut seed = u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs()) | 1;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % u64::try_from(below.max(1)).unwrap_or(1)).unwrap_or(0)
    };
    let mut parts = Vec::new();
    for _ in 0..paragraphs {
        let count = usize::try_from(least).unwrap_or(1)
            + next(usize::try_from((most - least).max(1)).unwrap_or(1));
        let mut text = String::new();
        for index in 0..count.min(10_000) {
            let word = WORDS.get(next(WORDS.len())).copied().unwrap_or("lorem");
            if index == 0 {
                text.push_str(&word.to_uppercase().chars().take(1).collect::<String>());
                text.push_str(word.get(1..).unwrap_or(""));
            } else {
                text.push(' ');
                text.push_str(word);
            }
        }
        text.push('.');
        parts.push(if html { format!("<p>{text}</p>") } else { text });
    }
    Ok(Value::from(parts.join(if html { "\n" } else { "\n\n" })))
}
