//! `ansible.builtin.stat`: tells what a path is.

use schemars::JsonSchema;
use serde::Deserialize;

use super::checksum::Algorithm;
use crate::kit::{
    Applied, Command, Effect, Failure, FileType, Host, HostPath, Meta, Module, Outcome, Plan,
    Status, Support, file_flags,
};
use crate::modules::paths;
use crate::value::{Dict, Value};

/// Get what is known of a file
///
/// The result is in `stat`. A path that does not exist is no failure: `stat.exists` is false then.
///
/// ## Check mode
///
/// The same.
///
/// ## Returns
///
/// - `stat.exists`: whether there is something; nothing else is set if not.
/// - `stat.path`, `mode` (text such as `0644`), `uid`, `gid`, `pw_name`, `gr_name`, `size`, `inode`, `dev`, `nlink`, `blocks`,
///   `block_size`, `device_type`, `atime`, `mtime`, `ctime`.
/// - `stat.isreg`, `isdir`, `islnk`, `ischr`, `isblk`, `isfifo`, `issock`: what it is.
/// - `stat.rusr` to `xoth`, `isuid`, `isgid`: its permission bits one by one.
/// - `stat.readable`, `writeable`, `executable`: what the one who asks may do.
/// - `stat.lnk_target`, `lnk_source`: a link's target as written, and resolved.
/// - `stat.checksum`: of a regular file that can be read.
/// - `stat.mimetype`, `charset`: what `file` says, or `unknown`.
/// - `stat.version`, `attributes`, `attr_flags`: what `lsattr` says.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.stat:
///     path: /etc/kubernetes/admin.conf
///   register: admin
/// - ansible.builtin.debug:
///     msg: this node is a control plane
///   when: admin.stat.exists
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are arguments of the task"
)]
pub(super) struct StatArgs {
    /// The path.
    #[serde(alias = "dest", alias = "name")]
    path: HostPath,
    /// Look through a symbolic link at its target.
    #[serde(default)]
    follow: bool,
    /// Make the checksum of a regular file.
    #[serde(default = "enabled")]
    get_checksum: bool,
    /// Ask `file` for the type of the content.
    #[serde(
        default = "enabled",
        alias = "mime",
        alias = "mime_type",
        alias = "mime-type"
    )]
    get_mime: bool,
    /// Ask `lsattr` for flags of the file system.
    #[serde(default = "enabled", alias = "attr", alias = "attributes")]
    get_attributes: bool,
    /// How the checksum is made.
    #[serde(default, alias = "checksum", alias = "checksum_algo")]
    checksum_algorithm: Algorithm,
}

fn enabled() -> bool {
    true
}

pub(super) struct Stat;

impl Module for Stat {
    type Args = StatArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.stat",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let found = match host.status(&args.path, args.follow)? {
            Some(status) => describe(args, &status, host)?,
            None => Dict::new().with("exists", false),
        };
        Ok(Plan::unchanged("it only reads").with("stat", found))
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}

/// A point in time as Python's float of seconds.
pub(super) fn seconds((seconds, nanoseconds): (i64, u32)) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "Python's st_mtime is this float"
    )]
    let whole = seconds as f64;
    whole + f64::from(nanoseconds) * 1e-9
}

/// What `stat` and `find` both tell of a path.
pub(super) fn describe_status(path: &str, status: &Status) -> Dict {
    let bit = |bit: u32| status.mode & bit != 0;
    Dict::new()
        .with("path", path)
        .with("mode", format!("{:04o}", status.mode))
        .with("isdir", status.is_directory())
        .with("ischr", status.kind == FileType::Character)
        .with("isblk", status.kind == FileType::Block)
        .with("isreg", status.is_file())
        .with("isfifo", status.kind == FileType::Fifo)
        .with("islnk", status.is_link())
        .with("issock", status.kind == FileType::Socket)
        .with("uid", status.uid)
        .with("gid", status.gid)
        .with("size", status.size)
        .with("inode", status.inode)
        .with("dev", status.device)
        .with("nlink", status.links)
        .with("atime", seconds(status.times.accessed))
        .with("mtime", seconds(status.times.modified))
        .with("ctime", seconds(status.times.changed))
        .with("wusr", bit(0o200))
        .with("rusr", bit(0o400))
        .with("xusr", bit(0o100))
        .with("wgrp", bit(0o020))
        .with("rgrp", bit(0o040))
        .with("xgrp", bit(0o010))
        .with("woth", bit(0o002))
        .with("roth", bit(0o004))
        .with("xoth", bit(0o001))
        .with("isuid", bit(0o4000))
        .with("isgid", bit(0o2000))
}

fn describe(args: &StatArgs, status: &Status, host: &dyn Host) -> Result<Dict, Failure> {
    let path = args.path.as_str();
    let (readable, writeable, executable) = host.access(path);
    let mut found = Dict::new().with("exists", true);
    found.extend(describe_status(path, status));
    found.extend(
        Dict::new()
            .with("blocks", status.blocks)
            .with("block_size", status.block_size)
            .with("device_type", status.device_type)
            .with("readable", readable)
            .with("writeable", writeable)
            .with("executable", executable),
    );
    if status.is_link() {
        let target = host.read_link(path)?;
        found.insert("lnk_source", resolved(path, &target, host)?);
        found.insert("lnk_target", target);
    }
    if let Some(user) = host.user_by_id(status.uid)? {
        found.insert("pw_name", user.name);
    }
    if let Some(group) = host.group_by_id(status.gid)? {
        found.insert("gr_name", group.name);
    }
    if status.is_file() && readable && args.get_checksum {
        found.insert("checksum", args.checksum_algorithm.of_file(path, host)?);
    }
    if args.get_mime {
        let (kind, charset) =
            mime(path, host).unwrap_or_else(|| ("unknown".to_owned(), "unknown".to_owned()));
        found.insert("mimetype", kind);
        found.insert("charset", charset);
    }
    if args.get_attributes {
        let flags = file_flags(path, host);
        found.insert(
            "version",
            flags
                .as_ref()
                .map_or(Value::NULL, |flags| Value::from(&flags.version)),
        );
        found.insert(
            "attributes",
            flags
                .as_ref()
                .map_or_else(Vec::new, crate::kit::FileFlags::names),
        );
        found.insert(
            "attr_flags",
            flags.map_or_else(String::new, |flags| flags.letters),
        );
    }
    Ok(found)
}

