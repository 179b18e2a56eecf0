//! Names of tasks of which a part cannot be rendered. Called by `perform` for headings.

use super::outside::Outside;
use super::scope::HostScope;
use crate::value::Value;

/// Renders each expression of a name by itself and puts what is wrong in place of those that fail, as ansible-core does. A name that
/// holds statements stays as written.
pub(super) fn with_faults(written: &str, scope: &HostScope<'_>) -> String {
    if written.contains("{%") {
        return written.to_owned();
    }
    let outside = Outside { scope };
    let mut text = String::new();
    let mut rest = written;
    let mut faults = 0;
    while let Some((before, behind)) = rest.split_once("{{") {
        let Some((expression, after)) = behind.split_once("}}") else {
            break;
        };
        text.push_str(before);
        let template = Value::template(format!("{{{{{expression}}}}}"), crate::diag::Span::NONE);
        match scope
            .run
            .templar
            .render(&template, &scope.template_scope(Some(&outside)))
        {
            Ok(value) => text.push_str(&value.to_text()),
            Err(error) => {
                faults += 1;
                text.push_str(&format!("<< error {faults} - {error} >>"));
            }
        }
        rest = after;
    }
    text + rest
}
