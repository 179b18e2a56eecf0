//! Which keywords belong to what.

const KEYWORDS: &str = include_str!("keywords.txt");

/// What keywords belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A play.
    Play,
    /// `import_playbook`.
    ImportPlaybook,
    /// A role in `roles:` or `dependencies:`.
    Role,
    /// `meta/main.yml` of a role.
    RoleMetadata,
    /// A block.
    Block,
    /// A task.
    Task,
    /// A handler.
    Handler,
    /// `include_tasks` or `include_role`.
    Include,
    /// `include_tasks` among handlers.
    HandlerInclude,
    /// `loop_control:`.
    LoopControl,
}

impl Owner {
    /// All of them, with the name in the table and the words of a message.
    const ALL: [(Self, &'static str, &'static str); 10] = [
        (Self::Play, "play", "a play"),
        (Self::ImportPlaybook, "import_playbook", "`import_playbook`"),
        (Self::Role, "role", "a role in `roles`"),
        (
            Self::RoleMetadata,
            "role metadata",
            "`meta/main.yml` of a role",
        ),
        (Self::Block, "block", "a block"),
        (Self::Task, "task", "a task"),
        (Self::Handler, "handler", "a handler"),
        (Self::Include, "dynamic include", "a dynamic include"),
        (
            Self::HandlerInclude,
            "dynamic include in handlers",
            "a dynamic include among handlers",
        ),
        (Self::LoopControl, "loop_control", "`loop_control`"),
    ];

    /// Returns what a message calls it.
    pub fn describe(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(owner, ..)| *owner == self)
            .map_or("", |(_, _, words)| words)
    }

    /// Returns its keywords. Names that are no keywords for users (`loop_with`, `async_val`) are left out.
    pub fn keywords(self) -> impl Iterator<Item = &'static str> {
        let name = Self::ALL
            .iter()
            .find(|(owner, ..)| *owner == self)
            .map_or("", |(_, name, _)| name);
        let line = KEYWORDS
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default()
            .split(' ')
            .filter(|word| !matches!(*word, "loop_with" | "async_val" | ""))
    }

    /// Tells whether it has that keyword.
    pub fn has(self, keyword: &str) -> bool {
        self.keywords().any(|known| known == keyword)
    }

    /// Returns those that a message names for a keyword. Metadata and includes are left out: they have theirs by the way.
    pub fn others_with(keyword: &str) -> Vec<&'static str> {
        Self::ALL
            .iter()
            .filter(|(owner, ..)| {
                !matches!(
                    owner,
                    Self::RoleMetadata | Self::Include | Self::HandlerInclude
                )
            })
            .filter(|(owner, ..)| owner.has(keyword))
            .map(|(_, _, words)| *words)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_know_where_they_belong() {
        assert!(Owner::Task.has("register") && !Owner::Block.has("register"));
        assert!(Owner::Handler.has("listen") && !Owner::Task.has("listen"));
        assert_eq!(Owner::others_with("serial"), ["a play"]);
        assert_eq!(Owner::LoopControl.keywords().count(), 7);
    }
}
