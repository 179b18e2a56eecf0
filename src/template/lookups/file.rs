//! Files of the controller as text: `file`, `unvault`; and what the other lookups of files share.

use std::path::{Path, PathBuf};

use super::options::{Options, failed, text_term};
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::context::{FileKind, LookupContext};
use crate::template::error::TemplateError;
use crate::template::filters::strings::is_space;
use crate::value::Value;

/// Returns the controller.
pub(super) fn outside<'a>(
    call: &'a LookupCall<'_>,
) -> Result<&'a dyn LookupContext, TemplateError> {
    call.evaluator
        .outside(&format!("the lookup `{}`", call.name))
}

/// Returns the path of a file; the error says where it was looked for.
pub(super) fn find(
    call: &LookupCall<'_>,
    kind: FileKind,
    name: &str,
) -> Result<PathBuf, TemplateError> {
    let outside = outside(call)?;
    if let Some(path) = outside.find_file(kind, name)? {
        return Ok(path);
    }
    let folder = match kind {
        FileKind::Template => "templates",
        _ => "files",
    };
    let searched: Vec<String> = outside
        .search_path()
        .iter()
        .flat_map(|path| [path.join(folder).join(name), path.join(name)])
        .map(|path| format!("`{}`", path.display()))
        .collect();
    let place = if Path::new(name).is_absolute() || searched.is_empty() {
        String::new()
    } else {
        format!("; searched: {}", searched.join(", "))
    };
    Err(failed(
        call.name,
        format!("there is no file `{name}`{place}"),
    ))
}

/// Returns a file's text and whether it came out of a vault.
pub(super) fn read(call: &LookupCall<'_>, path: &Path) -> Result<(String, bool), TemplateError> {
    let (content, secret) = outside(call)?.read(path)?;
    let content = String::from_utf8(content)
        .map_err(|_| failed(call.name, format!("`{}` is not UTF-8 text", path.display())))?;
    Ok((content, secret))
}

/// Marks a value that came out of a vault.
pub(super) fn marked(value: Value, secret: bool) -> Value {
    if secret { value.secret() } else { value }
}

/// `file(*names, lstrip=false, rstrip=true)`.
pub(super) fn file(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let options = Options::new(call, named, &["lstrip", "rstrip"]);
    let (left, right) = (
        options.flag("lstrip", false)?,
        options.flag("rstrip", true)?,
    );
    let mut results = Vec::new();
    for term in &terms {
        let path = find(call, FileKind::File, text_term(term, call)?)?;
        let (content, secret) = read(call, &path)?;
        let mut content = content.as_str();
        if left {
            content = content.trim_start_matches(is_space);
        }
        if right {
            content = content.trim_end_matches(is_space);
        }
        results.push(marked(Value::from(content), secret));
    }
    Ok(results)
}

/// `unvault(*names)`: the text as it is, decrypted where it is a vault.
pub(super) fn unvault(terms: Vec<Value>, _: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let one = |term: &Value| {
        let path = find(call, FileKind::File, text_term(term, call)?)?;
        let (content, secret) = read(call, &path)?;
        Ok(marked(Value::from(content), secret))
    };
    terms.iter().map(one).collect()
}
