//! The variables that a failure leaves behind for rescue sections. The engine sets them when a result arrives, the worker where a
//! batch goes on there.

use crate::value::{Dict, Value};

/// Their names.
pub const FAILURE_VARIABLES: [&str; 2] = ["ansible_failed_task", "ansible_failed_result"];

/// Returns what a rescue section is told: the task by its name and module as written with its arguments, and its result.
pub fn failure_variables(name: &str, action: &str, arguments: &Value, result: &Dict) -> Dict {
    let [task, returned] = FAILURE_VARIABLES;
    let described = Dict::new()
        .with("name", name)
        .with("action", action)
        .with("args", arguments.clone().untrusted());
    Dict::new()
        .with(task, Value::dict(described))
        .with(returned, Value::dict(result.clone()).untrusted())
}
