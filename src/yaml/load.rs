//! A text into a document: UTF-8, size, JSON first and then YAML.

use std::sync::Arc;

use super::build::{MAX_DEPTH, build};
use super::node::Node;
use crate::config::Settings;
use crate::diag::{Diagnostic, FileId, SourceMap, Span};

/// How many bytes of text are read.
const MAX_BYTES: usize = 128 << 20;

/// What to do about a key that stands twice in one mapping (`DUPLICATE_YAML_DICT_KEY`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuplicateKeys {
    /// The file is refused.
    Error,
    /// The last one counts, with a warning.
    #[default]
    Warn,
    /// The last one counts.
    Ignore,
}

impl From<&Settings> for DuplicateKeys {
    fn from(settings: &Settings) -> Self {
        match settings.duplicate_dict_key.as_str() {
            "error" => Self::Error,
            "ignore" => Self::Ignore,
            _ => Self::Warn,
        }
    }
}

/// How to load.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadOptions {
    /// What to do about duplicate keys.
    pub duplicates: DuplicateKeys,
    /// The text was decrypted: none of it may be shown in a message.
    pub secret: bool,
}

/// A loaded text.
#[derive(Clone, Debug)]
pub struct Document {
    /// The number of the text.
    pub file: FileId,
    /// What it holds; null for an empty text.
    pub root: Node,
    /// What is odd about it.
    pub warnings: Vec<Diagnostic>,
}

/// Returns the bytes as text, without a byte order mark.
pub fn decode(sources: &SourceMap, name: &str, bytes: &[u8]) -> Result<String, Diagnostic> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(error) => {
            let good =
                String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default())
                    .into_owned();
            let (line, column) = end_of(&good);
            let file = sources.add(name, String::from_utf8_lossy(bytes).into_owned());
            Err(
                Diagnostic::error("yaml-encoding", format!("`{name}` is not UTF-8 text"))
                    .at(
                        Span::new(file, line, column, 1),
                        "this byte starts no UTF-8 character",
                    )
                    .help("save the file as UTF-8"),
            )
        }
    }
}

fn end_of(text: &str) -> (u32, u32) {
    let line = text.matches('\n').count() + 1;
    let column = text
        .rsplit('\n')
        .next()
        .map_or(0, |last| last.chars().count())
        + 1;
    (
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(column).unwrap_or(u32::MAX),
    )
}

/// Loads the one document in `bytes`; see [`load`].
pub fn load_bytes(
    sources: &SourceMap,
    name: &str,
    bytes: &[u8],
    options: &LoadOptions,
) -> Result<Document, Vec<Diagnostic>> {
    let text = decode(sources, name, bytes).map_err(|diagnostic| vec![diagnostic])?;
    load(sources, name, &text, options)
}

/// Loads the one document in `text` and adds the text to `sources` under `name`. JSON is tried first, as Ansible does.
pub fn load(
    sources: &SourceMap,
    name: &str,
    text: &str,
    options: &LoadOptions,
) -> Result<Document, Vec<Diagnostic>> {
    let text: Arc<str> = text.strip_prefix('\u{feff}').unwrap_or(text).into();
    let file = if options.secret {
        sources.add_secret(name, text.clone())
    } else {
        sources.add(name, text.clone())
    };
    if text.len() > MAX_BYTES {
        let headline = format!(
            "`{name}` is too large: {} MiB, at most {} MiB are read",
            text.len() >> 20,
            MAX_BYTES >> 20
        );
        return Err(vec![Diagnostic::error("yaml-limit", headline)]);
    }
    if let Some(root) = super::json::load(&text, file, MAX_DEPTH) {
        return Ok(Document {
            file,
            root,
            warnings: Vec::new(),
        });
    }
    if let Some(diagnostic) = control_character(file, &text) {
        return Err(vec![diagnostic]);
    }
    let (root, warnings) = build(file, &text, *options)?;
    Ok(Document {
        file,
        root,
        warnings,
    })
}

