//! Spans of time as people write them: `to_seconds` and its kin.

use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::bind;
use crate::template::filters::numbers::round_half_even;
use crate::template::filters::python::{number, text};
use crate::template::filters::regex::{Flags, Pattern};
use crate::value::Value;

fn unit_of(word: &str) -> Option<&'static str> {
    let singular = word.trim_end_matches('s');
    Some(match singular {
        "millisecond" | "msec" | "msecond" => "ms",
        "sec" | "second" => "s",
        "min" | "minute" => "m",
        "hour" => "h",
        "day" => "d",
        "week" => "w",
        "month" => "mo",
        "year" => "y",
        _ => match word {
            "ms" => "ms",
            "s" => "s",
            "m" => "m",
            "h" => "h",
            "d" => "d",
            "w" => "w",
            "mo" => "mo",
            "y" => "y",
            _ => return None,
        },
    })
}

/// Milliseconds of a unit; months and years are as long as the caller says.
fn length(unit: &str, days_of_month: f64, days_of_year: f64) -> f64 {
    const DAY: f64 = 86_400_000.0;
    match unit {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => DAY,
        "w" => 7.0 * DAY,
        "mo" => days_of_month * DAY,
        _ => days_of_year * DAY,
    }
}

/// `to_time_unit(unit='ms', year=365, month=30)`.
pub(crate) fn to_time_unit(call: Call<'_>) -> Result<Value, TemplateError> {
    converted(call, None)
}

/// `to_milliseconds(...)`.
pub(crate) fn to_milliseconds(call: Call<'_>) -> Result<Value, TemplateError> {
    converted(call, Some("ms"))
}

/// `to_seconds(...)`.
pub(crate) fn to_seconds(call: Call<'_>) -> Result<Value, TemplateError> {
    converted(call, Some("s"))
}

/// `to_minutes(...)`.
pub(crate) fn to_minutes(call: Call<'_>) -> Result<Value, TemplateError> {
    converted(call, Some("m"))
}

/// `to_hours(...)`.
pub(crate) fn to_hours(call: Call<'_>) -> Result<Value, TemplateError> {
    converted(call, Some("h"))
}

/// `to_days(...)`.
pub(crate) fn to_days(call: Call<'_>) -> Result<Value, TemplateError> {
    converted(call, Some("d"))
}

/// `to_weeks(...)`.
pub(crate) fn to_weeks(call: Call<'_>) -> Result<Value, TemplateError> {
    converted(call, Some("w"))
}

/// `to_months(...)`.
pub(crate) fn to_months(call: Call<'_>) -> Result<Value, TemplateError> {
    converted(call, Some("mo"))
}

/// `to_years(...)`.
pub(crate) fn to_years(call: Call<'_>) -> Result<Value, TemplateError> {
    converted(call, Some("y"))
}

fn converted(call: Call<'_>, unit: Option<&str>) -> Result<Value, TemplateError> {
    // Only `to_time_unit` takes the unit as an argument.
    let names: &[&str] = if unit.is_some() {
        &["year", "month"]
    } else {
        &["year", "month", "unit"]
    };
    let mut call = call;
    if let Some(given) = call.positional.pop() {
        if unit.is_some() || !call.positional.is_empty() {
            return Err(TemplateError::new(format!(
                "`{}` was given too many arguments",
                call.name
            )));
        }
        call.named.push(("unit".into(), given));
    }
    let arguments = bind(call, names, 0)?;
    let human = text(&arguments.value)?;
    if human == "0" {
        return Ok(Value::from(0));
    }
    let unit = match unit {
        Some(unit) => unit.to_owned(),
        None => arguments.text(2, "ms")?,
    };
    let unit = unit_of(&unit)
        .ok_or_else(|| arguments.error(format!("can not convert to the following unit: {unit}")))?;
    let days = |index: usize, default: f64| arguments.get(index).map_or(Ok(default), number);
    let (year, month) = (days(0, 365.0)?, days(1, 30.0)?);
    let pattern = Pattern::new(r"(-?\d+)(\w+)", Flags::default())?;
    let wrong = || arguments.error(format!("can not interpret following string: {human}"));
    let mut total = 0.0;
    for word in human.split_whitespace() {
        let groups = pattern
            .search(word)?
            .filter(|groups| groups.whole().0 == 0)
            .ok_or_else(wrong)?;
        let count: f64 = groups
            .text(word, 1)
            .and_then(|count| count.parse().ok())
            .ok_or_else(wrong)?;
        let unit = groups.text(word, 2).and_then(unit_of).ok_or_else(wrong)?;
        total += count * length(unit, month, year);
    }
    Ok(Value::from(round_half_even(
        total / length(unit, month, year),
        12,
    )))
}
