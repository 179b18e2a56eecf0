//! What a filter, test or lookup is given, and how it reaches back into the evaluator.

use std::sync::Arc;

use super::context::LookupContext;
use super::error::TemplateError;
use crate::diag::Span;
use crate::value::Value;
use crate::vars::Variables;

/// A named argument.
pub type Keyword = (Arc<str>, Value);

/// One use of a filter or test. Values in it are rendered already; they may hold undefined ones, deep inside or at the top:
/// whoever uses such a value fails with its fault ([`TemplateError::Fault`]), `default` and `defined` look at it.
pub struct Call<'a> {
    /// The name as it was written (`ansible.builtin.combine` and `combine` reach the same function).
    pub name: &'a str,
    /// What stands before the `|` or the `is`.
    pub value: Value,
    /// Arguments by position, after the value.
    pub positional: Vec<Value>,
    /// Arguments by name, in order.
    pub named: Vec<Keyword>,
    /// Where it stands.
    pub span: Span,
    /// The evaluator.
    pub evaluator: &'a dyn Callback,
}

/// The evaluator as filters, tests and lookups see it.
pub trait Callback {
    /// Applies another filter (for `map('name')`). An unknown name is an error.
    fn filter(
        &self,
        name: &str,
        value: Value,
        positional: Vec<Value>,
        named: Vec<Keyword>,
    ) -> Result<Value, TemplateError>;

    /// Applies a test (for `select('name')`). An unknown name is an error.
    fn test(
        &self,
        name: &str,
        value: Value,
        positional: Vec<Value>,
        named: Vec<Keyword>,
    ) -> Result<bool, TemplateError>;

    /// Runs the lookup of a `with_NAME:` loop and returns its list of results.
    fn lookup(
        &self,
        name: &str,
        terms: Vec<Value>,
        named: Vec<Keyword>,
    ) -> Result<Vec<Value>, TemplateError>;

    /// Returns `value.name` or `value[name]` as Jinja finds it (item, then method or attribute); undefined where there is none.
    fn attribute(&self, value: &Value, name: &Value) -> Result<Value, TemplateError>;

    /// Evaluates trusted text in `value`, deep inside too; other values stay.
    fn render(&self, value: &Value) -> Result<Value, TemplateError>;

    /// Evaluates the text of a template file with `extra` variables above those of the context.
    fn render_text(
        &self,
        text: &str,
        origin: Span,
        extra: &dyn Variables,
    ) -> Result<Value, TemplateError>;

    /// Returns the variables of the context, not rendered.
    fn variables(&self) -> &dyn Variables;

    /// Returns what lies outside of the template, or [`TemplateError::Elsewhere`] on a host, naming `what` needs it.
    fn outside(&self, what: &str) -> Result<&dyn LookupContext, TemplateError>;
}
