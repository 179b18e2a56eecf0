//! Events into nodes: one document, aliases bounded, merge keys joined, tags done, duplicates noticed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::explain;
use super::node::{Node, NodeKind, Scalar, Style, Tag};
use super::scalar::{is_merge, resolve_plain, resolve_tagged};
use crate::diag::{Diagnostic, FileId, SourceMap, Span};
use crate::value::{Key, Kind, Value};

/// How deep lists and mappings may nest, so that nobody who walks them runs out of stack.
const MAX_DEPTH: usize = 128;
/// How many nodes a document may have after its aliases are followed.
const MAX_NODES: usize = 4_000_000;
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
    let mut loader = Loader {
        file,
        text: &text,
        line_starts: std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect(),
        ascii: text.is_ascii(),
        options,
        stack: Vec::new(),
        anchors: HashMap::new(),
        open: HashSet::new(),
        nodes: 0,
        root: None,
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    if let Err(diagnostic) = loader.control_characters().and_then(|()| loader.run()) {
        loader.errors.push(*diagnostic);
    }
    if loader.errors.is_empty() {
        let start = Span::new(file, 1, 1, 0);
        let root = loader
            .root
            .map_or_else(|| Node::null(start), |built| built.node);
        Ok(Document {
            file,
            root,
            warnings: loader.warnings,
        })
    } else {
        Err(loader.errors)
    }
}

/// A finished node with how much it holds once its aliases are followed.
#[derive(Clone)]
struct Built {
    node: Node,
    weight: usize,
    height: usize,
}

/// A list or mapping that is not finished.
struct Frame {
    span: Span,
    tag: Tag,
    anchor: usize,
    sequence: bool,
    items: Vec<Node>,
    weight: usize,
    height: usize,
}

struct Loader<'a> {
    file: FileId,
    text: &'a str,
    /// Where each line starts, in bytes.
    line_starts: Vec<usize>,
    /// Columns are bytes.
    ascii: bool,
    options: &'a LoadOptions,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Built>,
    /// Anchors of what is not finished.
    open: HashSet<usize>,
    nodes: usize,
    root: Option<Built>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

type Step = Result<(), Box<Diagnostic>>;

