//! The `template` lookup: a template file of the controller, rendered.

use super::file::{find, marked, outside, read};
use super::options::{Options, text_term};
use super::{LookupCall, Results};
use crate::diag::Span;
use crate::template::call::Keyword;
use crate::template::context::FileKind;
use crate::template::file_variables::file_variables;
use crate::template::filters::python::used;
use crate::template::settings::HEADER;
use crate::value::Value;
use crate::vars::Found;

/// Options that become settings of the template's header.
const SETTINGS: [&str; 4] = [
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
];

/// `template(*names, template_vars={}, variable_start_string=..., trim_blocks=true, ...)`.
pub(super) fn template(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let names = &[
        "template_vars",
        "variable_start_string",
        "variable_end_string",
        "comment_start_string",
        "comment_end_string",
        "trim_blocks",
    ];
    let options = Options::new(call, named, names);
    let mut header = Vec::new();
    for name in SETTINGS {
        if let Some(value) = options.get(name) {
            header.push(format!("{name}: {}", used(value)?.to_repr()));
        }
    }
    if !options.flag("trim_blocks", true)? {
        header.push("trim_blocks: False".to_owned());
    }
    let extra = options.dict("template_vars")?;
    let mut results = Vec::new();
    for term in &terms {
        let name = text_term(term, call)?;
        let path = find(call, FileKind::Template, name)?;
        let (content, secret) = read(call, &path)?;
        let content = with_header(&header, content);
        let mut variables = file_variables(outside(call)?, name, &path)?;
        if !matches!(
            call.evaluator.variables().find("ansible_managed"),
            Found::Missing
        ) {
            variables.remove("ansible_managed");
        }
        variables.extend(extra.clone());
        let result = call
            .evaluator
            .render_text(&content, Span::NONE, &variables)?;
        results.push(marked(result, secret));
    }
    Ok(results)
}

/// Puts settings before those of the template's own header, which win.
fn with_header(header: &[String], content: String) -> String {
    if header.is_empty() {
        return content;
    }
    let header = header.join(", ");
    match content.strip_prefix(HEADER) {
        Some(own) => format!("{HEADER}{header}, {}", own.trim_start()),
        None => format!("{HEADER}{header}\n{content}"),
    }
}
