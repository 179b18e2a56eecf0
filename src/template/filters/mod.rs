//! The filters, one file per family, and the table that names them.

mod addresses;
mod bcrypt;
pub(crate) mod bind;
mod community;
pub(crate) mod crypt;
mod dicts;
mod encoding;
pub(crate) mod glob;
mod json;
mod json_query;
mod lists;
pub(crate) mod missing;
pub(crate) mod numbers;
mod paths;
pub(crate) mod protomatter;
pub(crate) mod python;
pub(crate) mod regex;
pub(crate) mod random;
mod regex_filters;
mod regex_syntax;
mod select;
mod sets;
pub(crate) mod strings;
mod table;
mod time;
mod url;
mod yaml_dump;
mod yaml_emitter;
pub(crate) mod yaml_load;

use super::call::Call;
use super::error::TemplateError;
use crate::value::Value;

/// A filter's function.
pub(crate) type FilterFunction = fn(Call<'_>) -> Result<Value, TemplateError>;

pub(crate) use table::{find, names};

#[cfg(test)]
mod vectors;
