//! What `/etc/shadow` says of an account. Only root sees it; for others every account looks as if it had no password.

use crate::kit::Host;

/// One line of `/etc/shadow`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shadow {
    /// The hash, with `!` in front while it is locked.
    pub(super) password: String,
    pub(super) least_days: Option<i64>,
    pub(super) most_days: Option<i64>,
    pub(super) warning_days: Option<i64>,
    pub(super) inactive_days: Option<i64>,
    /// When the account ends, in days since 1970.
    pub(super) expires: Option<i64>,
    /// There is such a line, and it could be read.
    pub(super) known: bool,
}

impl Shadow {
    /// Reads it.
    pub(super) fn of(name: &str, host: &dyn Host) -> Self {
        let text = host.read("/etc/shadow").unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = text
            .lines()
            .find(|line| line.split(':').next() == Some(name));
        let Some(line) = line else {
            return Self::default();
        };
        let fields: Vec<&str> = line.split(':').collect();
        let number = |at: usize| fields.get(at).and_then(|text| text.parse().ok());
        Self {
            password: fields.get(1).copied().unwrap_or_default().to_owned(),
            least_days: number(3),
            most_days: number(4),
            warning_days: number(5),
            inactive_days: number(6),
            expires: number(7),
            known: true,
        }
    }

    pub(super) fn is_locked(&self) -> bool {
        self.password.starts_with('!')
    }
}

/// Tells whether a text looks like no hash, so that it would never let anybody in.
pub(super) fn looks_plain(password: &str) -> bool {
    if matches!(password, "" | "*" | "!" | "*************") {
        return false;
    }
    let fields: Vec<&str> = password.split('$').collect();
    let last = fields.last().copied().unwrap_or_default();
    let length = match fields.get(1).copied() {
        Some("1") => Some(22),
        Some("5" | "y") => Some(43),
        Some("6") => Some(86),
        _ => None,
    };
    password.contains([':', '*', '!'])
        || fields.len() < 3
        || !last
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/')
        || length.is_some_and(|length| last.len() != length)
}