impl Loader<'_> {
    fn control_characters(&self) -> Step {
        let allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{85}');
        let Some((at, character)) = self.text.char_indices().find(|(_, c)| !allowed(*c)) else {
            return Ok(());
        };
        let (line, column) = end_of(self.text.get(..at).unwrap_or_default());
        Err(Box::new(
            Diagnostic::error(
                "yaml-syntax",
                format!("control character U+{:04X} in YAML", u32::from(character)),
            )
            .at(Span::new(self.file, line, column, 1), "not allowed here")
            .help("remove it, or write it as an escape in a double-quoted string"),
        ))
    }

    fn run(&mut self) -> Step {
        // With a line break at the end the parser's block scalars are plain; `scalar` takes it off again.
        let whole = if self.text.ends_with('\n') {
            self.text.to_owned()
        } else {
            format!("{}\n", self.text)
        };
        let mut parser = Parser::new_from_str(&whole);
        let mut documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, place) = event.map_err(|error| Box::new(self.explain(&error)))?;
            match event {
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        let span = self.span(place.start, 3);
                        return Err(Box::new(
                            Diagnostic::error("yaml-syntax", "more than one document in this file")
                                .at(span, "another document starts here")
                                .help("keep one document to a file; a `---` may stand on its first line only"),
                        ));
                    }
                }
                Event::Alias(anchor) => self.alias(anchor, place.start)?,
                Event::Scalar(text, style, anchor, tag) => {
                    let tag = tag.map(|tag| tag_name(&tag));
                    let built = self.scalar(&text, style, tag.as_deref(), place, anchor != 0)?;
                    self.finish(built, anchor)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.open(true, anchor, tag.map(|tag| tag_name(&tag)), place.start)?
                }
                Event::MappingStart(anchor, tag) => {
                    self.open(false, anchor, tag.map(|tag| tag_name(&tag)), place.start)?
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let Some(frame) = self.stack.pop() else {
                        continue;
                    };
                    let anchor = frame.anchor;
                    self.open.remove(&anchor);
                    let built = self.close(frame);
                    self.finish(built, anchor)?;
                }
            }
        }
        Ok(())
    }

    fn explain(&self, error: &ScanError) -> Diagnostic {
        let marker = error.marker();
        if error.info().contains("recursion limit") {
            return too_deep(self.span(*marker, 1));
        }
        explain::explain(
            self.text,
            self.file,
            marker.line(),
            marker.col() + 1,
            error.info(),
        )
    }

    fn span(&self, start: Marker, length: usize) -> Span {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Span::new(
            self.file,
            number(start.line()),
            number(start.col() + 1),
            number(length),
        )
    }

    fn line(&self, number: usize) -> &str {
        self.rest_of_line(number, 0)
    }

    /// The line from a column (from 0) on. Long lines of plain ASCII cost nothing.
    fn rest_of_line(&self, number: usize, column: usize) -> &str {
        let Some(index) = number.checked_sub(1) else {
            return "";
        };
        let Some(start) = self.line_starts.get(index).copied() else {
            return "";
        };
        let end = self
            .line_starts
            .get(index + 1)
            .map_or(self.text.len(), |next| next - 1);
        let line = self.text.get(start..end).unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        if self.ascii {
            return line.get(column..).unwrap_or_default();
        }
        let at = line
            .char_indices()
            .nth(column)
            .map_or(line.len(), |(at, _)| at);
        line.get(at..).unwrap_or_default()
    }

    /// A block scalar on a last line without a line break ends without one.
    fn without_added_break<'t>(&self, text: &'t str, end_line: usize) -> &'t str {
        if self.text.ends_with('\n') || end_line <= self.line_starts.len() {
            return text;
        }
        let blank = self.line(self.line_starts.len()).trim().is_empty();
        if blank && !text.ends_with("\n\n") {
            text
        } else {
            text.strip_suffix('\n').unwrap_or(text)
        }
    }

    /// The place from the scalar's own first character on. The parser's mark may stand on its tag or anchor, and for a block
    /// scalar (of which `block` is the text) on its content.
    fn scalar_span(&self, place: saphyr_parser::Span, block: Option<&str>, tagged: bool) -> Span {
        let (mut line, mut column) = (place.start.line(), place.start.col());
        let mut properties = false;
        while tagged {
            let rest = self.rest_of_line(line, column);
            let own = rest.trim_start_matches([' ', '\t']);
            let blanks = rest.len() - own.len();
            if own.starts_with(['&', '!']) {
                properties = true;
                column += blanks + own.chars().take_while(|c| !c.is_whitespace()).count();
            } else if properties
                && (own.is_empty() || own.starts_with('#'))
                && line < place.end.line()
            {
                line += 1;
                column = 0;
            } else {
                column += if properties { blanks } else { 0 };
                break;
            }
        }
        if let Some(text) = block {
            let first = self.rest_of_line(line, column);
            let at_header = properties || (text.trim().is_empty() && first.starts_with(['|', '>']));
            if !at_header {
                let header = (1..line)
                    .rev()
                    .find(|line| !self.line(*line).trim().is_empty())
                    .unwrap_or(line);
                let column = block_header(self.line(header)).unwrap_or(0);
                return self.span(Marker::new(0, header, column), 1);
            }
            return self.span(Marker::new(0, line, column), 1);
        }
        let length = if line == place.end.line() {
            place.end.col().saturating_sub(column)
        } else {
            1
        };
        self.span(Marker::new(0, line, column), length)
    }

    fn error(&mut self, headline: impl Into<String>, span: Span, label: &str, help: &str) {
        let diagnostic = Diagnostic::error("yaml-syntax", headline).at(span, label);
        self.errors.push(if help.is_empty() {
            diagnostic
        } else {
            diagnostic.help(help)
        });
    }

    fn alias(&mut self, anchor: usize, start: Marker) -> Step {
        let span = self.span(start, 1);
        if self.open.contains(&anchor) {
            return Err(Box::new(
                Diagnostic::error("yaml-limit", "a value contains itself").at(
                    span,
                    "this alias names the list or mapping that it stands in",
                ),
            ));
        }
        let Some(built) = self.anchors.get(&anchor).cloned() else {
            return Err(Box::new(
                Diagnostic::error("yaml-syntax", "alias without an anchor")
                    .at(span, "no `&` of that name comes before this"),
            ));
        };
        self.attach(built)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&str>,
        place: saphyr_parser::Span,
        anchored: bool,
    ) -> Result<Built, Box<Diagnostic>> {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let tagged = anchored || tag.is_some();
        let span = self.scalar_span(place, block.then_some(text), tagged);
        let text = if block {
            self.without_added_break(text, place.end.line())
        } else {
            text
        };
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let text: Arc<str> = text.into();
        let mut node_tag = Tag::None;
        let kind = match tag {
            None if style != Style::Plain => Ok(Kind::Str(text.clone())),
            // As a merge key it does its work in the mapping; as a value it is refused there.
            None if is_merge(&text) || &*text == "=" => Ok(Kind::Str(text.clone())),
            None | Some("") => plain(&text),
            // Ansible resolves what is inside again as if it were plain, quotes or not.
            Some("!unsafe") => {
                node_tag = Tag::Unsafe;
                plain(&text)
            }
            Some("!vault" | "!vault-encrypted") => {
                node_tag = Tag::Vault;
                Ok(Kind::Str(text.clone()))
            }
            Some(name) => match name
                .strip_prefix(YAML_TAG)
                .and_then(|own| resolve_tagged(own, &text))
            {
                Some(kind) => kind,
                None => return Err(Box::new(unknown_tag(name, span, "a scalar"))),
            },
        };
        let kind = match kind {
            Ok(kind) => kind,
            Err(why) => {
                self.error(why, span, "", "");
                Kind::Null
            }
        };
        Ok(Built {
            node: Node {
                span,
                tag: node_tag,
                kind: NodeKind::Scalar(Scalar { text, style, kind }),
            },
            weight: 1,
            height: 1,
        })
    }

    fn open(&mut self, sequence: bool, anchor: usize, tag: Option<String>, start: Marker) -> Step {
        let span = self.span(start, 1);
        let own = tag
            .as_deref()
            .map(|name| name.strip_prefix(YAML_TAG).unwrap_or(name));
        let tag = match (own, sequence) {
            (None | Some(""), _) | (Some("seq"), true) | (Some("map" | "python/dict"), false) => {
                Tag::None
            }
            (Some("!unsafe"), _) => Tag::Unsafe,
            (Some("set"), false) => Tag::Set,
            (Some("omap" | "pairs"), true) => Tag::Pairs,
            (Some("!vault" | "!vault-encrypted"), _) => {
                return Err(Box::new(
                    Diagnostic::error("yaml-tag", "`!vault` needs text")
                        .at(span, "")
                        .help("write `!vault |` and the encrypted lines below"),
                ));
            }
            (Some(_), _) => {
                let what = if sequence { "a list" } else { "a mapping" };
                return Err(Box::new(unknown_tag(
                    tag.as_deref().unwrap_or_default(),
                    span,
                    what,
                )));
            }
        };
        if self.stack.len() >= MAX_DEPTH {
            return Err(Box::new(too_deep(span)));
        }
        if anchor != 0 {
            self.open.insert(anchor);
        }
        self.stack.push(Frame {
            span,
            tag,
            anchor,
            sequence,
            items: Vec::new(),
            weight: 1,
            height: 1,
        });
        Ok(())
    }

    fn finish(&mut self, built: Built, anchor: usize) -> Step {
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
        self.attach(built)
    }

    fn attach(&mut self, built: Built) -> Step {
        let span = built.node.span;
        if self.stack.len() + built.height > MAX_DEPTH + 1 {
            return Err(Box::new(too_deep(span)));
        }
        // What an alias repeats counts each time; a node's own children were counted when they were attached.
        self.nodes = self.nodes.saturating_add(1);
        match self.stack.last_mut() {
            None => self.root = Some(built),
            Some(frame) => {
                frame.weight = frame.weight.saturating_add(built.weight);
                frame.height = frame.height.max(built.height + 1);
                frame.items.push(built.node);
                if frame.weight > MAX_NODES || self.nodes > MAX_NODES {
                    return Err(Box::new(
                        Diagnostic::error(
                            "yaml-limit",
                            format!("more than {MAX_NODES} values once the aliases are followed"),
                        )
                        .at(frame.span, "it grows too large here")
                        .help("aliases of aliases multiply; write fewer of them"),
                    ));
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, frame: Frame) -> Built {
        let Frame {
            span,
            tag,
            sequence,
            items,
            weight,
            height,
            ..
        } = frame;
        let kind = if sequence {
            for item in &items {
                self.refuse_special(item);
                if tag == Tag::Pairs && item.as_mapping().is_none_or(|pairs| pairs.len() != 1) {
                    self.error(
                        "expected a mapping with one key",
                        item.span,
                        "",
                        "`!!omap` and `!!pairs` are lists of such mappings",
                    );
                }
            }
            NodeKind::Sequence(Arc::new(items))
        } else {
            NodeKind::Mapping(Arc::new(self.pairs(items)))
        };
        Built {
            node: Node { span, tag, kind },
            weight,
            height,
        }
    }

    /// `<<` and `=` mean something only as keys.
    fn refuse_special(&mut self, node: &Node) {
        if is_special(node)
            && let Err(why) = resolve_plain(node.as_str().unwrap_or_default())
        {
            self.error(why, node.span, "", "");
        }
    }

    fn pairs(&mut self, items: Vec<Node>) -> Vec<(Node, Node)> {
        let mut merged: Vec<(Node, Node)> = Vec::new();
        let mut own: Vec<(Node, Node)> = Vec::new();
        let mut seen: HashMap<Key, Span> = HashMap::new();
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            if is_special(&key) && key.as_str() == Some("<<") {
                self.merge(&value, &mut merged);
                continue;
            }
            self.refuse_special(&value);
            let Some(name) = key_of(&key) else {
                self.unusable_key(&key);
                continue;
            };
            if let Some(first) = seen.insert(name, key.span) {
                self.duplicate(&key, first);
            }
            own.push((key, value));
        }
        merged.append(&mut own);
        merged
    }

    fn unusable_key(&mut self, key: &Node) {
        if explain::is_template_start(self.text, key.span) {
            let start = Span {
                column: key.span.column.saturating_sub(1).max(1),
                length: 2,
                ..key.span
            };
            self.errors.push(explain::unquoted_template(start));
        } else {
            let what = key.describe();
            self.error(
                format!("{what} cannot be a key"),
                key.span,
                "used as a key here",
                "",
            );
        }
    }

    fn duplicate(&mut self, key: &Node, first: Span) {
        let shown = key.as_scalar().map_or("", |scalar| &scalar.text);
        let headline = format!("duplicate key `{shown}`");
        let diagnostic = match self.options.duplicates {
            DuplicateKeys::Ignore => return,
            DuplicateKeys::Warn => Diagnostic::warning("yaml-duplicate-key", headline)
                .help("only the last one counts; remove the other"),
            DuplicateKeys::Error => {
                Diagnostic::error("yaml-duplicate-key", headline).help("remove one of them")
            }
        };
        let diagnostic = diagnostic
            .at(key.span, "again here")
            .and_at(first, "first here");
        if diagnostic.is_error() {
            self.errors.push(diagnostic)
        } else {
            self.warnings.push(diagnostic)
        }
    }

    /// Of several mappings the first has precedence, so that they are joined from the last to the first.
    fn merge(&mut self, value: &Node, merged: &mut Vec<(Node, Node)>) {
        match &value.kind {
            NodeKind::Mapping(pairs) => merged.extend(pairs.iter().cloned()),
            NodeKind::Sequence(items) => {
                for item in items.iter().rev() {
                    match &item.kind {
                        NodeKind::Mapping(pairs) => merged.extend(pairs.iter().cloned()),
                        NodeKind::Scalar(_) | NodeKind::Sequence(_) => self.not_mergeable(item),
                    }
                }
            }
            NodeKind::Scalar(_) => self.not_mergeable(value),
        }
    }

    fn not_mergeable(&mut self, node: &Node) {
        let what = node.describe();
        self.error(
            format!("`<<` can merge a mapping or a list of mappings, not {what}"),
            node.span,
            "",
            "",
        );
    }
}

const YAML_TAG: &str = "tag:yaml.org,2002:";

/// Returns the column (from 0) of the `|` or `>` that ends a line, with its digits, signs and comment.
fn block_header(line: &str) -> Option<usize> {
    let starts = line
        .char_indices()
        .enumerate()
        .filter(|(_, (_, c))| matches!(c, '|' | '>'));
    let mut found = None;
    for (column, (at, _)) in starts {
        let rest = line
            .get(at + 1..)
            .unwrap_or_default()
            .trim_start_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        let ends = rest.trim().is_empty()
            || rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#');
        if ends && found.is_none() {
            found = Some(column);
        }
    }
    found
}

/// An empty plain scalar with a tag or anchor stays null; so does `! ` without a name.
fn plain(text: &str) -> Result<Kind, String> {
    resolve_plain(text)
}

/// A plain `<<` or `=` without a tag.
fn is_special(node: &Node) -> bool {
    node.tag == Tag::None
        && node.as_scalar().is_some_and(|scalar| {
            scalar.style == Style::Plain
                && matches!(scalar.kind, Kind::Str(_))
                && matches!(&*scalar.text, "<<" | "=")
        })
}

pub(super) fn key_of(node: &Node) -> Option<Key> {
    match node.tag {
        Tag::Vault => None,
        Tag::None | Tag::Unsafe | Tag::Set | Tag::Pairs => {
            Key::from_value(&Value::new(node.as_scalar()?.kind.clone()))
        }
    }
}

fn tag_name(tag: &saphyr_parser::Tag) -> String {
    let name = format!("{}{}", tag.handle, tag.suffix);
    if name == "!" { String::new() } else { name }
}

fn unknown_tag(name: &str, span: Span, what: &str) -> Diagnostic {
    let shown = name
        .strip_prefix(YAML_TAG)
        .map_or_else(|| name.to_owned(), |own| format!("!!{own}"));
    let known = [
        "!vault", "!unsafe", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!binary", "!!set",
        "!!map", "!!seq",
    ];
    let diagnostic = Diagnostic::error(
        "yaml-tag",
        format!("the tag `{shown}` cannot be used on {what}"),
    );
    match crate::diag::nearest_one(&shown, known).filter(|near| *near != shown) {
        Some(near) => diagnostic.at(span, format!("did you mean `{near}`?")),
        None => diagnostic.at(span, ""),
    }
    .help(
        "tags that mean something here: `!vault`, `!unsafe` and YAML's own (`!!str`, `!!int` ...)",
    )
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error(
        "yaml-limit",
        format!("nested deeper than {MAX_DEPTH} levels"),
    )
    .at(span, "too deep here")
}

#[cfg(test)]
mod tests {
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
            text.push_str(&format!(
                "    node{number}:\n      ansible_host: 10.0.0.1\n      text: |\n        a\n"
            ));
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
            text.push_str(&format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{before}"); 10].join(", ")
            ));
        }
        assert!(headline(&text).contains("once the aliases are followed"));
    }

    #[test]
    fn t19_merged_aliases_cannot_multiply_either() {
        let mut text = "a0: &a0 {k: x}\n".to_owned();
        for level in 1..40 {
            let before = level - 1;
            text.push_str(&format!(
                "a{level}: &a{level}\n  <<: [*a{before}, *a{before}]\n"
            ));
        }
        assert!(headline(&text).contains("once the aliases are followed"));
    }

    #[test]
    fn t19_depth_is_bounded() {
        assert!(headline(&"[".repeat(10_000)).contains("nested deeper"));
        let block: String = (0..500)
            .map(|level| format!("{}a:\n", " ".repeat(level)))
            .collect();
        assert!(headline(&block).contains("nested deeper"));
        let mut text = "a0: &a0 [x]\n".to_owned();
        for level in 1..200 {
            text.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
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
