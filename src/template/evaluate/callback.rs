//! What filters, tests and lookups may ask of the evaluator.

use std::sync::Arc;

use super::attribute::item_or_attribute;
use super::{Evaluator, address, deeper, enter};
use crate::diag::Span;
use crate::template::call::{Callback, Keyword};
use crate::template::context::LookupContext;
use crate::template::error::TemplateError;
use crate::template::operators::defined;
use crate::template::settings::FileSettings;
use crate::value::Value;
use crate::vars::{Layered, Variables};

impl Callback for Evaluator<'_> {
    fn filter(
        &self,
        name: &str,
        value: Value,
        positional: Vec<Value>,
        named: Vec<Keyword>,
    ) -> Result<Value, TemplateError> {
        self.apply_filter(name, value, positional, named, Span::NONE)
    }

    fn test(
        &self,
        name: &str,
        value: Value,
        positional: Vec<Value>,
        named: Vec<Keyword>,
    ) -> Result<bool, TemplateError> {
        let result = self.apply_test(name, value, positional, named, Span::NONE)?;
        defined(&result)?;
        Ok(result.is_true())
    }

    fn lookup(
        &self,
        name: &str,
        terms: Vec<Value>,
        named: Vec<Keyword>,
    ) -> Result<Vec<Value>, TemplateError> {
        self.run_lookup(name, terms, named, true)
    }

    fn attribute(&self, value: &Value, name: &Value) -> Result<Value, TemplateError> {
        let found = item_or_attribute(value, name);
        self.resolve(found, name.as_str())
            .and_then(|value| self.deep(&value))
    }

    fn render(&self, value: &Value) -> Result<Value, TemplateError> {
        self.deep(value)
    }

    fn render_text(
        &self,
        text: &str,
        origin: Span,
        extra: &dyn Variables,
    ) -> Result<Value, TemplateError> {
        let variables = Layered {
            first: extra,
            then: self.variables,
        };
        let inner = Evaluator::over(self.templar, self.context, &variables);
        let text: Arc<str> = text.into();
        inner.active.borrow_mut().clone_from(&self.active.borrow());
        enter(&inner.active, address(&text), "a template file")?;
        let result = deeper(|| inner.file(&text, origin, &FileSettings::default()));
        self.fleeting
            .set(self.fleeting.get() || inner.fleeting.get());
        result
    }

    fn variables(&self) -> &dyn Variables {
        self.variables
    }

    fn outside(&self, what: &str) -> Result<&dyn LookupContext, TemplateError> {
        self.context()
            .ok_or_else(|| TemplateError::Elsewhere(what.to_owned()))
    }
}
