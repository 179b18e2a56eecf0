//! Facts that outlive a run (`fact_caching = jsonfile`), in Ansible's files, so that both can use one directory. Called by `hosts`.
//!
//! A file that cannot be understood counts as none: the facts are gathered anew and it is replaced.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::Settings;
use crate::diag::Diagnostic;
use crate::value::{Dict, Value};

/// What Ansible puts before a host's name: the version of what the file holds.
const SCHEMA: &str = "s1_";
/// The key under which the facts are, as JSON text within JSON.
const PAYLOAD: &str = "__payload__";
/// What Ansible adds to a value to tell its own type.
const TYPE: &str = "__ansible_type";

/// Numbers for files that are not complete yet.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// A directory with a file of facts for each host.
#[derive(Clone, Debug)]
pub struct FactCache {
    directory: PathBuf,
    prefix: String,
    /// How long a file is good; nothing is for ever.
    lifetime: Option<Duration>,
}

impl FactCache {
    /// Returns the cache that the settings ask for, if they do; a warning names one that kplay does not have.
    pub fn open(settings: &Settings) -> Result<Option<Self>, Diagnostic> {
        match settings.fact_caching.as_str() {
            "memory" | "ansible.builtin.memory" => return Ok(None),
            "jsonfile" | "ansible.builtin.jsonfile" => {}
            other => {
                let text = format!(
                    "the fact cache `{other}` (`fact_caching`) is not supported; facts last for the run"
                );
                let warning = Diagnostic::warning("config-unsupported", text);
                return Err(warning.help("`jsonfile` is supported"));
            }
        }
        let Some(directory) = settings
            .fact_caching_connection
            .clone()
            .filter(|path| !path.as_os_str().is_empty())
        else {
            let text = "`fact_caching = jsonfile` needs `fact_caching_connection`, the directory";
            return Err(Diagnostic::error("config-value", text));
        };
        let cannot = |error: std::io::Error| {
            let text = format!(
                "the fact cache `{}` cannot be used: {error}",
                directory.display()
            );
            Diagnostic::error("config-value", text)
        };
        fs::create_dir_all(&directory).map_err(cannot)?;
        fs::read_dir(&directory).map_err(cannot)?;
        let seconds = u64::try_from(settings.fact_caching_timeout).unwrap_or(0);
        Ok(Some(Self {
            prefix: settings.fact_caching_prefix.clone(),
            lifetime: (seconds > 0).then(|| Duration::from_secs(seconds)),
            directory,
        }))
    }

    /// Returns the facts of a host, names as modules return them.
    pub(super) fn load(&self, host: &str) -> Option<Dict> {
        let path = self.path(host)?;
        if let Some(lifetime) = self.lifetime {
            let age = fs::metadata(&path).ok()?.modified().ok()?.elapsed();
            if age.is_ok_and(|age| age > lifetime) {
                return None;
            }
        }
        let outer: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
        let facts = match outer.get(PAYLOAD).and_then(serde_json::Value::as_str) {
            Some(inner) => serde_json::from_str(inner).ok()?,
            None => outer,
        };
        Value::from_json(bare(facts)).as_dict().cloned()
    }

    /// Writes the facts of a host. Secrets are left out: nothing protects them there.
    pub(super) fn store(&self, host: &str, facts: &Dict) -> std::io::Result<()> {
        let Some(path) = self.path(host) else {
            return Ok(());
        };
        let kept: Dict = facts
            .iter()
            .filter(|(_, value)| !value.holds_secret())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let inner = Value::dict(kept).to_json().to_string();
        let text = serde_json::json!({ PAYLOAD: inner }).to_string();
        let draft = self.directory.join(format!(
            ".kplay-{}-{:016x}",
            std::process::id(),
            DRAFTS.fetch_add(1, Ordering::Relaxed)
        ));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.set_permissions(fs::Permissions::from_mode(0o644)))
            .and_then(|()| fs::rename(&draft, &path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    /// Forgets the facts of a host.
    pub fn forget(&self, host: &str) {
        if let Some(path) = self.path(host) {
            // What is not there is forgotten already.
            let _ = fs::remove_file(path);
        }
    }

    /// Returns a host's file; a name that would lead elsewhere has none.
    fn path(&self, host: &str) -> Option<PathBuf> {
        let name = format!("{}{SCHEMA}{host}", self.prefix);
        let plain = Path::new(&name)
            .file_name()
            .is_some_and(|own| own == name.as_str());
        (plain && !name.contains('\0')).then(|| self.directory.join(name))
    }
}

/// Takes off what Ansible wraps around values to remember their type and place.
fn bare(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(mut map) => match map.remove("value") {
            Some(inner) if map.contains_key(TYPE) => bare(inner),
            inner => {
                if let Some(inner) = inner {
                    map.insert("value".to_owned(), inner);
                }
                map.into_iter()
                    .map(|(key, value)| (key, bare(value)))
                    .collect()
            }
        },
        serde_json::Value::Array(items) => items.into_iter().map(bare).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(root: &Path) -> FactCache {
        FactCache {
            directory: root.to_owned(),
            prefix: "p_".to_owned(),
            lifetime: Some(Duration::from_mins(1)),
        }
    }

    #[test]
    fn what_is_stored_is_loaded_again_but_for_secrets() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let facts = Dict::new()
            .with("ansible_system", "Linux")
            .with("own", Value::text("hush").secret());
        cache.store("h1", &facts).unwrap();
        let text = fs::read_to_string(root.path().join("p_s1_h1")).unwrap();
        assert_eq!(text, r#"{"__payload__":"{\"ansible_system\":\"Linux\"}"}"#);
        let loaded = cache.load("h1").unwrap();
        assert_eq!(loaded.len(), 1);
        cache.forget("h1");
        assert!(cache.load("h1").is_none());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_of_ansible_are_read_without_their_tags() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let inner = r#"{"own": {"value": [{"value": 1, "tags": [], "__ansible_type": "_AnsibleTaggedInt"}], "tags": [], "__ansible_type": "_AnsibleTaggedList"}, "plain": {"value": 2}}"#;
        let text = serde_json::json!({ PAYLOAD: inner }).to_string();
        fs::write(root.path().join("p_s1_h1"), text).unwrap();
        assert_eq!(
            Value::dict(cache.load("h1").unwrap()).to_json(),
            serde_json::json!({"own": [1], "plain": {"value": 2}})
        );
    }

    #[test]
    fn old_broken_and_foreign_files_are_none() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        fs::write(root.path().join("p_s1_h1"), "{").unwrap();
        assert!(cache.load("h1").is_none());
        cache.store("h1", &Dict::new().with("a", 1)).unwrap();
        assert!(cache.load("h1").is_some());
        let hour = std::time::SystemTime::now() - Duration::from_hours(1);
        fs::File::options()
            .write(true)
            .open(root.path().join("p_s1_h1"))
            .unwrap()
            .set_modified(hour)
            .unwrap();
        assert!(cache.load("h1").is_none());
        cache.store("../h1", &Dict::new()).unwrap();
        assert!(!root.path().parent().unwrap().join("p_s1_h1").exists());
    }
}
