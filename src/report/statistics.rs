//! What `set_stats` set in a run, put together in the order in which the run tells it, for its end.

use std::collections::BTreeMap;

use super::color::Color;
use super::printer::Printer;
use super::result::json;
use super::stars::starred;
use crate::engine::events::HostResult;
use crate::kit::ControllerRequest;
use crate::value::{Dict, Key, Kind, Value};

/// The statistics so far.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    hosts: BTreeMap<String, Dict>,
    run: Dict,
}

impl Statistics {
    /// Takes what a result sets.
    pub(super) fn take(&mut self, done: &HostResult) {
        for request in &done.result.requests {
            let ControllerRequest::SetStats {
                data,
                per_host,
                aggregate,
            } = request
            else {
                continue;
            };
            let hidden = |(name, value): (&Key, &Value)| (name.clone(), value.clone().secret());
            let data = if done.result.no_log {
                data.iter().map(hidden).collect()
            } else {
                data.clone()
            };
            self.add(per_host.then_some(&*done.host), &data, *aggregate);
        }
    }

    /// Takes more of them; without a host they are the run's. `aggregate` adds to what is there.
    fn add(&mut self, host: Option<&str>, data: &Dict, aggregate: bool) {
        let into = match host {
            Some(host) => self.hosts.entry(host.to_owned()).or_default(),
            None => &mut self.run,
        };
        for (name, value) in data {
            let known = into.get_key(name).filter(|_| aggregate).cloned();
            let value = known.map_or_else(|| value.clone(), |known| sum(known, value));
            into.insert(name.clone(), value);
        }
    }

    /// Writes them as Ansible does, if there are any.
    pub(super) fn print(&self, printer: &Printer) {
        if self.hosts.is_empty() && self.run.is_empty() {
            return;
        }
        printer.banner("CUSTOM STATS: ");
        for (host, data) in &self.hosts {
            printer.line(&format!("\t{host}: {}", one_line(data)), None);
        }
        if !self.run.is_empty() {
            printer.line("", None::<Color>);
            printer.line(&format!("\tRUN: {}", one_line(&self.run)), None);
        }
        printer.line("", None);
    }

    /// Returns those of hosts, and those of the run, as JSON.
    pub(super) fn to_json(&self) -> (serde_json::Value, serde_json::Value) {
        let plain = |data: &Dict| starred(&Value::dict(data.clone())).to_json();
        let hosts = self
            .hosts
            .iter()
            .map(|(host, data)| (host.clone(), plain(data)));
        (hosts.collect(), plain(&self.run))
    }
}

/// Adds as Python's `+=`; what is of another type counts for nothing.
fn sum(known: Value, more: &Value) -> Value {
    let marked = |value: Value| {
        if known.holds_secret() || more.holds_secret() {
            value.secret()
        } else {
            value
        }
    };
    match (known.kind(), more.kind()) {
        (Kind::Int(one), Kind::Int(two)) => marked(Value::from(one.saturating_add(*two))),
        (Kind::Int(one), Kind::Bool(two)) => {
            marked(Value::from(one.saturating_add(i64::from(*two))))
        }
        (Kind::Bool(one), Kind::Bool(two)) => {
            marked(Value::from(i64::from(*one) + i64::from(*two)))
        }
        (Kind::Float(one), Kind::Float(two)) => marked(Value::from(one + two)),
        (Kind::Str(one), Kind::Str(two)) => marked(Value::text(format!("{one}{two}"))),
        (Kind::List(one), Kind::List(two)) => Value::list(one.iter().chain(two.iter()).cloned()),
        (Kind::Dict(one), Kind::Dict(two)) => Value::dict(merged(one, two)),
        _ => known,
    }
}

/// The second over the first, dictionaries inside them too.
fn merged(one: &Dict, two: &Dict) -> Dict {
    let mut all = one.clone();
    for (name, value) in two {
        let inner = match (all.get_key(name).and_then(Value::as_dict), value.as_dict()) {
            (Some(one), Some(two)) => Value::dict(merged(one, two)),
            _ => value.clone(),
        };
        all.insert(name.clone(), inner);
    }
    all
}

/// JSON with a space for each step of depth in the place of lines.
fn one_line(data: &Dict) -> String {
    json(&starred(&Value::dict(data.clone())), true)
        .lines()
        .map(|line| {
            let text = line.trim_start();
            format!("{}{text}", " ".repeat((line.len() - text.len()) / 4))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::printer::tests::printer;
    use super::*;
    use crate::report::Screen;

    fn data(json: serde_json::Value) -> Dict {
        Value::from_json(json).as_dict().cloned().unwrap()
    }

    #[test]
    fn values_add_up_or_are_replaced() {
        let mut all = Statistics::default();
        let first =
            data(serde_json::json!({"n": 10, "t": "a", "l": [1], "d": {"x": {"y": 1}}, "k": 1}));
        let second = data(
            serde_json::json!({"n": 15, "t": "b", "l": [2], "d": {"x": {"z": 2}}, "k": "other"}),
        );
        all.add(None, &first, true);
        all.add(None, &second, true);
        let expected = serde_json::json!({"n": 25, "t": "ab", "l": [1, 2], "d": {"x": {"y": 1, "z": 2}}, "k": 1});
        assert_eq!(all.to_json().1, expected);
        all.add(None, &second, false);
        assert_eq!(all.to_json().1["n"], 15);
    }

    #[test]
    fn they_stand_at_the_end() {
        let (printer, page, _) = printer(Screen::default());
        let mut all = Statistics::default();
        all.print(&printer);
        assert_eq!(page.text(), "");
        all.add(
            Some("web"),
            &data(serde_json::json!({"b": 1, "a": {"c": []}})),
            true,
        );
        all.add(None, &data(serde_json::json!({"n": 1})), true);
        all.print(&printer);
        let text = page.text();
        assert!(text.contains("CUSTOM STATS:"), "{text}");
        assert!(
            text.ends_with("\n\tweb: { \"a\": {  \"c\": [] }, \"b\": 1}\n\n\tRUN: { \"n\": 1}\n\n"),
            "{text}"
        );
    }

    #[test]
    fn t05_secrets_are_stars() {
        let mut all = Statistics::default();
        let secret = Dict::new().with("p", Value::text("hidden").secret());
        all.add(None, &secret, true);
        assert!(!all.to_json().1.to_string().contains("hidden"));
    }
}
