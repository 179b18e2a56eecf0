//! `date_time`: what the host's clock says.

use jiff::{Timestamp, tz::TimeZone};

use crate::kit::Host;
use crate::value::Dict;

/// The zone of local time: `TZ`, or `/etc/localtime`, or UTC.
fn zone(host: &dyn Host) -> TimeZone {
    let name = host.environment("TZ").filter(|name| !name.is_empty());
    let path = name.as_deref().map_or_else(
        || "/etc/localtime".to_owned(),
        |name| match name.trim_start_matches(':') {
            absolute if absolute.starts_with('/') => absolute.to_owned(),
            name => format!("/usr/share/zoneinfo/{name}"),
        },
    );
    host.read(&path)
        .ok()
        .and_then(|bytes| TimeZone::tzif("local", &bytes).ok())
        .or_else(|| TimeZone::posix(&name?).ok())
        .unwrap_or(TimeZone::UTC)
}

/// The offset and abbreviation at a point in time. A zone without a file is called `UTC`.
fn at(zone: &TimeZone, seconds: i64) -> (i32, String) {
    let Ok(time) = Timestamp::from_second(seconds) else {
        return (0, "UTC".to_owned());
    };
    let info = zone.to_offset_info(time);
    (info.offset().seconds(), info.abbreviation().to_owned())
}

/// Gathers it.
pub(super) fn gather(host: &dyn Host) -> Dict {
    let (seconds, nanoseconds) = host.now();
    let zone = zone(host);
    let Ok(time) = Timestamp::new(seconds, i32::try_from(nanoseconds).unwrap_or(0)) else {
        return Dict::new();
    };
    let local = time.to_zoned(zone.clone());
    let utc = time.to_zoned(TimeZone::UTC);
    let micro = format!("{:06}", nanoseconds / 1000);
    let (_, abbreviation) = at(&zone, seconds);
    let half_year = 182 * 86_400;
    // Python samples the year's two halves; the name with the greater offset is that of summer time.
    let january = seconds - i64::from(local.day_of_year() - 1) * 86_400;
    let (first, second) = (at(&zone, january), at(&zone, january + half_year));
    let summer = if first.0 > second.0 {
        first.1
    } else {
        second.1
    };
    let epoch = seconds.to_string();
    let facts = Dict::new()
        .with("year", local.strftime("%Y").to_string())
        .with("month", local.strftime("%m").to_string())
        .with("weekday", local.strftime("%A").to_string())
        .with("weekday_number", local.strftime("%w").to_string())
        .with("weeknumber", local.strftime("%W").to_string())
        .with("day", local.strftime("%d").to_string())
        .with("hour", local.strftime("%H").to_string())
        .with("minute", local.strftime("%M").to_string())
        .with("second", local.strftime("%S").to_string())
        .with("epoch", epoch.as_str())
        .with("epoch_int", epoch)
        .with("date", local.strftime("%Y-%m-%d").to_string())
        .with("time", local.strftime("%H:%M:%S").to_string())
        .with(
            "iso8601_micro",
            utc.strftime(&format!("%Y-%m-%dT%H:%M:%S.{micro}Z"))
                .to_string(),
        )
        .with("iso8601", utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .with(
            "iso8601_basic",
            local.strftime(&format!("%Y%m%dT%H%M%S{micro}")).to_string(),
        )
        .with(
            "iso8601_basic_short",
            local.strftime("%Y%m%dT%H%M%S").to_string(),
        )
        .with("tz", abbreviation)
        .with("tz_dst", summer)
        .with("tz_offset", local.strftime("%z").to_string());
    Dict::new().with("date_time", facts)
}
