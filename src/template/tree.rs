//! The tree of a template: what `syntax` makes of a text, and what the evaluator and the analysis walk.
//!
//! It owns its names and constants, so that a compiled template outlives the text's borrower and is shared between threads.

use std::sync::Arc;

use indexmap::IndexMap;

use super::settings::FileSettings;
use crate::value::Value;

/// A stretch of the template's text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A template or an expression, ready to be evaluated. It does not know where it was written: equal texts share one tree.
#[derive(Debug)]
pub(crate) struct Template {
    /// The text that it was made of.
    pub(crate) text: Arc<str>,
    /// How its text was read; what it includes is read the same way.
    pub(crate) settings: Arc<FileSettings>,
    /// Its statements; an expression is one output.
    pub(crate) body: Vec<Statement>,
    /// Its blocks by name.
    pub(crate) blocks: IndexMap<Arc<str>, Arc<Block>>,
}

/// An expression and where it stands.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) node: Node,
    pub(crate) spot: Spot,
}

/// What an expression does.
#[derive(Debug)]
pub(crate) enum Node {
    Variable(Arc<str>),
    Constant(Value),
    /// Text that looks like a template: conditions and lookup terms evaluate it.
    Embedded(Arc<str>),
    List(Vec<Expression>),
    Tuple(Vec<Expression>),
    Dict(Vec<(Expression, Expression)>),
    Attribute(Box<Expression>, Arc<str>),
    Item(Box<Expression>, Box<Expression>),
    Slice(Box<Slice>),
    Call(Box<Expression>, Vec<Argument>),
    Filter(Box<Filter>),
    Test(Box<Test>),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Compare(Box<Expression>, Vec<(Comparison, Expression)>),
    Conditional(Box<Conditional>),
}

/// `value[start:stop:step]`.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) value: Expression,
    pub(crate) start: Option<Expression>,
    pub(crate) stop: Option<Expression>,
    pub(crate) step: Option<Expression>,
}

/// `value | name(arguments)`; without a value it takes what its block made.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) name: Arc<str>,
    pub(crate) value: Option<Expression>,
    pub(crate) arguments: Vec<Argument>,
}

/// `value is name(arguments)`.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) name: Arc<str>,
    pub(crate) value: Expression,
    pub(crate) arguments: Vec<Argument>,
}

/// `then if condition else otherwise`.
#[derive(Debug)]
pub(crate) struct Conditional {
    pub(crate) condition: Expression,
    pub(crate) then: Expression,
    pub(crate) otherwise: Option<Expression>,
}

/// An argument of a call, filter or test.
#[derive(Debug)]
pub(crate) enum Argument {
    Positional(Expression),
    Named(Arc<str>, Expression),
    /// `*value`.
    Positionals(Expression),
    /// `**value`.
    Nameds(Expression),
}

impl Argument {
    /// Returns the argument's expression.
    pub(crate) fn expression(&self) -> &Expression {
        match self {
            Self::Positional(value)
            | Self::Named(_, value)
            | Self::Positionals(value)
            | Self::Nameds(value) => value,
        }
    }
}

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    Concatenate,
}

impl Operator {
    /// Returns the operator as it is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
            Self::Power => "** or pow()",
            Self::Concatenate => "~",
        }
    }
}

/// A comparison of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

impl Comparison {
    /// Returns the comparison as it is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }
}

/// A statement of a template.
#[derive(Debug)]
pub(crate) enum Statement {
    /// Text as it is; a value, so that it is shared and not copied.
    Text(Value),
    Output(Expression),
    For(Arc<For>),
    If {
        condition: Expression,
        then: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    With {
        assignments: Vec<(Target, Expression)>,
        body: Vec<Statement>,
    },
    Set {
        target: Target,
        value: Expression,
    },
    SetBlock {
        target: Target,
        filter: Option<Expression>,
        body: Vec<Statement>,
    },
    FilterBlock {
        filter: Expression,
        body: Vec<Statement>,
    },
    AutoEscape {
        enabled: Expression,
        body: Vec<Statement>,
    },
    Block(Arc<Block>),
    Extends(Expression),
    Include {
        name: Expression,
        ignore_missing: bool,
        context: bool,
    },
    Import {
        name: Expression,
        alias: Arc<str>,
        context: bool,
    },
    FromImport {
        name: Expression,
        names: Vec<(Arc<str>, Arc<str>)>,
        context: bool,
    },
    Macro(Arc<Macro>),
    CallBlock {
        call: Expression,
        body: Arc<Macro>,
    },
    Do(Expression),
    Break,
    Continue,
}

/// A `for` loop.
#[derive(Debug)]
pub(crate) struct For {
    pub(crate) target: Target,
    pub(crate) iterable: Expression,
    pub(crate) condition: Option<Expression>,
    pub(crate) recursive: bool,
    pub(crate) body: Vec<Statement>,
    pub(crate) otherwise: Vec<Statement>,
}

/// A block that a template which extends this one may replace.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) name: Arc<str>,
    pub(crate) required: bool,
    pub(crate) body: Vec<Statement>,
}

/// A macro, or the body of a `call` block.
#[derive(Debug)]
pub(crate) struct Macro {
    pub(crate) name: Arc<str>,
    pub(crate) parameters: Vec<(Arc<str>, Option<Expression>)>,
    pub(crate) body: Vec<Statement>,
    /// The body names `varargs`, `kwargs` or `caller`, so that it takes what no parameter does.
    pub(crate) takes: Takes,
}

/// The special names that a macro's body uses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Takes {
    pub(crate) varargs: bool,
    pub(crate) kwargs: bool,
    pub(crate) caller: bool,
}

/// What an assignment sets.
#[derive(Debug)]
pub(crate) enum Target {
    Name(Arc<str>),
    /// `namespace.name`.
    Attribute(Arc<str>, Arc<str>),
    Several(Vec<Target>),
}

impl Target {
    /// Calls `visit` with every name that the assignment binds.
    pub(crate) fn names(&self, visit: &mut impl FnMut(&Arc<str>)) {
        match self {
            Self::Name(name) => visit(name),
            Self::Attribute(..) => {}
            Self::Several(targets) => targets.iter().for_each(|target| target.names(visit)),
        }
    }
}
