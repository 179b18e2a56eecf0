//! `ansible.builtin.copy`: files and directories of the controller, or of the host itself, to places on the host.

pub(super) mod change;
mod on_host;
pub(super) mod single;
#[cfg(test)]
mod tests;
mod tree;

use crate::kit::{
    Any, Applied, ArgumentError, Effect, Failure, FileAttributes, Host, HostPath, Meta, Mode,
    Module, Need, NeedKind, Plan, Supplied, SuppliedContent, Support, with_file_attributes,
};
use crate::modules::files::checksum::Algorithm;
use crate::modules::paths::base_name;
use crate::template::FileKind;
use change::Change;
pub(in crate::modules) use single::python_json;
use single::{Data, Source, Sum, Target};

with_file_attributes! {
    /// Copy a file or a directory to the host, or write a text into a file
    ///
    /// `src` is looked for in the role's or playbook's `files/`. A directory is copied with all that is in it: `src: app` makes
    /// `dest/app`, `src: app/` puts its content into `dest`. Only what differs (by SHA-1) travels. With `remote_src` the source
    /// lies on the host. Text that holds variables is better written by `template`.
    ///
    /// Where `dest` ends with `/` or is a directory, the file goes into it; the folders above are made only where `dest` ends
    /// with `/`.
    ///
    /// ## Check mode
    ///
    /// Tells what would change.
    ///
    /// ## Returns
    ///
    /// - `dest`: the path that was written; of a directory, the path as given.
    /// - `src`: the source.
    /// - `checksum` (SHA-1), `md5sum`: of the file.
    /// - `backup_file`: the copy of what was there.
    /// - `owner`, `group`, `uid`, `gid`, `mode`, `size`, `state`, `secontext`: what the file is afterwards.
    /// - `diff`: the text, or the attributes.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - ansible.builtin.copy:
    ///     src: sshd.conf
    ///     dest: /etc/ssh/sshd_config.d/50-hardening.conf
    ///     mode: '0600'
    ///     validate: sshd -t -f %s
    /// - ansible.builtin.copy:
    ///     content: "{{ token }}"
    ///     dest: /etc/rancher/k3s/token
    ///     mode: '0400'
    /// - ansible.builtin.copy:
    ///     src: /etc/kubernetes/admin.conf
    ///     dest: /root/.kube/config
    ///     remote_src: true
    ///     mode: '0600'
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// `src` in the result is the path on the controller. With `remote_src`, symbolic links in a directory stay links unless
    /// `local_follow` is true, also those that join a directory which is there. Root does not write through a link of another user's
    /// to what is not that user's. A new file that holds a secret and that others could read gives a warning.
    pub(in crate::modules) struct CopyArgs {
        /// The file or directory on the controller, or on the host with `remote_src`.
        #[serde(default)]
        src: Option<String>,
        /// The text to write instead of a file's. A list or dictionary is written as JSON.
        #[serde(default)]
        content: Option<Any>,
        /// Where to.
        dest: HostPath,
        /// Copy the file that is there before it changes.
        #[serde(default)]
        backup: bool,
        /// Write also where a file with other content is there. With `false`, what is there stays.
        #[serde(default = "enabled")]
        force: bool,
        /// The mode of directories that are copied or made, as `mode`.
        #[serde(default)]
        directory_mode: Option<Mode>,
        /// The source lies on the host.
        #[serde(default)]
        remote_src: bool,
        /// Where `dest` is a symbolic link, write its target; otherwise the link is replaced.
        #[serde(default)]
        follow: bool,
        /// Follow symbolic links in the source. On the controller that is so unless said otherwise.
        #[serde(default)]
        local_follow: Option<bool>,
        /// The SHA-1 that the source must have.
        #[serde(default)]
        checksum: Option<String>,
        /// Decrypt a source that is an Ansible vault.
        #[serde(default = "enabled")]
        decrypt: bool,
        /// A command that must accept the new file, whose path stands for `%s`, before it takes its place.
        #[serde(default)]
        validate: Option<String>,
    }
}

fn enabled() -> bool {
    true
}

pub(in crate::modules) struct Copy;

