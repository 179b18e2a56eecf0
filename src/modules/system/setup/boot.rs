//! Facts about the running kernel: its command line, since when it runs, how busy it is.

use super::reader;
use crate::kit::Host;
use crate::value::{Dict, Value};

/// `cmdline` (the last of several equal names counts) and `proc_cmdline` (all of them).
pub(super) fn command_line(host: &dyn Host) -> Dict {
    let Some(line) = reader::content("/proc/cmdline", host) else {
        return Dict::new();
    };
    let (mut last, mut all) = (Dict::new(), Dict::new());
    for word in words(&line) {
        let Some((name, value)) = word.split_once('=') else {
            last.insert(word.as_str(), true);
            all.insert(word.as_str(), true);
            continue;
        };
        last.insert(name, value);
        let value = Value::from(value);
        let values = match all.get(name) {
            None => value,
            Some(known) => {
                let mut list = known
                    .as_list()
                    .map_or_else(|| vec![known.clone()], <[Value]>::to_vec);
                list.push(value);
                Value::list(list)
            }
        };
        all.insert(name, values);
    }
    Dict::new().with("cmdline", last).with("proc_cmdline", all)
}

/// Splits at white space outside quotes; the quotes stay.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (None, space) if space.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        word.push(character);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// `uptime_seconds`.
pub(super) fn uptime(host: &dyn Host) -> Dict {
    let seconds = reader::content("/proc/uptime", host)
        .and_then(|text| text.split(['.', ' ']).next()?.parse::<u64>().ok());
    seconds.map_or_else(Dict::new, |seconds| {
        Dict::new().with("uptime_seconds", seconds)
    })
}

/// `loadavg`.
pub(super) fn load(host: &dyn Host) -> Dict {
    let text = reader::text("/proc/loadavg", host);
    let mut numbers = text
        .split_whitespace()
        .map_while(|word| word.parse::<f64>().ok());
    let (Some(one), Some(five), Some(fifteen)) = (numbers.next(), numbers.next(), numbers.next())
    else {
        return Dict::new();
    };
    let load = Dict::new()
        .with("1m", one)
        .with("5m", five)
        .with("15m", fifteen);
    Dict::new().with("loadavg", load)
}
