//! Statements of the parser's tree as ours: blocks, loops, macros, includes, and the text between them.

use std::sync::Arc;

use minijinja::machinery::{self, ast};

use super::Converter;
use crate::template::analysis::takes;
use crate::template::error::TemplateError;
use crate::template::tree::{Block, Expression, For, Macro, Node, Statement, Takes};
use crate::value::Value;

impl Converter<'_> {
    pub(super) fn statements(
        &mut self,
        statements: &[ast::Stmt<'_>],
    ) -> Result<Vec<Statement>, TemplateError> {
        statements
            .iter()
            .map(|statement| self.statement(statement))
            .collect()
    }

    pub(super) fn statement(
        &mut self,
        statement: &ast::Stmt<'_>,
    ) -> Result<Statement, TemplateError> {
        Ok(match statement {
            ast::Stmt::Template(node) => Statement::If {
                condition: Expression {
                    node: Node::Constant(Value::from(true)),
                    spot: self.spot(node.span()),
                },
                then: self.statements(&node.children)?,
                otherwise: Vec::new(),
            },
            ast::Stmt::EmitExpr(node) => {
                self.output = true;
                let expression = self.expression(&node.expr);
                self.output = false;
                Statement::Output(expression?)
            }
            ast::Stmt::EmitRaw(node) => Statement::Text(self.raw(node.raw)),
            ast::Stmt::ForLoop(node) => Statement::For(Arc::new(For {
                target: self.target(&node.target)?,
                iterable: self.expression(&node.iter)?,
                condition: node
                    .filter_expr
                    .as_ref()
                    .map(|expr| self.expression(expr))
                    .transpose()?,
                recursive: node.recursive,
                body: self.statements(&node.body)?,
                otherwise: self.statements(&node.else_body)?,
            })),
            ast::Stmt::IfCond(node) => Statement::If {
                condition: self.expression(&node.expr)?,
                then: self.statements(&node.true_body)?,
                otherwise: self.statements(&node.false_body)?,
            },
            ast::Stmt::WithBlock(node) => Statement::With {
                assignments: node
                    .assignments
                    .iter()
                    .map(|(target, value)| Ok((self.target(target)?, self.expression(value)?)))
                    .collect::<Result<_, TemplateError>>()?,
                body: self.statements(&node.body)?,
            },
            ast::Stmt::Set(node) => Statement::Set {
                target: self.target(&node.target)?,
                value: self.expression(&node.expr)?,
            },
            ast::Stmt::SetBlock(node) => Statement::SetBlock {
                target: self.target(&node.target)?,
                filter: node
                    .filter
                    .as_ref()
                    .map(|filter| self.expression(filter))
                    .transpose()?,
                body: self.statements(&node.body)?,
            },
            ast::Stmt::AutoEscape(node) => Statement::AutoEscape {
                enabled: self.expression(&node.enabled)?,
                body: self.statements(&node.body)?,
            },
            ast::Stmt::FilterBlock(node) => Statement::FilterBlock {
                filter: self.expression(&node.filter)?,
                body: self.statements(&node.body)?,
            },
            ast::Stmt::Block(node) => {
                let block = Arc::new(Block {
                    name: node.name.into(),
                    required: node.required,
                    body: self.statements(&node.body)?,
                });
                self.blocks
                    .insert(Arc::clone(&block.name), Arc::clone(&block));
                Statement::Block(block)
            }
            ast::Stmt::Extends(node) => Statement::Extends(self.expression(&node.name)?),
            ast::Stmt::Include(node) => Statement::Include {
                name: self.expression(&node.name)?,
                ignore_missing: node.ignore_missing,
                context: !self.says(node.span(), "without"),
            },
            ast::Stmt::Import(node) => Statement::Import {
                name: self.expression(&node.expr)?,
                alias: self.name(&node.name)?,
                context: self.says(node.span(), "with"),
            },
            ast::Stmt::FromImport(node) => Statement::FromImport {
                name: self.expression(&node.expr)?,
                names: node
                    .names
                    .iter()
                    .map(|(name, alias)| {
                        let name = self.name(name)?;
                        let alias = alias.as_ref().map(|alias| self.name(alias)).transpose()?;
                        Ok((Arc::clone(&name), alias.unwrap_or(name)))
                    })
                    .collect::<Result<_, TemplateError>>()?,
                context: self.says(node.span(), "with"),
            },
            ast::Stmt::Macro(node) => Statement::Macro(self.callable(node)?),
            ast::Stmt::CallBlock(node) => Statement::CallBlock {
                call: self.call(&node.call)?,
                body: self.callable(&node.macro_decl)?,
            },
            ast::Stmt::Continue(_) => Statement::Continue,
            ast::Stmt::Break(_) => Statement::Break,
            ast::Stmt::Do(node) => Statement::Do(self.call(&node.call)?),
        })
    }

    /// Returns text between the tags, with its newlines as Jinja makes them.
    pub(super) fn raw(&self, raw: &str) -> Value {
        let start = (raw.as_ptr() as usize).wrapping_sub(self.base) + self.skip;
        let first = start - self.newline_after_raw(start);
        let text = self
            .source
            .text
            .get(first..start + raw.len())
            .unwrap_or(raw);
        let newline = self.settings.newline_sequence.as_deref();
        if !text.contains('\r') && newline.is_none_or(|newline| newline == "\n") {
            return Value::text(text);
        }
        let plain = text.replace("\r\n", "\n").replace('\r', "\n");
        Value::text(newline.map_or_else(|| plain.clone(), |newline| plain.replace('\n', newline)))
    }

    /// Returns how many bytes the parser took for the newline after `{% raw %}`, which Jinja keeps.
    pub(super) fn newline_after_raw(&self, start: usize) -> usize {
        let before = self.source.text.get(..start).unwrap_or("");
        let tag = before
            .strip_suffix("\r\n")
            .or_else(|| before.strip_suffix('\n'));
        let word = tag
            .and_then(|tag| tag.strip_suffix(&*self.settings.block_end))
            .and_then(|tag| tag.rsplit_once(&*self.settings.block_start))
            .map(|(_, inside)| inside.trim_start_matches(['-', '+']).trim());
        if self.settings.trim_blocks && word == Some("raw") {
            before.len() - tag.map_or(0, str::len)
        } else {
            0
        }
    }

    /// Tells whether a tag ends with `word context`.
    pub(super) fn says(&self, span: machinery::Span, word: &str) -> bool {
        let mut words = self.slice(self.spot(span)).split_whitespace().rev();
        // `ignore missing` may follow the marker or precede it.
        match words.next() {
            Some("context") => words.next() == Some(word),
            Some("missing") => {
                words.next();
                words.next() == Some("context") && words.next() == Some(word)
            }
            _ => false,
        }
    }

    pub(super) fn callable(&mut self, node: &ast::Macro<'_>) -> Result<Arc<Macro>, TemplateError> {
        let plain = node.args.len().saturating_sub(node.defaults.len());
        let parameters = node
            .args
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let default = index
                    .checked_sub(plain)
                    .and_then(|index| node.defaults.get(index));
                Ok((
                    self.name(name)?,
                    default
                        .map(|default| self.expression(default))
                        .transpose()?,
                ))
            })
            .collect::<Result<Vec<_>, TemplateError>>()?;
        let body = self.statements(&node.body)?;
        let takes: Takes = takes(&body);
        Ok(Arc::new(Macro {
            name: node.name.into(),
            parameters,
            body,
            takes,
        }))
    }
}
