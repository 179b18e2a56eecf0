//! Arguments as Python binds them: by position, then by name, with defaults.
//!
//! Every filter, test and lookup takes its arguments through [`bind`] (an undefined one fails at once, as ansible-core does
//! for plugins that do not ask for undefined values) or [`bind_lazy`] (undefined ones are handed on).

use crate::diag::{Span, nearest_one};
use crate::template::call::{Call, Callback, Keyword};
use crate::template::error::TemplateError;
use crate::value::{Kind, Value};

use super::python::{integer, truth};

/// Bound arguments of one call.
pub(crate) struct Arguments<'a> {
    /// The name that was called.
    pub(crate) name: String,
    /// What the filter or test applies to.
    pub(crate) value: Value,
    /// The arguments in the order of the names they were bound to.
    items: Vec<Option<Value>>,
    /// Where it stands.
    pub(crate) span: Span,
    /// The evaluator.
    pub(crate) evaluator: &'a dyn Callback,
}

/// Binds the arguments to `names`, of which the first `required` must be there. Undefined ones fail.
pub(crate) fn bind<'a>(
    call: Call<'a>,
    names: &[&str],
    required: usize,
) -> Result<Arguments<'a>, TemplateError> {
    defined(&call)?;
    bind_lazy(call, names, required)
}

/// Fails with the fault of the first argument that is undefined at its top.
pub(crate) fn defined(call: &Call<'_>) -> Result<(), TemplateError> {
    let all = std::iter::once(&call.value)
        .chain(&call.positional)
        .chain(call.named.iter().map(|(_, value)| value));
    for value in all {
        if let Some(fault) = value.as_fault() {
            return Err(TemplateError::Fault(fault.clone()));
        }
    }
    Ok(())
}

/// Binds as [`bind`] does and lets undefined arguments pass.
pub(crate) fn bind_lazy<'a>(
    call: Call<'a>,
    names: &[&str],
    required: usize,
) -> Result<Arguments<'a>, TemplateError> {
    let Call {
        name,
        value,
        positional,
        named,
        span,
        evaluator,
    } = call;
    let items = bind_items(name, positional, named, names, required)?;
    Ok(Arguments {
        name: name.to_owned(),
        value,
        items,
        span,
        evaluator,
    })
}

/// Binds bare lists of arguments, for lookups and for filters with a variable number of them.
pub(crate) fn bind_items(
    name: &str,
    positional: Vec<Value>,
    named: Vec<Keyword>,
    names: &[&str],
    required: usize,
) -> Result<Vec<Option<Value>>, TemplateError> {
    if positional.len() > names.len() {
        let most = names.len();
        let plural = if most == 1 { "" } else { "s" };
        return Err(TemplateError::new(format!(
            "`{name}` takes at most {most} argument{plural}, {} were given",
            positional.len()
        )));
    }
    let mut items: Vec<Option<Value>> = positional.into_iter().map(Some).collect();
    items.resize(names.len(), None);
    for (keyword, value) in named {
        let place = names
            .iter()
            .position(|known| **known == *keyword)
            .and_then(|index| items.get_mut(index));
        let Some(place) = place else {
            return Err(unknown(name, &keyword, names));
        };
        if place.is_some() {
            return Err(TemplateError::new(format!(
                "`{name}` got more than one value for argument `{keyword}`"
            )));
        }
        *place = Some(value);
    }
    for (item, known) in items.iter().zip(names).take(required) {
        if item.is_none() {
            return Err(TemplateError::new(format!(
                "`{name}` misses its argument `{known}`"
            )));
        }
    }
    Ok(items)
}

/// The error for a named argument that does not exist.
pub(crate) fn unknown(name: &str, keyword: &str, names: &[&str]) -> TemplateError {
    let hint = nearest_one(keyword, names.iter().copied())
        .map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
    TemplateError::new(format!("`{name}` has no argument `{keyword}`{hint}"))
}

impl Arguments<'_> {
    /// Returns the argument, if it was given.
    pub(crate) fn get(&self, index: usize) -> Option<&Value> {
        self.items.get(index).and_then(Option::as_ref)
    }

    /// Returns the argument, if it was given and is not `None`.
    pub(crate) fn given(&self, index: usize) -> Option<&Value> {
        self.get(index).filter(|value| !value.is_null())
    }

    /// Takes a required argument out.
    pub(crate) fn take(&mut self, index: usize) -> Value {
        self.items
            .get_mut(index)
            .and_then(Option::take)
            .unwrap_or_default()
    }

    /// Returns Python's truth of the argument, or `default` where it was not given.
    pub(crate) fn flag(&self, index: usize, default: bool) -> Result<bool, TemplateError> {
        self.get(index).map_or(Ok(default), truth)
    }

    /// Returns the argument as an integer, or `default` where it was not given.
    pub(crate) fn int(&self, index: usize, default: i64) -> Result<i64, TemplateError> {
        self.get(index).map_or(Ok(default), integer)
    }

    /// Returns the argument as an integer, if it was given and is not `None`.
    pub(crate) fn optional_int(&self, index: usize) -> Result<Option<i64>, TemplateError> {
        self.given(index).map(integer).transpose()
    }

    /// Returns a text argument, or `default` where it was not given.
    pub(crate) fn text(&self, index: usize, default: &str) -> Result<String, TemplateError> {
        match self.get(index) {
            None => Ok(default.to_owned()),
            Some(value) => self.expect_text(value),
        }
    }

    /// Returns a text argument, if it was given and is not `None`.
    pub(crate) fn optional_text(&self, index: usize) -> Result<Option<String>, TemplateError> {
        self.given(index)
            .map(|value| self.expect_text(value))
            .transpose()
    }

    fn expect_text(&self, value: &Value) -> Result<String, TemplateError> {
        match value.kind() {
            Kind::Str(text) => Ok(text.to_string()),
            Kind::Undefined(fault) => Err(TemplateError::Fault((**fault).clone())),
            _ => Err(self.error(format!(
                "needs text, but an argument is {}",
                value.type_name()
            ))),
        }
    }

    /// Returns an error that begins with the filter's name.
    pub(crate) fn error(&self, text: impl AsRef<str>) -> TemplateError {
        TemplateError::new(format!("`{}` {}", self.name, text.as_ref()))
    }
}
