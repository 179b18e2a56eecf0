//! The evaluator: one context of variables, and the rendering of values in it.
//!
//! `Templar` makes one [`Evaluator`] per call. Variables are lazy: a name gives what is stored, and trusted text in it is
//! rendered where it is used (`resolve`), or deep inside where a filter, an operator or the result needs it whole (`deep`).
//! Rendered text is kept for as long as the evaluator lives, unless it touched something that changes by itself.

mod attribute;
mod below;
mod call;
mod callback;
mod expression;
mod object;
mod plugin;
mod statement;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

pub(super) use self::attribute::item_or_attribute;
use self::object::{Operand, Scope};
use super::error::TemplateError;
use super::operators::{is_no_else, marked};
use super::place::within;
use super::settings::FileSettings;
use super::templar::{Passage, Templar};
use super::tree::{Block, Expression, Spot, Statement, Template};
use super::{LookupContext, Scope as Context};
use crate::diag::{Span, nearest};
use crate::value::{Dict, Fault, Kind, Marks, Value, Within};
use crate::vars::Variables;

/// How deep templates may name each other.
const TEMPLATES_DEEP: usize = 40;
/// How deep expressions, macros and includes may nest; a thread's usual two megabytes hold it (unoptimised code takes more).
const NODES_DEEP: usize = if cfg!(debug_assertions) { 110 } else { 300 };

