//! The effect that a playbook states for a task, in a variable that Ansible ignores: `kplay_effect: host`.
//!
//! The engine asks when it decides which steps wait for which; `load` has refused words that are no effect.

use super::scope::{Scope, ScopeKind};
use crate::kit::Effect;
use crate::value::Dict;

/// An effect as the playbook states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatedEffect {
    /// How far the task reaches.
    pub effect: Effect,
    /// The task's own `vars` say so, rather than something around it.
    pub own: bool,
}

impl Scope {
    /// Returns the effect that the innermost of task, blocks, includes, role and play states.
    pub fn stated_effect(&self) -> Option<StatedEffect> {
        self.chain().find_map(|link| {
            let of_role = match &link.kind {
                ScopeKind::Role(role) => [
                    &role.keyword_vars,
                    &role.parameters,
                    &role.vars,
                    &role.defaults,
                ]
                .into_iter()
                .find_map(stated),
                _ => None,
            };
            let effect = stated(&link.keywords.vars).or(of_role)?;
            Some(StatedEffect {
                effect,
                own: matches!(link.kind, ScopeKind::Task),
            })
        })
    }
}

fn stated(variables: &Dict) -> Option<Effect> {
    Effect::parse(variables.get(Effect::VARIABLE)?.as_str()?)
}

#[cfg(test)]
mod tests {
    use crate::playbook::testing::{all_tasks, good, play};

    fn effects(lines: &str) -> Vec<Option<(&'static str, bool)>> {
        let (_, play) = play(lines);
        all_tasks(&play.tasks)
            .iter()
            .map(|task| task.scope.stated_effect())
            .map(|stated| stated.map(|stated| (stated.effect.name(), stated.own)))
            .collect()
    }

    #[test]
    fn the_innermost_word_holds() {
        let found = effects(
            "  vars: {kplay_effect: sees}\n  tasks:\n  - command: a\n  - block:\n    - command: b\n    - command: c\n      vars: {kplay_effect: pure}\n    vars: {kplay_effect: host}\n",
        );
        let expected = [("sees", false), ("host", false), ("pure", true)];
        assert_eq!(found, expected.map(Some));
        assert_eq!(effects("  tasks:\n  - command: a\n"), [None]);
    }

    #[test]
    fn a_role_states_it_where_it_is_used_or_in_its_own_variables() {
        let (_, playbook) = good(&[
            (
                "site.yml",
                "- hosts: all\n  roles: [quiet, {role: quiet, vars: {kplay_effect: shows}}, {role: quiet, kplay_effect: sees}]\n",
            ),
            ("roles/quiet/tasks/main.yml", "- command: a\n"),
            ("roles/quiet/vars/main.yml", "kplay_effect: host\n"),
            ("roles/quiet/meta/main.yml", "allow_duplicates: true\n"),
        ]);
        let found: Vec<&str> = all_tasks(&playbook.plays[0].role_tasks)
            .iter()
            .filter_map(|task| task.scope.stated_effect())
            .map(|stated| stated.effect.name())
            .collect();
        assert_eq!(found, ["host", "shows", "sees"]);
    }
}
