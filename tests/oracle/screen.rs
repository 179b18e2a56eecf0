//! What a run printed, as data: the headings, the lines of the hosts under each, the recap, and the values that the
//! appended play prints. Called by `observe`.

use std::sync::LazyLock;

use fancy_regex::Regex;
use serde_json::{Map, Value, json};

/// The name of the play that `observe` appends to print registered values.
pub(crate) const VALUES_PLAY: &str = "kplay oracle: registered values";

pub(crate) struct Screen {
    /// `{"heading": .., "lines": [..]}` in order.
    pub(crate) entries: Vec<Value>,
    pub(crate) recap: Map<String, Value>,
    /// The appended play's values by host.
    pub(crate) values: Map<String, Value>,
}

static HEADING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(\S.*?) \*{3,}$").ok());
static RECAP: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(\S+)\s+: (ok=\d+ .*)$").ok());
static HOST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[A-Za-z -]+: \[([^\] ]+)[^\]]*\]").ok());

/// Reads the standard output of a run.
pub(crate) fn parse(stdout: &str) -> Screen {
    let mut screen = Screen {
        entries: Vec::new(),
        recap: Map::new(),
        values: Map::new(),
    };
    let mut heading = String::new();
    let mut lines: Vec<Line> = Vec::new();
    let mut of_values = false;
    let mut in_diagnostic = false;
    let mut input = stdout.lines();
    let mut finish = |heading: &str, lines: &mut Vec<Line>, of_values: bool| {
        let lines = by_host(std::mem::take(lines));
        if of_values {
            for line in lines {
                if let (Some(host), Some(value)) = (
                    line.host,
                    line.body.as_ref().and_then(|body| body.get("msg")),
                ) {
                    screen.values.insert(host, value.clone());
                }
            }
        } else if (!heading.is_empty() || !lines.is_empty()) && heading != "PLAY RECAP" {
            let lines: Vec<Value> = lines.into_iter().map(Line::into_value).collect();
            screen
                .entries
                .push(json!({"heading": heading, "lines": lines}));
        }
    };
    while let Some(text) = input.next() {
        if let Some(found) = capture(&HEADING, text, 1) {
            finish(&heading, &mut lines, of_values);
            found.clone_into(&mut heading);
            in_diagnostic = false;
            of_values = if heading.starts_with("PLAY") {
                heading.contains(VALUES_PLAY)
            } else {
                of_values
            };
        } else if heading == "PLAY RECAP"
            && let (Some(host), Some(counts)) = (capture(&RECAP, text, 1), capture(&RECAP, text, 2))
        {
            let counts: Vec<&str> = counts.split_whitespace().collect();
            screen
                .recap
                .insert(host.to_owned(), Value::from(counts.join(" ")));
        } else if text.starts_with("[ERROR]: ") {
            // An explanation for the reader, up to the line of the host that it is about; each engine has its own.
            in_diagnostic = true;
        } else if !text.trim().is_empty() {
            let line = Line::read(text, &mut input);
            in_diagnostic &= line.host.is_none();
            if !in_diagnostic {
                lines.push(line);
            }
        }
    }
    finish(&heading, &mut lines, of_values);
    screen
}

/// The line of an include names its hosts in the order in which their answers came, which differs from run to run.
fn hosts_in_order(line: &str) -> String {
    let (path, item) = line.split_once(" => ").unwrap_or((line, ""));
    let Some((file, hosts)) = path
        .rsplit_once(" for ")
        .filter(|(file, _)| file.starts_with("included: "))
    else {
        return line.to_owned();
    };
    let mut hosts: Vec<&str> = hosts.split(", ").collect();
    hosts.sort_unstable();
    let path = format!("{file} for {}", hosts.join(", "));
    if item.is_empty() {
        path
    } else {
        format!("{path} => {item}")
    }
}

struct Line {
    host: Option<String>,
    text: String,
    body: Option<Value>,
}

impl Line {
    /// One line, and the lines of the JSON text that it opens.
    fn read<'text>(first: &str, rest: &mut impl Iterator<Item = &'text str>) -> Self {
        let host = capture(&HOST, first, 1).map(str::to_owned);
        let plain = |text: &str| Self {
            host: host.clone(),
            text: hosts_in_order(text.trim_end()),
            body: None,
        };
        let Some((head, opening)) = first
            .split_once(" => {")
            .map(|(head, tail)| (head, format!("{{{tail}")))
        else {
            return plain(first);
        };
        let mut json = opening;
        if json == "{" {
            for line in rest.by_ref() {
                json.push('\n');
                json.push_str(line);
                if line == "}" {
                    break;
                }
            }
        }
        match serde_json::from_str(&json) {
            Ok(body) => Self {
                host,
                text: format!("{head} =>"),
                body: Some(body),
            },
            Err(_) => plain(&format!("{head} => {json}")),
        }
    }

    fn into_value(self) -> Value {
        match self.body {
            Some(body) => json!({"line": self.text, "body": body}),
            None => Value::from(self.text),
        }
    }
}

/// The hosts of a task answer in any order: their lines in the order of their names, each with what precedes it (a
/// diff) and the `...ignoring` that follows it.
fn by_host(lines: Vec<Line>) -> Vec<Line> {
    let mut groups: Vec<(String, Vec<Line>)> = Vec::new();
    let mut waiting: Vec<Line> = Vec::new();
    for line in lines {
        match (&line.host, groups.last_mut()) {
            (Some(host), _) => {
                let host = host.clone();
                waiting.push(line);
                groups.push((host, std::mem::take(&mut waiting)));
            }
            (None, Some((_, group))) if line.text == "...ignoring" => group.push(line),
            (None, _) => waiting.push(line),
        }
    }
    groups.sort_by(|left, right| left.0.cmp(&right.0));
    groups
        .into_iter()
        .flat_map(|(_, lines)| lines)
        .chain(waiting)
        .collect()
}

fn capture<'text>(
    pattern: &LazyLock<Option<Regex>>,
    text: &'text str,
    group: usize,
) -> Option<&'text str> {
    let captures = pattern.as_ref()?.captures(text).ok()??;
    captures.get(group).map(|found| found.as_str())
}
