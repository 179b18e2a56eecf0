//! Mode, owner and the like, which many modules take and set in the same way.
//!
//! [`with_file_attributes!`] gives a module's argument struct these arguments with their documentation. [`FileAttributes`] compares
//! them with what a path has ([`FileAttributes::compare`]) or says what a new file gets ([`FileAttributes::for_write`]);
//! [`AttributeChanges`] carries the difference out. Symbolic links are never followed here: who wants the target asks for its path.

use super::failure::Failure;
use super::host::{Attributes, Command, Host, HostError, Status};
use super::mode::Mode;
use super::outcome::Diff;
use crate::value::{Dict, Value};

/// Declares a struct of arguments that ends in the common file arguments, and `file_attributes()` that lends them.
///
/// It derives `Debug`, `Deserialize` and `JsonSchema` and denies unknown fields.
macro_rules! with_file_attributes {
    (
        $(#[$struct_meta:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_visibility:vis $field:ident : $type:ty,)*
        }
    ) => {
        $(#[$struct_meta])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        $visibility struct $name {
            $($(#[$field_meta])* $field_visibility $field: $type,)*
            /// Permission bits: an octal number in quotes such as `'0644'`, or changes such as `u+rwx,go-w`. Without it a new file
            /// gets what the umask leaves, and one that is there keeps its own.
            #[serde(default)]
            $visibility mode: Option<$crate::kit::Mode>,
            /// The user who shall own it, by name or number.
            #[serde(default)]
            $visibility owner: Option<String>,
            /// The group that shall own it, by name or number.
            #[serde(default)]
            $visibility group: Option<String>,
            /// Flags of the file system as `chattr` takes them: `i`, `=ia`, `+i`, `-a`.
            #[serde(default, alias = "attr")]
            $visibility attributes: Option<String>,
            /// The user part of the `SELinux` context; `_default` takes the policy's. Without `SELinux` it does nothing.
            #[serde(default)]
            $visibility seuser: Option<String>,
            /// The role part of the `SELinux` context; `_default` takes the policy's.
            #[serde(default)]
            $visibility serole: Option<String>,
            /// The type part of the `SELinux` context; `_default` takes the policy's.
            #[serde(default)]
            $visibility setype: Option<String>,
            /// The level part of the `SELinux` context; `_default` takes the policy's.
            #[serde(default)]
            $visibility selevel: Option<String>,
            /// Write into the file that is there where it cannot be replaced by a rename, as a single file mounted into a
            /// container cannot. A reader may then see half a file.
            #[serde(default)]
            $visibility unsafe_writes: Option<bool>,
        }

        impl $name {
            /// Lends the common file arguments.
            $visibility fn file_attributes(&self) -> $crate::kit::FileAttributes<'_> {
                $crate::kit::FileAttributes {
                    mode: self.mode.as_ref(),
                    owner: self.owner.as_deref(),
                    group: self.group.as_deref(),
                    attributes: self.attributes.as_deref(),
                    selinux: [
                        self.seuser.as_deref(),
                        self.serole.as_deref(),
                        self.setype.as_deref(),
                        self.selevel.as_deref(),
                    ],
                    unsafe_writes: self.unsafe_writes,
                }
            }
        }
    };
}
pub(crate) use with_file_attributes;

/// The common file arguments of a task, borrowed from a module's struct.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileAttributes<'a> {
    /// `mode`.
    pub mode: Option<&'a Mode>,
    /// `owner`: a name, or a number as text.
    pub owner: Option<&'a str>,
    /// `group`: a name, or a number as text.
    pub group: Option<&'a str>,
    /// `attributes`: flags as `chattr` takes them.
    pub attributes: Option<&'a str>,
    /// `seuser`, `serole`, `setype`, `selevel`.
    pub selinux: [Option<&'a str>; 4],
    /// `unsafe_writes`.
    pub unsafe_writes: Option<bool>,
}

/// What of a path's attributes is to change, and how that reads.
#[derive(Clone, Debug, Default)]
pub struct AttributeChanges {
    path: String,
    context: Option<String>,
    uid: Option<u32>,
    gid: Option<u32>,
    mode: Option<u32>,
    flags: Option<String>,
    /// What differs, as it is.
    pub before: Dict,
    /// What differs, as it shall be.
    pub after: Dict,
}

impl FileAttributes<'_> {
    /// Returns the same without a mode.
    #[must_use]
    pub fn without_mode(mut self) -> Self {
        self.mode = None;
        self
    }

    /// Looks the owner up. An account that does not exist is an error.
    pub fn uid(&self, host: &dyn Host) -> Result<Option<u32>, Failure> {
        let Some(owner) = self.owner else {
            return Ok(None);
        };
        if let Ok(number) = owner.trim().parse() {
            return Ok(Some(number));
        }
        let user = host.user(owner)?;
        let user = user
            .ok_or_else(|| Failure::new(format!("chown failed: failed to look up user {owner}")))?;
        Ok(Some(user.uid))
    }

    /// Looks the group up. A group that does not exist is an error.
    pub fn gid(&self, host: &dyn Host) -> Result<Option<u32>, Failure> {
        let Some(group) = self.group else {
            return Ok(None);
        };
        if let Ok(number) = group.trim().parse() {
            return Ok(Some(number));
        }
        let found = host.group(group)?;
        let found = found.ok_or_else(|| {
            Failure::new(format!("chgrp failed: failed to look up group {group}"))
        })?;
        Ok(Some(found.gid))
    }

    /// Compares with what the path has, which must be there. Reads only.
    pub fn compare(&self, path: &str, host: &dyn Host) -> Result<AttributeChanges, Failure> {
        let status = host.status(path, false)?;
        let status = status
            .ok_or_else(|| Failure::new(format!("`{path}` does not exist")).with("path", path))?;
        let mut changes = AttributeChanges {
            path: path.to_owned(),
            ..AttributeChanges::default()
        };
        self.compare_context(path, host, &mut changes)?;
        let blamed = |failure: Failure| failure.with("path", path);
        if let Some(uid) = self
            .uid(host)
            .map_err(blamed)?
            .filter(|uid| *uid != status.uid)
        {
            changes.note("owner", status.uid, uid);
            changes.uid = Some(uid);
        }
        if let Some(gid) = self
            .gid(host)
            .map_err(blamed)?
            .filter(|gid| *gid != status.gid)
        {
            changes.note("group", status.gid, gid);
            changes.gid = Some(gid);
        }
        // Linux keeps no permission bits for a symbolic link.
        if let Some(mode) = self.mode.filter(|_| !status.is_link()) {
            let wanted = mode.resolve(status.mode, status.is_directory(), host.umask());
            if wanted != status.mode {
                changes.note("mode", octal(status.mode), octal(wanted));
                changes.mode = Some(wanted);
            }
        }
        self.compare_flags(path, host, &mut changes)?;
        Ok(changes)
    }

    /// Returns mode and owner for a file that is about to be written: over `existing`, or new with `default` bits.
    pub fn for_write(
        &self,
        existing: Option<&Status>,
        default: u32,
        host: &dyn Host,
    ) -> Result<Attributes, Failure> {
        let current = existing.map_or(default, |status| status.mode);
        Ok(Attributes {
            mode: self
                .mode
                .map(|mode| mode.resolve(current, false, host.umask()))
                .or(existing.is_none().then_some(default)),
            uid: self.uid(host)?,
            gid: self.gid(host)?,
        })
    }

    fn compare_flags(
        &self,
        path: &str,
        host: &dyn Host,
        changes: &mut AttributeChanges,
    ) -> Result<(), Failure> {
        let Some(wanted) = self.attributes else {
            return Ok(());
        };
        let (sign, letters) = match wanted.split_at_checked(1) {
            Some((sign @ ("+" | "-" | "="), letters)) => (sign, letters),
            _ => ("=", wanted),
        };
        if letters.is_empty() {
            return Ok(());
        }
        if !letters.bytes().all(|letter| letter.is_ascii_alphabetic()) {
            return Err(
                Failure::new(format!("`{wanted}` are no flags that chattr knows"))
                    .with("path", path),
            );
        }
        let current = flag_letters(path, host).unwrap_or_default();
        let done = match sign {
            "+" => letters.chars().all(|letter| current.contains(letter)),
            "-" => !letters.chars().any(|letter| current.contains(letter)),
            _ => {
                letters.chars().all(|letter| current.contains(letter))
                    && current.chars().all(|letter| letters.contains(letter))
            }
        };
        if !done {
            changes.note("attributes", current, format!("{sign}{letters}"));
            changes.flags = Some(format!("{sign}{letters}"));
        }
        Ok(())
    }

    fn compare_context(
        &self,
        path: &str,
        host: &dyn Host,
        changes: &mut AttributeChanges,
    ) -> Result<(), Failure> {
        if self.selinux.iter().all(Option::is_none) || !selinux_enabled(host) {
            return Ok(());
        }
        let current = security_context(path, host)?;
        let policy = if self.selinux.contains(&Some("_default")) {
            default_context(path, host)?
        } else {
            None
        };
        let parts: Vec<&str> = current.splitn(4, ':').collect();
        let defaults: Vec<&str> = policy
            .as_deref()
            .map(|text| text.splitn(4, ':').collect())
            .unwrap_or_default();
        let wanted: Vec<&str> = parts
            .iter()
            .enumerate()
            .map(
                |(index, part)| match self.selinux.get(index).copied().flatten() {
                    Some("_default") => defaults.get(index).copied().unwrap_or(part),
                    Some(wanted) => wanted,
                    None => part,
                },
            )
            .collect();
        if wanted != parts {
            changes.note("secontext", parts, wanted.clone());
            changes.context = Some(wanted.join(":"));
        }
        Ok(())
    }
}

