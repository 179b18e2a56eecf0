//! What `wait_for` looks at.

use std::time::Duration;

use fancy_regex::Regex;

use super::{State, WaitForArgs, connections};
use crate::kit::{Failure, Host};
use crate::value::{Dict, Value};

/// The most that is read of what a port says.
const LARGEST_BANNER: usize = 1 << 16;

/// What the expression's groups matched.
#[derive(Default)]
pub(super) struct Found {
    pub(super) groups: Vec<Option<String>>,
    pub(super) named: Dict,
}

/// What must hold.
pub(super) struct Condition<'a> {
    args: &'a WaitForArgs,
    expression: Option<Regex>,
}

impl<'a> Condition<'a> {
    /// Returns the condition, or nothing where only time is to pass.
    pub(super) fn new(args: &'a WaitForArgs) -> Result<Option<Self>, Failure> {
        if args.port.is_none() && args.path.is_none() && args.state != State::Drained {
            return Ok(None);
        }
        let expression = match &args.search_regex {
            Some(text) => {
                let regex = Regex::new(&format!("(?m){text}"));
                Some(regex.map_err(|error| {
                    Failure::new(format!("`{text}` is no regular expression: {error}"))
                })?)
            }
            None => None,
        };
        Ok(Some(Self { args, expression }))
    }

    /// Looks once.
    pub(super) fn holds(&self, host: &dyn Host) -> Result<Option<Found>, Failure> {
        let gone = matches!(self.args.state, State::Absent | State::Stopped);
        if self.args.state == State::Drained {
            let busy = connections::any(self.args, host)?;
            return Ok((!busy).then(Found::default));
        }
        if let Some(path) = &self.args.path {
            let Some(_) = host.status(path, true)? else {
                return Ok(gone.then(Found::default));
            };
            let found = match &self.expression {
                None => Some(Found::default()),
                // A file that cannot be read now may be readable later.
                Some(expression) => host
                    .read(path)
                    .ok()
                    .and_then(|bytes| search(expression, &bytes)),
            };
            return Ok(match (gone, found) {
                (true, None) => Some(Found::default()),
                (true, Some(_)) => None,
                (false, found) => found,
            });
        }
        let Some(port) = self.args.port else {
            return Ok(Some(Found::default()));
        };
        let timeout = Duration::from_secs(self.args.connect_timeout.max(1));
        let listens = self.expression.as_ref().filter(|_| !gone);
        let answer = host.connect(
            &self.args.host,
            port,
            timeout,
            listens.map(|_| LARGEST_BANNER),
        )?;
        Ok(match (answer, listens) {
            (None, _) => gone.then(Found::default),
            (Some(_), _) if gone => None,
            (Some(_), None) => Some(Found::default()),
            // As in Ansible, the groups of what a port says are not returned.
            (Some(said), Some(expression)) => search(expression, &said).map(|_| Found::default()),
        })
    }

    /// Returns what to say when the time is over.
    pub(super) fn overdue(&self) -> String {
        let port = || format!("{}:{}", self.args.host, self.args.port.unwrap_or_default());
        let search = self.args.search_regex.as_deref();
        match (self.args.state, &self.args.path, search) {
            (State::Drained, ..) => format!("Timeout when waiting for {} to drain", port()),
            (State::Absent | State::Stopped, Some(path), _) => {
                format!("Timeout when waiting for {} to be absent.", path.0)
            }
            (State::Absent | State::Stopped, None, _) => {
                format!("Timeout when waiting for {} to stop.", port())
            }
            (_, Some(path), Some(text)) => format!(
                "Timeout when waiting for search string {text} in {}",
                path.0
            ),
            (_, Some(path), None) => format!("Timeout when waiting for file {}", path.0),
            (_, None, Some(text)) => format!(
                "Timeout when waiting for search string {text} in {}",
                port()
            ),
            (_, None, None) => format!("Timeout when waiting for {}", port()),
        }
    }
}

fn search(expression: &Regex, bytes: &[u8]) -> Option<Found> {
    let text = String::from_utf8_lossy(bytes);
    let captures = expression.captures(text.as_ref()).ok().flatten()?;
    let group = |number: usize| captures.get(number).map(|found| found.as_str().to_owned());
    let groups = (1..captures.len()).map(group).collect();
    let mut named = Dict::new();
    for name in expression.capture_names().flatten() {
        let value = captures.name(name).map(|found| found.as_str().to_owned());
        named.insert(name, Value::from(value));
    }
    Some(Found { groups, named })
}
