//! Patterns into hosts.

use std::collections::HashSet;
use std::sync::Arc;

use super::glob;

/// The names under which this machine is known without an inventory.
pub const LOCALHOST: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

/// Whoever has groups and hosts.
pub trait Groups {
    /// Returns the groups in order of appearance, `all` and `ungrouped` first.
    fn groups(&self) -> Vec<Arc<str>>;

    /// Returns all hosts in order of appearance.
    fn hosts(&self) -> Vec<Arc<str>>;

    /// Returns the hosts of a group and of its children, in the group's order.
    fn hosts_of(&self, group: &str) -> Vec<Arc<str>>;

    /// Tells whether there is a host of that name.
    fn has_host(&self, name: &str) -> bool;

    /// Returns the inventory's own host that stands for this machine, if it has one.
    fn localhost(&self) -> Option<Arc<str>>;
}

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A regular expression that is none.
    #[error("the host pattern `{0}` is no valid regular expression")]
    Invalid(String),
    /// `web[9]` of three hosts.
    #[error("no hosts matched the subscripted pattern `{0}`")]
    Subscript(String),
}

/// What a pattern names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// The hosts in order, each once. `localhost` and its like may be among them without being in the inventory.
    pub hosts: Vec<Arc<str>>,
    /// The parts that matched nothing.
    pub unmatched: Vec<String>,
}

/// Returns the hosts that `patterns` (see [`super::split`]) name: plain parts first, then `&`, then `!`.
pub fn hosts(groups: &dyn Groups, patterns: &[String]) -> Result<Matched, PatternError> {
    let kind = |pattern: &String| match pattern.chars().next() {
        Some('!') => 2,
        Some('&') => 1,
        _ => 0,
    };
    let mut ordered: Vec<&str> = Vec::new();
    for wanted in 0..3 {
        ordered.extend(
            patterns
                .iter()
                .filter(|pattern| !pattern.is_empty() && kind(pattern) == wanted)
                .map(String::as_str),
        );
        if wanted == 0 && ordered.is_empty() {
            ordered.push("all");
        }
    }
    let mut found = Matched::default();
    for pattern in ordered {
        if groups.has_host(pattern) {
            found.hosts.push(pattern.into());
            continue;
        }
        let plain = pattern.strip_prefix(['!', '&']).unwrap_or(pattern);
        let these = one(groups, plain, &mut found.unmatched)?;
        if pattern.starts_with('!') {
            let these: HashSet<Arc<str>> = these.into_iter().collect();
            found.hosts.retain(|host| !these.contains(host));
        } else if pattern.starts_with('&') {
            let these: HashSet<Arc<str>> = these.into_iter().collect();
            found.hosts.retain(|host| these.contains(host));
        } else {
            found.hosts.extend(these);
        }
    }
    let mut seen = HashSet::new();
    found.hosts.retain(|host| seen.insert(host.clone()));
    found.unmatched.dedup();
    Ok(found)
}

/// Returns what is left of `hosts` under a `--limit`, and the limit's parts that matched nothing.
pub fn limit(
    groups: &dyn Groups,
    hosts: Vec<Arc<str>>,
    limit: &[String],
) -> Result<Matched, PatternError> {
    let allowed = self::hosts(groups, limit)?;
    let names: HashSet<Arc<str>> = allowed.hosts.into_iter().collect();
    let hosts = hosts
        .into_iter()
        .filter(|host| names.contains(host))
        .collect();
    Ok(Matched {
        hosts,
        unmatched: allowed.unmatched,
    })
}

/// A subscript: one host, or a slice.
enum Subscript {
    One(i64),
    Slice(usize, Option<usize>),
}

