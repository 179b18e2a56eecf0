//! Dates and times: what YAML's timestamps and the time filters make, shown as Python shows them.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

/// A date, a point in time, or a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Serialize, Deserialize)]
pub enum Moment {
    /// Python's `date`.
    Date(Date),
    /// Python's `datetime`; the second is the offset from UTC in seconds, if it has one.
    DateTime(DateTime, Option<i32>),
    /// Python's `timedelta`.
    Delta(SignedDuration),
}

impl Moment {
    /// Returns Python's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Date(_) => "date",
            Self::DateTime(..) => "datetime",
            Self::Delta(_) => "timedelta",
        }
    }

    /// Tells whether Python takes it as true: all but a length of zero.
    pub fn is_true(self) -> bool {
        !matches!(self, Self::Delta(length) if length.is_zero())
    }

    /// Returns Python's `repr`, as it stands in the text of a list.
    pub fn repr(self) -> String {
        match self {
            Self::Date(date) => format!(
                "datetime.date({}, {}, {})",
                date.year(),
                date.month(),
                date.day()
            ),
            Self::DateTime(time, offset) => {
                let (date, micros) = (time.date(), time.subsec_nanosecond() / 1_000);
                let mut parts = vec![
                    i64::from(date.year()),
                    i64::from(date.month()),
                    i64::from(date.day()),
                    i64::from(time.hour()),
                    i64::from(time.minute()),
                ];
                if time.second() != 0 || micros != 0 {
                    parts.push(i64::from(time.second()));
                }
                if micros != 0 {
                    parts.push(i64::from(micros));
                }
                let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
                let zone = match offset {
                    None => String::new(),
                    Some(0) => ", tzinfo=datetime.timezone.utc".to_owned(),
                    Some(seconds) => {
                        let length = Self::Delta(SignedDuration::from_secs(i64::from(seconds)));
                        format!(", tzinfo=datetime.timezone({})", length.repr())
                    }
                };
                format!("datetime.datetime({}{zone})", parts.join(", "))
            }
            Self::Delta(length) => {
                let micros = length.as_micros();
                let day = 86_400_000_000;
                let parts: Vec<String> = [
                    ("days", micros.div_euclid(day)),
                    ("seconds", micros.rem_euclid(day) / 1_000_000),
                    ("microseconds", micros.rem_euclid(1_000_000)),
                ]
                .iter()
                .filter(|(_, count)| *count != 0)
                .map(|(name, count)| format!("{name}={count}"))
                .collect();
                let inner = if parts.is_empty() {
                    "0".to_owned()
                } else {
                    parts.join(", ")
                };
                format!("datetime.timedelta({inner})")
            }
        }
    }

    /// Returns the ISO 8601 form with `T`, as JSON shows it.
    pub fn iso(self) -> String {
        match self {
            Self::Date(date) => date.to_string(),
            Self::DateTime(time, offset) => {
                format!("{}T{}", time.date(), clock(time)) + &offset.map_or_else(String::new, zone)
            }
            Self::Delta(_) => self.to_string(),
        }
    }
}

fn clock(time: DateTime) -> String {
    let micros = time.subsec_nanosecond() / 1_000;
    let whole = format!(
        "{:02}:{:02}:{:02}",
        time.hour(),
        time.minute(),
        time.second()
    );
    if micros == 0 {
        whole
    } else {
        format!("{whole}.{micros:06}")
    }
}

fn zone(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

impl fmt::Display for Moment {
    /// As Python's `str()`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Date(date) => write!(out, "{date}"),
            Self::DateTime(time, offset) => {
                write!(out, "{} {}", time.date(), clock(time))?;
                out.write_str(&offset.map_or_else(String::new, zone))
            }
            Self::Delta(length) => {
                let micros = length.as_micros();
                let days = micros.div_euclid(86_400_000_000);
                let rest = micros.rem_euclid(86_400_000_000);
                if days != 0 {
                    write!(
                        out,
                        "{days} day{}, ",
                        if days.abs() == 1 { "" } else { "s" }
                    )?;
                }
                let seconds = rest / 1_000_000;
                write!(
                    out,
                    "{}:{:02}:{:02}",
                    seconds / 3_600,
                    seconds / 60 % 60,
                    seconds % 60
                )?;
                if rest % 1_000_000 != 0 {
                    write!(out, ".{:06}", rest % 1_000_000)?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repr_is_pythons() {
        let date = Date::constant(2024, 1, 2);
        let zoned = Moment::DateTime(date.at(3, 4, 0, 0), Some(3600));
        assert_eq!(Moment::Date(date).repr(), "datetime.date(2024, 1, 2)");
        assert_eq!(
            zoned.repr(),
            "datetime.datetime(2024, 1, 2, 3, 4, tzinfo=datetime.timezone(datetime.timedelta(seconds=3600)))"
        );
        let back = Moment::Delta(SignedDuration::from_millis(-1));
        assert_eq!(
            back.repr(),
            "datetime.timedelta(days=-1, seconds=86399, microseconds=999000)"
        );
    }
}
