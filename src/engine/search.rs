//! Where files of the controller are looked for, in Ansible's order. Called by `outside` for lookups and for modules.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// What a name is looked for in.
pub(super) struct Search<'a> {
    /// The folders of the task: its roles', then that of its file.
    pub(super) folders: &'a [PathBuf],
    /// The playbook's folder.
    pub(super) base: &'a Path,
    /// The task is in a role.
    pub(super) in_role: bool,
}

impl Search<'_> {
    /// Returns the places where a relative name may be, best first. `kind` is the folder for such files (`files`, `templates`);
    /// a name that begins with it is not looked for below it.
    pub(super) fn candidates(&self, kind: &str, name: &Path) -> Vec<PathBuf> {
        let told =
            matches!(name.components().next(), Some(Component::Normal(first)) if first == kind);
        let mut all = Vec::new();
        for folder in self.folders {
            // A file in a folder below a role's tasks: the role's own folders come first.
            if let Some(above) = folder.parent()
                && above.file_name().is_some_and(|name| name == "tasks")
                && (self.in_role || is_role(folder))
            {
                let role = above.parent().unwrap_or(above);
                all.push(role.join(kind).join(name));
                all.push(above.join(name));
            }
            if !told {
                all.push(folder.join(kind).join(name));
            }
            all.push(folder.join(name));
        }
        if !told {
            all.push(self.base.join(kind).join(name));
        }
        all.push(self.base.join(name));
        all
    }

    /// Returns the first of them that exists.
    pub(super) fn find(&self, kind: &str, name: &Path) -> Option<PathBuf> {
        self.candidates(kind, name)
            .into_iter()
            .find(|candidate| candidate.exists())
            .map(tidy)
    }
}

/// Tells whether a folder looks like one of a role's: its tasks or metadata are there or beside it.
fn is_role(folder: &Path) -> bool {
    let is_there = |place: &Path| {
        ["main.yml", "main.yaml", "main"]
            .iter()
            .any(|name| place.join(name).exists())
    };
    let beside = folder.parent().unwrap_or(folder);
    (folder.file_name().is_some_and(|name| name == "tasks") && is_there(folder))
        || [folder, beside]
            .iter()
            .any(|place| is_there(&place.join("tasks")) || is_there(&place.join("meta")))
}

/// Takes `..` out of a path where that leads to the same file; behind a symbolic link it would not.
fn tidy(path: PathBuf) -> PathBuf {
    let cleaned = clean(&path);
    match (fs::canonicalize(&cleaned), fs::canonicalize(&path)) {
        (Ok(one), Ok(other)) if one == other => cleaned,
        _ => path,
    }
}

/// Removes `.` and resolves `..` by name.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(folders: &[&str], in_role: bool, name: &str) -> Vec<String> {
        let folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
        let search = Search {
            folders: &folders,
            base: Path::new("/none/site"),
            in_role,
        };
        search
            .candidates("files", Path::new(name))
            .iter()
            .map(|path| path.display().to_string())
            .collect()
    }

    #[test]
    fn roles_come_first_then_the_tasks_file_then_the_playbook() {
        assert_eq!(
            candidates(&["/none/roles/web", "/none/roles/web/tasks"], true, "x"),
            [
                "/none/roles/web/files/x",
                "/none/roles/web/x",
                "/none/roles/web/tasks/files/x",
                "/none/roles/web/tasks/x",
                "/none/site/files/x",
                "/none/site/x",
            ]
        );
    }

    #[test]
    fn a_folder_below_the_tasks_of_a_role_knows_the_role() {
        let sub = candidates(&["/none/roles/web/tasks/sub"], true, "x");
        assert_eq!(
            sub.get(..2).unwrap(),
            ["/none/roles/web/files/x", "/none/roles/web/tasks/x"]
        );
        let outside = candidates(&["/none/site/tasks/sub"], false, "x");
        assert_eq!(outside.first().unwrap(), "/none/site/tasks/sub/files/x");
    }

    #[test]
    fn a_name_that_begins_with_the_folder_is_not_looked_for_below_it() {
        assert_eq!(
            candidates(&["/none/site/tasks"], false, "files/x"),
            ["/none/site/tasks/files/x", "/none/site/files/x"]
        );
    }

    #[test]
    fn dots_stay_where_a_link_would_lead_elsewhere() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        fs::create_dir_all(root.join("far/deep")).unwrap();
        fs::create_dir(root.join("near")).unwrap();
        fs::write(root.join("far/x"), "far").unwrap();
        fs::write(root.join("near/y"), "near").unwrap();
        std::os::unix::fs::symlink(root.join("far/deep"), root.join("near/link")).unwrap();
        let folders = [root.join("near")];
        let search = Search {
            folders: &folders,
            base: &root,
            in_role: false,
        };
        let found = search.find("files", Path::new("link/../x")).unwrap();
        assert_eq!(fs::read_to_string(found).unwrap(), "far");
        assert_eq!(
            search.find("files", Path::new("../near/./y")),
            Some(root.join("near/y"))
        );
        assert_eq!(search.find("files", Path::new("none")), None);
    }
}
