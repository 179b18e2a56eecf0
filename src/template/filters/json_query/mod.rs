//! `community.general.json_query`: JMESPath over values.
//!
//! The `jmespath` crate reads the expression; it is evaluated here, because the crate's own evaluator sorts the keys of
//! objects and knows neither big integers nor secrets, and Ansible's users see the order of their data.

mod evaluate;
mod functions;

use super::bind::bind;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::Value;

/// `json_query(expr)`.
pub(super) fn json_query(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["expr"], 1)?;
    let expression = super::python::text(arguments.get(0).unwrap_or(&Value::NULL))?;
    super::python::used_deep(&arguments.value)?;
    let failed = |message: String| {
        TemplateError::new(format!(
            "JMESPathError in json_query filter plugin: {message}"
        ))
    };
    let tree = jmespath::parse(&expression).map_err(|error| failed(error.to_string()))?;
    evaluate::evaluate(&tree, &arguments.value).map_err(failed)
}
