//! What commands on the controller print: `pipe`, `lines`.

use super::file::outside;
use super::options::failed;
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::filters::python::text;
use crate::template::filters::strings::{is_space, split_lines};
use crate::value::Value;

fn run(command: &str, call: &LookupCall<'_>) -> Result<String, TemplateError> {
    let output = outside(call)?.shell(command)?;
    if output.status != 0 {
        let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let detail = if detail.is_empty() {
            detail
        } else {
            format!(": {detail}")
        };
        let status = output.status;
        let message = format!("`{command}` ended with status {status}{detail}");
        return Err(failed(call.name, message));
    }
    String::from_utf8(output.stdout).map_err(|_| {
        failed(
            call.name,
            format!("`{command}` printed what is not UTF-8 text"),
        )
    })
}

/// `pipe(*commands)`: what each prints, without the space at its end.
pub(super) fn pipe(terms: Vec<Value>, _: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let one = |term: &Value| {
        let output = run(&text(term)?, call)?;
        Ok(Value::from(output.trim_end_matches(is_space)))
    };
    terms.iter().map(one).collect()
}

/// `lines(*commands)`: the lines that each prints.
pub(super) fn lines(terms: Vec<Value>, _: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let mut results = Vec::new();
    for term in &terms {
        let output = run(&text(term)?, call)?;
        results.extend(split_lines(&output).into_iter().map(Value::from));
    }
    Ok(results)
}