impl AttributeChanges {
    fn note(&mut self, name: &str, before: impl Into<Value>, after: impl Into<Value>) {
        self.before.insert(name, before);
        self.after.insert(name, after);
    }

    /// Returns the path that this is about.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Tells whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.after.is_empty()
    }

    /// Returns the difference under the header that Ansible gives it, or nothing where there is none.
    pub fn diff(&self) -> Option<Diff> {
        let header = format!("{} (file attributes)", self.path);
        let diff =
            Diff::state(self.before.clone(), self.after.clone()).headers(header.clone(), header);
        (!self.is_empty()).then_some(diff)
    }

    /// Sets what differs, in Ansible's order: a change of owner may clear bits that the mode then sets.
    pub fn apply(&self, host: &dyn Host) -> Result<(), Failure> {
        let blamed = |error: HostError| Failure::from(error).with("path", self.path.as_str());
        if let Some(context) = &self.context {
            let command = Command::new(["chcon", "-h", "--", context, &self.path]).in_c_locale();
            let output = host.run(&command).map_err(blamed)?;
            if !output.success() {
                let reason = output.stderr_text();
                return Err(
                    Failure::new(format!("set selinux context failed: {}", reason.trim()))
                        .with("path", self.path.as_str()),
                );
            }
        }
        if self.uid.is_some() || self.gid.is_some() {
            host.set_owner(&self.path, self.uid, self.gid, false)
                .map_err(blamed)?;
        }
        if let Some(mode) = self.mode {
            host.set_mode(&self.path, mode, false).map_err(blamed)?;
        }
        if let Some(flags) = &self.flags {
            let command = Command::new(["chattr", flags, "--", &self.path]).in_c_locale();
            let output = host.run(&command).map_err(blamed)?;
            if !output.success() || !output.stderr.is_empty() {
                let reason = output.stderr_text();
                return Err(Failure::new(format!("chattr failed: {}", reason.trim()))
                    .with("path", self.path.as_str()));
            }
        }
        Ok(())
    }
}

