//! `ansible.builtin.unarchive`: what an archive holds, below a directory of the host.

mod change;
mod program;
mod source;
mod tar;
#[cfg(test)]
mod tests;
mod zip;

use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Need, NeedKind, Plan,
    Support, with_file_attributes,
};
use crate::template::FileKind;
use change::Change;

with_file_attributes! {
    /// Unpack an archive on the host
    ///
    /// The archive lies on the controller (in the role's or playbook's `files/`), on the host (`remote_src`), or on the web
    /// (`remote_src` and an address). It is unpacked by the host's own programs: `unzip` and `zipinfo` for zip; GNU `tar`, with
    /// `gzip`, `bzip2`, `xz` or `zstd`, for the rest. They keep members whose names begin with `/` or hold `..` inside `dest`.
    ///
    /// What is there already is compared first: of a tar archive by `tar --diff`, of a zip archive by times, sizes, checksums
    /// and modes. Where nothing differs nothing is unpacked.
    ///
    /// ## Check mode
    ///
    /// Of a zip archive, tells what would change; a tar archive is skipped.
    ///
    /// ## Returns
    ///
    /// - `dest`: the directory as given.
    /// - `src`: the archive.
    /// - `handler`: `ZipArchive`, `ZipZArchive`, `TgzArchive`, `TarArchive`, `TarBzipArchive`, `TarXzArchive`, `TarZstdArchive`.
    /// - `files`: the names in the archive, with `list_files`.
    /// - `extract_results`: `cmd`, `rc`, `out` and `err` of the program, where it ran.
    /// - `owner`, `group`, `uid`, `gid`, `mode`, `size`, `state`, `secontext`: of the directory.
    /// - `diff`: what changes, of a zip archive.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - ansible.builtin.unarchive:
    ///     src: app.tar.gz
    ///     dest: /opt/app
    ///     owner: app
    ///     creates: /opt/app/bin/app
    /// - ansible.builtin.unarchive:
    ///     src: https://get.helm.sh/helm-v3.15.0-linux-amd64.tar.gz
    ///     dest: /usr/local/bin
    ///     remote_src: true
    ///     include: [linux-amd64/helm]
    ///     extra_opts: [--strip-components=1]
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// `src` in the result is the path on the controller, or the address, where the archive comes from there. A checksum of a
    /// zip archive's member is read from the archive itself. `io_buffer_size` changes nothing.
    pub(super) struct UnarchiveArgs {
        /// The archive: a file of the controller, or of the host or an address with `remote_src`.
        src: String,
        /// The directory, which must be there.
        dest: HostPath,
        /// The archive lies on the host, or on the web.
        #[serde(default)]
        remote_src: Option<bool>,
        /// The archive lies on the controller: the old way to say `remote_src: false`.
        #[serde(default)]
        copy: Option<bool>,
        /// Do nothing where this path exists.
        #[serde(default)]
        creates: Option<HostPath>,
        /// Members that are left out, as shell patterns.
        #[serde(default)]
        exclude: Vec<String>,
        /// The only members that are unpacked.
        #[serde(default)]
        include: Vec<String>,
        /// Leave files that are newer than the archive's.
        #[serde(default)]
        keep_newer: bool,
        /// More options for the program, one word each.
        #[serde(default)]
        extra_opts: Vec<String>,
        /// Return the names in the archive.
        #[serde(default)]
        list_files: bool,
        /// A server that `src` names must prove who it is.
        #[serde(default = "enabled")]
        validate_certs: bool,
        /// Decrypt an archive of the controller that is an Ansible vault.
        #[serde(default = "enabled")]
        decrypt: bool,
        /// How many bytes Ansible reads at once.
        #[serde(default = "buffer")]
        io_buffer_size: i64,
    }
}

fn enabled() -> bool {
    true
}

fn buffer() -> i64 {
    65536
}

pub(super) struct Unarchive;

impl Module for Unarchive {
    type Args = UnarchiveArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.unarchive",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::Partial,
        diff: Support::Partial,
        free_form: None,
    };
    const ASYNCHRONOUS: bool = false;

    const SKIPPED_IN_CHECK: Option<&'static str> = Some(
        "remote module (ansible.legacy.unarchive) does not support check mode when using gtar",
    );

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.copy.is_some() && args.remote_src.is_some() {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: ('copy', 'remote_src')",
            ));
        }
        if !args.include.is_empty() && !args.exclude.is_empty() {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: include|exclude",
            ));
        }
        if !args.is_on_host() && args.src.contains("://") {
            return Err(ArgumentError::new(
                "src",
                "an address is only supported when remote_src is true",
            ));
        }
        if args.io_buffer_size <= 0 {
            return Err(ArgumentError::new("io_buffer_size", "must be positive"));
        }
        Ok(())
    }

    fn prepare(args: &Self::Args) -> Vec<Need> {
        if args.is_on_host() {
            return Vec::new();
        }
        vec![Need {
            place: FileKind::File,
            name: args.src.clone(),
            kind: NeedKind::Content,
            decrypt: args.decrypt,
        }]
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        change::plan(args, host)
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        change::apply(args, change, host).map(Applied::from)
    }
}

impl UnarchiveArgs {
    fn is_on_host(&self) -> bool {
        self.remote_src.unwrap_or(false) || self.copy == Some(false)
    }
}
