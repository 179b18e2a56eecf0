//! Tests of a task's registered result.

use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::bind;
use crate::template::filters::python::{mapping, truth};
use crate::value::{Dict, Value};

fn with_result(
    call: Call<'_>,
    judge: impl Fn(&Dict) -> Result<bool, TemplateError>,
) -> Result<bool, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    judge(mapping(&arguments.value, &arguments.name)?)
}

fn field(result: &Dict, name: &str, missing: bool) -> Result<bool, TemplateError> {
    result.get(name).map_or(Ok(missing), truth)
}

/// `changed`: also where only an item of a loop changed.
pub(super) fn changed(call: Call<'_>) -> Result<bool, TemplateError> {
    with_result(call, |result| {
        if result.contains("changed") {
            return field(result, "changed", false);
        }
        let items = result
            .get("results")
            .and_then(Value::as_list)
            .unwrap_or_default();
        if items.first().is_none_or(|item| item.as_dict().is_none()) {
            return Ok(false);
        }
        for item in items {
            if field(mapping(item, "changed")?, "changed", false)? {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

/// `failed`.
pub(super) fn failed(call: Call<'_>) -> Result<bool, TemplateError> {
    with_result(call, |result| field(result, "failed", false))
}

/// `succeeded`.
pub(super) fn succeeded(call: Call<'_>) -> Result<bool, TemplateError> {
    failed(call).map(|failed| !failed)
}

/// `skipped`.
pub(super) fn skipped(call: Call<'_>) -> Result<bool, TemplateError> {
    with_result(call, |result| field(result, "skipped", false))
}

/// `unreachable`.
pub(super) fn unreachable(call: Call<'_>) -> Result<bool, TemplateError> {
    with_result(call, |result| field(result, "unreachable", false))
}

/// `reachable`.
pub(super) fn reachable(call: Call<'_>) -> Result<bool, TemplateError> {
    unreachable(call).map(|unreachable| !unreachable)
}

/// `started`: a result that is not asynchronous counts as started.
pub(super) fn started(call: Call<'_>) -> Result<bool, TemplateError> {
    with_result(call, |result| field(result, "started", true))
}

/// `finished`: a result that is not asynchronous counts as finished.
pub(super) fn finished(call: Call<'_>) -> Result<bool, TemplateError> {
    with_result(call, |result| field(result, "finished", true))
}

/// `timedout`.
pub(super) fn timedout(call: Call<'_>) -> Result<bool, TemplateError> {
    with_result(call, |result| match result.get("timedout") {
        Some(timedout) if truth(timedout)? => {
            field(mapping(timedout, "timedout")?, "period", false)
        }
        _ => Ok(false),
    })
}