/// Flags of the file system that a file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFlags {
    /// The file's version number, as text.
    pub version: String,
    /// One letter per flag.
    pub letters: String,
}

impl FileFlags {
    /// Returns the flags by name, as far as they have one.
    pub fn names(&self) -> Vec<&'static str> {
        self.letters.chars().filter_map(flag_name).collect()
    }
}

fn flag_name(letter: char) -> Option<&'static str> {
    Some(match letter {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}

/// Returns a file's flags with its version, or nothing where the file system has not both or the host lacks `lsattr`.
pub fn file_flags(path: &str, host: &dyn Host) -> Option<FileFlags> {
    let text = list_flags("-vd", path, host)?;
    let mut words = text.split_whitespace();
    Some(FileFlags {
        version: words.next()?.to_owned(),
        letters: words.next()?.replace('-', ""),
    })
}

/// Returns the letters of a file's flags. Some file systems (tmpfs) have flags, but no version.
fn flag_letters(path: &str, host: &dyn Host) -> Option<String> {
    let text = list_flags("-d", path, host)?;
    Some(text.split_whitespace().next()?.replace('-', ""))
}

fn list_flags(option: &str, path: &str, host: &dyn Host) -> Option<String> {
    host.find_program("lsattr")?;
    let command = Command::new(["lsattr", option, "--", path]).in_c_locale();
    let output = host.run(&command).ok().filter(super::Output::success)?;
    Some(output.stdout_text())
}

/// Tells whether the host runs `SELinux`.
pub fn selinux_enabled(host: &dyn Host) -> bool {
    matches!(host.status("/sys/fs/selinux/enforce", true), Ok(Some(_)))
}

/// Returns the `SELinux` context of a path.
pub fn security_context(path: &str, host: &dyn Host) -> Result<String, Failure> {
    let output = host.run(&Command::new(["stat", "-c", "%C", "--", path]).in_c_locale())?;
    if output.success() {
        Ok(output.stdout_text().trim().to_owned())
    } else {
        Err(Failure::new("Failed to retrieve selinux context.").with("path", path))
    }
}

fn default_context(path: &str, host: &dyn Host) -> Result<Option<String>, Failure> {
    let output = host.run(&Command::new(["matchpathcon", "-n", "--", path]).in_c_locale())?;
    let context = output.stdout_text().trim().to_owned();
    Ok(Some(context).filter(|context| output.success() && context.contains(':')))
}

/// Writes permission bits as Ansible returns them: `0644`, `01777`.
pub fn octal(mode: u32) -> String {
    format!("0{mode:03o}")
}

/// Returns owner, group, mode, size and state of a path as file modules return them; `absent` alone where there is nothing.
pub fn path_info(path: &str, host: &dyn Host) -> Result<Dict, HostError> {
    let Some(status) = host.status(path, false)? else {
        return Ok(Dict::new());
    };
    let target = if status.is_link() {
        host.status(path, true)?
    } else {
        Some(status)
    };
    // A link to nothing says nothing more of itself.
    let Some(target) = target else {
        return Ok(Dict::new());
    };
    let owner = host
        .user_by_id(status.uid)?
        .map_or_else(|| status.uid.to_string(), |user| user.name);
    let group = host
        .group_by_id(status.gid)?
        .map_or_else(|| status.gid.to_string(), |group| group.name);
    let state = if status.is_link() {
        "link"
    } else if status.is_directory() {
        "directory"
    } else if target.links > 1 {
        "hard"
    } else {
        "file"
    };
    let mut info = Dict::new()
        .with("uid", status.uid)
        .with("gid", status.gid)
        .with("owner", owner)
        .with("group", group)
        .with("mode", octal(status.mode))
        .with("state", state);
    if selinux_enabled(host)
        && let Ok(context) = security_context(path, host)
    {
        info.insert("secontext", context);
    }
    info.insert("size", status.size);
    Ok(info)
}

#[cfg(test)]
mod tests;
