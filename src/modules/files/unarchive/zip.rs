//! Zip archives, by `unzip` and `zipinfo`.

use std::collections::BTreeMap;

use flate2::Crc;
use jiff::civil::DateTime;

use super::UnarchiveArgs;
use super::program::{Comparison, Ran, matches, run};
use crate::kit::{Failure, FileType, Host, Mode, Status};

/// An archive that unzip can read.
#[derive(Clone, Debug)]
pub(super) struct Zip {
    unzip: String,
    /// What lists an archive: `zipinfo`, or `unzip -Zl`.
    zipinfo: Vec<String>,
    archive: String,
    dest: String,
    /// The names in it that the task asks for.
    pub(super) names: Vec<String>,
    pub(super) handler: &'static str,
}

/// Tries unzip. The reason says why it does not fit.
pub(super) fn find(
    args: &UnarchiveArgs,
    archive: &str,
    dest: &str,
    host: &dyn Host,
) -> Result<Result<Zip, String>, Failure> {
    let Some(unzip) = host.find_program("unzip") else {
        return Ok(Err(
            "Unable to find required 'unzip' or 'zipinfo' binary in the path.".to_owned(),
        ));
    };
    let (zipinfo, handler) = match host.find_program("zipinfo") {
        Some(zipinfo) => (vec![zipinfo], "ZipArchive"),
        None => (vec![unzip.clone(), "-Zl".to_owned()], "ZipZArchive"),
    };
    let test = vec![unzip.clone(), "-l".to_owned(), archive.to_owned()];
    let listed = run(test, None, host)?;
    if !listed.output.success() {
        return Ok(Err(format!(
            "Command \"{unzip}\" could not handle archive: {}",
            listed.output.stderr_text().trim()
        )));
    }
    let mut words = vec![unzip.clone(), "-Z1".to_owned(), archive.to_owned()];
    if handler == "ZipArchive" {
        words = vec![zipinfo.concat(), "-1".to_owned(), archive.to_owned()];
    }
    let names = run(words, None, host)?.output.stdout_text();
    let wanted = |name: &&str| {
        if args.include.is_empty() {
            !args.exclude.iter().any(|pattern| matches(pattern, name))
        } else {
            args.include.iter().any(|pattern| matches(pattern, name))
        }
    };
    Ok(Ok(Zip {
        unzip,
        zipinfo,
        archive: archive.to_owned(),
        dest: dest.to_owned(),
        names: names.lines().filter(wanted).map(str::to_owned).collect(),
        handler,
    }))
}

/// One line of a listing.
#[derive(Debug, PartialEq, Eq)]
struct Member<'a> {
    kind: char,
    /// The letters of the mode, as the system wrote them that made the archive.
    permissions: &'a str,
    size: u64,
    /// `20231114.221320`.
    date: &'a str,
    path: &'a str,
}

impl<'a> Member<'a> {
    /// Reads a line; nothing for a head or a foot.
    fn read(line: &'a str) -> Option<Self> {
        let mut rest = line;
        let mut fields = [""; 7];
        for field in &mut fields {
            let text = rest.trim_start();
            let end = text.find(char::is_whitespace)?;
            (*field, rest) = text.split_at(end);
        }
        let [mode, _, _, size, _, _, date] = fields;
        let path = rest.trim_start();
        let kind = mode.chars().next()?;
        let permissions = mode.get(1..)?;
        let known = "dl-?".contains(kind)
            && permissions
                .chars()
                .all(|letter| "rwxstah-".contains(letter))
            && matches!(mode.len(), 7 | 8 | 10)
            && date.len() == 15
            && !path.is_empty();
        Some(Self {
            kind,
            permissions,
            size: size.parse().ok().filter(|_| known)?,
            date,
            path,
        })
    }

    /// What it is, as a difference shows it.
    fn letter(&self) -> char {
        match self.kind {
            _ if self.path.ends_with('/') => 'd',
            'l' => 'L',
            _ => 'f',
        }
    }

    /// The mode that the file gets; what comes from a system without modes is cut by the umask.
    fn mode(&self, umask: u32) -> Result<u32, Failure> {
        let (letters, mask) = match self.permissions.len() {
            9 => (self.permissions, 0),
            _ if self.path.ends_with('/') || matches!(self.permissions, "rwx---" | "rwxa---") => {
                ("rwxrwxrwx", umask)
            }
            _ => ("rw-rw-rw-", umask),
        };
        let fits = letters
            .chars()
            .zip("rwxrwxrwx".chars())
            .all(|(own, place)| own == '-' || own == place || place == 'x' && "SsTt".contains(own));
        if !fits {
            return Err(Failure::new(format!(
                "ZIP info perm format incorrect, {letters}"
            )));
        }
        let bits = letters.chars().fold(0, |bits, letter| {
            bits << 1 | u32::from("rwxst".contains(letter))
        });
        Ok(bits & !mask)
    }

