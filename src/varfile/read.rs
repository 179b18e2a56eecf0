//! One variable file into a dictionary.

use std::path::{Path, PathBuf};

use crate::diag::{Diagnostic, FileId, SourceMap};
use crate::secrets::{AgeSettings, Secret, VaultSecrets, is_vault};
use crate::sops::{self, Reading};
use crate::value::{Dict, Value};
use crate::yaml::{Document, DuplicateKeys, LoadOptions, ValueOptions, load_bytes};

/// What reading needs.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// Where texts are kept.
    pub sources: &'a SourceMap,
    /// What vaults are opened with.
    pub vault: &'a VaultSecrets,
    /// What to do about duplicate keys.
    pub duplicates: DuplicateKeys,
}

/// A variable file that was read.
#[derive(Clone, Debug)]
pub struct VarFile {
    /// Where it is.
    pub path: PathBuf,
    /// The number of its text.
    pub file: FileId,
    /// Its variables, not rendered; all of them secret where the file was a vault, and the encrypted ones of a file of SOPS.
    pub vars: Dict,
    /// It is encrypted with SOPS.
    pub sops: bool,
    /// What is odd about it.
    pub warnings: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Reads a variable file: a mapping, or nothing.
    pub fn read(&self, path: &Path) -> Result<VarFile, Vec<Diagnostic>> {
        let content = read_bytes(path)?;
        let (document, sops) = self.parse_any(&path.display().to_string(), &content)?;
        let secret = self
            .sources
            .get(document.file)
            .is_some_and(|source| source.secret);
        let options = ValueOptions {
            trusted: true,
            secret,
            vault: Some(self.vault),
        };
        let root = document.root;
        let vars = match root.to_dict(&options) {
            Some(vars) => vars,
            // Ansible passes over whatever Python takes as false.
            None if !root.to_value(&options).is_true() => Dict::new(),
            None => {
                return Err(vec![
                    Diagnostic::error(
                        "vars-file",
                        format!("variable file holds {}, not a mapping", root.describe()),
                    )
                    .at(root.span, "expected `name: value`"),
                ]);
            }
        };
        Ok(VarFile {
            path: path.to_owned(),
            file: document.file,
            vars,
            sops,
            warnings: document.warnings,
        })
    }

    /// Reads a YAML or JSON file, decrypted where it is a vault or one of SOPS, as a tree.
    pub fn document(&self, path: &Path) -> Result<Document, Vec<Diagnostic>> {
        self.parse(&path.display().to_string(), &read_bytes(path)?)
    }

    /// Takes content that was read already, decrypted where it is a vault or one of SOPS, as a tree.
    pub fn parse(&self, name: &str, content: &[u8]) -> Result<Document, Vec<Diagnostic>> {
        self.parse_any(name, content).map(|(document, _)| document)
    }

    /// Also tells whether it is encrypted with SOPS.
    fn parse_any(&self, name: &str, content: &[u8]) -> Result<(Document, bool), Vec<Diagnostic>> {
        let (plain, secret) = self
            .open(name, content)
            .map_err(|diagnostic| vec![diagnostic])?;
        let options = LoadOptions {
            duplicates: self.duplicates,
            secret,
        };
        let document = load_bytes(self.sources, name, plain.expose(), &options)?;
        if !sops::is_encrypted(&document.root) {
            return Ok((document, false));
        }
        let source = self.sources.get(document.file);
        let text = source.as_ref().map_or("", |source| &*source.text);
        let root = sops::open(&document.root, text, Path::new(name), self.vault.age())
            .map_err(|error| vec![error.diagnostic(name)])?;
        Ok((Document { root, ..document }, true))
    }

    /// Returns what a file of SOPS holds, as `sops decrypt` prints it; all that is secret in it is told.
    pub fn sops_text(
        &self,
        path: &Path,
        content: Option<&[u8]>,
        reading: &Reading,
        keys: AgeSettings,
    ) -> Result<Vec<u8>, Diagnostic> {
        let name = path.display().to_string();
        let own;
        let content = if let Some(content) = content {
            content
        } else {
            own = std::fs::read(path).map_err(|error| {
                let headline = format!("`{name}` cannot be read: {error}");
                Diagnostic::error("file-unreadable", headline)
            })?;
            &own
        };
        let keys = self.vault.age().with(keys);
        let plain = sops::decrypt(content, path, reading, &keys, self.sources)
            .map_err(|error| error.diagnostic(&name))?;
        for text in &plain.secrets {
            self.vault.revealed(text);
        }
        Ok(plain.text.expose().to_vec())
    }

