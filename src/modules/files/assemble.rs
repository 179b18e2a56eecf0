//! `ansible.builtin.assemble`: one file out of the files of a directory.

use std::io::Read as _;

use super::checksum::Algorithm;
use super::copy::change::{Change, plan_single};
use super::copy::single::{Data, Source, Sum, Target};
use super::python_regex::{Flags, PythonRegex};
use crate::kit::{
    Applied, Effect, Failure, Host, HostPath, Meta, Mode, Module, Need, NeedKind, Plan,
    SuppliedContent, Support, path_info, with_file_attributes,
};
use crate::template::FileKind;

with_file_attributes! {
    /// Put the files of a directory together into one file
    ///
    /// The files are taken in the order of their names; directories among them are left out. A newline goes between two where
    /// the first does not end with one.
    ///
    /// ## Check mode
    ///
    /// Tells what would change.
    ///
    /// ## Returns
    ///
    /// - `dest`, `src`: the file, and the directory.
    /// - `checksum` (SHA-1), `md5sum`: of the whole.
    /// - `backup_file`: the copy of what was there.
    /// - `owner`, `group`, `uid`, `gid`, `mode`, `size`, `state`, `secontext`: what the file is afterwards.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - ansible.builtin.assemble:
    ///     src: /etc/haproxy/conf.d
    ///     dest: /etc/haproxy/haproxy.cfg
    ///     regexp: '\.cfg$'
    ///     validate: haproxy -c -f %s
    /// - ansible.builtin.assemble:
    ///     src: keys
    ///     dest: /root/.ssh/authorized_keys
    ///     remote_src: false
    ///     mode: '0600'
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// `validate` runs where the file is written, not in check mode.
    pub(super) struct AssembleArgs {
        /// The directory with the parts: on the host, or on the controller with `remote_src: false`.
        src: HostPath,
        /// The file to write.
        dest: HostPath,
        /// Copy the file that is there before it changes.
        #[serde(default)]
        backup: bool,
        /// What goes between two parts, on a line of its own. `\n`, `\t`, `\x41` and the like stand for their characters.
        #[serde(default)]
        delimiter: Option<String>,
        /// The directory lies on the host. With `false` it is looked for in the role's or playbook's `files/`.
        #[serde(default = "enabled")]
        remote_src: bool,
        /// Take only files in whose name this regular expression is found.
        #[serde(default)]
        regexp: Option<String>,
        /// Leave out files whose name begins with a dot.
        #[serde(default)]
        ignore_hidden: bool,
        /// Decrypt parts of the controller that are Ansible vaults.
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

pub(super) struct Assemble;

impl Module for Assemble {
    type Args = AssembleArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.assemble",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };
    const ASYNCHRONOUS: bool = false;

    fn prepare(args: &Self::Args) -> Vec<Need> {
        let need = || Need {
            place: FileKind::File,
            name: args.src.as_str().to_owned(),
            kind: NeedKind::Tree,
            decrypt: args.decrypt,
        };
        (!args.remote_src).then(need).into_iter().collect()
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        if args
            .validate
            .as_ref()
            .is_some_and(|line| !line.contains("%s"))
        {
            let line = args.validate.as_deref().unwrap_or_default();
            return Err(Failure::new(format!("validate must contain %s: {line}")));
        }
        let whole = args.whole(host)?;
        let plan = plan_single(&args.target(), &whole.source(args), host)?;
        if !args.remote_src {
            return Ok(plan);
        }
        let info = path_info(&args.dest, host)?;
        let mut plan = plan
            .with_all_in_check(info)
            .with("src", args.src.as_str())
            .with("md5sum", Algorithm::Md5.of_bytes(&whole.bytes))
            .with("msg", "OK");
        plan.values.remove("path");
        // ansible-core shows a difference only where the controller has put the file together.
        plan.diff.clear();
        Ok(plan)
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let whole = args.whole(host)?;
        Ok(change
            .apply_single(&args.target(), &whole.source(args), host)?
            .into())
    }
}

/// The parts, put together.
struct Whole {
    bytes: Vec<u8>,
    /// The directory on the controller, where it lies there.
    directory: Option<String>,
    secret: bool,
}

impl Whole {
    fn source<'a>(&'a self, args: &'a AssembleArgs) -> Source<'a> {
        Source {
            name: "",
            shown: Some(self.directory.as_deref().unwrap_or(&args.src)),
            mode: 0o600,
            sha1: Sum::known(Algorithm::Sha1.of_bytes(&self.bytes)),
            size: self.bytes.len() as u64,
            data: Data::Here(&self.bytes),
            secret: self.secret,
        }
    }
}

impl AssembleArgs {
    fn target(&self) -> Target<'_> {
        Target {
            dest: &self.dest,
            backup: self.backup,
            force: true,
            follow: false,
            checksum: None,
            validate: self.validate.as_deref(),
            attributes: self.file_attributes(),
            preserve: Mode::Bits(0o600),
            directory_mode: None,
        }
    }

    fn whole(&self, host: &dyn Host) -> Result<Whole, Failure> {
        let regex = self.regexp.as_deref().map(|regexp| {
            PythonRegex::new(regexp, Flags::default())
                .map_err(|error| Failure::new(format!("Invalid Regexp ({error}) in \"{regexp}\"")))
        });
        let regex = regex.transpose()?;
        let wanted = |name: &str| -> Result<bool, Failure> {
            if self.ignore_hidden && name.starts_with('.') {
                return Ok(false);
            }
            regex
                .as_ref()
                .map_or(Ok(true), |regex| regex.is_match(name))
                .map_err(Failure::new)
        };
        if self.remote_src {
            self.on_host(&wanted, host)
        } else {
            self.on_controller(&wanted, host)
        }
    }

    fn on_host(
        &self,
        wanted: &dyn Fn(&str) -> Result<bool, Failure>,
        host: &dyn Host,
    ) -> Result<Whole, Failure> {
        let src = self.src.as_str();
        match host.status(src, true)? {
            None => return Err(Failure::new(format!("Source ({src}) does not exist"))),
            Some(status) if !status.is_directory() => {
                return Err(Failure::new(format!("Source ({src}) is not a directory")));
            }
            Some(_) => {}
        }
        let mut parts = Parts::new(self.delimiter.as_deref());
        for entry in host.list(src)? {
            let path = format!("{}/{}", src.trim_end_matches('/'), entry.name);
            let is_file = host
                .status(&path, true)?
                .is_some_and(|found| found.is_file());
            if is_file && wanted(&entry.name)? {
                parts.add(&host.read(&path)?);
            }
        }
        Ok(Whole {
            bytes: parts.bytes,
            directory: None,
            secret: false,
        })
    }

    fn on_controller(
        &self,
        wanted: &dyn Fn(&str) -> Result<bool, Failure>,
        host: &dyn Host,
    ) -> Result<Whole, Failure> {
        let supplied = host
            .supplied()
            .first()
            .ok_or_else(|| Failure::new("the controller has supplied no source"))?;
        let SuppliedContent::Tree(entries) = &supplied.content else {
            let message = format!("Source ({}) is not a directory", supplied.path);
            return Err(Failure::new(message));
        };
        let mut files: Vec<_> = entries
            .iter()
            .filter(|entry| !entry.directory && !entry.path.contains('/'))
            .collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let mut parts = Parts::new(self.delimiter.as_deref());
        // As ansible-core has it there, a delimiter that ends with a newline gets one more.
        parts.newline_always = true;
        for entry in files {
            if wanted(&entry.path)? {
                let mut content = Vec::new();
                host.open_supplied(entry.content)?
                    .read_to_end(&mut content)
                    .map_err(|error| {
                        Failure::new(format!("cannot read `{}`: {error}", entry.path))
                    })?;
                parts.add(&content);
            }
        }
        Ok(Whole {
            bytes: parts.bytes,
            directory: Some(supplied.path.clone()),
            secret: supplied.secret,
        })
    }
}

/// The whole as it grows.
struct Parts {
    bytes: Vec<u8>,
    delimiter: Vec<u8>,
    newline_always: bool,
    first: bool,
    needs_newline: bool,
}

impl Parts {
    fn new(delimiter: Option<&str>) -> Self {
        Self {
            bytes: Vec::new(),
            delimiter: unescape(delimiter.unwrap_or_default()),
            newline_always: false,
            first: true,
            needs_newline: false,
        }
    }

    fn add(&mut self, part: &[u8]) {
        if self.needs_newline {
            self.bytes.push(b'\n');
        }
        if !self.first && !self.delimiter.is_empty() {
            self.bytes.extend_from_slice(&self.delimiter);
            if self.newline_always || !self.delimiter.ends_with(b"\n") {
                self.bytes.push(b'\n');
            }
        }
        self.bytes.extend_from_slice(part);
        self.first = false;
        self.needs_newline = !part.ends_with(b"\n");
    }
}

/// Python's escapes of bytes; a backslash before anything else stays.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let body = tail.get(1..).unwrap_or_default();
        let (byte, length) = escape(body);
        match byte {
            Some(byte) => out.extend(byte),
            None => out.push(b'\\'),
        }
        rest = body.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// What stands behind a backslash: its byte (an escaped end of line has none), and how much of the text it takes.
fn escape(body: &str) -> (Option<Vec<u8>>, usize) {
    let simple = match body.chars().next() {
        Some('\n') => return (Some(Vec::new()), 1),
        Some('\\') => b'\\',
        Some('\'') => b'\'',
        Some('"') => b'"',
        Some('a') => 7,
        Some('b') => 8,
        Some('t') => b'\t',
        Some('n') => b'\n',
        Some('v') => 11,
        Some('f') => 12,
        Some('r') => b'\r',
        Some('x') => {
            let byte = body
                .get(1..3)
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            return byte.map_or((None, 0), |byte| (Some(vec![byte]), 3));
        }
        Some('0'..='7') => {
            let length = body
                .bytes()
                .take(3)
                .take_while(|byte| (b'0'..=b'7').contains(byte))
                .count();
            let number = body
                .get(..length)
                .and_then(|digits| u32::from_str_radix(digits, 8).ok());
            // Beyond 255 Python keeps the lower eight bits.
            let byte = number.and_then(|number| u8::try_from(number & 0xff).ok());
            return (byte.map(|byte| vec![byte]), length);
        }
        _ => return (None, 0),
    };
    (Some(vec![simple]), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, check, failure, run};
    use crate::value::{Dict, Value};

    fn args() -> Dict {
        Dict::new().with("src", "/parts").with("dest", "/etc/whole")
    }

    fn host() -> FakeHost {
        FakeHost::new()
            .directory("/parts")
            .file("/parts/20-b", "b")
            .file("/parts/10-a", "a\n")
            .file("/parts/.hidden", "h\n")
            .directory("/parts/30-c")
            .file("/parts/30-c/x", "no")
    }

    fn whole(given: Dict) -> String {
        let host = host();
        run::<Assemble>(&given.into(), &host);
        host.text("/etc/whole")
    }

    #[test]
    fn parts_are_joined_in_the_order_of_their_names() {
        let host = host();
        let outcome = assert_converges::<Assemble>(&args().with("mode", "0640").into(), &host);
        assert_eq!(host.text("/etc/whole"), "h\na\nb");
        assert_eq!(host.mode_of("/etc/whole"), 0o640);
        for (name, value) in [("src", "/parts"), ("dest", "/etc/whole"), ("msg", "OK")] {
            assert_eq!(outcome.values.get(name), Some(&Value::from(value)));
        }
        assert_unchanged::<Assemble>(&args().into(), &host);
    }

    #[test]
    fn names_choose_parts() {
        assert_eq!(whole(args().with("ignore_hidden", true)), "a\nb");
        assert_eq!(whole(args().with("regexp", "^[12]0")), "a\nb");
        assert!(
            failure::<Assemble>(&args().with("regexp", "(").into(), &host())
                .contains("Invalid Regexp")
        );
    }

    #[test]
    fn delimiters_stand_on_lines_of_their_own() {
        let chosen = || args().with("regexp", "0-");
        assert_eq!(whole(chosen().with("delimiter", "#---")), "a\n#---\nb");
        assert_eq!(whole(chosen().with("delimiter", r"\x23\n")), "a\n#\nb");
        assert_eq!(unescape(r"\101\q\\\x4"), br"A\q\\x4");
    }

    #[test]
    fn a_directory_is_needed() {
        let given = |src: &str| args().with("src", src).into();
        assert!(failure::<Assemble>(&given("/none"), &host()).contains("does not exist"));
        assert!(failure::<Assemble>(&given("/parts/10-a"), &host()).contains("not a directory"));
        let given = args().with("validate", "true").into();
        assert!(failure::<Assemble>(&given, &host()).contains("%s"));
    }

    #[test]
    fn check_mode_writes_nothing() {
        let host = host();
        assert!(check::<Assemble>(&args().into(), &host).changed);
        assert!(!host.exists("/etc/whole"));
    }
}