    /// The time of writing: in zip archives it is the local one.
    fn modified(&self, host: &dyn Host) -> i64 {
        let number = |from: usize, to: usize| {
            self.date
                .get(from..to)
                .and_then(|digits| digits.parse::<i16>().ok())
        };
        let date = || {
            let year = number(0, 4)?;
            if year > 2107 {
                return DateTime::new(2107, 12, 31, 23, 59, 59, 0).ok();
            }
            let small = |from, to| number(from, to).and_then(|value| i8::try_from(value).ok());
            DateTime::new(
                year,
                small(4, 6)?,
                small(6, 8)?,
                small(9, 11)?,
                small(11, 13)?,
                small(13, 15)?,
                0,
            )
            .ok()
            .filter(|_| year >= 1980)
        };
        let date = date().unwrap_or_else(|| DateTime::constant(1980, 1, 1, 0, 0, 0, 0));
        let naive = date
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_or(0, |date| date.timestamp().as_second());
        naive - i64::from(host.utc_offset(naive))
    }
}

/// Who shall own what is unpacked.
struct Owners {
    uid: u32,
    gid: u32,
}

impl Owners {
    /// The owner that the task names, or who acts. Another one is for root alone.
    fn of(args: &UnarchiveArgs, host: &dyn Host) -> Result<Self, Failure> {
        let identity = host.identity();
        let attributes = args.file_attributes();
        let owners = Self {
            uid: attributes.uid(host)?.unwrap_or(identity.uid),
            gid: attributes.gid(host)?.unwrap_or(identity.gid),
        };
        let member = owners.gid == identity.gid
            || host
                .group_by_id(owners.gid)?
                .is_some_and(|group| group.members.contains(&identity.user));
        if identity.uid != 0 && (owners.uid != identity.uid || !member) {
            let what = if member {
                "ownership"
            } else {
                "group ownership"
            };
            return Err(Failure::new(format!(
                "Cannot change {what} in {}, as user {}",
                args.dest.as_str(),
                identity.user
            )));
        }
        Ok(owners)
    }
}

impl Zip {
    /// Compares each member with what is there.
    pub(super) fn compare(
        &self,
        args: &UnarchiveArgs,
        host: &dyn Host,
    ) -> Result<Comparison, Failure> {
        let mut words = self.zipinfo.clone();
        words.extend(["-T", "-s"].map(str::to_owned));
        words.push(self.archive.clone());
        if !args.exclude.is_empty() {
            words.push("-x".to_owned());
            words.extend(args.exclude.iter().cloned());
        }
        words.extend(args.include.iter().cloned());
        let listed = run(words, None, host)?;
        let owners = Owners::of(args, host)?;
        let sums = self.sums(host)?;
        let mut found = Comparison {
            unarchived: listed.output.success(),
            ..Comparison::default()
        };
        let text = listed.output.stdout_text();
        for member in text.lines().filter_map(Member::read) {
            if args.exclude.iter().any(|name| name == member.path) {
                continue;
            }
            match self.member(&member, &sums, &owners, args, host)? {
                Seen::Same => {}
                Seen::Newer => found.newer.push(member.path.to_owned()),
                Seen::Differs(how) => {
                    found.unarchived = false;
                    found.diff.push_str(&format!("{how} {}\n", member.path));
                }
            }
        }
        Ok(found)
    }

    /// The checksums of all members, by name.
    fn sums(&self, host: &dyn Host) -> Result<BTreeMap<String, u32>, Failure> {
        let words = vec![self.unzip.clone(), "-v".to_owned(), self.archive.clone()];
        let text = run(words, None, host)?.output.stdout_text();
        let read = |line: &str| {
            let mut rest = line;
            let mut last = "";
            for _ in 0..7 {
                let text = rest.trim_start();
                let end = text.find(char::is_whitespace)?;
                (last, rest) = text.split_at(end);
            }
            let sum = u32::from_str_radix(last, 16)
                .ok()
                .filter(|_| last.len() == 8)?;
            // Two blanks stand before the name, and the name may begin with one itself.
            Some((rest.trim_start().to_owned(), sum))
        };
        Ok(text.lines().filter_map(read).collect())
    }

