//! `strftime` and `to_datetime`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::bind::bind;
use super::numbers::parse_float;
use super::python::{float_to_int, number, text};
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Moment, Value};

/// `strftime(second=None, utc=false)`: the filter's subject is the format.
pub(super) fn strftime(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["second", "utc"], 0)?;
    let format = arguments
        .value
        .as_str()
        .ok_or_else(|| arguments.error("needs a format as text"))?;
    let seconds = match arguments.given(0) {
        Some(value) => {
            let float = value
                .as_str()
                .map_or_else(|| number(value).ok(), parse_float);
            let whole = float
                .map(f64::floor)
                .and_then(float_to_int)
                .and_then(|whole| whole.as_int());
            whole.ok_or_else(|| {
                arguments.error(format!("cannot read {} as seconds", value.to_repr()))
            })?
        }
        None => {
            arguments
                .evaluator
                .outside("the filter `strftime`")?
                .now()
                .0
        }
    };
    let zone = if arguments.flag(1, false)? {
        TimeZone::UTC
    } else {
        TimeZone::system()
    };
    let time = Timestamp::from_second(seconds)
        .map_err(|error| arguments.error(format!("cannot use this time: {error}")))?;
    let zoned = time.to_zoned(zone);
    jiff::fmt::strtime::format(format, &zoned)
        .map(Value::from)
        .map_err(|error| arguments.error(format!("cannot use this format: {error}")))
}

/// `to_datetime(format='%Y-%m-%d %H:%M:%S')`.
pub(super) fn to_datetime(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["format"], 0)?;
    let subject = text(&arguments.value)?;
    let format = arguments.text(0, "%Y-%m-%d %H:%M:%S")?;
    let wrong = || arguments.error(format!("cannot read `{subject}` by the format `{format}`"));
    let parsed = jiff::fmt::strtime::parse(&format, &subject).map_err(|_| wrong())?;
    let date = match (
        parsed.year(),
        parsed.month(),
        parsed.day(),
        parsed.day_of_year(),
    ) {
        (_, None, None, Some(_)) => parsed.to_date().map_err(|_| wrong())?,
        (year, month, day, _) => {
            jiff::civil::Date::new(year.unwrap_or(1900), month.unwrap_or(1), day.unwrap_or(1))
                .map_err(|_| wrong())?
        }
    };
    let time = parsed.to_time().unwrap_or(jiff::civil::Time::midnight());
    let offset = parsed.offset().map(jiff::tz::Offset::seconds);
    Ok(Value::from(Moment::DateTime(
        DateTime::from_parts(date, time),
        offset,
    )))
}
