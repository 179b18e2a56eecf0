//! Methods and attributes of dates, points in time and spans of time.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

use super::Arguments;
use crate::template::error::TemplateError;
use crate::value::{Moment, Value};

const DAY: i64 = 86_400;

pub(super) fn has(moment: Moment, name: &str) -> bool {
    match moment {
        Moment::Date(_) => {
            matches!(
                name,
                "isoformat"
                    | "strftime"
                    | "weekday"
                    | "isoweekday"
                    | "isocalendar"
                    | "ctime"
                    | "toordinal"
                    | "replace"
            )
        }
        Moment::DateTime(..) => matches!(
            name,
            "isoformat"
                | "strftime"
                | "weekday"
                | "isoweekday"
                | "isocalendar"
                | "ctime"
                | "toordinal"
                | "replace"
                | "timestamp"
                | "date"
                | "time"
                | "utcoffset"
                | "timetuple"
        ),
        Moment::Delta(_) => name == "total_seconds",
    }
}

pub(super) fn attribute(moment: Moment, name: &str) -> Option<Value> {
    let of_date = |date: Date| {
        Some(match name {
            "year" => Value::from(date.year()),
            "month" => Value::from(date.month()),
            "day" => Value::from(date.day()),
            _ => return None,
        })
    };
    match moment {
        Moment::Date(date) => of_date(date),
        Moment::DateTime(time, _) => of_date(time.date()).or_else(|| {
            Some(match name {
                "hour" => Value::from(time.hour()),
                "minute" => Value::from(time.minute()),
                "second" => Value::from(time.second()),
                "microsecond" => Value::from(time.subsec_nanosecond() / 1_000),
                "tzinfo" => Value::NULL,
                _ => return None,
            })
        }),
        Moment::Delta(length) => {
            let micros = length.as_micros();
            let day = i128::from(DAY) * 1_000_000;
            Some(Value::from(match name {
                "days" => micros.div_euclid(day),
                "seconds" => micros.rem_euclid(day) / 1_000_000,
                "microseconds" => micros.rem_euclid(1_000_000),
                _ => return None,
            }))
        }
    }
}

pub(super) fn call(moment: Moment, arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    let (time, offset) = match moment {
        Moment::Delta(length) => return Ok(Value::from(length.as_secs_f64())),
        Moment::Date(date) => (date.to_datetime(Time::midnight()), None),
        Moment::DateTime(time, offset) => (time, offset),
    };
    let weekday = i64::from(time.weekday().to_monday_zero_offset());
    Ok(match arguments.method {
        "isoformat" => {
            let text = moment.iso();
            match arguments.optional_text(0, "sep")? {
                Some(separator) => Value::from(text.replacen('T', separator, 1)),
                None => Value::from(text),
            }
        }
        "strftime" => Value::from(strftime(moment, arguments.text(0, "format")?)?),
        "weekday" => Value::from(weekday),
        "isoweekday" => Value::from(weekday + 1),
        "isocalendar" => {
            let week = time.date().iso_week_date();
            Value::tuple([
                Value::from(week.year()),
                Value::from(week.week()),
                Value::from(weekday + 1),
            ])
        }
        "ctime" => Value::from(strftime(moment, "%a %b %e %H:%M:%S %Y")?),
        "toordinal" => {
            let days = time
                .date()
                .duration_since(Date::constant(1, 1, 1))
                .as_secs()
                / DAY;
            Value::from(days + 1)
        }
        "timestamp" => {
            let zoned = match offset {
                Some(seconds) => to_zone(time, seconds)?,
                None => time
                    .to_zoned(TimeZone::system())
                    .map_err(out_of_range)?
                    .timestamp(),
            };
            let micros = zoned.as_microsecond();
            #[expect(clippy::cast_precision_loss, reason = "microseconds of any date fit")]
            Value::from(micros as f64 / 1_000_000.0)
        }
        "date" => Value::from(Moment::Date(time.date())),
        "time" => {
            let text = moment.iso();
            Value::from(text.split_once('T').map_or("", |(_, time)| time).to_owned())
        }
        "utcoffset" => offset.map_or(Value::NULL, |seconds| {
            Value::from(Moment::Delta(SignedDuration::from_secs(i64::from(seconds))))
        }),
        "timetuple" => Value::tuple([
            Value::from(time.year()),
            Value::from(time.month()),
            Value::from(time.day()),
            Value::from(time.hour()),
            Value::from(time.minute()),
            Value::from(time.second()),
            Value::from(weekday),
            Value::from(time.date().day_of_year()),
            Value::from(-1),
        ]),
        _ => replaced(moment, time, offset, arguments)?,
    })
}

fn replaced(
    moment: Moment,
    time: DateTime,
    offset: Option<i32>,
    arguments: &Arguments<'_>,
) -> Result<Value, TemplateError> {
    let part = |index: usize, name: &str, old: i64| {
        arguments
            .integer(index, name)
            .map(|value| value.unwrap_or(old))
    };
    let micro = i64::from(time.subsec_nanosecond() / 1_000);
    let parts = [
        part(0, "year", i64::from(time.year()))?,
        part(1, "month", i64::from(time.month()))?,
        part(2, "day", i64::from(time.day()))?,
        part(3, "hour", i64::from(time.hour()))?,
        part(4, "minute", i64::from(time.minute()))?,
        part(5, "second", i64::from(time.second()))?,
        part(6, "microsecond", micro)?,
    ];
    let [year, month, day, hour, minute, second, micro] = parts;
    let small = |value: i64| {
        i8::try_from(value).map_err(|_| TemplateError::new("a part of the date is out of range"))
    };
    let year = i16::try_from(year).map_err(|_| TemplateError::new("the year is out of range"))?;
    let nanosecond = i32::try_from(micro).unwrap_or(-1).saturating_mul(1_000);
    let made = DateTime::new(
        year,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanosecond,
    )
    .map_err(out_of_range)?;
    Ok(Value::from(match moment {
        Moment::Date(_) => Moment::Date(made.date()),
        _ => Moment::DateTime(made, offset),
    }))
}