thread_local! {
    /// How deep this thread is. The stack is the thread's, and one evaluator may call another: variables of other hosts are
    /// rendered by one of their own.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A level of depth, as long as it lives.
struct Level;

impl Level {
    fn enter() -> Result<Self, TemplateError> {
        if DEPTH.get() >= NODES_DEEP {
            return Err(TemplateError::new("the template nests too deep"));
        }
        DEPTH.set(DEPTH.get() + 1);
        Ok(Self)
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

/// A context of variables in which templates are rendered.
pub(super) struct Evaluator<'a> {
    templar: &'a Templar,
    context: &'a Context<'a>,
    variables: &'a dyn Variables,
    /// Rendered texts by the address of the text, which the entry keeps alive.
    rendered: RefCell<HashMap<usize, (Arc<str>, Value)>>,
    /// The texts that are being rendered, outermost first.
    active: RefCell<Vec<(usize, Arc<str>)>>,
    /// The texts whose results are being rendered inside, outermost first.
    unfolding: RefCell<Vec<(usize, Arc<str>)>>,
    /// Whether what is being rendered touched a lookup, the clock or chance.
    fleeting: Cell<bool>,
    /// The last container that lacked a name, for "did you mean".
    lacking: RefCell<Option<(Arc<str>, Value)>>,
    /// Scopes that hold macros.
    rings: RefCell<Vec<Rc<Scope>>>,
}

/// What a piece of a template knows around itself.
#[derive(Clone)]
pub(super) struct Frame {
    template: Arc<Template>,
    origin: Span,
    scope: Rc<Scope>,
    /// Constants that look like templates are rendered (in conditions).
    embedded: bool,
    /// Variables are not seen (in what is included or imported without context).
    bare: bool,
    blocks: Option<Rc<Blocks>>,
    /// The block that is being rendered, and how many replacements stand above it.
    block: Option<(Arc<str>, usize)>,
}

/// A block with the template that it stands in.
type Replacement = (Arc<Template>, Span, Arc<Block>);

/// The blocks of a template and of those that it extends, the most derived first.
#[derive(Default)]
struct Blocks {
    by_name: RefCell<HashMap<Arc<str>, Vec<Replacement>>>,
}

impl Drop for Evaluator<'_> {
    fn drop(&mut self) {
        for scope in self.rings.borrow().iter() {
            scope.clear();
        }
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(templar: &'a Templar, context: &'a Context<'a>) -> Self {
        Self::over(templar, context, context.variables)
    }

    fn over(templar: &'a Templar, context: &'a Context<'a>, variables: &'a dyn Variables) -> Self {
        Self {
            templar,
            context,
            variables,
            rendered: RefCell::default(),
            active: RefCell::default(),
            unfolding: RefCell::default(),
            fleeting: Cell::new(false),
            lacking: RefCell::default(),
            rings: RefCell::default(),
        }
    }

    /// Renders a value deep and returns it as it may leave: tuples as lists, nothing undefined, nothing to evaluate again.
    pub(super) fn finished(&self, value: &Value) -> Result<Value, TemplateError> {
        let value = self.deep(value)?;
        leave(value)
    }

    /// Returns the value of an expression, rendered deep.
    pub(super) fn expression(
        &self,
        text: &Arc<str>,
        origin: Span,
        embedded: bool,
    ) -> Result<Value, TemplateError> {
        let template = self.templar.compile(
            Passage {
                text,
                origin,
                sources: self.context.sources,
            },
            None,
        )?;
        let frame = Frame {
            embedded,
            ..Frame::new(template, origin)
        };
        let value = self.run(&frame)?;
        self.deep(&value)
    }

    /// Renders the text of a template file.
    pub(super) fn file(
        &self,
        text: &Arc<str>,
        origin: Span,
        settings: &FileSettings,
    ) -> Result<Value, TemplateError> {
        let template = self.templar.compile(
            Passage {
                text,
                origin,
                sources: self.context.sources,
            },
            Some(settings),
        )?;
        let value = self.run(&Frame::new(template, origin))?;
        let value = leave(self.deep(&value)?)?;
        Ok(end_as(text, value))
    }

    /// Renders the value itself, if it is trusted text that is a template.
    fn resolve(&self, value: Value, name: Option<&str>) -> Result<Value, TemplateError> {
        let Kind::Str(text) = value.kind() else {
            return Ok(value);
        };
        if !value.is_trusted() || !self.templar.is_template(text) {
            return Ok(value);
        }
        let rendered = self.text(text, value.origin(), name)?;
        Ok(marked(rendered, value.is_secret()))
    }

    /// Renders everything in the value. What is undefined in a container stays there as an undefined value.
    pub(super) fn deep(&self, value: &Value) -> Result<Value, TemplateError> {
        match value.kind() {
            Kind::Str(_) => {
                let resolved = self.resolve(value.clone(), None)?;
                if matches!(resolved.kind(), Kind::Str(_)) {
                    Ok(resolved)
                } else {
                    self.unfold(value, &resolved)
                }
            }
            _ => self.deep_inside(value),
        }
    }

    /// Renders everything in what a text stands for. What lies inside is rendered only now, and may lead back to the text.
    fn unfold(&self, text: &Value, resolved: &Value) -> Result<Value, TemplateError> {
        if !self.has_templates(resolved) {
            return Ok(resolved.clone());
        }
        let Kind::Str(text) = text.kind() else {
            return self.deep_inside(resolved);
        };
        enter(&self.unfolding, address(text), text).map_err(|error| error.at(resolved.origin()))?;
        let unfolded = deeper(|| self.deep_inside(resolved));
        self.unfolding.borrow_mut().pop();
        unfolded
    }

    fn deep_inside(&self, value: &Value) -> Result<Value, TemplateError> {
        if !self.has_templates(value) {
            return Ok(value.clone());
        }
        let item = |item: &Value| match self.deep(item) {
            Err(TemplateError::Fault(fault)) => Ok(Value::new(Kind::Undefined(Arc::new(fault)))),
            result => result,
        };
        let kind = match value.kind() {
            Kind::List(items) => {
                Kind::List(Arc::new(items.iter().map(item).collect::<Result<_, _>>()?))
            }
            Kind::Tuple(items) => {
                Kind::Tuple(Arc::new(items.iter().map(item).collect::<Result<_, _>>()?))
            }
            Kind::Dict(dict) => Kind::Dict(Arc::new(
                dict.iter()
                    .map(|(key, value)| Ok((key.clone(), item(value)?)))
                    .collect::<Result<_, TemplateError>>()?,
            )),
            _ => return Ok(value.clone()),
        };
        Ok(Value::new(kind)
            .with_marks(value.marks())
            .with_origin(value.origin()))
    }

    fn has_templates(&self, value: &Value) -> bool {
        match value.kind() {
            Kind::Str(text) => value.is_trusted() && self.templar.is_template(text),
            Kind::List(items) | Kind::Tuple(items) => {
                items.iter().any(|item| self.has_templates(item))
            }
            Kind::Dict(dict) => dict.values().any(|item| self.has_templates(item)),
            _ => false,
        }
    }

    /// Renders the text of a variable or an argument.
    fn text(
        &self,
        text: &Arc<str>,
        origin: Span,
        name: Option<&str>,
    ) -> Result<Value, TemplateError> {
        let address = address(text);
        if let Some((_, value)) = self.rendered.borrow().get(&address) {
            return Ok(value.clone());
        }
        enter(&self.active, address, name.unwrap_or(text))?;
        let before = self.fleeting.replace(false);
        let result = self.text_anew(text, origin);
        self.active.borrow_mut().pop();
        let fleeting = self.fleeting.replace(before);
        self.fleeting.set(before || fleeting);
        let value = match result {
            Err(TemplateError::Fault(fault)) if fault.undefined => {
                Value::new(Kind::Undefined(Arc::new(fault)))
            }
            result => result?,
        };
        if !fleeting {
            self.rendered
                .borrow_mut()
                .insert(address, (Arc::clone(text), value.clone()));
        }
        Ok(value)
    }

    fn text_anew(&self, text: &Arc<str>, origin: Span) -> Result<Value, TemplateError> {
        let template = self.templar.compile_scalar(Passage {
            text,
            origin,
            sources: self.context.sources,
        })?;
        let value = self.run(&Frame::new(template, origin))?;
        let value = end_as(text, value);
        Ok(if value.origin().is_some() || value.as_fault().is_some() {
            value
        } else {
            value.with_origin(origin)
        })
    }

    /// Runs a whole template and returns what it made.
    fn run(&self, frame: &Frame) -> Result<Value, TemplateError> {
        if let [Statement::Output(expression)] = frame.template.body.as_slice() {
            return self.value(frame, expression);
        }
        let mut output = Output::default();
        self.run_into(frame, &mut output)?;
        self.joined(output)
    }

    /// Returns what pieces of output make together: nothing is `None`, one is itself, several are text.
    fn joined(&self, output: Output) -> Result<Value, TemplateError> {
        let mut nodes = output.nodes;
        if nodes.len() < 2 {
            return Ok(nodes.pop().unwrap_or(Value::NULL));
        }
        let mut text = String::new();
        let mut secret = false;
        for node in nodes {
            secret |= node.holds_secret();
            if let Some(part) = node.as_str().filter(|_| !node.is_trusted()) {
                text.push_str(part);
                continue;
            }
            if is_no_else(&node) || node.is_omit() {
                continue;
            }
            match self.deep(&node).and_then(leave) {
                Ok(node) => text.push_str(&node.to_text()),
                Err(TemplateError::Fault(fault)) => {
                    return Ok(Value::new(Kind::Undefined(Arc::new(fault))));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(marked(Value::from(text), secret))
    }

    /// Adds the exact place to an error, and the nearest names to one about a missing name. Done at the very end: most undefined
    /// values are forgiven.
    pub(super) fn helped(&self, error: TemplateError) -> TemplateError {
        let error = match self.context.sources {
            Some(sources) => error.located(sources),
            None => error,
        };
        let TemplateError::Fault(mut fault) = error else {
            return error;
        };
        if fault.undefined && fault.help.is_none() {
            let between = |start: &str| {
                fault
                    .message
                    .strip_prefix(start)?
                    .strip_suffix("' is undefined")
                    .map(str::to_owned)
            };
            let names = match (between("'"), self.lacking.borrow().as_ref()) {
                (Some(name), _) => {
                    let names = self.variables.names();
                    nearest(&name, names.iter().map(AsRef::as_ref))
                        .into_iter()
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                }
                (None, Some((name, container)))
                    if fault.message.ends_with(&format!("no attribute '{name}'")) =>
                {
                    let keys = container
                        .as_dict()
                        .into_iter()
                        .flat_map(|dict| dict.keys().filter_map(|key| key.as_str()));
                    nearest(name, keys).into_iter().map(str::to_owned).collect()
                }
                _ => Vec::new(),
            };
            if !names.is_empty() {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                fault.help = Some(format!("did you mean {}?", names.join(" or ")));
            }
        }
        TemplateError::Fault(fault)
    }

    fn context(&self) -> Option<&dyn LookupContext> {
        self.context.outside
    }

    fn value(&self, frame: &Frame, expression: &Expression) -> Result<Value, TemplateError> {
        self.operand(frame, expression)
            .and_then(Operand::value)
            .map_err(|error| placed(frame, expression.spot, error))
    }
}

/// Runs `work` one level deeper, or fails where that is too deep.
fn deeper<T>(work: impl FnOnce() -> Result<T, TemplateError>) -> Result<T, TemplateError> {
    let _level = Level::enter()?;
    work()
}

/// Notes that a text is on its way; fails where it is already, or where too many are.
fn enter(
    active: &RefCell<Vec<(usize, Arc<str>)>>,
    address: usize,
    name: &str,
) -> Result<(), TemplateError> {
    let mut active = active.borrow_mut();
    let again = active.iter().position(|(other, _)| *other == address);
    if again.is_some() || active.len() >= TEMPLATES_DEEP {
        let chain: Vec<&str> = active
            .iter()
            .skip(again.unwrap_or(0))
            .map(|(_, name)| name.as_ref())
            .collect();
        let first = chain.first().copied().unwrap_or(name);
        let message = match again {
            Some(_) => format!(
                "`{first}` refers to itself: {} -> {first}",
                chain.join(" -> ")
            ),
            None => format!(
                "templates refer to each other more than {TEMPLATES_DEEP} deep: {} -> ...",
                chain.get(..5).unwrap_or(&chain).join(" -> ")
            ),
        };
        return Err(TemplateError::new(message));
    }
    active.push((address, name.into()));
    Ok(())
}

/// What tells one text from another.
fn address(text: &Arc<str>) -> usize {
    Arc::as_ptr(text).cast::<u8>() as usize
}

impl Frame {
    /// Returns the stretch of the text, if it is known where the text was written.
    fn within(&self, spot: Spot) -> Option<Within> {
        self.origin
            .is_some()
            .then(|| within(&self.template.text, spot))
    }

    fn new(template: Arc<Template>, origin: Span) -> Self {
        Self {
            template,
            origin,
            scope: Rc::new(Scope::default()),
            embedded: false,
            bare: false,
            blocks: None,
            block: None,
        }
    }

    /// Returns the frame with a scope inside its own.
    fn inner(&self) -> Self {
        Self {
            scope: Scope::inside(&self.scope),
            ..self.clone()
        }
    }
}

/// Gives the error the place of the stretch, unless it has one.
fn placed(frame: &Frame, spot: Spot, error: TemplateError) -> TemplateError {
    match error {
        TemplateError::Fault(fault) if !fault.span.is_some() => TemplateError::Fault(Fault {
            span: frame.origin,
            within: frame.within(spot),
            ..fault
        }),
        other => other,
    }
}

/// Returns an undefined value that was met at that stretch.
fn missing(frame: &Frame, spot: Spot, message: String) -> Value {
    Value::new(Kind::Undefined(Arc::new(Fault {
        undefined: true,
        message,
        span: frame.origin,
        help: None,
        within: frame.within(spot),
    })))
}

/// What statements have put out so far.
#[derive(Default)]
struct Output {
    nodes: Vec<Value>,
}

impl Output {
    fn push(&mut self, value: Value) {
        if !value.is_null() {
            self.nodes.push(value);
        }
    }
}

/// Returns the value as it may leave the templates.
/// What is to be left out stays as [`Value::omit`] at the top and is gone inside.
pub(super) fn leave(value: Value) -> Result<Value, TemplateError> {
    if plain(&value) || value.is_omit() {
        return Ok(value);
    }
    let origin = value.origin();
    let marks = value.marks() - Marks::TRUSTED;
    if marks.contains(Marks::RANGE) {
        return Err(TemplateError::new(
            "Type 'range' is unsupported for variable storage.",
        ));
    }
    let kind = match value.into_kind() {
        Kind::Undefined(fault) => return Err(TemplateError::Fault(Fault::clone(&fault))),
        Kind::List(items) | Kind::Tuple(items) => Kind::List(Arc::new(
            items
                .iter()
                .filter(|item| !item.is_omit())
                .map(|item| leave(item.clone()))
                .collect::<Result<_, _>>()?,
        )),
        Kind::Dict(dict) => Kind::Dict(Arc::new(
            dict.iter()
                .filter(|(_, item)| !item.is_omit())
                .map(|(key, item)| Ok((key.clone(), leave(item.clone())?)))
                .collect::<Result<Dict, TemplateError>>()?,
        )),
        other => other,
    };
    Ok(Value::new(kind).with_marks(marks).with_origin(origin))
}

/// Gives text as many newlines at its end as its template has.
fn end_as(template: &str, value: Value) -> Value {
    let newlines = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let wanted = newlines(template);
    if wanted == 0 {
        return value;
    }
    let Some(text) = value.as_str() else {
        return value;
    };
    let has = newlines(text);
    if has >= wanted {
        return value;
    }
    let longer = format!("{text}{}", "\n".repeat(wanted - has));
    Value::from(longer).with_marks(value.marks() - Marks::TRUSTED)
}

/// Tells whether the value can leave as it is.
fn plain(value: &Value) -> bool {
    !value.is_trusted()
        && !value.marks().contains(Marks::RANGE)
        && match value.kind() {
            Kind::Undefined(_) | Kind::Tuple(_) => false,
            Kind::List(items) => items.iter().all(plain),
            Kind::Dict(dict) => dict.values().all(plain),
            _ => true,
        }
}
