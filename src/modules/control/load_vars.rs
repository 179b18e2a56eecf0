//! `community.sops.load_vars`: sets variables from a file that is encrypted with SOPS.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diag::Span;
use crate::kit::{Control, ControllerRequest, Effect, Failure, Meta, Outcome, StepView, Support};
use crate::secrets::{AgeSettings, Secret};
use crate::template::{FileKind, TemplateError};
use crate::value::{Dict, Value};

/// Set variables from a file that is encrypted with SOPS
///
/// A relative `file` is looked for in `vars/` of the role and beside the tasks and the playbook. It is decrypted on the
/// controller with the age keys that SOPS would find there; no `sops` program is needed. The values that were encrypted are
/// secrets from then on.
///
/// ## Check mode
///
/// Does the same.
///
/// ## Returns
///
/// `ansible_facts`: the variables; `ansible_included_var_files`: the file they came from.
///
/// ## Examples
///
/// ```yaml
/// - community.sops.load_vars:
///     file: secrets.sops.yaml
/// - community.sops.load_vars:
///     file: secrets.sops.yaml
///     name: secrets
///     expressions: lazy-evaluation
/// ```
///
/// ## Differs from Ansible
///
/// Keys of AWS and key services are not supported. `sops_binary`, `config_path` and `enable_local_keyservice` are accepted and
/// have no effect.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoadVarsArgs {
    /// The file.
    file: String,
    /// Makes one dictionary of that name instead of single variables.
    name: Option<String>,
    /// What happens to templates in the file: unless told otherwise they stay text; or they are evaluated once, when the file is
    /// loaded, or each time where they are used.
    #[serde(default)]
    expressions: Expressions,
    /// One or more secret age keys, in the place of `SOPS_AGE_KEY`.
    age_key: Option<String>,
    /// The file of the secret age keys, in the place of `SOPS_AGE_KEY_FILE`.
    age_keyfile: Option<String>,
    /// The file of an SSH key, in the place of `SOPS_AGE_SSH_PRIVATE_KEY_FILE`.
    age_ssh_private_keyfile: Option<String>,
    /// Not needed: kplay decrypts by itself.
    #[expect(dead_code, reason = "accepted for playbooks that name it")]
    sops_binary: Option<String>,
    /// Not needed: it matters for encrypting only.
    #[expect(dead_code, reason = "accepted for playbooks that name it")]
    config_path: Option<String>,
    /// Not needed: there is no other key service.
    #[expect(dead_code, reason = "accepted for playbooks that name it")]
    enable_local_keyservice: Option<bool>,
}

/// What happens to templates in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Expressions {
    /// They stay text.
    #[default]
    Ignore,
    /// They are evaluated when the file is loaded.
    EvaluateOnLoad,
    /// They are evaluated where they are used.
    LazyEvaluation,
}

/// The module `community.sops.load_vars`.
pub(crate) struct LoadVars;

impl Control for LoadVars {
    type Args = LoadVarsArgs;

    const META: Meta = Meta {
        name: "community.sops.load_vars",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::Pure,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };
    const CONTROLLER: bool = true;

    fn run(args: &LoadVarsArgs, step: &dyn StepView) -> Result<Outcome, Failure> {
        let controller = step.controller()?;
        let found = controller
            .find_file(FileKind::Vars, &args.file)
            .map_err(failure)?;
        let Some(path) = found else {
            let message = super::include_vars::missing(&args.file, controller);
            return Err(Failure::new(message));
        };
        let keys = AgeSettings {
            key: args.age_key.as_deref().map(Secret::from),
            key_file: args.age_keyfile.as_deref().map(Into::into),
            ssh_key_file: args.age_ssh_private_keyfile.as_deref().map(Into::into),
        };
        let content = controller.load_sops(&path, keys).map_err(failure)?;
        let content = match args.expressions {
            Expressions::Ignore => content.untrusted(),
            Expressions::EvaluateOnLoad => step.render(&content)?,
            Expressions::LazyEvaluation => content,
        };
        let variables = match &args.name {
            Some(name) => Dict::new().with(name.as_str(), content),
            None => content.as_dict().cloned().unwrap_or_default(),
        };
        let files: Value = std::iter::once(Value::from(path.display().to_string())).collect();
        Ok(Outcome::unchanged()
            .with("ansible_included_var_files", files)
            .with("ansible_facts", Value::dict(variables.clone()))
            .request(ControllerRequest::IncludeVars(variables)))
    }
}

/// Turns what is wrong with a file into the task's failure.
fn failure(error: TemplateError) -> Failure {
    let message = error.to_string();
    let span = match error {
        TemplateError::Fault(fault) => fault.span,
        TemplateError::Syntax { span, .. } => span,
        TemplateError::Elsewhere(_) => Span::NONE,
    };
    Failure {
        span,
        ..Failure::new(message)
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "the file stands for the controller's"
    )]

    use serde_json::json;

    use super::*;
    use crate::kit::FakeStep;
    use crate::template::FakeController;

    fn load(arguments: serde_json::Value) -> Outcome {
        let root = tempfile::tempdir().unwrap();
        let sealed = include_str!("../../../tests/vectors/sops/rops/age_example.yaml");
        std::fs::create_dir(root.path().join("vars")).unwrap();
        std::fs::write(root.path().join("vars/x.sops.yaml"), sealed).unwrap();
        std::fs::write(root.path().join("vars/open.yaml"), "a: 1\n").unwrap();
        let mut controller = FakeController::new(root.path());
        controller.secrets = crate::secrets::testing::vault_of_rops();
        FakeStep::new()
            .controller(controller)
            .run::<LoadVars>(&Value::from_json(arguments))
    }

    #[test]
    fn variables_are_secret_and_templates_as_it_is_told() {
        for (expressions, trusted) in [("ignore", false), ("lazy-evaluation", true)] {
            let outcome = load(json!({"file": "x.sops.yaml", "expressions": expressions}));
            let facts = outcome.values.get("ansible_facts").unwrap();
            let hello = facts.get("example_key").unwrap();
            assert_eq!(hello.as_str(), Some("example_value"));
            assert!(hello.is_secret());
            assert_eq!(hello.is_trusted(), trusted, "{expressions}");
            assert!(matches!(
                outcome.request,
                Some(ControllerRequest::IncludeVars(_))
            ));
        }
        let outcome = load(json!({"file": "x.sops.yaml", "name": "all"}));
        let facts = outcome.values.get("ansible_facts").unwrap();
        assert!(facts.get("all").unwrap().get("example_number").is_some());
    }

    #[test]
    fn what_cannot_be_loaded_says_why() {
        let message = |file: &str| {
            let outcome = load(json!({"file": file}));
            assert!(outcome.failed);
            outcome.values.get("msg").unwrap().to_text()
        };
        assert!(message("nowhere.yaml").contains("there is no file `nowhere.yaml`"));
        assert!(message("open.yaml").contains("not encrypted with SOPS"));
    }
}
