//! What a text uses, without evaluating it: variables, filters, tests, lookups, other templates.
//!
//! The static check finds unknown names with it before the first connection, the engine closes a batch's variables under
//! reference, and an expression's effect follows from its lookups and from the variables that reach beyond its host.
//! What cannot be told is said so ([`Uses::dynamic`]); a name that may or may not be a variable counts as one.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::error::TemplateError;
use super::globals::Function;
use super::place::{resolve, within};
use super::settings::FileSettings;
use super::templar::{Passage, Templar};
use super::tree::{
    Argument, Block, Expression, Filter, Macro, Node, Slice, Spot, Statement, Takes, Target,
    Template, Test,
};
use crate::diag::{SourceMap, Span};
use crate::value::{Kind, Value};

/// What one or several texts use.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// The variables with what follows them as far as it is constant (`hostvars['a'].b` is `hostvars`, `a`, `b`), each with
    /// the place where it was met first. Functions of the language are not among them.
    pub names: BTreeMap<Vec<Arc<str>>, Span>,
    /// The filters, as they were written.
    pub filters: BTreeMap<Arc<str>, Span>,
    /// The tests, as they were written.
    pub tests: BTreeMap<Arc<str>, Span>,
    /// The functions of the language that are called, such as `now`.
    pub functions: BTreeMap<Arc<str>, Span>,
    /// The lookups, each use.
    pub lookups: Vec<LookupUse>,
    /// The template files that are included, imported or extended by a constant name.
    pub includes: BTreeMap<Arc<str>, Span>,
    /// It reaches variables, lookups or files whose names only the run can tell.
    pub dynamic: bool,
    /// Texts that cannot be read.
    pub errors: Vec<TemplateError>,
}

/// One use of a lookup.
#[derive(Clone, Debug)]
pub struct LookupUse {
    /// Its name, if that is constant.
    pub name: Option<Arc<str>>,
    /// Its terms, where they are constant.
    pub terms: Vec<Option<Value>>,
    /// Where it stands.
    pub span: Span,
}

impl Uses {
    /// Returns the variables' own names.
    pub fn variables(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.keys().filter_map(|path| path.first())
    }

    /// Adds what another text uses.
    pub fn extend(&mut self, other: Self) {
        for (name, span) in other.names {
            self.names.entry(name).or_insert(span);
        }
        for (into, from) in [
            (&mut self.filters, other.filters),
            (&mut self.tests, other.tests),
            (&mut self.functions, other.functions),
            (&mut self.includes, other.includes),
        ] {
            for (name, span) in from {
                into.entry(name).or_insert(span);
            }
        }
        self.lookups.extend(other.lookups);
        self.dynamic |= other.dynamic;
        self.errors.extend(other.errors);
    }
}

impl Templar {
    /// Returns what the trusted texts in the value use, deep inside too.
    pub fn uses(&self, value: &Value, sources: Option<&SourceMap>) -> Uses {
        let mut uses = Uses::default();
        self.add_value(value, sources, &mut uses);
        uses
    }

    /// Returns what a bare expression uses.
    pub fn uses_of_expression(
        &self,
        text: &str,
        origin: Span,
        sources: Option<&SourceMap>,
    ) -> Uses {
        let mut uses = Uses::default();
        let text: Arc<str> = text.into();
        self.add(
            self.compile(
                Passage {
                    text: &text,
                    origin,
                    sources,
                },
                None,
            ),
            origin,
            sources,
            false,
            &mut uses,
        );
        uses
    }

    /// Returns what a condition uses, as [`Templar::condition`] takes it.
    pub fn uses_of_condition(&self, condition: &Value, sources: Option<&SourceMap>) -> Uses {
        let mut uses = Uses::default();
        match condition.kind() {
            Kind::List(items) | Kind::Tuple(items) => {
                for item in items.iter() {
                    uses.extend(self.uses_of_condition(item, sources));
                }
            }
            Kind::Str(text) if condition.is_trusted() => {
                if FileSettings::default().is_wholly_template(text.trim()) {
                    // Its result is an expression that only the run can tell, if it is text.
                    self.add_value(condition, sources, &mut uses);
                } else if !text.trim().is_empty() {
                    let origin = condition.origin();
                    let compiled = self.compile(
                        Passage {
                            text,
                            origin,
                            sources,
                        },
                        None,
                    );
                    self.add(compiled, origin, sources, true, &mut uses);
                }
            }
            _ => {}
        }
        uses
    }

    /// Returns what the text of a template file uses; what it includes has to be asked for by name.
    pub fn uses_of_file(
        &self,
        text: &str,
        origin: Span,
        settings: &FileSettings,
        sources: Option<&SourceMap>,
    ) -> Uses {
        let mut uses = Uses::default();
        let text: Arc<str> = text.into();
        self.add(
            self.compile(
                Passage {
                    text: &text,
                    origin,
                    sources,
                },
                Some(settings),
            ),
            origin,
            sources,
            false,
            &mut uses,
        );
        uses
    }

    fn add_value(&self, value: &Value, sources: Option<&SourceMap>, uses: &mut Uses) {
        match value.kind() {
            Kind::Str(text) if value.is_trusted() && self.is_template(text) => {
                let origin = value.origin();
                self.add(
                    self.compile_scalar(Passage {
                        text,
                        origin,
                        sources,
                    }),
                    origin,
                    sources,
                    false,
                    uses,
                );
            }
            Kind::List(items) | Kind::Tuple(items) => items
                .iter()
                .for_each(|item| self.add_value(item, sources, uses)),
            Kind::Dict(dict) => dict
                .values()
                .for_each(|item| self.add_value(item, sources, uses)),
            _ => {}
        }
    }