fn one(
    groups: &dyn Groups,
    pattern: &str,
    unmatched: &mut Vec<String>,
) -> Result<Vec<Arc<str>>, PatternError> {
    let (name, subscript) = subscript(pattern);
    let hosts = enumerate(groups, name, unmatched)?;
    if hosts.is_empty() {
        return Ok(hosts);
    }
    let count = hosts.len();
    Ok(match subscript {
        None => hosts,
        Some(Subscript::Slice(start, end)) => {
            let end = end.map_or(count, |end| end.saturating_add(1)).min(count);
            hosts.get(start.min(end)..end).unwrap_or_default().to_vec()
        }
        Some(Subscript::One(index)) => {
            let place = if index < 0 {
                usize::try_from(index.unsigned_abs())
                    .ok()
                    .and_then(|back| count.checked_sub(back))
            } else {
                usize::try_from(index).ok()
            };
            let host = place.and_then(|place| hosts.get(place)).cloned();
            vec![host.ok_or_else(|| PatternError::Subscript(pattern.to_owned()))?]
        }
    })
}

/// Takes `web[0]`, `web[-1]`, `web[0:2]`, `web[1:]` apart. Other brackets belong to a wildcard.
fn subscript(pattern: &str) -> (&str, Option<Subscript>) {
    let parsed = || {
        let (name, inner) = pattern.strip_suffix(']')?.rsplit_once('[')?;
        if name.is_empty() || pattern.starts_with('~') {
            return None;
        }
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits(inner.strip_prefix('-').unwrap_or(inner)) {
            return Some((name, Subscript::One(inner.parse().ok()?)));
        }
        let (start, end) = inner.split_once([':', '-'])?;
        if !digits(start) || !(end.is_empty() || digits(end)) {
            return None;
        }
        let first: usize = start.parse().ok()?;
        // An end of 0 counts as no end at all in Ansible: `x[0:0]` is `x[0]`.
        Some(match end.parse::<usize>() {
            Err(_) => (name, Subscript::Slice(first, None)),
            Ok(0) => (name, Subscript::One(start.parse().ok()?)),
            Ok(last) => (name, Subscript::Slice(first, Some(last))),
        })
    };
    parsed().map_or((pattern, None), |(name, subscript)| (name, Some(subscript)))
}

fn enumerate(
    groups: &dyn Groups,
    pattern: &str,
    unmatched: &mut Vec<String>,
) -> Result<Vec<Arc<str>>, PatternError> {
    let matcher = Matcher::new(pattern)?;
    let mut found = Vec::new();
    let matching: Vec<Arc<str>> = groups
        .groups()
        .into_iter()
        .filter(|name| matcher.matches(name))
        .collect();
    for group in &matching {
        found.extend(groups.hosts_of(group));
    }
    if matching.is_empty() || pattern.starts_with('~') || pattern.contains(['.', '?', '*', '[']) {
        match &matcher {
            Matcher::Name(name) => found.extend(groups.has_host(name).then(|| Arc::from(*name))),
            Matcher::Glob(_) | Matcher::Regex(_) => {
                found.extend(
                    groups
                        .hosts()
                        .into_iter()
                        .filter(|name| matcher.matches(name)),
                );
            }
        }
    }
    if found.is_empty() && LOCALHOST.contains(&pattern) {
        found.push(groups.localhost().unwrap_or_else(|| pattern.into()));
    }
    if found.is_empty() && matching.is_empty() && pattern != "all" {
        unmatched.push(pattern.to_owned());
    }
    Ok(found)
}

enum Matcher<'a> {
    Name(&'a str),
    Glob(Vec<char>),
    Regex(Box<fancy_regex::Regex>),
}

