//! Where a file of tasks that is imported or included is looked for.

use std::path::{Path, PathBuf};

use super::{Place, Session};
use crate::playbook::model::ScopeKind;

impl Session<'_> {
    /// Returns the file of tasks that `name` means, or the places looked at. As in Ansible, the folders of the files that brought
    /// the present one count, nearest first, and all of them joined.
    pub(super) fn task_file(
        &self,
        name: &str,
        place: &Place,
        dynamic: bool,
    ) -> Result<PathBuf, Vec<PathBuf>> {
        let folder = if place.handlers { "handlers" } else { "tasks" };
        let role = place.scope.role().map(|role| role.path.clone());
        let mut looked: Vec<PathBuf> = Vec::new();
        let mut joined: Option<PathBuf> = None;
        for scope in place.scope.chain() {
            let (ScopeKind::Import(directory) | ScopeKind::Include(directory)) = &scope.kind else {
                continue;
            };
            let sum = match joined {
                Some(below) if !below.is_absolute() => directory.join(below),
                _ => directory.to_path_buf(),
            };
            looked.extend(match &role {
                Some(role) => {
                    let own = self.candidates(role, folder, name, true);
                    let near = self.candidates(&role.join(folder).join(&sum), folder, name, true);
                    // An import looks near the file that it stands in first, an include in the role's own folder.
                    if dynamic { [own, near].concat() } else { near }
                }
                None => self.candidates(&self.play.directory, &sum.to_string_lossy(), name, false),
            });
            joined = Some(sum);
        }
        match &role {
            Some(role) => looked.extend(self.candidates(role, folder, name, true)),
            None => looked.push(self.files().absolute(&self.play.directory.join(name))),
        }
        let mut unique: Vec<PathBuf> = Vec::new();
        for path in looked {
            if !unique.contains(&path) {
                unique.push(path);
            }
        }
        match unique.iter().find(|path| self.files().is_file(path)) {
            Some(path) => Ok(path.clone()),
            None => Err(unique),
        }
    }

    /// Returns the places for `name` in `folder` of the role or play at `base`.
    fn candidates(&self, base: &Path, folder: &str, name: &str, role: bool) -> Vec<PathBuf> {
        if name.starts_with('/') || name.starts_with('~') {
            return vec![self.files().absolute(Path::new(name))];
        }
        // From inside of `tasks/` the role is one folder up.
        let up = role && base.file_name().is_some_and(|last| last == "tasks");
        let above = if up {
            base.parent().unwrap_or(base)
        } else {
            base
        };
        let mut all = vec![base.join(folder).join(name), above.join(folder).join(name)];
        if role && !name.ends_with(folder) {
            all.push(above.join("tasks").join(name));
        }
        all.push(Path::new(folder).join(name));
        all.push(above.join(name));
        all.push(self.play.directory.join(folder).join(name));
        all.push(self.play.directory.join(name));
        all.iter().map(|path| self.files().absolute(path)).collect()
    }
}