    fn add(
        &self,
        compiled: Result<Arc<Template>, TemplateError>,
        origin: Span,
        sources: Option<&SourceMap>,
        embedded: bool,
        uses: &mut Uses,
    ) {
        match compiled {
            Ok(template) => {
                let mut walk = Walk {
                    templar: self,
                    template: &template,
                    origin,
                    sources,
                    embedded,
                    scopes: Vec::new(),
                    uses,
                };
                walk.scopes.push(HashSet::new());
                walk.statements(&template.body);
            }
            Err(error) => uses.errors.push(error),
        }
    }
}

struct Walk<'a> {
    templar: &'a Templar,
    template: &'a Template,
    origin: Span,
    sources: Option<&'a SourceMap>,
    /// Constants that look like templates are evaluated.
    embedded: bool,
    scopes: Vec<HashSet<Arc<str>>>,
    uses: &'a mut Uses,
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

    fn statements(&mut self, statements: &[Statement]) {
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

/// Returns which of the special names a macro's body uses.
pub(super) fn takes(body: &[Statement]) -> Takes {
    let templar = Templar::new();
    let template = Template {
        text: "".into(),
        settings: Arc::default(),
        body: Vec::new(),
        blocks: indexmap::IndexMap::new(),
    };
    let mut uses = Uses::default();
    let scopes = vec![HashSet::new()];
    let mut walk = Walk {
        templar: &templar,
        template: &template,
        origin: Span::NONE,
        sources: None,
        embedded: false,
        scopes,
        uses: &mut uses,
    };
    walk.statements(body);
    let has = |name: &str| uses.variables().any(|variable| variable.as_ref() == name);
    Takes {
        varargs: has("varargs"),
        kwargs: has("kwargs"),
        caller: has("caller"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Uses {
        Templar::new().uses(&Value::template(text, Span::NONE), None)
    }

    fn names(uses: &Uses) -> Vec<String> {
        uses.names.keys().map(|path| path.join("/")).collect()
    }

    #[test]
    fn names_carry_their_constant_path() {
        let uses = of("{{ hostvars['a'].b[0] ~ x.y[z].w ~ d.items() }}");
        assert_eq!(names(&uses), ["d", "hostvars/a/b/0", "x/y", "z"]);
        assert!(!uses.dynamic);
    }

    #[test]
    fn local_names_are_not_variables() {
        let uses = of(
            "{% set a = b %}{{ a }}{% for i in c if i %}{{ i }}{{ loop.index }}{% endfor %}{% macro m(x, y=e) %}{{ x }}{{ y }}{{ caller() }}{% endmacro %}{{ m(f) }}",
        );
        assert_eq!(names(&uses), ["b", "c", "e", "f"]);
    }

    #[test]
    fn a_name_set_in_one_branch_may_be_a_variable() {
        assert_eq!(
            names(&of("{% if a %}{% set b = 1 %}{% endif %}{{ b }}")),
            ["a", "b"]
        );
        assert_eq!(names(&of("{{ i }}{% for i in [1] %}{% endfor %}")), ["i"]);
    }

    #[test]
    fn filters_and_tests_are_found_through_map_and_select() {
        let uses = of(
            "{{ x | map('upper') | select('odd') | selectattr('a', 'equalto', 1) | list is defined }}",
        );
        let filters: Vec<&str> = uses.filters.keys().map(AsRef::as_ref).collect();
        let tests: Vec<&str> = uses.tests.keys().map(AsRef::as_ref).collect();
        assert_eq!(filters, ["list", "map", "select", "selectattr", "upper"]);
        assert_eq!(tests, ["defined", "equalto", "odd"]);
    }

    #[test]
    fn lookups_tell_their_constant_terms() {
        let uses =
            of("{{ lookup('file', '{{ p }}/x') ~ query('env', 'HOME') ~ lookup('vars', 'v') }}");
        let found: Vec<(Option<&str>, usize)> = uses
            .lookups
            .iter()
            .map(|lookup| {
                (
                    lookup.name.as_deref(),
                    lookup.terms.iter().flatten().count(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [(Some("file"), 0), (Some("env"), 1), (Some("vars"), 1)]
        );
        assert_eq!(names(&uses), ["p", "v"]);
        assert!(!uses.dynamic);
    }

    #[test]
    fn what_only_the_run_can_tell_is_dynamic() {
        for text in [
            "{{ vars[x] }}",
            "{{ vars }}",
            "{{ lookup(x) }}",
            "{{ lookup('vars', x) }}",
            "{% include x %}",
        ] {
            assert!(of(text).dynamic, "{text}");
        }
        assert!(!of("{{ vars['x'] }}{% include 'a' %}").dynamic);
        assert_eq!(names(&of("{{ vars['x'].y }}")), ["vars/x/y", "x/y"]);
    }

    #[test]
    fn untrusted_text_uses_nothing() {
        assert!(
            Templar::new()
                .uses(&Value::text("{{ x }}"), None)
                .names
                .is_empty()
        );
    }

    #[test]
    fn a_text_that_cannot_be_read_is_an_error() {
        assert_eq!(of("{{ 1 + }}").errors.len(), 1);
    }

    #[test]
    fn conditions_look_into_their_constants() {
        let templar = Templar::new();
        let uses = templar.uses_of_condition(&Value::template("'{{ a }}' == b", Span::NONE), None);
        assert_eq!(names(&uses), ["a", "b"]);
    }
}
