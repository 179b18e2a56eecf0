//! The controller's part of `sops_encrypt`: it fetches the file that is there, looks whether it holds the same already,
//! encrypts, and has `copy` write the file. Called by `complete`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::outside::Outside;
use super::perform::HereExecutor;
use crate::kit::{Failure, Outcome, SopsEncrypt};
use crate::sops::{self, SopsError};
use crate::step::Executor as _;
use crate::template::LookupContext as _;
use crate::value::{Dict, Value};
use crate::wire::{Become, Invocation};

/// One file to encrypt.
pub(super) struct Encrypting<'a> {
    pub(super) executor: &'a HereExecutor<'a>,
    pub(super) request: &'a SopsEncrypt,
    pub(super) becoming: Option<&'a Become>,
    pub(super) delegate: Option<&'a str>,
}

impl Encrypting<'_> {
    /// Does it.
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let job = self.executor.job;
        let path = self.absolute();
        let existing = if self.request.force {
            None
        } else {
            self.existing()?
        };
        if let Some(existing) = existing {
            let keys = job.run.vault.age().with(self.request.keys.clone());
            let content = &self.request.content;
            let same = content
                .is_in(&existing, &path, &keys, &job.run.sources)
                .map_err(|error| self.failure(&error))?;
            if same {
                return self.attributes();
            }
        }
        let mut encryption = self.request.encryption.clone();
        let directory = job.run.working_directory.clone();
        encryption.config = encryption.config.map(|config| directory.join(config));
        let sealed = sops::encrypt(&self.request.content, &path, &encryption, &job.run.sources)
            .map_err(|error| self.failure(&error))?;
        let text = String::from_utf8(sealed)
            .map_err(|_| Failure::new("internal error: what was encrypted is not text"))?;
        let arguments = self
            .request
            .attributes
            .clone()
            .with("dest", self.request.path.as_str())
            .with("content", text);
        let mut outcome = self.execute("ansible.builtin.copy", arguments, self.request.check)?;
        outcome.changed = true;
        Ok(Self::without_values(outcome))
    }

    /// The path for finding the configuration: that of the file as if it lay here.
    fn absolute(&self) -> PathBuf {
        let scope = self.executor.job.scope();
        let outside = Outside { scope: &scope };
        let path = match self.request.path.strip_prefix("~/") {
            Some(rest) => outside.home(None).unwrap_or_default().join(rest),
            None => PathBuf::from(&self.request.path),
        };
        super::search::clean(&self.executor.job.run.working_directory.join(path))
    }

    /// Returns what the file holds that is there.
    fn existing(&self) -> Result<Option<Vec<u8>>, Failure> {
        let path = self.request.path.as_str();
        let stat = Dict::new()
            .with("path", path)
            .with("follow", Value::from(true))
            .with("get_checksum", Value::from(false))
            .with("get_mime", Value::from(false))
            .with("get_attributes", Value::from(false));
        let found = self.execute("ansible.builtin.stat", stat, false)?;
        let exists = found
            .values
            .get("stat")
            .and_then(|stat| stat.get("exists"))
            .is_some_and(Value::is_true);
        if !exists {
            return Ok(None);
        }
        let slurped = self.execute(
            "ansible.builtin.slurp",
            Dict::new().with("src", path),
            false,
        )?;
        let content = slurped.values.get("content").and_then(Value::as_str);
        let bytes = STANDARD
            .decode(content.unwrap_or_default())
            .map_err(|_| Failure::new(format!("`{path}` did not come over whole")))?;
        Ok(Some(bytes))
    }

    /// Gives a file that stays as it is the mode and the owner that it shall have.
    fn attributes(&self) -> Result<Outcome, Failure> {
        if self.request.attributes.is_empty() {
            return Ok(Outcome::unchanged());
        }
        let arguments = self
            .request
            .attributes
            .clone()
            .with("path", self.request.path.as_str())
            .with("state", "file");
        let outcome = self.execute("ansible.builtin.file", arguments, self.request.check)?;
        Ok(Self::without_values(outcome))
    }

    fn execute(&self, module: &str, arguments: Dict, check: bool) -> Result<Outcome, Failure> {
        let invocation = Invocation {
            module: module.to_owned(),
            arguments: Value::dict(arguments),
            check,
            becoming: self.becoming.cloned(),
            environment: Vec::new(),
            supplied: Vec::new(),
            timeout: None,
            hold: false,
            seen: true,
            asynchronous: None,
        };
        let outcome = self
            .executor
            .execute(self.executor.job.id, invocation, self.delegate)
            .map_err(|error| Failure::new(error.to_string()))?;
        if outcome.failed {
            let message = outcome.values.get("msg").map(Value::to_text);
            return Err(Failure::new(message.unwrap_or_default()));
        }
        Ok(outcome)
    }

    fn without_values(outcome: Outcome) -> Outcome {
        Outcome {
            values: Dict::new(),
            diff: Vec::new(),
            ..outcome
        }
    }

    fn failure(&self, error: &SopsError) -> Failure {
        let path = Path::new(&self.request.path).display();
        let message = match error.help() {
            Some(help) => format!("`{path}`: {error}; {help}"),
            None => format!("`{path}`: {error}"),
        };
        Failure {
            span: error.span(),
            ..Failure::new(message)
        }
    }
}