/// Finds a character that YAML does not allow.
fn control_character(file: FileId, text: &str) -> Option<Diagnostic> {
    let allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{85}');
    let (at, character) = text.char_indices().find(|(_, c)| !allowed(*c))?;
    let (line, column) = end_of(text.get(..at).unwrap_or_default());
    Some(
        Diagnostic::error(
            "yaml-syntax",
            format!("control character U+{:04X} in YAML", u32::from(character)),
        )
        .at(Span::new(file, line, column, 1), "not allowed here")
        .help("remove it, or write it as an escape in a double-quoted string"),
    )
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn read(text: &str) -> Result<Document, Vec<Diagnostic>> {
        load(
            &SourceMap::default(),
            "t.yml",
            text,
            &LoadOptions::default(),
        )
    }

    fn shown(text: &str) -> String {
        match read(text) {
            Ok(document) => document
                .root
                .to_value(&crate::yaml::ValueOptions::default())
                .to_repr(),
            Err(errors) => format!("error: {}", errors[0].headline),
        }
    }

    fn headline(text: &str) -> String {
        read(text)
            .map(|document| format!("{:?}", document.root))
            .unwrap_err()[0]
            .headline
            .clone()
    }

    #[test]
    fn documents_read_as_pyyaml_reads_them() {
        for (text, expected) in [
            ("", "None"),
            ("# only a comment\n", "None"),
            ("---\n", "None"),
            ("--- a", "'a'"),
            ("a: 1 # c\n...\n", "{'a': 1}"),
            ("%YAML 1.1\n---\na: 1", "{'a': 1}"),
            ("\u{feff}a: 1", "{'a': 1}"),
            ("{a: 1,}", "{'a': 1}"),
            ("{a:1}", "{'a:1': None}"),
            ("{\"a\":1}", "{'a': 1}"),
            ("a:b", "'a:b'"),
            ("a: ?b", "{'a': '?b'}"),
            ("? a\n? b", "{'a': None, 'b': None}"),
            ("1: a\n~: c\n1.5: d", "{1: 'a', None: 'c', 1.5: 'd'}"),
            ("a: !unsafe \"5\"", "{'a': 5}"),
            ("=: 1", "{'=': 1}"),
            ("a: !!set {a, b}", "{'a': ['a', 'b']}"),
            ("a: !!omap [a: 1, b: 2]", "{'a': [('a', 1), ('b', 2)]}"),
            ("a: !!binary aGVsbG8=", "{'a': b'hello'}"),
            ("a: !!str 5", "{'a': '5'}"),
            ("a: !!int \"5\"", "{'a': 5}"),
            ("a: !!float 5", "{'a': 5.0}"),
            ("a: !!bool yes", "{'a': True}"),
            ("a: !!null ''", "{'a': None}"),
            ("a: \"b\n  c\"", "{'a': 'b c'}"),
            ("a: >\n  x\n  y\n\n  z\n", "{'a': 'x y\\nz\\n'}"),
            ("a: &x [1, 2]\nb: *x", "{'a': [1, 2], 'b': [1, 2]}"),
            ("a: \"\\/\"", "{'a': '/'}"),
            ("a: |\n  x", "{'a': 'x'}"),
            ("a: >\n  x", "{'a': 'x'}"),
            ("a: |+\n  x", "{'a': 'x'}"),
            ("a: |\n  x\n\n\n", "{'a': 'x\\n'}"),
            ("a: |\n  x\n  ", "{'a': 'x\\n'}"),
            ("a: >\n x\n  y", "{'a': 'x\\n y'}"),
            ("a: |\nb: 1", "{'a': '', 'b': 1}"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_in_quotes_and_brackets_may_stand_anywhere() {
        let text = "a:\n  b: \"x\n  y \\\n z\"\n  c: [\n  1,\n2, {d: 'e\nf'}\n  ]\n  g: 'it''s\n  h'\ni: 1\n";
        assert_eq!(
            shown(text),
            "{'a': {'b': 'x y z', 'c': [1, 2, {'d': 'e f'}], 'g': \"it's h\"}, 'i': 1}"
        );
        let document = read(text).unwrap();
        let list = document
            .root
            .get("a")
            .unwrap()
            .get("c")
            .unwrap()
            .as_sequence()
            .unwrap();
        assert_eq!((list[0].span.line, list[0].span.column), (6, 3));
        assert_eq!((list[1].span.line, list[1].span.column), (7, 1));
    }

    #[test]
    fn merge_keys_join_as_in_pyyaml() {
        assert_eq!(
            shown("{<<: {a: 1, b: 2}, b: 3, c: 4}"),
            "{'a': 1, 'b': 3, 'c': 4}"
        );
        assert_eq!(
            shown("{b: 3, <<: [{a: 1},{a: 2, z: 9}]}"),
            "{'a': 1, 'z': 9, 'b': 3}"
        );
        assert!(shown("a: <<").contains("merges mappings"));
        assert!(shown("<<: 1").contains("not an integer"));
        assert_eq!(shown("'<<': 1"), "{'<<': 1}");
    }

    #[test]
    fn duplicates_are_reported_with_both_places() {
        let document = read("a: 1\nb: 2\na: 3\n").unwrap();
        let warning = &document.warnings[0];
        assert_eq!(
            (warning.span().line, warning.secondary[0].span.line),
            (3, 1)
        );
        assert_eq!(document.root.get("a").and_then(Node::as_int), Some(3));
        let strict = LoadOptions {
            duplicates: DuplicateKeys::Error,
            ..LoadOptions::default()
        };
        assert!(load(&SourceMap::default(), "t", "a: 1\na: 2", &strict).is_err());
    }

    #[test]
    fn what_the_oracle_refuses_is_refused() {
        for text in [
            "a: =",
            "a: 2024-13-45",
            "a: !!int abc",
            "a: !!foo 1",
            "a: !foo 1",
            "? [a]\n: 1",
            "a: {{ b }}",
            "a: 1\n---\nb: 2",
            "a: &x [*x]",
            "a: b: c",
            "a:\n\t- b",
            "a: \"x",
            "a: @foo",
            "a: `foo",
            "- a\nb: 1",
            "a: 1\n b: 2",
            "a: \"b\" c",
            "a: \u{1}",
            "a: *x",
            "a: !!str [1]",
            "a: !!int [1]",
            "a: !vault [1]",
            "a: [1, 2",
            "a: {b: 1",
            "a: x: ",
            "a: 'b' : c",
            "- - a\n - b",
            "a: - b",
            "a: |\n  x\n y",
            "a: \"\\z\"",
            "a: !!value 1",
            "a: %foo",
            "a: 'x\nb: c\n",
        ] {
            assert!(read(text).is_err(), "{text:?} was read as {}", shown(text));
        }
    }

    #[test]
    fn places_are_lines_and_columns_from_one() {
        let document = read("a:\n  - b: 'x'\n    ü: &k !unsafe \"y\"\n").unwrap();
        let item = &document.root.get("a").unwrap().as_sequence().unwrap()[0];
        let place = |name: &str| {
            item.get(name)
                .map(|node| (node.span.line, node.span.column, node.span.length))
                .unwrap()
        };
        assert_eq!(place("b"), (2, 8, 3));
        assert_eq!(place("ü"), (3, 19, 3));
    }

    #[test]
    fn a_block_scalar_stands_where_its_header_is() {
        let text =
            "a: |\n\n  |\n  x\nb: !unsafe &k >-  # c\n  !y\nc: |\nd:\n  - >2\n     q\ne: |\n";
        let document = read(text).unwrap();
        let place = |name: &str| {
            document
                .root
                .get(name)
                .map(|node| (node.span.line, node.span.column))
                .unwrap()
        };
        assert_eq!(
            [place("a"), place("b"), place("c"), place("e")],
            [(1, 4), (5, 15), (7, 4), (11, 4)]
        );
        let item = &document.root.get("d").unwrap().as_sequence().unwrap()[0];
        assert_eq!((item.span.line, item.span.column), (9, 5));
    }

    #[test]
    fn t19_long_lines_and_large_texts_cost_linear_time() {
        let start = std::time::Instant::now();
        let line = format!("[{}]", vec!["!unsafe x, &a 'y'"; 50_000].join(", "));
        assert_eq!(
            read(&line).unwrap().root.as_sequence().unwrap().len(),
            100_000
        );
        let mut text = "all:\n  hosts:\n".to_owned();
        for number in 0..20_000 {
            let _ = writeln!(
                text,
                "    node{number}:\n      ansible_host: 10.0.0.1\n      text: |\n        a"
            );
        }
        assert_eq!(
            read(&text)
                .unwrap()
                .root
                .get("all")
                .unwrap()
                .get("hosts")
                .unwrap()
                .as_mapping()
                .unwrap()
                .len(),
            20_000
        );
        assert!(
            start.elapsed() < std::time::Duration::from_secs(30),
            "{:?}",
            start.elapsed()
        );
    }

    #[test]
    fn t19_aliases_cannot_multiply_without_bound() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let before = level - 1;
            let _ = writeln!(
                text,
                "a{level}: &a{level} [{}]",
                vec![format!("*a{before}"); 10].join(", ")
            );
        }
        assert!(headline(&text).contains("once the aliases are followed"));
    }

    #[test]
    fn t19_merged_aliases_cannot_multiply_either() {
        let mut text = "a0: &a0 {k: x}\n".to_owned();
        for level in 1..40 {
            let before = level - 1;
            let _ = writeln!(text, "a{level}: &a{level}\n  <<: [*a{before}, *a{before}]");
        }
        assert!(headline(&text).contains("once the aliases are followed"));
    }

    #[test]
    fn t19_depth_is_bounded() {
        assert!(headline(&"[".repeat(10_000)).contains("nested deeper"));
        let mut block = String::new();
        for level in 0..500 {
            let _ = writeln!(block, "{}a:", " ".repeat(level));
        }
        assert!(headline(&block).contains("nested deeper"));
        let mut text = "a0: &a0 [x]\n".to_owned();
        for level in 1..200 {
            let _ = writeln!(text, "a{level}: &a{level} [*a{}]", level - 1);
        }
        assert!(headline(&text).contains("nested deeper"));
    }

    #[test]
    fn t19_recursion_and_foreign_tags_are_refused() {
        assert_eq!(headline("a: &x [*x]"), "a value contains itself");
        assert!(headline("a: !!python/object/apply:os.system [id]").contains("cannot be used"));
        assert!(headline("a: !valt x").contains("`!valt`"));
    }

    #[test]
    fn text_that_is_not_utf8_says_where() {
        let error = load_bytes(
            &SourceMap::default(),
            "t",
            b"a: 1\nb: \xff\n",
            &LoadOptions::default(),
        )
        .unwrap_err();
        assert_eq!((error[0].span().line, error[0].span().column), (2, 4));
    }
}
