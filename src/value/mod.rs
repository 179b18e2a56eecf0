//! The one value of kplay: what a variable, an argument, a result is.
//!
//! A [`Value`] is Python's data as Ansible shows it to templates (integers of any size, tuples, dates, dictionaries in order),
//! cheap to clone, and it knows three things besides: where it came from ([`Value::origin`]), whether it is text that may be
//! evaluated as a template, and whether it is secret ([`Marks`]). A value that could not be made is a value too
//! ([`Kind::Undefined`]): it fails where it is used, not where it stands.

mod compare;
mod convert;
mod dict;
mod json;
mod moment;
mod name;
mod text;
mod wire;

use std::sync::Arc;

use bitflags::bitflags;
use num_bigint::BigInt;
use serde::{Deserialize, Serialize};

use crate::diag::Span;

pub use compare::Number;
pub use dict::{Dict, Key};
pub use moment::Moment;
pub use name::is_variable_name;

bitflags! {
    /// What is known of a value besides its content.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub struct Marks: u8 {
        /// Text of the playbook, roles, inventory, variable files or command line: it may be evaluated as a template.
        /// Rendering drops it; text from hosts, facts, lookups and commands never has it.
        const TRUSTED = 1;
        /// Must not reach a screen, a log or a file of kplay's own.
        const SECRET = 2;
        /// The text of a `{% raw %}`-free constant that was marked `!unsafe`: kept so that it is shown as written.
        const UNSAFE = 4;
        /// A list that Python would have as a `range`: it serves as a list within a template, but cannot leave it.
        const RANGE = 8;
        /// A pair that `groupby` made: its items have the names `grouper` and `list`, too.
        const GROUP = 16;
        /// The whole of `hostvars`: it has items for hosts that it does not list (the implicit localhost).
        const HOSTS = 32;
        /// Text that was encrypted by itself (`!vault`), rather than with the file that it stands in.
        const VAULTED = 64;
    }
}

/// The message of the one undefined value that means "leave it out".
const OMIT: &str = "`omit` can only stand for a whole argument or item";

/// Why a value could not be made: an undefined variable, or an error on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// An undefined name or attribute (which `default` and `is defined` forgive) rather than an error.
    pub undefined: bool,
    /// What is wrong, as a fragment: `` `foo` is undefined ``.
    pub message: String,
    /// Where, when known.
    pub span: Span,
    /// The next step, such as the nearest names.
    pub help: Option<String>,
    /// Where `span` is only the beginning of a scalar: the stretch of its decoded text that is meant. Set where the sources
    /// are not at hand (on a host); the controller resolves it.
    pub within: Option<Within>,
}

/// A stretch of decoded text, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    /// From the beginning of the text.
    pub offset: u32,
    /// How many.
    pub length: u32,
}

/// The content of a [`Value`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Kind {
    /// `None`.
    Null,
    /// `True`, `False`.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// An integer that does not fit into [`Kind::Int`]; never one that does.
    Big(Arc<BigInt>),
    /// A float.
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// Bytes that are not text (`!!binary`).
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A tuple: what `(1, 2)` and `dict.items()` make; it becomes a list where a template's result leaves the template.
    Tuple(Arc<Vec<Value>>),
    /// A dictionary, in order.
    Dict(Arc<Dict>),
    /// A date, a point in time or a span of time.
    Moment(Moment),
    /// Nothing that can be used; see [`Fault`].
    Undefined(Arc<Fault>),
}

/// Content, marks and origin together. Cloning is cheap.
#[derive(Clone)]
pub struct Value {
    kind: Kind,
    marks: Marks,
    origin: Span,
}

impl Value {
    /// `None`.
    pub const NULL: Self = Self {
        kind: Kind::Null,
        marks: Marks::empty(),
        origin: Span::NONE,
    };

