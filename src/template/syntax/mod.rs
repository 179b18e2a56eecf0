//! minijinja's parser behind one door: text in, our tree out. No other file knows minijinja.
//!
//! Its grammar is Jinja2's but for a few things, which are put right here: constants are read again from the source (escapes
//! that depend on where a text stands, integers of any size), and `with context` of an include or import, which it skips.
//! `Templar` calls this once per distinct text.

mod expressions;
mod repair;
mod statements;

use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::machinery::{self, ast};
use minijinja::syntax::SyntaxConfig;

use self::repair::{readable, repaired, repaired_once};
use super::error::TemplateError;
use super::guard;
use super::literal::Backslash;
use super::place::{resolve, within};
use super::settings::FileSettings;
use super::tree::{Block, Spot, Statement, Template};
use crate::diag::{SourceMap, Span};

/// A text to be parsed.
pub(super) struct Source<'a> {
    /// The text.
    pub(super) text: &'a Arc<str>,
    /// Where it was written.
    pub(super) origin: Span,
    /// The texts of the run, where they are at hand.
    pub(super) sources: Option<&'a SourceMap>,
}

/// Parses a template. The first `skip` bytes are a header.
pub(super) fn template(
    source: &Source<'_>,
    settings: &FileSettings,
    skip: usize,
    backslash: Backslash,
) -> Result<Template, TemplateError> {
    let body = source.text.get(skip..).unwrap_or("");
    let mut converter = Converter::new(source, skip, backslash, settings);
    if let Some(offset) = guard::template(body, settings) {
        return Err(converter.too_deep(offset));
    }
    let syntax = syntax_config(settings).map_err(|error| converter.syntax_error(&error))?;
    let readable = readable(body, settings);
    let mut text = readable.as_deref().unwrap_or(body);
    let mut parsed = machinery::parse(text, "template", syntax.clone());
    let better;
    if let Err(error) = &parsed
        && let Some(found) = repaired(text, error, &syntax, settings)
    {
        better = found;
        text = &better;
        parsed = machinery::parse(text, "template", syntax);
    }
    let parsed = parsed.map_err(|error| converter.syntax_error(&error))?;
    converter.base = text.as_ptr() as usize;
    let statements = match &parsed {
        ast::Stmt::Template(template) => converter.statements(&template.children)?,
        other => vec![converter.statement(other)?],
    };
    Ok(Template {
        text: Arc::clone(source.text),
        settings: Arc::new(settings.clone()),
        body: statements,
        blocks: converter.blocks,
    })
}

/// Parses an expression, as `when` and `until` hold one.
pub(super) fn expression(source: &Source<'_>) -> Result<Template, TemplateError> {
    let settings = FileSettings::default();
    let readable = readable(source.text, &settings);
    let mut converter = Converter::new(source, 0, Backslash::Escape, &settings);
    if let Some(offset) = guard::expression(source.text) {
        return Err(converter.too_deep(offset));
    }
    let mut text = readable.unwrap_or_else(|| source.text.to_string());
    while let Err(error) = machinery::parse_expr(&text) {
        text = repaired_once(&text, &error, &settings)
            .ok_or_else(|| converter.syntax_error(&error))?;
    }
    let parsed = machinery::parse_expr(&text).map_err(|error| converter.syntax_error(&error))?;
    let body = vec![Statement::Output(converter.expression(&parsed)?)];
    Ok(Template {
        text: Arc::clone(source.text),
        settings: Arc::new(settings.clone()),
        body,
        blocks: converter.blocks,
    })
}

fn syntax_config(settings: &FileSettings) -> Result<SyntaxConfig, minijinja::Error> {
    SyntaxConfig::builder()
        .block_delimiters(settings.block_start.clone(), settings.block_end.clone())
        .variable_delimiters(
            settings.variable_start.clone(),
            settings.variable_end.clone(),
        )
        .comment_delimiters(settings.comment_start.clone(), settings.comment_end.clone())
        .line_statement_prefix(settings.line_statement_prefix.clone())
        .line_comment_prefix(settings.line_comment_prefix.clone())
        .trim_blocks(settings.trim_blocks)
        .lstrip_blocks(settings.lstrip_blocks)
        .keep_trailing_newline(settings.keep_trailing_newline)
        .build()
}

struct Converter<'a> {
    source: &'a Source<'a>,
    skip: usize,
    backslash: Backslash,
    settings: &'a FileSettings,
    /// Where the parsed text lies in memory, to find a slice's offset in it.
    base: usize,
    /// Whether an expression stands in `{{ }}`.
    output: bool,
    blocks: IndexMap<Arc<str>, Arc<Block>>,
}

impl<'a> Converter<'a> {
    fn new(
        source: &'a Source<'a>,
        skip: usize,
        backslash: Backslash,
        settings: &'a FileSettings,
    ) -> Self {
        Self {
            source,
            skip,
            backslash,
            settings,
            base: 0,
            output: false,
            blocks: IndexMap::new(),
        }
    }

    fn spot(&self, span: machinery::Span) -> Spot {
        let skip = u32::try_from(self.skip).unwrap_or(0);
        Spot {
            start: span.start_offset + skip,
            end: span.end_offset + skip,
        }
    }

    fn slice(&self, spot: Spot) -> &'a str {
        self.source
            .text
            .get(spot.start as usize..spot.end as usize)
            .unwrap_or("")
    }

    fn error(&self, message: String, spot: Spot) -> TemplateError {
        let origin = self.source.origin;
        let span = match self.source.sources {
            Some(sources) if origin.is_some() => {
                resolve(sources, origin, within(self.source.text, spot))
            }
            _ => origin,
        };
        TemplateError::Syntax { message, span }
    }

    fn too_deep(&self, offset: usize) -> TemplateError {
        let start = u32::try_from(offset + self.skip).unwrap_or(0);
        self.error(
            "the expression nests too deep".to_owned(),
            Spot {
                start,
                end: start + 1,
            },
        )
    }

    fn syntax_error(&self, error: &minijinja::Error) -> TemplateError {
        let range = error.range().unwrap_or_else(|| {
            // Only the line is known: point at its first character that is not a space.
            let body = self.source.text.get(self.skip..).unwrap_or("");
            let line = error.line().unwrap_or(1).saturating_sub(1);
            let start: usize = body.split_inclusive('\n').take(line).map(str::len).sum();
            let text = body.get(start..).unwrap_or("").lines().next().unwrap_or("");
            start + text.len() - text.trim_start().len()..start + text.len()
        });
        let start = u32::try_from(range.start + self.skip).unwrap_or(0);
        let end = u32::try_from(range.end + self.skip).unwrap_or(0);
        let message = error
            .detail()
            .unwrap_or("the template cannot be read")
            .to_owned();
        self.error(message, Spot { start, end })
    }
}