    fn member(
        &self,
        member: &Member<'_>,
        sums: &BTreeMap<String, u32>,
        owners: &Owners,
        args: &UnarchiveArgs,
        host: &dyn Host,
    ) -> Result<Seen, Failure> {
        let letter = member.letter();
        let path = format!("{}/{}", self.dest.trim_end_matches('/'), member.path);
        let path = path.trim_end_matches('/');
        let Some(status) = host.status(path, false)? else {
            return Ok(Seen::Differs(format!(">{letter}++++++.??")));
        };
        let kind = match letter {
            'd' => FileType::Directory,
            'L' => FileType::Link,
            _ => FileType::File,
        };
        if status.kind != kind {
            return Ok(Seen::Differs(format!("c{letter}++++++.??")));
        }
        let mut marks: Vec<char> = format!(".{letter}.......??").chars().collect();
        let mut differs = false;
        let mut mark = |place: usize, letter: char| {
            if let Some(mark) = marks.get_mut(place) {
                *mark = letter;
            }
            differs = true;
        };
        if status.is_file() {
            let modified = member.modified(host);
            let (seconds, nanoseconds) = status.times.modified;
            if args.keep_newer {
                if modified > seconds {
                    mark(4, 't');
                } else if modified < seconds || nanoseconds > 0 {
                    return Ok(Seen::Newer);
                }
            } else if modified != seconds || nanoseconds > 0 {
                mark(4, 't');
            }
            if member.size != status.size {
                mark(3, 's');
            }
            if sums
                .get(member.path)
                .is_some_and(|sum| crc(path, host).is_none_or(|found| found != *sum))
            {
                mark(2, 'c');
            }
        }
        if letter != 'L' && Self::wanted_mode(member, &status, args, host)? != status.mode {
            mark(5, 'p');
        }
        if status.uid != owners.uid {
            mark(6, 'o');
        }
        if status.gid != owners.gid {
            mark(6, 'g');
        }
        Ok(if differs {
            Seen::Differs(marks.into_iter().collect())
        } else {
            Seen::Same
        })
    }

    fn wanted_mode(
        member: &Member<'_>,
        status: &Status,
        args: &UnarchiveArgs,
        host: &dyn Host,
    ) -> Result<u32, Failure> {
        match &args.mode {
            Some(Mode::Preserve) | None => member.mode(host.umask()),
            Some(mode) => Ok(mode.resolve(status.mode, status.is_directory(), host.umask())),
        }
    }

    /// Unpacks it, over what is there.
    pub(super) fn extract(
        &self,
        args: &UnarchiveArgs,
        newer: &[String],
        host: &dyn Host,
    ) -> Result<Ran, Failure> {
        let mut words = vec![self.unzip.clone(), "-o".to_owned()];
        words.extend(args.extra_opts.iter().cloned());
        words.push(self.archive.clone());
        if !args.exclude.is_empty() || !newer.is_empty() {
            words.push("-x".to_owned());
            words.extend(args.exclude.iter().chain(newer).cloned());
        }
        words.extend(args.include.iter().cloned());
        words.extend(["-d".to_owned(), self.dest.clone()]);
        run(words, None, host)
    }
}

/// What a comparison of one member gives.
enum Seen {
    Same,
    /// What is there is newer and shall stay.
    Newer,
    /// How it differs, one letter for each kind of difference.
    Differs(String),
}

/// The checksum of a file, or nothing where it cannot be read.
fn crc(path: &str, host: &dyn Host) -> Option<u32> {
    let mut reader = host.open(path).ok()?;
    let mut crc = Crc::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut piece).ok()? {
            0 => return Some(crc.sum()),
            read => crc.update(piece.get(..read)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;

    #[test]
    fn lines_of_a_listing_are_read() {
        let line = "-rwxr-x--x  3.0 unx     2802 t- defX 20231114.221320 a file.txt";
        let member = Member::read(line).unwrap();
        assert_eq!(
            (member.path, member.size, member.letter()),
            ("a file.txt", 2802, 'f')
        );
        assert_eq!(member.mode(0o022).unwrap(), 0o751);
        let host = FakeHost::new().zone(3600);
        assert_eq!(member.modified(&host), 1_700_000_000 - 3600);
        assert_eq!(Member::read("Archive:  /tmp/x.zip"), None);
        assert_eq!(
            Member::read("3 files, 12 bytes uncompressed, 12 bytes compressed:  0.0%"),
            None
        );
    }

    #[test]
    fn modes_of_other_systems_are_cut_by_the_umask() {
        let of = |line| Member::read(line).unwrap().mode(0o022).unwrap();
        assert_eq!(
            of("-rw-a--     1.0 hpf  5358 Tl i4:3 19911204.113300 x"),
            0o644
        );
        assert_eq!(
            of("-rwx---     1.0 fat  5358 Tl i4:3 19911204.113300 x"),
            0o755
        );
        assert_eq!(
            of("drwx---     1.0 fat     0 Tl i4:3 19911204.113300 x/"),
            0o755
        );
    }

    #[test]
    fn dates_out_of_range_are_the_first_or_last() {
        let host = FakeHost::new();
        let at = |date: &str| {
            let line = format!("-rw-r--r--  3.0 unx 0 t- stor {date} x");
            Member::read(&line).unwrap().modified(&host)
        };
        assert_eq!(at("19700101.000000"), 315_532_800);
        assert_eq!(at("20231399.000000"), 315_532_800);
        assert_eq!(at("99991231.000000"), 4_354_819_199);
    }
}
