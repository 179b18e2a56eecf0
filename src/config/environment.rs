//! What the process was started with, so that tests bring their own.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Environment variables, the working directory and the home directory.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The variables.
    pub variables: BTreeMap<String, String>,
    /// The working directory.
    pub directory: PathBuf,
    /// The directory that `~` stands for.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// Returns that of this process. Variables that are not text are passed over.
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            home: std::env::home_dir(),
        }
    }

    /// Returns a path with `{{CWD}}`, `$VARIABLE` and `~` filled in, absolute from `base`, without `.` and `..`.
    pub fn path(&self, text: &str, base: &Path) -> PathBuf {
        let text = text.replace("{{CWD}}", &self.directory.display().to_string());
        let text = self.expand_variables(&text);
        let path = match (text.strip_prefix('~'), &self.home) {
            (Some(""), Some(home)) => home.clone(),
            (Some(rest), Some(home)) if rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            _ => PathBuf::from(text),
        };
        let mut whole = PathBuf::new();
        for part in base.join(path).components() {
            match part {
                Component::ParentDir => {
                    whole.pop();
                }
                Component::CurDir => {}
                other => whole.push(other),
            }
        }
        whole
    }

    /// `$NAME` and `${NAME}`; one that is not set stays as it is.
    fn expand_variables(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let name_end = |text: &str| {
                text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(text.len())
            };
            let (name, taken) = if let Some((name, _)) = after
                .strip_prefix('{')
                .and_then(|inner| inner.split_once('}'))
            {
                (name, name.len() + 2)
            } else {
                let end = name_end(after);
                (after.get(..end).unwrap_or_default(), end)
            };
            if let Some(value) = self.variables.get(name) {
                out.push_str(value);
            } else {
                out.push('$');
                out.push_str(after.get(..taken).unwrap_or_default());
            }
            rest = after.get(taken..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_filled_in() {
        let environment = Environment {
            variables: BTreeMap::from([("SITE".to_owned(), "x".to_owned())]),
            directory: "/work".into(),
            home: Some("/home/a".into()),
        };
        for (text, expected) in [
            ("~/k", "/home/a/k"),
            ("~", "/home/a"),
            ("r/../s", "/etc/a/s"),
            ("$SITE/${SITE}", "/etc/a/x/x"),
            ("$NONE/b", "/etc/a/$NONE/b"),
            ("{{CWD}}/r", "/work/r"),
            ("/abs", "/abs"),
            ("./r", "/etc/a/r"),
            ("~other/x", "/etc/a/~other/x"),
        ] {
            assert_eq!(
                environment.path(text, Path::new("/etc/a")),
                Path::new(expected),
                "{text}"
            );
        }
    }
}
