//! `group_by`: puts the host into a group that its variables name.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{Control, ControllerRequest, Effect, Failure, Meta, Outcome, StepView, Support};

/// Put the host into a group named by its facts
///
/// ## Check mode
///
/// Does the same: the group is known to this run only.
///
/// ## Returns
///
/// `add_group`: the group; `parent_groups`: its parents.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.group_by:
///     key: "os_{{ ansible_distribution }}"
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupByArgs {
    /// The group; spaces become dashes.
    key: String,
    /// Groups that this group becomes a child of.
    #[serde(default = "default_parents")]
    parents: Vec<String>,
}

fn default_parents() -> Vec<String> {
    vec!["all".to_owned()]
}

/// The module `ansible.builtin.group_by`.
pub(crate) struct GroupBy;

impl Control for GroupBy {
    type Args = GroupByArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.group_by",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };
    const CONTROLLER: bool = true;

    fn run(args: &GroupByArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        let group = args.key.replace(' ', "-");
        let parents: Vec<String> = args
            .parents
            .iter()
            .map(|parent| parent.replace(' ', "-"))
            .collect();
        Ok(Outcome::changed()
            .with("add_group", group.as_str())
            .with("parent_groups", parents.clone())
            .request(ControllerRequest::GroupBy { group, parents }))
    }
}