impl<'a> Matcher<'a> {
    fn new(pattern: &'a str) -> Result<Self, PatternError> {
        if let Some(expression) = pattern.strip_prefix('~') {
            return fancy_regex::Regex::new(&format!("^(?:{expression})"))
                .map(|regex| Self::Regex(Box::new(regex)))
                .map_err(|_| PatternError::Invalid(pattern.to_owned()));
        }
        if pattern.contains(['*', '?', '[']) {
            return Ok(Self::Glob(pattern.chars().collect()));
        }
        Ok(Self::Name(pattern))
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(wanted) => *wanted == name,
            Self::Glob(pattern) => glob::matches(pattern, &name.chars().collect::<Vec<_>>()),
            Self::Regex(regex) => regex.is_match(name).unwrap_or(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Site;

    impl Site {
        fn table() -> Vec<(&'static str, Vec<&'static str>)> {
            vec![
                ("all", vec!["lone", "web1", "web2", "web3", "db1"]),
                ("ungrouped", vec!["lone"]),
                ("web", vec!["web1", "web2", "web3"]),
                ("db", vec!["db1", "web3"]),
                ("empty", vec![]),
            ]
        }
    }

    impl Groups for Site {
        fn groups(&self) -> Vec<Arc<str>> {
            Self::table()
                .into_iter()
                .map(|(name, _)| name.into())
                .collect()
        }

        fn hosts(&self) -> Vec<Arc<str>> {
            ["lone", "web1", "web2", "web3", "db1"]
                .map(Arc::from)
                .to_vec()
        }

        fn hosts_of(&self, group: &str) -> Vec<Arc<str>> {
            Self::table()
                .into_iter()
                .filter(|(name, _)| *name == group)
                .flat_map(|(_, hosts)| hosts)
                .map(Arc::from)
                .collect()
        }

        fn has_host(&self, name: &str) -> bool {
            self.hosts().iter().any(|host| &**host == name)
        }

        fn localhost(&self) -> Option<Arc<str>> {
            None
        }
    }

    fn matched(pattern: &str) -> (String, String) {
        let found = hosts(&Site, &super::super::split(pattern)).unwrap();
        (found.hosts.join(" "), found.unmatched.join(" "))
    }

    #[test]
    fn patterns_name_hosts_as_in_ansible() {
        for (pattern, expected) in [
            ("all", "lone web1 web2 web3 db1"),
            ("*", "lone web1 web2 web3 db1"),
            ("web", "web1 web2 web3"),
            ("db:web", "db1 web3 web1 web2"),
            ("web:&db", "web3"),
            ("web:!db", "web1 web2"),
            ("!web", "lone db1"),
            ("&db", "web3 db1"),
            ("!db:web", "web1 web2"),
            ("web[0]", "web1"),
            ("web[-1]", "web3"),
            ("web[0:1]", "web1 web2"),
            ("web[1:]", "web2 web3"),
            ("web[0:0]", "web1"),
            ("web[5:9]", ""),
            ("~web[12]", "web1 web2"),
            ("~^(db|lone)$", "db1 web3 lone"),
            ("web?", "web1 web2 web3"),
            ("db1,lone", "db1 lone"),
            ("w*[-1]", "web3"),
            ("localhost", "localhost"),
            ("empty", ""),
            ("web:!web2", "web1 web3"),
            ("ungrouped", "lone"),
        ] {
            assert_eq!(matched(pattern).0, expected, "{pattern}");
        }
    }

    #[test]
    fn parts_that_match_nothing_are_named() {
        assert_eq!(
            matched("web:nothere:!gone*"),
            ("web1 web2 web3".to_owned(), "nothere gone*".to_owned())
        );
        assert_eq!(matched("empty").1, "");
        assert!(matches!(
            hosts(&Site, &["web[7]".to_owned()]),
            Err(PatternError::Subscript(_))
        ));
        assert!(matches!(
            hosts(&Site, &["~(".to_owned()]),
            Err(PatternError::Invalid(_))
        ));
    }

    #[test]
    fn a_limit_keeps_the_order_of_the_pattern() {
        let all = hosts(&Site, &["all".to_owned()]).unwrap().hosts;
        let left = limit(&Site, all, &["db1".to_owned(), "web1".to_owned()]).unwrap();
        assert_eq!(left.hosts.join(" "), "web1 db1");
    }
}
