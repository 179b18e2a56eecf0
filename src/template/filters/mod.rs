//! The filters, one file per family, and the table that names them.

use super::call::Call;
use super::error::TemplateError;
use crate::value::Value;

/// A filter's function.
pub type FilterFunction = fn(Call<'_>) -> Result<Value, TemplateError>;
