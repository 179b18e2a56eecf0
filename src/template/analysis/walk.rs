//! The walk through a template's tree: names that are bound on the way, and what is used of those that are not.

use std::collections::HashSet;
use std::sync::Arc;

use super::{LookupUse, Uses};
use crate::diag::{SourceMap, Span};
use crate::template::globals::Function;
use crate::template::place::{resolve, within};
use crate::template::templar::{Passage, Templar};
use crate::template::tree::{
    Argument, Block, Expression, Filter, Macro, Node, Slice, Spot, Statement, Target, Template,
    Test,
};
use crate::value::Value;

/// One walk through a template.
pub(super) struct Walk<'a> {
    pub(super) templar: &'a Templar,
    pub(super) template: &'a Template,
    pub(super) origin: Span,
    pub(super) sources: Option<&'a SourceMap>,
    /// Constants that look like templates are evaluated.
    pub(super) embedded: bool,
    pub(super) scopes: Vec<HashSet<Arc<str>>>,
    pub(super) uses: &'a mut Uses,
}

impl Walk<'_> {
    fn span(&self, spot: Spot) -> Span {
        match self.sources {
            Some(sources) if self.origin.is_some() => {
                resolve(sources, self.origin, within(&self.template.text, spot))
            }
            _ => self.origin,
        }
    }

    fn bind(&mut self, name: &Arc<str>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(Arc::clone(name));
        }
    }

    fn bind_target(&mut self, target: &Target) {
        let mut names = Vec::new();
        target.names(&mut |name| names.push(Arc::clone(name)));
        for name in &names {
            self.bind(name);
        }
    }

    fn bound(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains(name))
    }

    fn inside(&mut self, names: &[&str], work: impl FnOnce(&mut Self)) {
        self.scopes
            .push(names.iter().map(|name| Arc::from(*name)).collect());
        work(self);
        self.scopes.pop();
    }

    pub(super) fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Text(_) | Statement::Break | Statement::Continue => {}
            Statement::Output(value) | Statement::Do(value) => self.expression(value),
            Statement::For(code) => {
                self.expression(&code.iterable);
                self.inside(&["loop"], |walk| {
                    walk.bind_target(&code.target);
                    walk.expressions(&code.condition);
                    walk.statements(&code.body);
                });
                self.inside(&[], |walk| walk.statements(&code.otherwise));
            }
            Statement::If {
                condition,
                then,
                otherwise,
            } => {
                self.expression(condition);
                // What one branch sets may still be a variable where the other is taken.
                self.inside(&[], |walk| walk.statements(then));
                self.inside(&[], |walk| walk.statements(otherwise));
            }
            Statement::With { assignments, body } => self.inside(&[], |walk| {
                for (target, value) in assignments {
                    walk.expression(value);
                    walk.bind_target(target);
                }
                walk.statements(body);
            }),
            Statement::Set { target, value } => {
                self.expression(value);
                self.bind_target(target);
            }
            Statement::SetBlock {
                target,
                filter,
                body,
            } => {
                self.inside(&[], |walk| walk.statements(body));
                self.expressions(filter);
                self.bind_target(target);
            }
            Statement::FilterBlock { filter, body } => {
                self.expression(filter);
                self.inside(&[], |walk| walk.statements(body));
            }
            Statement::AutoEscape { enabled, body } => {
                self.expression(enabled);
                self.inside(&[], |walk| walk.statements(body));
            }
            Statement::Block(block) => self.block(block),
            Statement::Extends(name) | Statement::Include { name, .. } => self.file(name),
            Statement::Import { name, alias, .. } => {
                self.file(name);
                self.bind(alias);
            }
            Statement::FromImport { name, names, .. } => {
                self.file(name);
                for (_, alias) in names {
                    self.bind(alias);
                }
            }
            Statement::Macro(code) => {
                self.bind(&code.name);
                self.callable(code);
            }
            Statement::CallBlock { call, body } => {
                self.expression(call);
                self.callable(body);
            }
        }
    }

    fn block(&mut self, block: &Block) {
        self.inside(&["super"], |walk| walk.statements(&block.body));
    }

    fn callable(&mut self, code: &Macro) {
        self.inside(&["varargs", "kwargs", "caller"], |walk| {
            for (name, default) in &code.parameters {
                walk.expressions(default);
                walk.bind(name);
            }
            walk.statements(&code.body);
        });
    }

    /// Notes a template file that is named; several are candidates for one.
    fn file(&mut self, name: &Expression) {
        match &name.node {
            Node::Constant(value) => match value.as_str() {
                Some(text) => {
                    let span = self.span(name.spot);
                    self.uses.includes.entry(text.into()).or_insert(span);
                }
                None => self.uses.dynamic = true,
            },
            Node::List(items) | Node::Tuple(items) => {
                for item in items {
                    self.file(item);
                }
            }
            _ => {
                self.uses.dynamic = true;
                self.expression(name);
            }
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match &expression.node {
            Node::Constant(_) => {}
            Node::Embedded(text) => {
                if self.embedded {
                    self.embedded_text(text);
                }
            }
            Node::Variable(_) | Node::Attribute(..) | Node::Item(..) => self.path(expression),
            Node::List(items) | Node::Tuple(items) => self.expressions(items),
            Node::Dict(pairs) => {
                for (key, value) in pairs {
                    self.expression(key);
                    self.expression(value);
                }
            }
            Node::Slice(slice) => {
                let Slice {
                    value,
                    start,
                    stop,
                    step,
                } = slice.as_ref();
                self.expression(value);
                self.expressions([start, stop, step].into_iter().flatten());
            }
            Node::Call(callee, arguments) => self.call(callee, arguments, expression.spot),
            Node::Filter(filter) => self.filter(filter, expression.spot),
            Node::Test(test) => self.test(test, expression.spot),
            Node::Not(value) | Node::Negative(value) => self.expression(value),
            Node::And(left, right) | Node::Or(left, right) | Node::Binary(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Node::Compare(first, rest) => {
                self.expression(first);
                self.expressions(rest.iter().map(|(_, value)| value));
            }
            Node::Conditional(conditional) => {
                self.expression(&conditional.condition);
                self.expression(&conditional.then);
                self.expressions(&conditional.otherwise);
            }
        }
    }

    /// Walks `name.attribute['item']` and notes the variable with as much of the path as is constant.
    fn path(&mut self, expression: &Expression) {
        let mut steps = Vec::new();
        let mut node = expression;
        loop {
            match &node.node {
                Node::Attribute(base, name) => {
                    steps.push(Some(Arc::clone(name)));
                    node = base;
                }
                Node::Item(base, index) => {
                    steps.push(if let Node::Constant(value) = &index.node {
                        Some(Arc::from(value.to_text()))
                    } else {
                        self.expression(index);
                        None
                    });
                    node = base;
                }
                Node::Variable(name) => {
                    if !self.bound(name) {
                        let constant = steps.into_iter().rev().map_while(|step| step);
                        let path: Vec<Arc<str>> =
                            std::iter::once(Arc::clone(name)).chain(constant).collect();
                        self.name(path, expression.spot);
                    }
                    return;
                }
                _ => return self.expression(node),
            }
        }
    }

    fn name(&mut self, path: Vec<Arc<str>>, spot: Spot) {
        let Some(first) = path.first() else {
            return;
        };
        let span = self.span(spot);
        if Function::named(first).is_some() {
            self.uses.functions.entry(Arc::clone(first)).or_insert(span);
            return;
        }
        match (first.as_ref(), path.get(1)) {
            ("self" | "super", _) => return,
            ("vars", None) => self.uses.dynamic = true,
            ("vars", Some(_)) => {
                // `vars['a'].b` is `a.b`.
                let rest: Vec<Arc<str>> = path.iter().skip(1).cloned().collect();
                self.uses.names.entry(rest).or_insert(span);
            }
            _ => {}
        }
        self.uses.names.entry(path).or_insert(span);
    }

    fn arguments(&mut self, arguments: &[Argument]) {
        self.expressions(arguments.iter().map(Argument::expression));
    }

    fn expressions<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Expression>) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn call(&mut self, callee: &Expression, arguments: &[Argument], spot: Spot) {
        let function = match &callee.node {
            Node::Variable(name) if !self.bound(name) => Function::named(name),
            _ => None,
        };
        if matches!(function, Some(Function::Lookup | Function::Query)) {
            self.expression(callee);
            self.lookup(arguments, spot);
            return;
        }
        // A method is not part of the variable's path.
        match &callee.node {
            Node::Attribute(base, _) => self.expression(base),
            _ => self.expression(callee),
        }
        self.arguments(arguments);
    }

    fn lookup(&mut self, arguments: &[Argument], spot: Spot) {
        let positional: Vec<&Expression> = arguments
            .iter()
            .filter_map(|argument| match argument {
                Argument::Positional(value) => Some(value),
                _ => None,
            })
            .collect();
        let name = positional.first().and_then(|name| match &name.node {
            Node::Constant(value) => value.as_str().map(Arc::from),
            _ => None,
        });
        let terms: Vec<Option<Value>> = positional
            .iter()
            .skip(1)
            .map(|term| match &term.node {
                Node::Constant(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        let base = name
            .as_ref()
            .map(|name: &Arc<str>| name.rsplit('.').next().unwrap_or(name));
        match base {
            None | Some("varnames") => self.uses.dynamic = true,
            Some("vars") => {
                for term in &terms {
                    match term.as_ref().and_then(Value::as_str) {
                        Some(variable) => {
                            let span = self.span(spot);
                            self.uses.names.entry(vec![variable.into()]).or_insert(span);
                        }
                        None => self.uses.dynamic = true,
                    }
                }
                self.uses.dynamic |= arguments
                    .iter()
                    .any(|argument| matches!(argument, Argument::Positionals(_)));
            }
            Some(_) => {}
        }
        let span = self.span(spot);
        self.uses.lookups.push(LookupUse { name, terms, span });
        let embedded = std::mem::replace(&mut self.embedded, true);
        self.arguments(arguments);
        self.embedded = embedded;
    }

    fn filter(&mut self, filter: &Filter, spot: Spot) {
        let span = self.span(spot);
        self.uses
            .filters
            .entry(Arc::clone(&filter.name))
            .or_insert(span);
        self.expressions(&filter.value);
        // `map('upper')`, `select('defined')`, `selectattr('x', 'equalto', 1)` name others.
        let named = |index: usize| match filter.arguments.get(index) {
            Some(Argument::Positional(Expression {
                node: Node::Constant(value),
                ..
            })) => value.as_str().map(Arc::from),
            _ => None,
        };
        match filter.name.rsplit('.').next().unwrap_or("") {
            "map" => {
                if let Some(name) = named(0) {
                    self.uses.filters.entry(name).or_insert(span);
                }
            }
            kind @ ("select" | "reject" | "selectattr" | "rejectattr") => {
                if let Some(name) = named(usize::from(kind.ends_with("attr"))) {
                    self.uses.tests.entry(name).or_insert(span);
                }
            }
            _ => {}
        }
        self.arguments(&filter.arguments);
    }

    fn test(&mut self, test: &Test, spot: Spot) {
        let span = self.span(spot);
        self.uses
            .tests
            .entry(Arc::clone(&test.name))
            .or_insert(span);
        self.expression(&test.value);
        self.arguments(&test.arguments);
    }

    /// Walks a constant that is evaluated as a template of its own.
    fn embedded_text(&mut self, text: &Arc<str>) {
        let compiled = self.templar.compile_scalar(Passage {
            text,
            origin: self.origin,
            sources: self.sources,
        });
        self.templar
            .add(compiled, self.origin, self.sources, false, self.uses);
    }
}
