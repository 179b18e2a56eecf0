//! `include_tasks`, `include_role` and `meta` as `step` runs them: condition, loop and arguments are evaluated like those of any
//! module, and what they ask for goes back to the engine, which alone can change a run.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Any, Control, ControllerRequest, Effect, Failure, Meta, Outcome, StepView, Support,
};
use crate::value::{Dict, Key, Value};

const fn meta(name: &'static str) -> Meta {
    Meta {
        name,
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Full,
        diff: Support::None,
        free_form: Some("_raw_params"),
    }
}

fn include(arguments: Dict) -> Outcome {
    Outcome::unchanged().with("include_arguments", Value::dict(arguments))
}

/// Include a file of tasks when the play gets there
///
/// ## Check mode
///
/// Includes them as well.
///
/// ## Returns
///
/// Nothing of use to a playbook.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.include_tasks:
///     file: "{{ ansible_os_family | lower }}.yml"
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncludeTasksArgs {
    /// The file, relative to the one that includes it, or to `tasks/` of the role.
    #[serde(alias = "_raw_params")]
    file: String,
    /// Keywords for the included tasks.
    #[expect(dead_code, reason = "the playbook reads it")]
    apply: Option<BTreeMap<String, Any>>,
}

/// The module `ansible.builtin.include_tasks`.
pub(crate) struct IncludeTasks;

impl Control for IncludeTasks {
    type Args = IncludeTasksArgs;

    const META: Meta = meta("ansible.builtin.include_tasks");
    const CONTROLLER: bool = true;

    fn run(args: &IncludeTasksArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        Ok(include(Dict::new().with("file", args.file.as_str())))
    }
}

/// Include a role when the play gets there
///
/// ## Check mode
///
/// Includes it as well.
///
/// ## Returns
///
/// Nothing of use to a playbook.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.include_role:
///     name: k3s-agent
///   when: inventory_hostname in groups['agents']
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncludeRoleArgs {
    /// The role.
    #[serde(alias = "role")]
    name: String,
    /// The file of `tasks/` to take instead of `main`.
    tasks_from: Option<String>,
    /// The file of `vars/` to take instead of `main`.
    vars_from: Option<String>,
    /// The file of `defaults/` to take instead of `main`.
    defaults_from: Option<String>,
    /// The file of `handlers/` to take instead of `main`.
    handlers_from: Option<String>,
    /// Lets the rest of the play see the role's defaults and vars.
    public: Option<bool>,
    /// Lets the role run again in the play.
    allow_duplicates: Option<bool>,
    /// Checks the role's arguments against its specification.
    rolespec_validate: Option<bool>,
    /// Keywords for the role's tasks.
    #[expect(dead_code, reason = "the playbook reads it")]
    apply: Option<BTreeMap<String, Any>>,
}

/// The module `ansible.builtin.include_role`.
pub(crate) struct IncludeRole;

impl Control for IncludeRole {
    type Args = IncludeRoleArgs;

    const META: Meta = Meta {
        free_form: None,
        ..meta("ansible.builtin.include_role")
    };
    const CONTROLLER: bool = true;

    fn run(args: &IncludeRoleArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        let given: [(&str, Value); 8] = [
            ("name", args.name.as_str().into()),
            ("tasks_from", args.tasks_from.clone().into()),
            ("vars_from", args.vars_from.clone().into()),
            ("defaults_from", args.defaults_from.clone().into()),
            ("handlers_from", args.handlers_from.clone().into()),
            ("public", args.public.into()),
            ("allow_duplicates", args.allow_duplicates.into()),
            ("rolespec_validate", args.rolespec_validate.into()),
        ];
        Ok(include(
            given
                .into_iter()
                .map(|(name, value)| (Key::from(name), value))
                .collect(),
        ))
    }
}

/// Steer the run itself
///
/// ## Check mode
///
/// Does the same.
///
/// ## Returns
///
/// Nothing.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.meta: flush_handlers
///
/// - ansible.builtin.meta: end_host
///   when: ansible_os_family != 'Debian'
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetaArgs {
    /// One of `clear_facts`, `clear_host_errors`, `end_batch`, `end_host`, `end_play`, `end_role`, `flush_handlers`, `noop`,
    /// `refresh_inventory`, `reset_connection`.
    #[serde(alias = "_raw_params")]
    action: String,
}

/// The module `ansible.builtin.meta`.
pub(crate) struct MetaModule;

impl Control for MetaModule {
    type Args = MetaArgs;

    const META: Meta = meta("ansible.builtin.meta");
    const CONTROLLER: bool = true;

    fn run(args: &MetaArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged().request(ControllerRequest::Meta(args.action.clone())))
    }
}
