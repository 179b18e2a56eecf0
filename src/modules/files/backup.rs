//! Copies of files that are about to change (`backup: true`).

use jiff::Timestamp;

use crate::kit::{Failure, Host};

/// Copies the file beside itself, with mode, owner and times, and returns the copy's path: `PATH.NUMBER.2024-05-01@12:30:00~`.
/// Nothing where there is no file.
pub(in crate::modules) fn make(path: &str, host: &dyn Host) -> Result<Option<String>, Failure> {
    if host.status(path, true)?.is_none() {
        return Ok(None);
    }
    let (seconds, _) = host.now();
    let local = Timestamp::from_second(seconds + i64::from(host.utc_offset(seconds)));
    let date =
        local.map_err(|error| Failure::new(format!("the clock of the host is wrong: {error}")))?;
    let mut number = [0; 4];
    host.random(&mut number)?;
    let number = u32::from_be_bytes(number);
    let copy = format!("{path}.{number}.{}~", date.strftime("%Y-%m-%d@%H:%M:%S"));
    host.copy_preserving(path, &copy).map_err(|error| {
        Failure::new(format!(
            "Could not make backup of {path} to {copy}: {error}"
        ))
    })?;
    Ok(Some(copy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;

    #[test]
    fn a_backup_is_a_twin_with_the_date() {
        let host = FakeHost::new()
            .file("/etc/x", "old")
            .mode("/etc/x", 0o600)
            .zone(3600);
        let copy = make("/etc/x", &host).unwrap().unwrap();
        assert!(
            copy.starts_with("/etc/x.") && copy.ends_with(".2023-11-14@23:13:20~"),
            "{copy}"
        );
        assert_eq!(
            (host.text(&copy).as_str(), host.mode_of(&copy)),
            ("old", 0o600)
        );
        assert_eq!(make("/etc/none", &host).unwrap(), None);
    }
}