    /// Returns what a variable file of SOPS holds: a mapping, or nothing.
    pub fn sops_vars(&self, path: &Path, keys: AgeSettings) -> Result<Value, Vec<Diagnostic>> {
        let name = path.display().to_string();
        let content = read_bytes(path)?;
        let options = LoadOptions {
            duplicates: self.duplicates,
            secret: false,
        };
        let document = load_bytes(self.sources, &name, &content, &options)?;
        let source = self.sources.get(document.file);
        let text = source.as_ref().map_or("", |source| &*source.text);
        let keys = self.vault.age().with(keys);
        let root = sops::open(&document.root, text, path, &keys)
            .map_err(|error| vec![error.diagnostic(&name)])?;
        Ok(root.to_value(&ValueOptions {
            trusted: true,
            secret: false,
            vault: Some(self.vault),
        }))
    }

    /// Returns the plain content, and whether it came out of a vault.
    pub fn open(&self, name: &str, content: &[u8]) -> Result<(Secret, bool), Diagnostic> {
        if !is_vault(content) {
            return Ok((Secret::new(content.to_vec()), false));
        }
        let plain = self.vault.decrypt(content).map_err(|error| {
            let diagnostic = Diagnostic::error("vault", format!("`{name}`: {error}"));
            match error.help() {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            }
        })?;
        Ok((Secret::new(plain.to_vec()), true))
    }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Vec<Diagnostic>> {
    std::fs::read(path).map_err(|error| {
        let headline = format!("`{}` cannot be read: {error}", path.display());
        vec![Diagnostic::error("file-unreadable", headline)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        content: &str,
        password: Option<&str>,
    ) -> (SourceMap, Result<VarFile, Vec<Diagnostic>>) {
        let sources = SourceMap::default();
        let mut vault = VaultSecrets::default();
        if let Some(password) = password {
            vault.add("default", Secret::from(password));
        }
        let reader = Reader {
            sources: &sources,
            vault: &vault,
            duplicates: DuplicateKeys::Warn,
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vars.yml");
        std::fs::write(&path, content).unwrap();
        let result = reader.read(&path);
        (sources, result)
    }

    #[test]
    fn a_mapping_or_nothing() {
        assert_eq!(read("a: 1\n", None).1.unwrap().vars.len(), 1);
        for empty in ["", "# c\n", "---\n", "[]", "false"] {
            assert!(read(empty, None).1.unwrap().vars.is_empty(), "{empty}");
        }
        let error = read("- a\n", None).1.unwrap_err();
        assert!(error[0].headline.contains("a list, not a mapping"));
    }

    #[test]
    fn values_are_trusted_and_plain() {
        let vars = read("a: '{{ b }}'\n", None).1.unwrap().vars;
        assert!(vars.get("a").unwrap().is_trusted() && !vars.get("a").unwrap().is_secret());
    }

    #[test]
    fn t20_a_file_of_sops_is_decrypted_and_its_secrets_are_told() {
        let text = std::fs::read_to_string("tests/vectors/sops/rops/age_example.yaml").unwrap();
        let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let list = std::sync::Arc::clone(&told);
        let mut vault = crate::secrets::testing::vault_of_rops();
        vault.set_listener(move |text| list.lock().unwrap().push(text.to_owned()));
        let sources = SourceMap::default();
        let reader = Reader {
            sources: &sources,
            vault: &vault,
            duplicates: DuplicateKeys::Warn,
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sops.yaml");
        std::fs::write(&path, &text).unwrap();
        let file = reader.read(&path).unwrap();
        let hello = file.vars.get("hello").unwrap();
        assert_eq!(
            hello.as_str(),
            Some("Welcome to SOPS! Edit this file as you please!")
        );
        assert!(file.sops && hello.is_secret() && hello.is_trusted());
        assert!(file.vars.get("sops").is_none());
        assert!(told.lock().unwrap().contains(&"example_value".to_owned()));
        // Without a key the file is named, and what to do.
        let none = VaultSecrets::default();
        let reader = Reader {
            vault: &none,
            ..reader
        };
        let error = reader.read(&path).unwrap_err().remove(0);
        assert!(error.headline.contains("x.sops.yaml") && !error.help.is_empty());
    }

    #[test]
    fn t20_a_vaulted_file_is_secret_and_never_excerpted() {
        // `ansible-vault encrypt` of "a: b\n" with the password "pw".
        let content = include_str!("../../tests/vectors/ansible_vault/vars.vault");
        let (sources, file) = read(content, Some("pw"));
        let file = file.unwrap();
        let value = file.vars.get("a").unwrap();
        assert_eq!(value.as_str(), Some("b"));
        assert!(value.is_secret() && value.is_trusted());
        assert!(sources.line(value.origin()).is_none());
        let error = read(content, Some("wrong")).1.unwrap_err();
        assert!(error[0].headline.contains("tried: `default`"));
    }
}
