//! Files of the controller that a module works with: what it asks for, and what it is given.

use serde::{Deserialize, Serialize};

use crate::template::{FileKind, FileSettings};
use crate::value::Dict;

/// How a template file is rendered; the `template` module's arguments of the same names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateSettings {
    /// `block_start_string`.
    pub block_start: String,
    /// `block_end_string`.
    pub block_end: String,
    /// `variable_start_string`.
    pub variable_start: String,
    /// `variable_end_string`.
    pub variable_end: String,
    /// `comment_start_string`.
    pub comment_start: String,
    /// `comment_end_string`.
    pub comment_end: String,
    /// `trim_blocks`.
    pub trim_blocks: bool,
    /// `lstrip_blocks`.
    pub lstrip_blocks: bool,
    /// `newline_sequence`, as the characters themselves.
    pub newline: String,
    /// The path on the host, for `template_destpath` and `ansible_managed`.
    pub destination: String,
}

impl From<&TemplateSettings> for FileSettings {
    fn from(settings: &TemplateSettings) -> Self {
        Self {
            block_start: settings.block_start.clone().into(),
            block_end: settings.block_end.clone().into(),
            variable_start: settings.variable_start.clone().into(),
            variable_end: settings.variable_end.clone().into(),
            comment_start: settings.comment_start.clone().into(),
            comment_end: settings.comment_end.clone().into(),
            trim_blocks: settings.trim_blocks,
            lstrip_blocks: settings.lstrip_blocks,
            ..Self::default()
        }
    }
}

/// What of a controller's file is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NeedKind {
    /// Its content; nothing travels before [`super::Host::open_supplied`] asks.
    Content,
    /// The text that it renders to.
    Rendered(Box<TemplateSettings>),
    /// A file, or a directory with all that is in it; symbolic links in it are followed.
    Tree,
    /// A file, or a directory with all that is in it; symbolic links in it stay links.
    TreeWithLinks,
}

/// A controller's file that a module names in `prepare`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Which folder of the role or playbook a relative name is looked for in.
    pub place: FileKind,
    /// The name as it was given; a trailing `/` is kept.
    pub name: String,
    /// What of it.
    pub kind: NeedKind,
    /// Vault files are decrypted (`decrypt: true`).
    pub decrypt: bool,
}

/// What is in a directory of the controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeEntry {
    /// The path below the directory, with `/`.
    pub path: String,
    /// A directory rather than a file.
    pub directory: bool,
    /// The target, for a symbolic link that is to stay one.
    pub link: Option<String>,
    /// Permission bits on the controller.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// SHA-1 in hexadecimal; empty for directories and links.
    pub sha1: String,
    /// The number under which its content is asked for.
    pub content: u64,
}

/// The content of a supplied file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SuppliedContent {
    /// Lies on the controller under that number, to be asked for with [`super::Host::open_supplied`].
    Remote(u64),
    /// Is here.
    Here(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A directory.
    Tree(Vec<TreeEntry>),
}

/// The SHA-1 of a supplied file in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SuppliedSum {
    /// Is here; empty for a directory.
    Known(String),
    /// Lies on the controller as a content of that number: summing a large file takes longer than many a run, and a host that has
    /// no such file need not know it before the content has come.
    Remote(u64),
}

/// A controller's file as the module gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Supplied {
    /// The path on the controller.
    pub path: String,
    /// Permission bits on the controller, for `mode: preserve`.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// The checksum of the content.
    pub sha1: SuppliedSum,
    /// The content.
    pub content: SuppliedContent,
    /// It holds secrets: not shown in a diff.
    pub secret: bool,
    /// What a template is told of itself (`template_path` and the like).
    pub variables: Dict,
}
