//! Events into nodes: one document, aliases bounded, merge keys joined, tags done, duplicates noticed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::explain;
use super::load::{DuplicateKeys, LoadOptions};
use super::node::{Node, NodeKind, Scalar, Style, Tag};
use super::position::Lines;
use super::scalar::{is_merge, resolve_plain, resolve_tagged};
use crate::diag::{Diagnostic, FileId, Span};
use crate::value::{Key, Kind, Value};

/// How deep lists and mappings may nest, so that nobody who walks them runs out of stack.
pub(super) const MAX_DEPTH: usize = 128;
/// How many nodes a document may have after its aliases are followed.
const MAX_NODES: usize = 4_000_000;
/// How many bytes are read for one document, all attempts together.
const MAX_WORK: usize = 256 << 20;
/// How far a line is moved to the right, when it must be: further than anything is indented.
const PADDING: usize = 512;

/// Returns the tree of the one document in `text` with what is odd about it, or all that is wrong.
pub(super) fn build(
    file: FileId,
    text: &str,
    options: LoadOptions,
) -> Result<(Node, Vec<Diagnostic>), Vec<Diagnostic>> {
    // PyYAML lets lines inside of quotes and brackets stand as far left as they like, this parser does not: such lines are
    // moved to the right and read again, and every mark is moved back.
    let mut padded = BTreeSet::new();
    let mut work = 0usize;
    let loader = loop {
        let mut loader = Loader::new(file, text, options);
        let result = loader.run(&padded);
        work = work.saturating_add(text.len());
        let known = padded.len();
        padded.append(&mut loader.shallow);
        if padded.len() > known && work < MAX_WORK {
            continue;
        }
        if let Err(diagnostic) = result {
            loader.errors.push(*diagnostic);
        }
        break loader;
    };
    if !loader.errors.is_empty() {
        return Err(loader.errors);
    }
    let root = loader
        .root
        .map_or_else(|| Node::null(Span::new(file, 1, 1, 0)), |built| built.node);
    Ok((root, loader.warnings))
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
    lines: Lines<'a>,
    options: LoadOptions,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Built>,
    /// Anchors of what is not finished.
    open: HashSet<usize>,
    nodes: usize,
    root: Option<Built>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// Lines inside of quotes or brackets that stand too far left for the parser.
    shallow: BTreeSet<usize>,
}

type Step = Result<(), Box<Diagnostic>>;

impl<'a> Loader<'a> {
    fn new(file: FileId, text: &'a str, options: LoadOptions) -> Self {
        Self {
            lines: Lines::new(file, text),
            options,
            stack: Vec::new(),
            anchors: HashMap::new(),
            open: HashSet::new(),
            nodes: 0,
            root: None,
            errors: Vec::new(),
            warnings: Vec::new(),
            shallow: BTreeSet::new(),
        }
    }

    fn run(&mut self, padded: &BTreeSet<usize>) -> Step {
        // With a line break at the end the parser's block scalars are plain; `scalar` takes it off again.
        let mut whole = String::with_capacity(self.lines.text.len() + 1);
        for (line, number) in self.lines.text.split_inclusive('\n').zip(1usize..) {
            if padded.contains(&number) {
                whole.extend(std::iter::repeat_n(' ', PADDING));
            }
            whole.push_str(line);
        }
        if !whole.ends_with('\n') {
            whole.push('\n');
        }
        let back = |marker: Marker| {
            let padding = if padded.contains(&marker.line()) {
                PADDING
            } else {
                0
            };
            Marker::new(
                marker.index(),
                marker.line(),
                marker.col().saturating_sub(padding),
            )
        };
        let mut parser = Parser::new_from_str(&whole);
        let mut documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, place) =
                event.map_err(|error| Box::new(self.explain(&error, back(*error.marker()))))?;
            let place = saphyr_parser::Span::new(back(place.start), back(place.end));
            match event {
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        let span = self.lines.span(place.start, 3);
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
                    self.open(
                        true,
                        anchor,
                        tag.map(|tag| tag_name(&tag)).as_deref(),
                        place.start,
                    )?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.open(
                        false,
                        anchor,
                        tag.map(|tag| tag_name(&tag)).as_deref(),
                        place.start,
                    )?;
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

    fn explain(&mut self, error: &ScanError, marker: Marker) -> Diagnostic {
        if error.info() == "invalid indentation" {
            self.shallow.insert(marker.line());
        } else if error.info().contains("indentation in quoted") {
            self.shallow.extend(self.lines.quoted_lines(marker));
        }
        if error.info().contains("recursion limit") {
            return too_deep(self.lines.span(marker, 1));
        }
        explain::explain(
            self.lines.text,
            self.lines.file,
            marker.line(),
            marker.col() + 1,
            error.info(),
        )
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
        let span = self.lines.span(start, 1);
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
        let span = self.lines.scalar_span(place, block.then_some(text), tagged);
        let text = if block {
            self.lines.without_added_break(text, place.end.line())
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
            None | Some("") => resolve_plain(&text),
            // Ansible resolves what is inside again as if it were plain, quotes or not.
            Some("!unsafe") => {
                node_tag = Tag::Unsafe;
                resolve_plain(&text)
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

    fn open(&mut self, sequence: bool, anchor: usize, tag: Option<&str>, start: Marker) -> Step {
        let span = self.lines.span(start, 1);
        let own = tag.map(|name| name.strip_prefix(YAML_TAG).unwrap_or(name));
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
                return Err(Box::new(unknown_tag(tag.unwrap_or_default(), span, what)));
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
        if explain::is_template_start(self.lines.text, key.span) {
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
            self.errors.push(diagnostic);
        } else {
            self.warnings.push(diagnostic);
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
        Tag::None | Tag::Unsafe | Tag::Secret | Tag::Set | Tag::Pairs => {
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
