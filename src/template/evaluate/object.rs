//! What an expression can give besides values: functions, macros, `loop`, namespaces; and the scopes that hold names.
//!
//! Only the evaluator sees these; a filter's argument and a template's result are always values.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::Frame;
use crate::template::error::TemplateError;
use crate::template::globals::Function;
use crate::template::tree::{For, Macro};
use crate::value::{Dict, Value};

/// What an expression gives.
#[derive(Clone)]
pub(super) enum Operand {
    Value(Value),
    Object(Object),
}

/// Something that is not data.
#[derive(Clone)]
pub(super) enum Object {
    /// A function that every template has.
    Function(Function),
    /// A method with the value that it belongs to, not called yet.
    Method(Value, Arc<str>),
    Macro(Rc<Closure>),
    Namespace(Rc<RefCell<Dict>>),
    Loop(Rc<Loop>),
    /// `cycler(...)`.
    Cycler(Rc<(Vec<Value>, Cell<usize>)>),
    /// `joiner(...)`: the text, and whether it was used.
    Joiner(Rc<(Value, Cell<bool>)>),
    /// An imported template.
    Module(Rc<Module>),
    /// `self`: the template's blocks.
    Blocks,
    /// `super`: the block that this one replaces.
    Super,
}

impl Object {
    /// Returns what a message calls it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Function(function) => format!("the function `{}`", function.name()),
            Self::Method(value, name) => format!("the method `{name}` of `{}`", value.type_name()),
            Self::Macro(closure) => format!("the macro `{}`", closure.code.name),
            Self::Namespace(_) => "a namespace".to_owned(),
            Self::Loop(_) => "`loop`".to_owned(),
            Self::Cycler(_) => "a cycler".to_owned(),
            Self::Joiner(_) => "a joiner".to_owned(),
            Self::Module(_) => "an imported template".to_owned(),
            Self::Blocks => "`self`".to_owned(),
            Self::Super => "`super`".to_owned(),
        }
    }

    /// Tells whether it can be called.
    pub(super) fn is_callable(&self) -> bool {
        !matches!(self, Self::Namespace(_) | Self::Module(_) | Self::Blocks)
    }
}

impl From<Value> for Operand {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl Operand {
    /// Returns the value, or an error for what is not data.
    pub(super) fn value(self) -> Result<Value, TemplateError> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Object(Object::Module(module)) => Ok(module.text.clone()),
            Self::Object(object) => Err(object_as_value(&object)),
        }
    }
}

fn object_as_value(object: &Object) -> TemplateError {
    let mut error = TemplateError::new(format!("{} is not a value", object.describe()));
    if let (TemplateError::Fault(fault), Object::Method(_, name)) = (&mut error, object) {
        fault.help = Some(format!(
            "call it: `{name}()`; a key of that name is reached with `['{name}']`"
        ));
    }
    error
}

/// A macro with the names that it was defined among.
pub(super) struct Closure {
    pub(super) code: Arc<Macro>,
    pub(super) frame: Frame,
}

/// An imported template's own names.
pub(super) struct Module {
    pub(super) scope: Rc<Scope>,
    pub(super) text: Value,
}

/// The state of a `for` loop.
pub(super) struct Loop {
    pub(super) items: Vec<Value>,
    pub(super) index: Cell<usize>,
    pub(super) depth: usize,
    pub(super) changed: RefCell<Option<Vec<Value>>>,
    /// The loop's code where it is recursive, with the names around it.
    pub(super) code: Option<(Rc<Frame>, Arc<For>)>,
}

/// Names and what they stand for.
#[derive(Default)]
pub(super) struct Scope {
    names: RefCell<Vec<(Arc<str>, Operand)>>,
    parent: Option<Rc<Scope>>,
}

impl Scope {
    /// Returns a scope inside another.
    pub(super) fn inside(parent: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self {
            names: RefCell::default(),
            parent: Some(Rc::clone(parent)),
        })
    }

    /// Returns what the name stands for here or further out.
    pub(super) fn find(&self, name: &str) -> Option<Operand> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(operand) = here.own(name) {
                return Some(operand);
            }
            scope = here.parent.as_deref();
        }
        None
    }

    /// Returns what the name stands for in this very scope.
    pub(super) fn own(&self, name: &str) -> Option<Operand> {
        self.names
            .borrow()
            .iter()
            .rev()
            .find(|(other, _)| **other == *name)
            .map(|(_, operand)| operand.clone())
    }

    /// Sets a name in this scope.
    pub(super) fn set(&self, name: &Arc<str>, operand: Operand) {
        let mut names = self.names.borrow_mut();
        match names.iter_mut().find(|(other, _)| other == name) {
            Some((_, place)) => *place = operand,
            None => names.push((Arc::clone(name), operand)),
        }
    }

    /// Sets a name where it is set already, or else in the outermost scope.
    pub(super) fn replace(&self, name: &Arc<str>, operand: Operand) {
        let mut scope = self;
        while scope.own(name).is_none() {
            match scope.parent.as_deref() {
                Some(parent) => scope = parent,
                None => break,
            }
        }
        scope.set(name, operand);
    }

    /// Forgets all names: a macro keeps the scope alive that holds it, so the evaluator breaks the ring at its end.
    pub(super) fn clear(&self) {
        let names = std::mem::take(&mut *self.names.borrow_mut());
        drop(names);
    }
}
