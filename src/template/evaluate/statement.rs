//! Statements: loops, blocks, macros, includes, and what they put out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::object::{Closure, Loop, Module, Object, Operand, Scope};
use super::{Blocks, Evaluator, Frame, Output, deeper, missing, placed};
use crate::diag::Span;
use crate::template::context::FileKind;
use crate::template::error::TemplateError;
use crate::template::operators::{self, defined, marked};
use crate::template::templar::Passage;
use crate::template::tree::{Block, Expression, For, Macro, Node, Statement, Target, Template};
use crate::value::{Kind, Value};

/// How statements ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl Evaluator<'_> {
    /// Runs a template with its blocks and those that it extends.
    pub(super) fn run_into(&self, frame: &Frame, output: &mut Output) -> Result<(), TemplateError> {
        let mut frame = frame.clone();
        let blocks = frame.blocks.get_or_insert_default();
        blocks.add(&frame.template, frame.origin);
        for (index, statement) in frame.template.body.iter().enumerate() {
            self.statement(&frame, statement, output)?;
            let Statement::Extends(name) = statement else {
                continue;
            };
            let name = self.value(&frame, name)?;
            let (template, origin, secret) = self
                .load(&frame, &name)?
                .ok_or_else(|| no_parent(&frame, statement, &name))?;
            // What follows only sets names and defines macros.
            let mut unseen = Output::default();
            for statement in frame.template.body.iter().skip(index + 1) {
                if !matches!(
                    statement,
                    Statement::Block(_) | Statement::Text(_) | Statement::Output(_)
                ) {
                    self.statement(&frame, statement, &mut unseen)?;
                }
            }
            let parent = Frame {
                template,
                origin,
                ..frame.clone()
            };
            let mut inherited = Output::default();
            deeper(|| self.run_into(&parent, &mut inherited))?;
            inherited
                .nodes
                .into_iter()
                .for_each(|node| output.push(marked(node, secret)));
            return Ok(());
        }
        Ok(())
    }

    pub(super) fn statements(
        &self,
        frame: &Frame,
        statements: &[Statement],
        output: &mut Output,
    ) -> Result<Flow, TemplateError> {
        for statement in statements {
            let flow = self.statement(frame, statement, output)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn statement(
        &self,
        frame: &Frame,
        statement: &Statement,
        output: &mut Output,
    ) -> Result<Flow, TemplateError> {
        match statement {
            Statement::Text(text) => output.push(text.clone()),
            Statement::Output(expression) => output.push(self.value(frame, expression)?),
            Statement::If {
                condition,
                then,
                otherwise,
            } => {
                let body = if self.truth(frame, condition)? {
                    then
                } else {
                    otherwise
                };
                return deeper(|| self.statements(frame, body, output));
            }
            Statement::For(code) => {
                let items = self.value(frame, &code.iterable)?;
                let around = Rc::new(frame.clone());
                deeper(|| self.for_loop(&around, code, &items, 1, output))
                    .map_err(|error| placed(frame, code.iterable.spot, error))?;
            }
            Statement::With { assignments, body } => {
                let inner = frame.inner();
                for (target, value) in assignments {
                    let value = self.operand(frame, value)?;
                    self.assign(&inner, target, value)?;
                }
                return deeper(|| self.statements(&inner, body, output));
            }
            Statement::Set { target, value } => {
                let operand = self.operand(frame, value)?;
                self.assign(frame, target, operand)
                    .map_err(|error| placed(frame, value.spot, error))?;
            }
            Statement::SetBlock {
                target,
                filter,
                body,
            } => {
                let value = self.captured(frame, body, filter.as_ref())?;
                self.assign(frame, target, value.into())?;
            }
            Statement::FilterBlock { filter, body } => {
                output.push(self.captured(frame, body, Some(filter))?);
            }
            Statement::AutoEscape { enabled, body } => {
                // Native results are never escaped, here as in ansible-core.
                self.truth(frame, enabled)?;
                let inner = frame.inner();
                return deeper(|| self.statements(&inner, body, output));
            }
            Statement::Block(block) => output.push(self.block_at(frame, &block.name, 0)?),
            Statement::Extends(_) => {}
            Statement::Include {
                name,
                ignore_missing,
                context,
            } => {
                self.include(frame, name, *ignore_missing, *context, output)?;
            }
            Statement::Import {
                name,
                alias,
                context,
            } => {
                let module = self.import(frame, name, *context)?;
                frame
                    .scope
                    .set(alias, Operand::Object(Object::Module(Rc::new(module))));
            }
            Statement::FromImport {
                name,
                names,
                context,
            } => {
                let module = self.import(frame, name, *context)?;
                for (wanted, alias) in names {
                    let operand = module.scope.own(wanted).unwrap_or_else(|| {
                        missing(
                            frame,
                            name.spot,
                            format!("the imported template has no `{wanted}`"),
                        )
                        .into()
                    });
                    frame.scope.set(alias, operand);
                }
            }
            Statement::Macro(code) => {
                frame.scope.set(&code.name, self.closure(frame, code));
            }
            Statement::CallBlock { call, body } => {
                let value = deeper(|| self.call_block(frame, call, body));
                output.push(value.map_err(|error| placed(frame, call.spot, error))?);
            }
            Statement::Do(expression) => {
                self.operand(frame, expression)?;
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn closure(&self, frame: &Frame, code: &Arc<Macro>) -> Operand {
        self.rings.borrow_mut().push(Rc::clone(&frame.scope));
        Operand::Object(Object::Macro(Rc::new(Closure {
            code: Arc::clone(code),
            frame: frame.clone(),
        })))
    }

    fn call_block(
        &self,
        frame: &Frame,
        call: &Expression,
        body: &Arc<Macro>,
    ) -> Result<Value, TemplateError> {
        let Node::Call(callee, arguments) = &call.node else {
            return Err(TemplateError::new("`call` needs a call"));
        };
        let (positional, mut named) = self.operands(frame, arguments)?;
        named.push(("caller".into(), self.closure(frame, body)));
        match self.operand(frame, callee)? {
            Operand::Object(object) => self
                .call_object(frame, &object, (positional, named))?
                .value(),
            Operand::Value(value) => {
                defined(&value)?;
                Err(TemplateError::new(format!(
                    "`{}` object is not callable",
                    value.type_name()
                )))
            }
        }
    }

    /// Runs statements in a scope of their own and returns what they make, filtered.
    fn captured(
        &self,
        frame: &Frame,
        body: &[Statement],
        filter: Option<&Expression>,
    ) -> Result<Value, TemplateError> {
        let inner = frame.inner();
        let mut output = Output::default();
        deeper(|| self.statements(&inner, body, &mut output))?;
        let value = self.joined(output)?;
        match filter {
            Some(filter) => self.chain(frame, filter, value),
            None => Ok(value),
        }
    }

    /// Applies a chain of filters whose innermost has no value of its own.
    fn chain(
        &self,
        frame: &Frame,
        expression: &Expression,
        value: Value,
    ) -> Result<Value, TemplateError> {
        let Node::Filter(filter) = &expression.node else {
            return Err(TemplateError::new("a filter is needed here"));
        };
        let value = match &filter.value {
            Some(inner) => self.chain(frame, inner, value)?,
            None => self.deep(&value)?,
        };
        self.filtered(frame, filter, value)
            .map_err(|error| placed(frame, expression.spot, error))
    }

    pub(super) fn for_loop(
        &self,
        around: &Rc<Frame>,
        code: &Arc<For>,
        items: &Value,
        depth: usize,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        let mut items = operators::iterate(items)?;
        if let Some(condition) = &code.condition {
            let mut kept = Vec::with_capacity(items.len());
            for item in items {
                let frame = around.inner();
                self.assign(&frame, &code.target, item.clone().into())?;
                if self.truth(&frame, condition)? {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            let inner = around.inner();
            self.statements(&inner, &code.otherwise, output)?;
            return Ok(());
        }
        let state = Rc::new(Loop {
            items,
            index: Cell::new(0),
            depth,
            changed: RefCell::new(None),
            code: code
                .recursive
                .then(|| (Rc::clone(around), Arc::clone(code))),
        });
        let name: Arc<str> = "loop".into();
        for (index, item) in state.items.iter().enumerate() {
            state.index.set(index);
            let frame = around.inner();
            frame
                .scope
                .set(&name, Operand::Object(Object::Loop(Rc::clone(&state))));
            self.assign(&frame, &code.target, item.clone().into())?;
            if self.statements(&frame, &code.body, output)? == Flow::Break {
                break;
            }
        }
        Ok(())
    }

    /// Sets what an assignment names.
    fn assign(
        &self,
        frame: &Frame,
        target: &Target,
        operand: Operand,
    ) -> Result<(), TemplateError> {
        match target {
            Target::Name(name) => frame.scope.set(name, operand),
            Target::Attribute(base, name) => match frame.scope.find(base) {
                Some(Operand::Object(Object::Namespace(names))) => {
                    names
                        .borrow_mut()
                        .insert(Arc::clone(name), operand.value()?);
                }
                _ => {
                    return Err(TemplateError::new(format!(
                        "`{base}` is not a namespace, so `{base}.{name}` cannot be set"
                    )));
                }
            },
            Target::Several(targets) => {
                let value = self.resolve(operand.value()?, None)?;
                let items = operators::iterate(&value)?;
                if items.len() != targets.len() {
                    return Err(TemplateError::new(format!(
                        "{} values to unpack (expected {}, got {})",
                        if items.len() < targets.len() {
                            "not enough"
                        } else {
                            "too many"
                        },
                        targets.len(),
                        items.len()
                    )));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(frame, target, item.into())?;
                }
            }
        }
        Ok(())
    }

    fn include(
        &self,
        frame: &Frame,
        name: &Expression,
        ignore_missing: bool,
        context: bool,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        let failed = |error| placed(frame, name.spot, error);
        let wanted = self.whole(frame, name)?;
        let Some((template, origin, secret)) = self.load(frame, &wanted).map_err(failed)? else {
            if ignore_missing {
                return Ok(());
            }
            return Err(failed(TemplateError::new(format!(
                "there is no template `{}` to include",
                wanted.to_text()
            ))));
        };
        let mut inner = Frame {
            bare: !context || frame.bare,
            ..Frame::new(template, origin)
        };
        if context {
            inner.scope = Scope::inside(&frame.scope);
        }
        let mut included = Output::default();
        deeper(|| self.run_into(&inner, &mut included))?;
        included
            .nodes
            .into_iter()
            .for_each(|node| output.push(marked(node, secret)));
        Ok(())
    }

    fn import(
        &self,
        frame: &Frame,
        name: &Expression,
        context: bool,
    ) -> Result<Module, TemplateError> {
        let failed = |error| placed(frame, name.spot, error);
        let wanted = self.whole(frame, name)?;
        let Some((template, origin, secret)) = self.load(frame, &wanted).map_err(failed)? else {
            return Err(failed(TemplateError::new(format!(
                "there is no template `{}` to import",
                wanted.to_text()
            ))));
        };
        let mut inner = Frame {
            bare: !context || frame.bare,
            ..Frame::new(template, origin)
        };
        if context {
            inner.scope = Scope::inside(&frame.scope);
        }
        let mut output = Output::default();
        deeper(|| self.run_into(&inner, &mut output))?;
        let text = marked(self.joined(output)?, secret);
        Ok(Module {
            scope: inner.scope,
            text,
        })
    }

    /// Returns the template of that name, or the first that exists of several; read as the one that names it.
    fn load(
        &self,
        frame: &Frame,
        name: &Value,
    ) -> Result<Option<(Arc<Template>, Span, bool)>, TemplateError> {
        defined(name)?;
        let names = match name.kind() {
            Kind::List(names) | Kind::Tuple(names) => names.to_vec(),
            _ => vec![name.clone()],
        };
        for name in names {
            defined(&name)?;
            let name = name.to_text();
            let Some(outside) = self.context() else {
                return Err(TemplateError::Elsewhere(format!("template `{name}`")));
            };
            if let Some(path) = outside.find_file(FileKind::Template, &name)? {
                let (bytes, secret) = outside.read(&path)?;
                let content = String::from_utf8(bytes).map_err(|_| {
                    TemplateError::new(format!("template `{}` is not UTF-8", path.display()))
                })?;
                let sources = self.context.sources;
                let (text, origin) = self.templar.source(&path, content, secret, sources);
                let settings = &frame.template.settings;
                let template = self.templar.compile(
                    Passage {
                        text: &text,
                        origin,
                        sources,
                    },
                    Some(settings),
                )?;
                return Ok(Some((template, origin, secret)));
            }
        }
        Ok(None)
    }

    /// Returns what a block makes, `level` replacements below the most derived one.
    fn block_at(
        &self,
        frame: &Frame,
        name: &Arc<str>,
        level: usize,
    ) -> Result<Value, TemplateError> {
        let found = frame
            .blocks
            .as_ref()
            .and_then(|blocks| blocks.get(name, level));
        let Some((template, origin, block)) = found else {
            return Err(TemplateError::new(format!(
                "there is no block `{name}` to render here"
            )));
        };
        if block.required {
            return Err(TemplateError::new(format!(
                "the block `{name}` has to be replaced"
            )));
        }
        let inner = Frame {
            template,
            origin,
            block: Some((Arc::clone(name), level)),
            ..frame.inner()
        };
        let mut output = Output::default();
        deeper(|| self.statements(&inner, &block.body, &mut output))?;
        self.joined(output)
    }

    pub(super) fn block_named(&self, frame: &Frame, name: &str) -> Result<Value, TemplateError> {
        self.block_at(frame, &name.into(), 0)
    }

    pub(super) fn parent_block(&self, frame: &Frame) -> Result<Value, TemplateError> {
        match &frame.block {
            Some((name, level)) => self.block_at(frame, name, level + 1),
            None => Err(TemplateError::new("`super` is only known inside a block")),
        }
    }
}

fn no_parent(frame: &Frame, statement: &Statement, name: &Value) -> TemplateError {
    let error = TemplateError::new(format!(
        "there is no template `{}` to extend",
        name.to_text()
    ));
    match statement {
        Statement::Extends(expression) => placed(frame, expression.spot, error),
        _ => error,
    }
}

impl Blocks {
    fn add(&self, template: &Arc<Template>, origin: Span) {
        let mut by_name = self.by_name.borrow_mut();
        for (name, block) in &template.blocks {
            by_name.entry(Arc::clone(name)).or_default().push((
                Arc::clone(template),
                origin,
                Arc::clone(block),
            ));
        }
    }

    fn get(&self, name: &str, level: usize) -> Option<(Arc<Template>, Span, Arc<Block>)> {
        self.by_name.borrow().get(name)?.get(level).cloned()
    }
}
