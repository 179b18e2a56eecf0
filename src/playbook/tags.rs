//! Which tasks `--tags` and `--skip-tags` leave.

use std::collections::BTreeSet;

/// What `--tags` and `--skip-tags` ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagSelection {
    /// `--tags`; empty means all.
    pub only: BTreeSet<String>,
    /// `--skip-tags`.
    pub skip: BTreeSet<String>,
}

impl TagSelection {
    /// Returns what these options ask for; each may hold several tags with commas between them.
    pub fn new<'a>(
        only: impl IntoIterator<Item = &'a str>,
        skip: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            only: split(only),
            skip: split(skip),
        }
    }

    /// Tells whether a task with these tags runs. `always`, `never`, `tagged`, `untagged` and `all` mean what they mean in Ansible.
    pub fn allows<S: AsRef<str>>(&self, tags: &[S]) -> bool {
        let tagged = !tags.is_empty();
        let has = |name: &str| {
            if tagged {
                tags.iter().any(|tag| tag.as_ref() == name)
            } else {
                name == "untagged"
            }
        };
        let meets = |wanted: &BTreeSet<String>| wanted.iter().any(|tag| has(tag));
        let only_all = self.only.is_empty() || self.only.contains("all");
        let wanted = has("always")
            || (only_all && !has("never"))
            || meets(&self.only)
            || (self.only.contains("tagged") && tagged && !has("never"));
        if !wanted {
            return false;
        }
        if self.skip.contains("all") {
            return has("always") && !self.skip.contains("always");
        }
        !(meets(&self.skip) || (self.skip.contains("tagged") && tagged))
    }

    /// Tells whether nothing was asked for.
    pub fn is_default(&self) -> bool {
        self.skip.is_empty() && (self.only.is_empty() || self.only.iter().all(|tag| tag == "all"))
    }
}

fn split<'a>(options: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    options
        .into_iter()
        .flat_map(|option| option.split(','))
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_select_as_in_ansible() {
        // (--tags, --skip-tags, the task's tags, whether it runs)
        let cases: &[(&str, &str, &[&str], bool)] = &[
            ("", "", &[], true),
            ("", "", &["a"], true),
            ("", "", &["never"], false),
            ("", "", &["never", "always"], true),
            ("a", "", &["a"], true),
            ("a", "", &["b"], false),
            ("a", "", &[], false),
            ("a", "", &["always"], true),
            ("never", "", &["never"], true),
            ("a", "", &["never", "a"], true),
            ("all", "", &["never", "a"], false),
            ("tagged", "", &["a"], true),
            ("tagged", "", &[], false),
            ("tagged", "", &["a", "never"], false),
            ("untagged", "", &[], true),
            ("untagged", "", &["a"], false),
            ("", "a", &["a"], false),
            ("", "a", &["b"], true),
            ("", "always", &["always"], false),
            ("", "a", &["always", "a"], false),
            ("", "tagged", &["a"], false),
            ("", "tagged", &[], true),
            ("", "untagged", &[], false),
            ("", "all", &["a"], false),
            ("", "all", &["always"], true),
            ("", "all,always", &["always"], false),
            ("a,b", "b", &["a", "b"], false),
        ];
        for (only, skip, tags, runs) in cases {
            let selection = TagSelection::new([*only], [*skip]);
            assert_eq!(
                selection.allows(tags),
                *runs,
                "--tags {only:?} --skip-tags {skip:?} on {tags:?}"
            );
        }
    }
}
