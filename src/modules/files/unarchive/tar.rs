//! Tar archives, packed or not, by GNU tar.

use super::UnarchiveArgs;
use super::program::{Comparison, Ran, matches, run};
use crate::kit::{Failure, Host};

/// What a tar archive is packed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    None,
    Bzip2,
    Xz,
    Zstd,
}

impl Packing {
    /// In the order in which they are tried.
    const ALL: [Self; 5] = [Self::Gzip, Self::None, Self::Bzip2, Self::Xz, Self::Zstd];

    pub(super) fn handler(self) -> &'static str {
        match self {
            Self::Gzip => "TgzArchive",
            Self::None => "TarArchive",
            Self::Bzip2 => "TarBzipArchive",
            Self::Xz => "TarXzArchive",
            Self::Zstd => "TarZstdArchive",
        }
    }

    fn option(self) -> Option<&'static str> {
        match self {
            Self::Gzip => Some("-z"),
            Self::None => None,
            Self::Bzip2 => Some("-j"),
            Self::Xz => Some("-J"),
            Self::Zstd => Some("--use-compress-program=zstd"),
        }
    }
}

/// An archive that tar can read.
#[derive(Clone, Debug)]
pub(super) struct Tar {
    program: String,
    pub(super) packing: Packing,
    archive: String,
    dest: String,
    /// The names in it, without a leading `/`.
    pub(super) names: Vec<String>,
}

/// Tries tar with all packings. The reasons say why none of them fits.
pub(super) fn find(
    args: &UnarchiveArgs,
    archive: &str,
    dest: &str,
    host: &dyn Host,
) -> Result<Result<Tar, Vec<String>>, Failure> {
    let Some(program) = host
        .find_program("gtar")
        .or_else(|| host.find_program("tar"))
    else {
        let reason = "Unable to find required 'gtar' or 'tar' binary in the path";
        return Ok(Err(vec![reason.to_owned()]));
    };
    let version = run(vec![program.clone(), "--version".to_owned()], None, host)?;
    let text = version.output.stdout_text();
    if !(text.starts_with("tar") && text.contains("GNU")) {
        return Ok(Err(vec![format!(
            "Command \"{program}\" is not GNU tar, which is required."
        )]));
    }
    let mut reasons = Vec::new();
    for packing in Packing::ALL {
        let mut tar = Tar {
            program: program.clone(),
            packing,
            archive: archive.to_owned(),
            dest: dest.to_owned(),
            names: Vec::new(),
        };
        let listed = run(tar.list(args), Some(dest), host)?;
        if !listed.output.success() {
            let error = listed.output.stderr_text();
            reasons.push(format!(
                "Command \"{program}\" could not handle archive: {}",
                error.trim()
            ));
            continue;
        }
        tar.names = names(&listed.output.stdout, &args.exclude);
        if !tar.names.is_empty() {
            return Ok(Ok(tar));
        }
        reasons.push(format!(
            "Command \"{program}\" found no files in archive. Empty archive files are not supported."
        ));
    }
    Ok(Err(reasons))
}

/// The names of a listing. What tar has written as `\303\244` becomes the letter that it is.
fn names(listing: &[u8], exclude: &[String]) -> Vec<String> {
    String::from_utf8_lossy(listing)
        .lines()
        .map(unescaped)
        .map(|name| name.strip_prefix('/').map(str::to_owned).unwrap_or(name))
        .filter(|name| !exclude.iter().any(|pattern| matches(pattern, name)))
        .collect()
}

fn unescaped(line: &str) -> String {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(byte) = octal {
            bytes.push(byte);
            rest = after.get(3..).unwrap_or_default();
            continue;
        }
        let plain = match (first, after.first()) {
            (b'\\', Some(b'n')) => Some(b'\n'),
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            (b'\\', Some(b'a')) => Some(7),
            (b'\\', Some(b'b')) => Some(8),
            (b'\\', Some(b'f')) => Some(12),
            (b'\\', Some(b'v')) => Some(11),
            (b'\\', Some(b'\\')) => Some(b'\\'),
            _ => None,
        };
        bytes.push(plain.unwrap_or(*first));
        rest = match plain {
            Some(_) => after.get(1..).unwrap_or_default(),
            None => after,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Tar {
    fn list(&self, args: &UnarchiveArgs) -> Vec<String> {
        self.command("--list", args, false)
    }

    fn command(&self, verb: &str, args: &UnarchiveArgs, owned: bool) -> Vec<String> {
        let mut words = vec![
            self.program.clone(),
            verb.to_owned(),
            "-C".to_owned(),
            self.dest.clone(),
        ];
        words.extend(self.packing.option().map(str::to_owned));
        if !args.extra_opts.is_empty() {
            words.push("--show-transformed-names".to_owned());
            words.extend(args.extra_opts.iter().cloned());
        }
        if owned {
            for (option, value) in [("--owner", &args.owner), ("--group", &args.group)] {
                if let Some(value) = value {
                    words.push(format!("{option}={value}"));
                }
            }
            if args.keep_newer {
                words.push("--keep-newer-files".to_owned());
            }
        }
        let excluded = args.exclude.iter().map(|name| name.trim_end_matches('/'));
        words.extend(excluded.map(|name| format!("--exclude={name}")));
        words.extend(["-f".to_owned(), self.archive.clone()]);
        // A name is no option, whatever it begins with.
        if args.include.iter().any(|name| name.starts_with('-')) {
            words.push("--".to_owned());
        }
        words.extend(args.include.iter().cloned());
        words
    }

    /// Compares the archive with what is there. What the task sets itself does not count: it is compared later.
    pub(super) fn compare(
        &self,
        args: &UnarchiveArgs,
        host: &dyn Host,
    ) -> Result<Comparison, Failure> {
        let ran = run(self.command("--diff", args, true), Some(&self.dest), host)?;
        let root = host.identity().uid == 0;
        let counts = |line: &str| {
            let missing = ": Warning: Cannot stat: No such file or directory";
            if line.ends_with(&format!(": {missing}")) {
                return false;
            }
            (root && args.owner.is_none() && line.ends_with(": Uid differs"))
                || (root && args.group.is_none() && line.ends_with(": Gid differs"))
                || (args.mode.is_none() && line.ends_with(": Mode differs"))
                || line.contains(": Invalid owner")
                || line.contains(": Invalid group")
                || [
                    ": Mod time differs",
                    missing,
                    ": Symlink differs",
                    ": Contents differ",
                    ": Size differs",
                ]
                .iter()
                .any(|end| line.ends_with(end))
        };
        let (out, error) = (ran.output.stdout_text(), ran.output.stderr_text());
        Ok(Comparison {
            unarchived: !out.lines().chain(error.lines()).any(counts),
            ..Comparison::default()
        })
    }

    /// Unpacks it.
    pub(super) fn extract(&self, args: &UnarchiveArgs, host: &dyn Host) -> Result<Ran, Failure> {
        run(
            self.command("--extract", args, true),
            Some(&self.dest),
            host,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_tar_writes_them() {
        let listing = b"/etc/x\nd/\nna\\303\\257ve\na\\\\b\ntab\\there\n";
        assert_eq!(
            names(listing, &["d*".to_owned()]),
            ["etc/x", "na\u{ef}ve", "a\\b", "tab\there"]
        );
    }
}