impl Module for Copy {
    type Args = CopyArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.copy",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };
    const ASYNCHRONOUS: bool = false;

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        match (
            args.src.as_deref().filter(|src| !src.is_empty()),
            &args.content,
        ) {
            (None, None) => Err(ArgumentError::general("src (or content) is required")),
            (Some(_), Some(_)) => Err(ArgumentError::general(
                "src and content are mutually exclusive",
            )),
            (None, Some(_)) if args.dest.ends_with('/') => Err(ArgumentError::new(
                "dest",
                "can not use content with a dir as dest",
            )),
            _ => Ok(()),
        }
    }

    fn prepare(args: &Self::Args) -> Vec<Need> {
        let Some(src) = args.src.as_ref().filter(|_| !args.remote_src) else {
            return Vec::new();
        };
        let kind = if args.local_follow == Some(false) {
            NeedKind::TreeWithLinks
        } else {
            NeedKind::Tree
        };
        vec![Need {
            place: FileKind::File,
            name: src.clone(),
            kind,
            decrypt: args.decrypt,
        }]
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        if args.remote_src && args.content.is_none() {
            return on_host::plan(args, host);
        }
        let content = args.content_bytes();
        let (source, entries) = args.source(content.as_deref(), host)?;
        match entries {
            Some(entries) => tree::plan(args, &source, entries, host),
            None => change::plan_single(&args.target(&source), &source, host),
        }
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        if args.remote_src && args.content.is_none() {
            return Ok(on_host::apply(args, &change, host)?.into());
        }
        let content = args.content_bytes();
        let (source, entries) = args.source(content.as_deref(), host)?;
        Ok(match entries {
            Some(entries) => tree::apply(args, entries, change, host)?.into(),
            None => change
                .apply_single(&args.target(&source), &source, host)?
                .into(),
        })
    }
}

impl CopyArgs {
    /// The bytes of `content`, if it is given.
    fn content_bytes(&self) -> Option<Vec<u8>> {
        self.content.as_ref().map(|Any(value)| match value.kind() {
            crate::value::Kind::List(_) | crate::value::Kind::Dict(_) => {
                single::python_json(value).into_bytes()
            }
            crate::value::Kind::Bytes(bytes) => bytes.to_vec(),
            _ => value.to_text().into_bytes(),
        })
    }

    /// What is to be copied; a directory's entries beside it.
    fn source<'a>(
        &'a self,
        content: Option<&'a [u8]>,
        host: &'a dyn Host,
    ) -> Result<(Source<'a>, Option<&'a [crate::kit::TreeEntry]>), Failure> {
        if let (Some(bytes), Some(Any(value))) = (content, &self.content) {
            let source = Source {
                name: "",
                shown: None,
                mode: 0o600,
                sha1: Sum::known(Algorithm::Sha1.of_bytes(bytes)),
                size: bytes.len() as u64,
                data: Data::Here(bytes),
                secret: value.holds_secret(),
            };
            return Ok((source, None));
        }
        let supplied = host
            .supplied()
            .first()
            .ok_or_else(|| Failure::new("the controller has supplied no source"))?;
        let entries = match &supplied.content {
            SuppliedContent::Tree(entries) => Some(entries.as_slice()),
            SuppliedContent::Remote(_) | SuppliedContent::Here(_) => None,
        };
        Ok((Source::of(supplied), entries))
    }

    /// The arguments about the destination; `preserve` is resolved to the source's mode.
    fn target<'a>(&'a self, source: &Source<'_>) -> Target<'a> {
        Target {
            dest: &self.dest,
            backup: self.backup,
            force: self.force,
            follow: self.follow,
            checksum: self.checksum.as_deref(),
            validate: self.validate.as_deref(),
            attributes: self.file_attributes(),
            preserve: Mode::Bits(source.mode),
            directory_mode: self.directory_mode.as_ref(),
        }
    }

    /// The attributes of directories that are made or copied.
    fn directory_attributes(&self) -> FileAttributes<'_> {
        FileAttributes {
            mode: self.directory_mode.as_ref(),
            ..self.file_attributes()
        }
    }
}

impl<'a> Source<'a> {
    /// A supplied file.
    pub(in crate::modules::files) fn of(supplied: &'a Supplied) -> Self {
        Self {
            name: base_name(&supplied.path),
            shown: Some(&supplied.path),
            mode: supplied.mode,
            sha1: Sum::of(&supplied.sha1),
            size: supplied.size,
            data: match &supplied.content {
                SuppliedContent::Remote(number) => Data::Remote(*number),
                SuppliedContent::Here(bytes) => Data::Here(bytes),
                SuppliedContent::Tree(_) => Data::Here(&[]),
            },
            secret: supplied.secret,
        }
    }
}