/// What a link leads to, also where there is nothing.
fn resolved(path: &str, target: &str, host: &dyn Host) -> Result<String, Failure> {
    if host.status(path, true)?.is_some() || target.starts_with('/') {
        return Ok(host.real_path(if target.starts_with('/') {
            target
        } else {
            path
        })?);
    }
    Ok(host.real_path(&paths::join(paths::folder(path), target))?)
}

/// Reads `PATH: text/plain; charset=us-ascii`.
fn mime(path: &str, host: &dyn Host) -> Option<(String, String)> {
    host.find_program("file")?;
    let command =
        Command::new(["file", "--mime-type", "--mime-encoding", "--", path]).in_c_locale();
    let output = host
        .run(&command)
        .ok()
        .filter(crate::kit::Output::success)?;
    let text = output.stdout_text();
    let (kind, charset) = text.rsplit_once(':')?.1.split_once(';')?;
    Some((
        kind.trim().to_owned(),
        charset.split_once('=')?.1.trim().to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_unchanged, failure, printed};

    fn stat(args: Dict, host: &FakeHost) -> Dict {
        assert_unchanged::<Stat>(&args.into(), host)
            .values
            .get("stat")
            .unwrap()
            .as_dict()
            .unwrap()
            .clone()
    }

    #[test]
    fn a_file_is_described_whole() {
        let host = FakeHost::new()
            .file("/etc/x", "abc")
            .mode("/etc/x", 0o4640)
            .times("/etc/x", 5, 7)
            .command(&["file"], printed("/etc/x: text/plain; charset=us-ascii\n"))
            .command(&["lsattr"], printed("99 --------------e---- /etc/x\n"));
        let found = stat(Dict::new().with("path", "/etc/x"), &host);
        let is = |name: &str, value: Value| assert_eq!(found.get(name), Some(&value), "{name}");
        is("exists", true.into());
        is("mode", "4640".into());
        is("isreg", true.into());
        is("islnk", false.into());
        is("isuid", true.into());
        is("wgrp", false.into());
        is("rgrp", true.into());
        is("size", 3.into());
        is("mtime", 7.0.into());
        is("pw_name", "root".into());
        is("readable", true.into());
        is("executable", false.into());
        is(
            "checksum",
            "a9993e364706816aba3e25717850c26c9cd0d89d".into(),
        );
        is("mimetype", "text/plain".into());
        is("charset", "us-ascii".into());
        is("version", "99".into());
        is("attributes", vec!["extents"].into());
        is("attr_flags", "e".into());
    }

    #[test]
    fn nothing_is_no_failure() {
        assert_eq!(
            stat(Dict::new().with("name", "/none"), &FakeHost::new()),
            Dict::new().with("exists", false)
        );
    }

    #[test]
    fn links_are_looked_at_or_through() {
        let host = FakeHost::new().file("/srv/x", "").link("/l", "srv/x");
        let args = Dict::new()
            .with("path", "/l")
            .with("get_mime", false)
            .with("attr", false);
        let found = stat(args.clone(), &host);
        assert_eq!(found.get("lnk_target"), Some(&Value::from("srv/x")));
        assert_eq!(found.get("lnk_source"), Some(&Value::from("/srv/x")));
        assert!(
            !found.contains("checksum")
                && !found.contains("mimetype")
                && !found.contains("version")
        );
        let found = stat(args.clone().with("follow", true), &host);
        assert_eq!(found.get("isreg"), Some(&Value::from(true)));
        let host = FakeHost::new().link("/l", "/srv/none");
        let found = stat(args, &host);
        assert_eq!(found.get("lnk_source"), Some(&Value::from("/srv/none")));
    }

    #[test]
    fn other_checksums_are_made_or_none() {
        let host = FakeHost::new().file("/x", "abc");
        let found = stat(
            Dict::new().with("path", "/x").with("checksum", "md5"),
            &host,
        );
        assert_eq!(
            found.get("checksum"),
            Some(&Value::from("900150983cd24fb0d6963f7d28e17f72"))
        );
        assert_eq!(found.get("charset"), Some(&Value::from("unknown")));
        assert!(
            !stat(
                Dict::new().with("path", "/x").with("get_checksum", false),
                &host
            )
            .contains("checksum")
        );
        let wrong = Dict::new().with("path", "/x").with("checksum_algo", "crc");
        assert!(failure::<Stat>(&wrong.into(), &host).contains("must be one of md5, sha1"));
    }

    #[test]
    fn t12_a_path_is_an_operand() {
        let host = FakeHost::new()
            .file("/root/-v;id", "")
            .command(&["file"], printed(""))
            .command(&["lsattr"], printed(""));
        stat(Dict::new().with("path", "-v;id"), &host);
        assert!(
            host.ran()
                .iter()
                .all(|words| words[words.len() - 2..] == ["--", "-v;id"])
        );
    }
}
