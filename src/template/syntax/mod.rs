//! minijinja's parser behind one door: text in, our tree out. No other file knows minijinja.
//!
//! Its grammar is Jinja2's but for a few things, which are put right here: constants are read again from the source (escapes
//! that depend on where a text stands, integers of any size), and `with context` of an include or import, which it skips.
//! `Templar` calls this once per distinct text. Longer than most files: it is one translation, node by node.

mod repair;

use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::machinery::{self, ast};
use minijinja::syntax::SyntaxConfig;

use self::repair::{readable, repaired, repaired_once};
use super::analysis::takes;
use super::error::TemplateError;
use super::guard;
use super::literal::{self, Backslash};
use super::place::{resolve, within};
use super::settings::FileSettings;
use super::tree::{
    Argument, Block, Comparison, Conditional, Expression, Filter, For, Macro, Node, Operator,
    Slice, Spot, Statement, Takes, Target, Template, Test,
};
use crate::diag::{SourceMap, Span};
use crate::value::{Kind, Value};

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

    fn statements(
        &mut self,
        statements: &[ast::Stmt<'_>],
    ) -> Result<Vec<Statement>, TemplateError> {
        statements
            .iter()
            .map(|statement| self.statement(statement))
            .collect()
    }

    fn statement(&mut self, statement: &ast::Stmt<'_>) -> Result<Statement, TemplateError> {
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
    fn raw(&self, raw: &str) -> Value {
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
    fn newline_after_raw(&self, start: usize) -> usize {
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
    fn says(&self, span: machinery::Span, word: &str) -> bool {
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

    fn callable(&mut self, node: &ast::Macro<'_>) -> Result<Arc<Macro>, TemplateError> {
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

    fn name(&self, expression: &ast::Expr<'_>) -> Result<Arc<str>, TemplateError> {
        match expression {
            ast::Expr::Var(var) => Ok(var.id.into()),
            other => Err(self.error("a name is needed here".to_owned(), self.spot(other.span()))),
        }
    }

    fn target(&self, expression: &ast::Expr<'_>) -> Result<Target, TemplateError> {
        Ok(match expression {
            ast::Expr::Var(var) => Target::Name(var.id.into()),
            ast::Expr::GetAttr(attribute) => {
                Target::Attribute(self.name(&attribute.expr)?, attribute.name.into())
            }
            ast::Expr::List(list) => Target::Several(
                list.items
                    .iter()
                    .map(|item| self.target(item))
                    .collect::<Result<_, _>>()?,
            ),
            other => {
                return Err(self.error(
                    "this cannot be assigned to".to_owned(),
                    self.spot(other.span()),
                ));
            }
        })
    }

    fn arguments(
        &mut self,
        arguments: &[ast::CallArg<'_>],
    ) -> Result<Vec<Argument>, TemplateError> {
        arguments
            .iter()
            .map(|argument| {
                Ok(match argument {
                    ast::CallArg::Pos(value) => Argument::Positional(self.expression(value)?),
                    ast::CallArg::Kwarg(name, value) => {
                        Argument::Named((*name).into(), self.expression(value)?)
                    }
                    ast::CallArg::PosSplat(value) => Argument::Positionals(self.expression(value)?),
                    ast::CallArg::KwargSplat(value) => Argument::Nameds(self.expression(value)?),
                })
            })
            .collect()
    }

    fn call(&mut self, call: &ast::Spanned<ast::Call<'_>>) -> Result<Expression, TemplateError> {
        let node = Node::Call(
            Box::new(self.expression(&call.expr)?),
            self.arguments(&call.args)?,
        );
        Ok(Expression {
            node,
            spot: self.spot(call.span()),
        })
    }

    fn expressions(&mut self, items: &[ast::Expr<'_>]) -> Result<Vec<Expression>, TemplateError> {
        items.iter().map(|item| self.expression(item)).collect()
    }

    fn boxed(&mut self, expression: &ast::Expr<'_>) -> Result<Box<Expression>, TemplateError> {
        self.expression(expression).map(Box::new)
    }

    fn expression(&mut self, expression: &ast::Expr<'_>) -> Result<Expression, TemplateError> {
        let spot = self.spot(expression.span());
        let node = match expression {
            ast::Expr::Var(node) => Node::Variable(node.id.into()),
            ast::Expr::Const(node) => self.constant(&node.value, spot)?,
            ast::Expr::Slice(node) => {
                let mut part = |part: &Option<ast::Expr<'_>>| {
                    part.as_ref().map(|part| self.expression(part)).transpose()
                };
                let (start, stop, step) =
                    (part(&node.start)?, part(&node.stop)?, part(&node.step)?);
                Node::Slice(Box::new(Slice {
                    value: self.expression(&node.expr)?,
                    start,
                    stop,
                    step,
                }))
            }
            ast::Expr::UnaryOp(node) => {
                let value = self.boxed(&node.expr)?;
                match node.op {
                    ast::UnaryOpKind::Not => Node::Not(value),
                    ast::UnaryOpKind::Neg => Node::Negative(value),
                }
            }
            ast::Expr::BinOp(node) => self.binary(node.op, &node.left, &node.right)?,
            ast::Expr::Compare(node) => {
                let first = self.boxed(&node.expr)?;
                let rest = node
                    .ops
                    .iter()
                    .map(|operation| {
                        Ok((comparison(operation.op), self.expression(&operation.expr)?))
                    })
                    .collect::<Result<_, TemplateError>>()?;
                Node::Compare(first, rest)
            }
            ast::Expr::IfExpr(node) => Node::Conditional(Box::new(Conditional {
                condition: self.expression(&node.test_expr)?,
                then: self.expression(&node.true_expr)?,
                otherwise: node
                    .false_expr
                    .as_ref()
                    .map(|otherwise| self.expression(otherwise))
                    .transpose()?,
            })),
            ast::Expr::Filter(node) => Node::Filter(Box::new(Filter {
                name: dotted(node.name),
                value: node
                    .expr
                    .as_ref()
                    .map(|value| self.expression(value))
                    .transpose()?,
                arguments: self.arguments(&node.args)?,
            })),
            ast::Expr::Test(node) => Node::Test(Box::new(Test {
                name: dotted(node.name),
                value: self.expression(&node.expr)?,
                arguments: self.arguments(&node.args)?,
            })),
            ast::Expr::GetAttr(node) => Node::Attribute(self.boxed(&node.expr)?, node.name.into()),
            ast::Expr::GetItem(node) => {
                Node::Item(self.boxed(&node.expr)?, self.boxed(&node.subscript_expr)?)
            }
            ast::Expr::Call(node) => return self.call(node),
            ast::Expr::List(node) => Node::List(self.expressions(&node.items)?),
            ast::Expr::Tuple(node) => Node::Tuple(self.expressions(&node.items)?),
            ast::Expr::Map(node) => {
                let keys = self.expressions(&node.keys)?;
                let values = self.expressions(&node.values)?;
                Node::Dict(keys.into_iter().zip(values).collect())
            }
        };
        Ok(Expression { node, spot })
    }

    fn binary(
        &mut self,
        operator: ast::BinOpKind,
        left: &ast::Expr<'_>,
        right: &ast::Expr<'_>,
    ) -> Result<Node, TemplateError> {
        let (left, right) = (self.boxed(left)?, self.boxed(right)?);
        let operator = match operator {
            ast::BinOpKind::ScAnd => return Ok(Node::And(left, right)),
            ast::BinOpKind::ScOr => return Ok(Node::Or(left, right)),
            ast::BinOpKind::Eq => {
                return Ok(Node::Compare(left, vec![(Comparison::Equal, *right)]));
            }
            ast::BinOpKind::Ne => {
                return Ok(Node::Compare(left, vec![(Comparison::NotEqual, *right)]));
            }
            ast::BinOpKind::Lt => return Ok(Node::Compare(left, vec![(Comparison::Less, *right)])),
            ast::BinOpKind::Lte => {
                return Ok(Node::Compare(left, vec![(Comparison::LessOrEqual, *right)]));
            }
            ast::BinOpKind::Gt => {
                return Ok(Node::Compare(left, vec![(Comparison::Greater, *right)]));
            }
            ast::BinOpKind::Gte => {
                return Ok(Node::Compare(
                    left,
                    vec![(Comparison::GreaterOrEqual, *right)],
                ));
            }
            ast::BinOpKind::In => return Ok(Node::Compare(left, vec![(Comparison::In, *right)])),
            ast::BinOpKind::Add => Operator::Add,
            ast::BinOpKind::Sub => Operator::Subtract,
            ast::BinOpKind::Mul => Operator::Multiply,
            ast::BinOpKind::Div => Operator::Divide,
            ast::BinOpKind::FloorDiv => Operator::FloorDivide,
            ast::BinOpKind::Rem => Operator::Remainder,
            ast::BinOpKind::Pow => Operator::Power,
            ast::BinOpKind::Concat => Operator::Concatenate,
        };
        Ok(Node::Binary(operator, left, right))
    }

    /// Returns the constant as its source says, where the parser's own reading differs from Jinja's.
    fn constant(&self, parsed: &minijinja::Value, spot: Spot) -> Result<Node, TemplateError> {
        let source = self.slice(spot).trim_start();
        let backslash = if self.output {
            self.backslash
        } else {
            Backslash::Escape
        };
        if source.starts_with(['\'', '"']) {
            let text = literal::text(source, backslash).unwrap_or_else(|| parsed.to_string());
            return Ok(if FileSettings::default().is_template(&text) {
                Node::Embedded(text.into())
            } else {
                Node::Constant(Value::text(text))
            });
        }
        if source
            .split_once('.')
            .is_some_and(|(_, fraction)| !fraction.starts_with(|c: char| c.is_ascii_digit()))
        {
            return Err(self.error("a number needs a digit after its `.`".to_owned(), spot));
        }
        Ok(Node::Constant(match source {
            "true" | "True" => Value::from(true),
            "false" | "False" => Value::from(false),
            "none" | "None" => Value::NULL,
            _ => literal::number(source)
                .or_else(|| parsed.as_i64().map(Value::from))
                .unwrap_or_else(|| Value::new(Kind::Str(parsed.to_string().into()))),
        }))
    }
}

/// Returns a filter's or test's name without the spaces that may stand around its dots.
fn dotted(name: &str) -> Arc<str> {
    if name.contains(char::is_whitespace) {
        name.split_whitespace().collect::<String>().into()
    } else {
        name.into()
    }
}

fn comparison(operator: ast::CompareOpKind) -> Comparison {
    match operator {
        ast::CompareOpKind::Eq => Comparison::Equal,
        ast::CompareOpKind::Ne => Comparison::NotEqual,
        ast::CompareOpKind::Lt => Comparison::Less,
        ast::CompareOpKind::Lte => Comparison::LessOrEqual,
        ast::CompareOpKind::Gt => Comparison::Greater,
        ast::CompareOpKind::Gte => Comparison::GreaterOrEqual,
        ast::CompareOpKind::In => Comparison::In,
        ast::CompareOpKind::NotIn => Comparison::NotIn,
    }
}