fn to_zone(time: DateTime, seconds: i32) -> Result<jiff::Timestamp, TemplateError> {
    let offset = Offset::from_seconds(seconds).map_err(out_of_range)?;
    offset.to_timestamp(time).map_err(out_of_range)
}

#[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
fn out_of_range(error: jiff::Error) -> TemplateError {
    TemplateError::new(format!("the time is out of range: {error}"))
}

/// Writes a moment in the form that C's `strftime` and Python's understand.
pub(crate) fn strftime(moment: Moment, format: &str) -> Result<String, TemplateError> {
    let (time, offset) = match moment {
        Moment::Date(date) => (date.to_datetime(Time::midnight()), None),
        Moment::DateTime(time, offset) => (time, offset),
        Moment::Delta(_) => return Err(TemplateError::new("`timedelta` has no `strftime`")),
    };
    let mut out = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        let Some(mut directive) = characters.next() else {
            out.push('%');
            break;
        };
        let mut flag = None;
        if matches!(directive, '-' | '_' | '0' | '^') {
            flag = Some(directive);
            directive = characters.next().unwrap_or('%');
        }
        let text = directive_text(time, offset, directive);
        match (flag, text) {
            (_, None) => {
                out.push('%');
                out.extend(flag);
                out.push(directive);
            }
            (Some('-'), Some(text)) => {
                let trimmed = text.trim_start_matches(['0', ' ']);
                out.push_str(if trimmed.is_empty() { "0" } else { trimmed });
            }
            (Some('_'), Some(text)) => {
                let trimmed = text.trim_start_matches('0');
                out.extend(std::iter::repeat_n(' ', text.len() - trimmed.len()));
                out.push_str(trimmed);
            }
            (Some('^'), Some(text)) => out.push_str(&text.to_uppercase()),
            (_, Some(text)) => out.push_str(&text),
        }
    }
    Ok(out)
}

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn directive_text(time: DateTime, offset: Option<i32>, directive: char) -> Option<String> {
    let weekday = usize::try_from(time.weekday().to_monday_zero_offset()).ok()?;
    let day = DAYS.get(weekday)?;
    let month = MONTHS.get(usize::try_from(time.month()).ok()?.checked_sub(1)?)?;
    let hour12 = if time.hour() % 12 == 0 {
        12
    } else {
        time.hour() % 12
    };
    let year_day = i64::from(time.date().day_of_year());
    let sunday_first = (i64::try_from(weekday).ok()? + 1) % 7;
    let nested = |format: &str| strftime(Moment::DateTime(time, offset), format).ok();
    Some(match directive {
        '%' => "%".to_owned(),
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        'a' => day.chars().take(3).collect(),
        'A' => (*day).to_owned(),
        'b' | 'h' => month.chars().take(3).collect(),
        'B' => (*month).to_owned(),
        'd' => format!("{:02}", time.day()),
        'e' => format!("{:>2}", time.day()),
        'm' => format!("{:02}", time.month()),
        'y' => format!("{:02}", time.year().rem_euclid(100)),
        'Y' => time.year().to_string(),
        'C' => format!("{:02}", time.year() / 100),
        'H' => format!("{:02}", time.hour()),
        'k' => format!("{:>2}", time.hour()),
        'I' => format!("{hour12:02}"),
        'l' => format!("{hour12:>2}"),
        'M' => format!("{:02}", time.minute()),
        'S' => format!("{:02}", time.second()),
        'f' => format!("{:06}", time.subsec_nanosecond() / 1_000),
        'p' => if time.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        'P' => if time.hour() < 12 { "am" } else { "pm" }.to_owned(),
        'j' => format!("{year_day:03}"),
        'u' => (weekday + 1).to_string(),
        'w' => sunday_first.to_string(),
        'U' => format!("{:02}", (year_day + 6 - sunday_first) / 7),
        'W' => format!("{:02}", (year_day + 6 - i64::try_from(weekday).ok()?) / 7),
        'G' => time.date().iso_week_date().year().to_string(),
        'g' => format!("{:02}", time.date().iso_week_date().year().rem_euclid(100)),
        'V' => format!("{:02}", time.date().iso_week_date().week()),
        'F' => nested("%Y-%m-%d")?,
        'T' | 'X' => nested("%H:%M:%S")?,
        'R' => nested("%H:%M")?,
        'r' => nested("%I:%M:%S %p")?,
        'D' | 'x' => nested("%m/%d/%y")?,
        'c' => nested("%a %b %e %H:%M:%S %Y")?,
        's' => {
            let stamp = match offset {
                Some(seconds) => to_zone(time, seconds).ok()?,
                None => time.to_zoned(TimeZone::system()).ok()?.timestamp(),
            };
            stamp.as_second().to_string()
        }
        'z' => offset.map_or_else(String::new, |seconds| {
            let sign = if seconds < 0 { '-' } else { '+' };
            let minutes = seconds.abs() / 60;
            format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
        }),
        'Z' => offset.map_or_else(String::new, |seconds| {
            if seconds == 0 {
                "UTC".to_owned()
            } else {
                String::new()
            }
        }),
        _ => return None,
    })
}
