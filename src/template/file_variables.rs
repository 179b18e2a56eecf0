//! The variables that describe the template file being rendered: `template_path`, `ansible_managed` and their family.
//!
//! The controller makes them, for the `template` module (whose text may be rendered on a host) and for the lookup.

use std::path::Path;
use std::sync::Arc;

use super::call::Keyword;
use super::context::LookupContext;
use super::error::TemplateError;
use super::format::braces;
use super::globals::local;
use super::methods::strftime;
use crate::diag::Span;
use crate::value::{Dict, Value};

/// The text of `ansible_managed` where no setting says otherwise.
const MANAGED: &str = "Ansible managed";

/// Returns the variables of a template file: `name` is what the task or lookup calls it.
pub(crate) fn file_variables(
    outside: &dyn LookupContext,
    name: &str,
    path: &Path,
) -> Result<Dict, TemplateError> {
    let status = outside.status(path);
    let owner = status.map_or(Value::NULL, |status| {
        outside
            .user_name(status.owner)
            .map_or_else(|| Value::from(i64::from(status.owner)), Value::from)
    });
    let modified = local(status.map_or_else(|| outside.now(), |status| status.modified))?;
    let setting = outside.setting("DEFAULT_MANAGED_STR");
    let managed = setting.as_ref().and_then(Value::as_str).unwrap_or(MANAGED);
    // The values themselves are not put into the text: it is a template, and they are not.
    let inner: Vec<Keyword> = [("host", "host"), ("uid", "uid"), ("file", "path")]
        .into_iter()
        .map(|(field, variable)| {
            let text = Value::from(format!("{{{{ template_{variable} }}}}"));
            (Arc::from(field), text)
        })
        .collect();
    let managed = strftime(modified, &braces(managed, &[], &inner)?)?;
    Ok(Dict::new()
        .with("template_host", outside.host_name())
        .with("template_path", name)
        .with("template_mtime", Value::from(modified))
        .with("template_uid", owner)
        .with("template_run_date", Value::from(local(outside.now())?))
        .with("template_destpath", Value::NULL)
        .with("template_fullpath", path.display().to_string())
        .with("ansible_managed", Value::template(managed, Span::NONE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::FakeController;

    #[test]
    fn ansible_managed_is_filled_with_templates_and_the_time_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.j2");
        std::fs::write(&path, "text").unwrap();
        let mut outside = FakeController::new(folder.path());
        outside.settings.insert(
            "DEFAULT_MANAGED_STR".to_owned(),
            Value::text("{file} of {uid}, %Y"),
        );
        let variables = file_variables(&outside, "a.j2", &path).unwrap();
        let managed = variables.get("ansible_managed").unwrap();
        assert!(managed.is_trusted());
        let text = managed.as_str().unwrap();
        assert!(text.starts_with("{{ template_path }} of {{ template_uid }}, 2"));
        assert_eq!(variables.get("template_path").unwrap().to_text(), "a.j2");
        assert_eq!(
            variables.get("template_run_date").unwrap().type_name(),
            "datetime"
        );
    }
}
