//! Why a SOPS file cannot be read or made: what is wrong, where, and what to do.

use std::io;

use crate::diag::{Diagnostic, Span};
use crate::secrets::age::{AgeError, KeyError};

/// What is wrong with a SOPS file, its keys or the rules for making one. No plain value is ever part of it.
#[derive(Debug, thiserror::Error)]
pub enum SopsError {
    /// Nothing says how it is encrypted.
    #[error("the file is not encrypted with SOPS: it has no `sops` entry")]
    NotSops,
    /// The entry `sops` is not as SOPS writes it.
    #[error("the file's `sops` entry is damaged: {why}")]
    Metadata {
        /// What about it.
        why: String,
        /// Where.
        span: Span,
    },
    /// None of the keys opens it.
    #[error("none of the keys at hand opens the file: it is encrypted for {}", listed(.recipients))]
    NoKey {
        /// For whom it is encrypted.
        recipients: Vec<String>,
        /// The public halves of the keys that were tried, each with the place it came from.
        tried: Vec<String>,
        /// Places where there was no key, and keys that could not be read.
        problems: Vec<String>,
    },
    /// Its part of the key is damaged.
    #[error("the key for `{recipient}` in the file cannot be used: {source}")]
    Key {
        /// Whose.
        recipient: String,
        /// Why.
        source: AgeError,
    },
    /// Too few of the groups could be opened.
    #[error("{opened} of the file's key groups could be opened, and {needed} are needed")]
    Groups {
        /// How many could be opened.
        opened: usize,
        /// How many it takes.
        needed: usize,
    },
    /// A number of groups that cannot be.
    #[error(
        "{needed} of {groups} key groups cannot be asked for: it must be two at least, and no more than there are"
    )]
    Threshold {
        /// How many it shall take.
        needed: usize,
        /// How many there are.
        groups: usize,
    },
    /// A value does not fit its tag.
    #[error("the value of `{path}` was changed or moved after it was encrypted")]
    Tampered {
        /// Its path.
        path: String,
        /// Its place.
        span: Span,
    },
    /// A value that must be encrypted is not.
    #[error("the value of `{path}` is not encrypted, and by the file's own rule it must be")]
    Plain {
        /// Its path.
        path: String,
        /// Its place.
        span: Span,
    },
    /// The file's values are not the ones it was made with.
    #[error("the file was changed after it was encrypted: its values do not fit its MAC")]
    Mac {
        /// The MAC's place.
        span: Span,
    },
    /// There is no MAC.
    #[error("the file has no MAC, so that nobody can tell whether it was changed")]
    NoMac {
        /// The place of the entry `sops`.
        span: Span,
    },
    /// A rule that cannot be read.
    #[error("`{name}` `{text}` is not a regular expression: {why}")]
    Regex {
        /// Which.
        name: &'static str,
        /// As it was written.
        text: String,
        /// Why.
        why: String,
    },
    /// Rules that exclude each other.
    #[error("`{first}` and `{second}` cannot be used together")]
    TwoRules {
        /// The first.
        first: &'static str,
        /// The second.
        second: &'static str,
    },
    /// The content does not keep to the format that it should have.
    #[error("the file is not {format}: {why}")]
    Format {
        /// Which format.
        format: &'static str,
        /// Why.
        why: String,
        /// Where.
        span: Span,
    },
    /// The values do not fit the format that is wanted.
    #[error("the content cannot be written as {format}: {why}")]
    Output {
        /// Which format.
        format: &'static str,
        /// Why.
        why: String,
    },
    /// A part that is not there.
    #[error("there is no `{part}` in the file")]
    Extract {
        /// As it was written.
        part: String,
    },
    /// There is no configuration.
    #[error("nobody says for whom `{path}` is to be encrypted: there is no `.sops.yaml`")]
    NoConfig {
        /// The file.
        path: String,
    },
    /// The configuration cannot be read.
    #[error("`{path}` cannot be used: {why}")]
    Config {
        /// Where it is.
        path: String,
        /// Why.
        why: String,
    },
    /// No rule is for that file.
    #[error("no creation rule of `{config}` matches `{path}`")]
    NoRule {
        /// The configuration.
        config: String,
        /// The file.
        path: String,
    },
    /// Nobody could read it.
    #[error("there is nobody to encrypt for")]
    NoRecipient,
    /// A recipient that is none.
    #[error("`{recipient}` is no recipient: {source}")]
    Recipient {
        /// As it was written; never a secret key.
        recipient: String,
        /// Why.
        source: KeyError,
    },
    /// It is encrypted already.
    #[error("the content has a `sops` entry: it is encrypted already")]
    Encrypted,
    /// More than the cipher takes.
    #[error("a value is too long to be encrypted")]
    TooLong,
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[source] io::Error),
}

fn listed(recipients: &[String]) -> String {
    match recipients {
        [] => "nobody".to_owned(),
        some => some
            .iter()
            .map(|recipient| format!("`{recipient}`"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

impl SopsError {
    /// Returns where it is, if it is at a place.
    pub fn span(&self) -> Span {
        match self {
            Self::Metadata { span, .. }
            | Self::Tampered { span, .. }
            | Self::Plain { span, .. }
            | Self::Mac { span }
            | Self::NoMac { span }
            | Self::Format { span, .. } => *span,
            _ => Span::NONE,
        }
    }

    /// Returns the next step.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoKey { tried, problems, .. } => {
                let tried = match tried.as_slice() {
                    [] => "no key was found".to_owned(),
                    some => format!("these keys were tried: {}", some.join(", ")),
                };
                let problems = match problems.as_slice() {
                    [] => String::new(),
                    some => format!(" ({})", some.join("; ")),
                };
                format!(
                    "{tried}{problems}; name the file of the right key in `SOPS_AGE_KEY_FILE`, or let somebody who can read the file add your key: `sops rotate --in-place --add-age YOUR-PUBLIC-KEY FILE`"
                )
            }
            Self::Tampered { .. } | Self::Mac { .. } => {
                "take the file back from version control; whoever changed it by hand must do so with `sops edit FILE`".to_owned()
            }
            Self::Plain { .. } => {
                "values are put into the file with `sops edit FILE`, which encrypts them".to_owned()
            }
            Self::NoMac { .. } => {
                "look through the values, then have SOPS write the file anew: `sops decrypt --ignore-mac FILE`".to_owned()
            }
            Self::Groups { .. } => "ask those who hold the other groups' keys".to_owned(),
            Self::NoConfig { .. } => {
                "make a `.sops.yaml` in the file's directory or above it with `creation_rules: [{age: age1...}]`, or name recipients in `age`".to_owned()
            }
            Self::NoRule { .. } => {
                "add a rule whose `path_regex` finds the path, or one without `path_regex` at the end"
                    .to_owned()
            }
            Self::NoRecipient => "name a public key (`age1...`) in `age`".to_owned(),
            Self::NotSops => "encrypt it: `sops encrypt --in-place FILE`".to_owned(),
            _ => return None,
        })
    }

    /// Returns the error for a message; `name` is the file's.
    pub fn diagnostic(&self, name: &str) -> Diagnostic {
        let mut diagnostic = Diagnostic::error("sops", format!("`{name}`: {self}"));
        if self.span().is_some() {
            diagnostic = diagnostic.at(self.span(), "");
        }
        match self.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}
