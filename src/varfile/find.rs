//! Which files belong to a name: `group_vars/web`, a directory of that name, or `web.yml`, in Ansible's order.

use std::path::{Path, PathBuf};

/// What a variable file's name may end in, beside nothing.
pub const EXTENSIONS: [&str; 3] = ["yml", "yaml", "json"];

/// Returns the files for `name` in `directory`: the first of `name` (a directory of files, or a file), `name.yml`, `name.yaml`
/// and `name.json` that exists, and no other.
pub fn find(directory: &Path, name: &str) -> Vec<PathBuf> {
    let plain = directory.join(name);
    let candidates = std::iter::once(plain)
        .chain(EXTENSIONS.map(|extension| directory.join(format!("{name}.{extension}"))));
    for path in candidates {
        if path.is_dir() {
            return files_in(&path);
        }
        if path.exists() {
            return vec![path];
        }
    }
    Vec::new()
}

/// Returns SOPS's files for `name` in `directory`: the first of `name` with one of `extensions` that is a file, and those of a
/// directory `name` whose names end so.
pub fn find_sops(directory: &Path, name: &str, extensions: &[String]) -> Vec<PathBuf> {
    let paths = extensions
        .iter()
        .map(|extension| directory.join(format!("{name}{extension}")));
    let mut found: Vec<PathBuf> = paths.filter(|path| path.is_file()).take(1).collect();
    let inside = find(directory, name).into_iter().filter(|path| {
        let path = path.to_string_lossy();
        extensions.iter().any(|extension| path.ends_with(extension))
    });
    found.extend(inside);
    found
}

/// Returns the variable files in a directory and those below it, each directory sorted by name; hidden files and backups are
/// left out.
pub fn files_in(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(directory, 0, &mut found);
    found
}

/// A link may lead back up; nobody nests variables deeper than this.
const DEEPEST: usize = 32;

fn collect(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
        .collect();
    names.sort();
    for name in names {
        let Some(text) = name.to_str() else { continue };
        if text.starts_with('.') || text.ends_with('~') {
            continue;
        }
        let path = directory.join(text);
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            if extension.is_none() && depth < DEEPEST {
                collect(&path, depth + 1, found);
            }
        } else if extension.is_none_or(|extension| EXTENSIONS.contains(&extension))
            && path.is_file()
        {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_hides_a_file_and_is_read_in_order() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        for name in [
            "web.yml",
            "db.json",
            "db.yaml",
            "web/z.yml",
            "web/a",
            "web/sub/m.json",
            "web/sub.d/x.yml",
            "web/.h.yml",
            "web/b.yml~",
            "web/c.txt",
        ] {
            write(name);
        }
        let names = |name: &str| -> Vec<String> {
            find(root.path(), name)
                .iter()
                .map(|path| {
                    path.strip_prefix(root.path())
                        .unwrap()
                        .display()
                        .to_string()
                })
                .collect()
        };
        assert_eq!(names("web"), ["web/a", "web/sub/m.json", "web/z.yml"]);
        assert_eq!(names("db"), ["db.yaml"]);
        assert!(names("none").is_empty());
    }

    #[test]
    fn files_of_sops_stand_beside_and_in_the_directory() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("web")).unwrap();
        for name in [
            "web.sops.yaml",
            "web.sops.json",
            "web/b.sops.yml",
            "web/a.yml",
        ] {
            std::fs::write(root.path().join(name), "").unwrap();
        }
        let extensions = [".sops.yml", ".sops.yaml", ".sops.json"].map(str::to_owned);
        let found = find_sops(root.path(), "web", &extensions);
        let names: Vec<_> = found
            .iter()
            .map(|path| {
                path.strip_prefix(root.path())
                    .unwrap()
                    .display()
                    .to_string()
            })
            .collect();
        assert_eq!(names, ["web.sops.yaml", "web/b.sops.yml"]);
    }

    #[test]
    fn a_link_to_its_own_directory_ends() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("loop")).unwrap();
        std::fs::write(root.path().join("a.yml"), "").unwrap();
        assert_eq!(files_in(root.path()).len(), DEEPEST + 1);
    }
}
