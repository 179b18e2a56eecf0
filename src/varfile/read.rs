//! One variable file into a dictionary.

use std::path::{Path, PathBuf};

use crate::diag::{Diagnostic, FileId, SourceMap};
use crate::secrets::{Secret, VaultSecrets, is_vault};
use crate::value::Dict;
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
    /// Its variables, not rendered; all of them secret where the file was a vault.
    pub vars: Dict,
    /// What is odd about it.
    pub warnings: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Reads a variable file: a mapping, or nothing.
    pub fn read(&self, path: &Path) -> Result<VarFile, Vec<Diagnostic>> {
        let document = self.document(path)?;
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
            warnings: document.warnings,
        })
    }

    /// Reads a YAML or JSON file, decrypted where it is a vault, as a tree.
    pub fn document(&self, path: &Path) -> Result<Document, Vec<Diagnostic>> {
        let name = path.display().to_string();
        let content = std::fs::read(path).map_err(|error| {
            vec![Diagnostic::error(
                "file-unreadable",
                format!("`{name}` cannot be read: {error}"),
            )]
        })?;
        self.parse(&name, &content)
    }

    /// Takes content that was read already, decrypted where it is a vault, as a tree.
    pub fn parse(&self, name: &str, content: &[u8]) -> Result<Document, Vec<Diagnostic>> {
        let (plain, secret) = self
            .open(name, content)
            .map_err(|diagnostic| vec![diagnostic])?;
        let options = LoadOptions {
            duplicates: self.duplicates,
            secret,
        };
        load_bytes(self.sources, name, plain.expose(), &options)
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