    /// Returns a value without marks and origin.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            marks: Marks::empty(),
            origin: Span::NONE,
        }
    }

    /// Returns text that is never evaluated as a template.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::new(Kind::Str(text.into()))
    }

    /// Returns text that may be evaluated as a template.
    pub fn template(text: impl Into<Arc<str>>, origin: Span) -> Self {
        Self {
            kind: Kind::Str(text.into()),
            marks: Marks::TRUSTED,
            origin,
        }
    }

    /// Returns a list.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Kind::List(Arc::new(items.into_iter().collect())))
    }

    /// Returns a tuple.
    pub fn tuple(items: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Kind::Tuple(Arc::new(items.into_iter().collect())))
    }

    /// Returns a dictionary.
    pub fn dict(dict: Dict) -> Self {
        Self::new(Kind::Dict(Arc::new(dict)))
    }

    /// Returns an undefined value that fails with `message` where it is used.
    pub fn undefined(message: impl Into<String>, span: Span) -> Self {
        Self::new(Kind::Undefined(Arc::new(Fault {
            undefined: true,
            message: message.into(),
            span,
            help: None,
            within: None,
        })))
    }

    /// Returns what the variable `omit` holds: an argument or item with this value counts as not written.
    pub fn omit() -> Self {
        Self::undefined(OMIT, Span::NONE)
    }

    /// Tells whether this is [`Value::omit`].
    pub fn is_omit(&self) -> bool {
        self.as_fault()
            .is_some_and(|fault| fault.undefined && fault.message == OMIT)
    }

    /// Returns the content.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Gives the content up.
    pub fn into_kind(self) -> Kind {
        self.kind
    }

    /// Returns the marks of this value itself (not of what it contains).
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// Returns where the value was written, or [`Span::NONE`].
    pub fn origin(&self) -> Span {
        self.origin
    }

    /// Returns the value with that origin.
    #[must_use]
    pub fn with_origin(mut self, origin: Span) -> Self {
        self.origin = origin;
        self
    }

    /// Returns the value with those marks added.
    #[must_use]
    pub fn with_marks(mut self, marks: Marks) -> Self {
        self.marks |= marks;
        self
    }

    /// Returns the value with those marks removed.
    #[must_use]
    pub fn without_marks(mut self, marks: Marks) -> Self {
        self.marks -= marks;
        self
    }

    /// Tells whether this is text that may be evaluated as a template.
    pub fn is_trusted(&self) -> bool {
        self.marks.contains(Marks::TRUSTED)
    }

    /// Tells whether this value itself is secret.
    pub fn is_secret(&self) -> bool {
        self.marks.contains(Marks::SECRET)
    }

    /// Tells whether this value or one in it is secret.
    pub fn holds_secret(&self) -> bool {
        self.holds(Marks::SECRET)
    }

    /// Tells whether this value or one in it has those marks.
    fn holds(&self, marks: Marks) -> bool {
        self.marks.contains(marks)
            || match &self.kind {
                Kind::List(items) | Kind::Tuple(items) => {
                    items.iter().any(|item| item.holds(marks))
                }
                Kind::Dict(dict) => dict.values().any(|item| item.holds(marks)),
                _ => false,
            }
    }

    /// Returns the value with `change` applied to itself and everything in it, innermost first.
    #[must_use]
    pub fn map(self, change: &mut impl FnMut(Self) -> Self) -> Self {
        let Self {
            kind,
            marks,
            origin,
        } = self;
        let kind = match kind {
            Kind::List(items) => Kind::List(Arc::new(
                items.iter().cloned().map(|item| item.map(change)).collect(),
            )),
            Kind::Tuple(items) => Kind::Tuple(Arc::new(
                items.iter().cloned().map(|item| item.map(change)).collect(),
            )),
            Kind::Dict(dict) => Kind::Dict(Arc::new(
                dict.iter()
                    .map(|(key, item)| (key.clone(), item.clone().map(change)))
                    .collect(),
            )),
            other => other,
        };
        change(Self {
            kind,
            marks,
            origin,
        })
    }

    /// Returns the value and all in it as data that is never evaluated as a template.
    #[must_use]
    pub fn untrusted(self) -> Self {
        // What hosts return is so already, and is shared then.
        if !self.holds(Marks::TRUSTED) {
            return self;
        }
        self.map(&mut |value| value.without_marks(Marks::TRUSTED))
    }

    /// Returns the value with everything in it marked as secret.
    #[must_use]
    pub fn secret(self) -> Self {
        self.map(&mut |value| value.with_marks(Marks::SECRET))
    }

    /// Tells whether the other is the same value with the same marks and origin, without looking into lists and dictionaries: two
    /// that were made apart count as different.
    pub fn is_same(&self, other: &Self) -> bool {
        let content = match (&self.kind, &other.kind) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Bool(one), Kind::Bool(two)) => one == two,
            (Kind::Int(one), Kind::Int(two)) => one == two,
            (Kind::Float(one), Kind::Float(two)) => one.to_bits() == two.to_bits(),
            (Kind::Str(one), Kind::Str(two)) => Arc::ptr_eq(one, two) || one == two,
            (Kind::List(one), Kind::List(two)) | (Kind::Tuple(one), Kind::Tuple(two)) => {
                Arc::ptr_eq(one, two)
            }
            (Kind::Dict(one), Kind::Dict(two)) => Arc::ptr_eq(one, two),
            (Kind::Moment(one), Kind::Moment(two)) => one == two,
            _ => false,
        };
        content && self.marks == other.marks && self.origin == other.origin
    }

    /// Tells whether this is `None`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// Returns why this value cannot be used, if so.
    pub fn as_fault(&self) -> Option<&Fault> {
        match &self.kind {
            Kind::Undefined(fault) => Some(fault),
            _ => None,
        }
    }

    /// Returns the text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the truth value, if this is one (not Python's truth of other values; see [`Value::is_true`]).
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the integer, if this is one that fits (a truth value is not).
    pub fn as_int(&self) -> Option<i64> {
        match self.kind {
            Kind::Int(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the items of a list or tuple.
    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(items) | Kind::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the dictionary, if this is one.
    pub fn as_dict(&self) -> Option<&Dict> {
        match &self.kind {
            Kind::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// Returns the item of that name, if this is a dictionary that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_dict()?.get(key)
    }

    /// Tells whether Python takes the value as true. Undefined is not.
    pub fn is_true(&self) -> bool {
        match &self.kind {
            Kind::Null | Kind::Undefined(_) => false,
            Kind::Bool(value) => *value,
            Kind::Int(value) => *value != 0,
            Kind::Float(value) => *value != 0.0,
            Kind::Str(text) => !text.is_empty(),
            Kind::Bytes(bytes) => !bytes.is_empty(),
            Kind::List(items) | Kind::Tuple(items) => !items.is_empty(),
            Kind::Dict(dict) => !dict.is_empty(),
            Kind::Moment(moment) => moment.is_true(),
            Kind::Big(_) => true,
        }
    }

    /// Returns Python's name of the type, as error messages and `type_debug` give it.
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "NoneType",
            Kind::Bool(_) => "bool",
            Kind::Int(_) | Kind::Big(_) => "int",
            Kind::Float(_) => "float",
            Kind::Str(_) => "str",
            Kind::Bytes(_) => "bytes",
            Kind::List(_) if self.marks.contains(Marks::RANGE) => "range",
            Kind::List(_) => "list",
            Kind::Tuple(_) => "tuple",
            Kind::Dict(_) => "dict",
            Kind::Moment(moment) => moment.type_name(),
            Kind::Undefined(_) => "Undefined",
        }
    }
}

impl Default for Value {
    fn default() -> Self {
        Self::NULL
    }
}
