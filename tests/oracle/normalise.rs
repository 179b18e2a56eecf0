//! Makes two runs comparable: takes out of texts and values what differs from run to run although nothing a user relies
//! on does. The whole list is here and in `docs/testing.md`. Called by `observe` on everything it has seen.

use fancy_regex::Regex;
use serde_json::{Map, Value};

/// Keys of results that are dropped: talk about the run, not its result.
const DROPPED: &[&str] = &[
    "warnings",
    "deprecations",
    "exception",
    "invocation",
    "discovered_interpreter_python",
];

/// Keys of results whose presence is compared and whose value is not.
const VOLATILE: &[&str] = &[
    "start",
    "end",
    "delta",
    "elapsed",
    "mtime",
    "atime",
    "ctime",
    "inode",
    "dev",
    "version",
    "blocks",
    "block_size",
    "attributes",
    "attr_flags",
    "pid",
    "child_pid",
    "cache_update_time",
    "started_at",
];

/// Of a unit's properties those that say what a playbook asks for; the hundred others are clocks and counters.
const UNIT_PROPERTIES: &[&str] = &[
    "ActiveState",
    "SubState",
    "LoadState",
    "UnitFileState",
    "Id",
    "Description",
    "FragmentPath",
    "Type",
];

/// What matches is replaced; the order counts.
const PATTERNS: &[(&str, &str)] = &[
    // A file that a module was sent, or that an engine made to send one; a name that was drawn at random.
    (
        r"[^\s'\x22:=]*/\.ansible/tmp/[^\s'\x22:]*",
        "<temporary path>",
    ),
    (
        r"[^\s'\x22:=]*/(?:\.cache/kplay|\.kplay)[^\s'\x22:]*",
        "<temporary path>",
    ),
    (
        r"(?:/var)?/tmp/(?:ansible|tmp)[A-Za-z0-9._-]{6,}[^\s'\x22]*",
        "<temporary path>",
    ),
    (r"\bansible\.[a-z0-9_]{8}\b", "ansible.<random>"),
    // A backup's process and time.
    (r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~", ".<backup>~"),
    // An asynchronous job.
    (r"\bj\d{6,}\.\d+\b", "<job>"),
    // dpkg's progress, and how fast a local file was.
    (r"\(Reading database \.\.\. [^\r\n]*(?:\r?\n|\r|$)", ""),
    (r"Fetched ([^\n]*) in \d+s \([^)]*\)", "Fetched $1"),
    (r"\[\d+ B\]", "[<size>]"),
    (
        r"Need to get [^\n]* of archives",
        "Need to get <size> of archives",
    ),
    // The chain of contexts before the cause of a failure: what a user can rely on is the cause.
    (
        r"^(?:(?:Unexpected )?(?:Task failed|Module failed|Action failed|AnsibleActionFail error|Finalization of task args for '[^']*' failed|Error while resolving value for '[^']*'|Error while evaluating (?:conditional|expression)|Error rendering (?:template|expression)|The (?:filter|test|lookup) plugin '[^']*' failed)(?:: |\.\s+))+",
        "",
    ),
    // The names that ansible-core's own code has for text, numbers, lists and mappings.
    (
        r"_Ansible(?:Tagged|LazyTemplate|LazyAccess)(?:Str|Text)\b",
        "str",
    ),
    (
        r"_Ansible(?:Tagged|LazyTemplate|LazyAccess)(?:Int)\b",
        "int",
    ),
    (
        r"_Ansible(?:Tagged|LazyTemplate|LazyAccess)(?:Dict)\b",
        "dict",
    ),
    (
        r"_Ansible(?:Tagged|LazyTemplate|LazyAccess)(?:List)\b",
        "list",
    ),
    (
        r"ansible\.module_utils\._internal\._datatag\.(list|dict|str|int)\b",
        "$1",
    ),
    // Out of a set of Python's, whose order is another one each time.
    (
        r"Valid booleans include: [^\n]*",
        "Valid booleans include: <all of them>",
    ),
    // Python's addresses of objects.
    (r"0x[0-9a-f]{8,}", "<address>"),
];

pub(crate) struct Normaliser {
    literals: Vec<(String, String)>,
    patterns: Vec<(Regex, String)>,
}

impl Normaliser {
    /// `literals` are the paths of this run, `names` patterns of its hosts' names and addresses.
    pub(crate) fn new(
        literals: Vec<(String, String)>,
        names: &[(String, String)],
    ) -> Result<Self, String> {
        let general = PATTERNS
            .iter()
            .map(|(pattern, replacement)| ((*pattern).to_owned(), (*replacement).to_owned()));
        let mut patterns = Vec::new();
        for (pattern, replacement) in names.iter().cloned().chain(general) {
            patterns.push((
                Regex::new(&pattern).map_err(|error| format!("{pattern}: {error}"))?,
                replacement,
            ));
        }
        Ok(Self { literals, patterns })
    }

    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.literals {
            text = text.replace(from, to);
        }
        for (pattern, replacement) in &self.patterns {
            text = pattern
                .replace_all(&text, replacement.as_str())
                .into_owned();
        }
        text
    }

    pub(crate) fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items
                .into_iter()
                .filter(|item| {
                    !item
                        .as_str()
                        .is_some_and(|line| line.starts_with("(Reading database "))
                })
                .map(|item| self.value(item))
                .collect(),
            Value::Object(object) => self.object(object),
            other => other,
        }
    }

    fn object(&self, object: Map<String, Value>) -> Value {
        let is_unit = object.contains_key("ActiveState") && object.contains_key("LoadState");
        let is_directory = object.get("isdir") == Some(&Value::Bool(true))
            || object.get("state") == Some(&Value::from("directory"));
        // The source of a file that was written: a temporary copy there, the file itself here.
        let is_written = object.contains_key("md5sum") && object.contains_key("dest");
        let mut result = Map::new();
        for (key, value) in object {
            if is_written && key == "src" {
                continue;
            }
            if DROPPED.contains(&key.as_str())
                || (is_unit && !UNIT_PROPERTIES.contains(&key.as_str()))
            {
                continue;
            }
            let volatile = VOLATILE.contains(&key.as_str())
                && !value.is_null()
                && !value.is_object()
                && !matches!(value, Value::Bool(_));
            // A directory's own size and its links are the file system's business.
            let volatile = volatile || (is_directory && ["size", "nlink"].contains(&key.as_str()));
            let value = if volatile {
                Value::from(format!("<{key}>"))
            } else {
                self.value(value)
            };
            result.insert(self.text(&key), value);
        }
        Value::Object(result)
    }
}
