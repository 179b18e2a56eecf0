//! Expressions of the parser's tree as ours, constants read again from the source.

use std::sync::Arc;

use minijinja::machinery::ast;

use super::Converter;
use crate::template::error::TemplateError;
use crate::template::literal::{self, Backslash};
use crate::template::settings::FileSettings;
use crate::template::tree::{
    Argument, Comparison, Conditional, Expression, Filter, Node, Operator, Slice, Spot, Target,
    Test,
};
use crate::value::{Kind, Value};

impl Converter<'_> {
    pub(super) fn name(&self, expression: &ast::Expr<'_>) -> Result<Arc<str>, TemplateError> {
        match expression {
            ast::Expr::Var(var) => Ok(var.id.into()),
            other => Err(self.error("a name is needed here".to_owned(), self.spot(other.span()))),
        }
    }

    pub(super) fn target(&self, expression: &ast::Expr<'_>) -> Result<Target, TemplateError> {
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

    pub(super) fn arguments(
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

    pub(super) fn call(
        &mut self,
        call: &ast::Spanned<ast::Call<'_>>,
    ) -> Result<Expression, TemplateError> {
        let node = Node::Call(
            Box::new(self.expression(&call.expr)?),
            self.arguments(&call.args)?,
        );
        Ok(Expression {
            node,
            spot: self.spot(call.span()),
        })
    }

    pub(super) fn expressions(
        &mut self,
        items: &[ast::Expr<'_>],
    ) -> Result<Vec<Expression>, TemplateError> {
        items.iter().map(|item| self.expression(item)).collect()
    }

    pub(super) fn boxed(
        &mut self,
        expression: &ast::Expr<'_>,
    ) -> Result<Box<Expression>, TemplateError> {
        self.expression(expression).map(Box::new)
    }

    pub(super) fn expression(
        &mut self,
        expression: &ast::Expr<'_>,
    ) -> Result<Expression, TemplateError> {
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
            // `items.0` is an item by its number.
            ast::Expr::GetAttr(node) if node.name.starts_with(|c: char| c.is_ascii_digit()) => {
                let number = literal::number(node.name)
                    .ok_or_else(|| self.error(format!("`{}` is no number", node.name), spot))?;
                let index = Expression {
                    node: Node::Constant(number),
                    spot,
                };
                Node::Item(self.boxed(&node.expr)?, Box::new(index))
            }
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

    pub(super) fn binary(
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
    pub(super) fn constant(
        &self,
        parsed: &minijinja::Value,
        spot: Spot,
    ) -> Result<Node, TemplateError> {
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
