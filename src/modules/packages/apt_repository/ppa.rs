//! Personal archives on Launchpad: what `ppa:OWNER/NAME` stands for, and the key that comes with it.

use std::io::Read as _;

use crate::kit::{Attributes, Command, Content, Failure, Host, Write};
use crate::modules::net::web::{Access, Question, Watched};

const KEYSERVER: &str = "hkp://keyserver.ubuntu.com:80";

/// Where keys of apt lie, in the order in which one is taken for a new key.
const KEY_FOLDERS: [&str; 3] = [
    "/etc/apt/keyrings",
    "/etc/apt/trusted.gpg.d",
    "/usr/share/keyrings",
];

/// A personal archive.
#[derive(Debug)]
pub(super) struct Ppa {
    owner: String,
    name: String,
    codename: String,
    /// The source.
    pub(super) line: String,
}

/// A key that apt does not know yet.
#[derive(Debug)]
pub(super) struct Key {
    fingerprint: String,
    /// Where it goes if there is no `apt-key`.
    path: String,
}

impl Ppa {
    /// Reads `OWNER/NAME`, or `OWNER` for its archive called `ppa`.
    pub(super) fn new(
        text: &str,
        codename: Option<&str>,
        host: &dyn Host,
    ) -> Result<Self, Failure> {
        let (owner, name) = text.split_once('/').unwrap_or((text, "ppa"));
        let name = name.split('/').next().unwrap_or(name);
        let fits = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-._~".contains(&byte))
        };
        if !fits(owner) || !fits(name) {
            return Err(Failure::new(format!(
                "Invalid repository string: ppa:{text}"
            )));
        }
        let codename = match codename {
            Some(codename) => codename.to_owned(),
            None => codename_of(host)?,
        };
        Ok(Self {
            line: format!(
                "deb https://ppa.launchpadcontent.net/{owner}/{name}/ubuntu {codename} main"
            ),
            owner: owner.to_owned(),
            name: name.to_owned(),
            codename,
        })
    }

    /// The name for the source's file.
    pub(super) fn file_name(&self) -> String {
        super::sources::words(&format!(
            "ppa {}/{}_{}",
            self.owner, self.name, self.codename
        ))
    }

    /// Asks Launchpad for the archive's key. Nothing if apt has it.
    pub(super) fn missing_key(
        &self,
        validate_certs: bool,
        host: &dyn Host,
    ) -> Result<Option<Key>, Failure> {
        let wrong = |cause: &str| {
            Failure::new(format!(
                "failed to fetch PPA information, error was: {cause}"
            ))
        };
        let access = Access {
            validate_certs,
            ..Access::default()
        };
        let question = Question {
            headers: vec![("Accept".to_owned(), "application/json".to_owned())],
            ..Question::get(&format!(
                "https://api.launchpad.net/1.0/~{}/+archive/{}",
                self.owner, self.name
            ))
        };
        let mut answer = access
            .ask(question, host)
            .map_err(|error| wrong(&error.failure().message))?;
        if !answer.is_fine() {
            return Err(wrong(&answer.message));
        }
        let mut text = String::new();
        Watched::new(&mut answer.body, host)
            .take(1 << 20)
            .read_to_string(&mut text)
            .map_err(|error| wrong(&error.to_string()))?;
        let fingerprint = fingerprint(&text).ok_or_else(|| wrong("it names no key"))?;
        if is_known(&fingerprint, host)? {
            return Ok(None);
        }
        let mut folder = None;
        for candidate in KEY_FOLDERS {
            if host.status(candidate, true)?.is_some() {
                folder = Some(candidate);
                break;
            }
        }
        let folder = folder.ok_or_else(|| {
            Failure::new(format!(
                "Unable to find any existing apt key directories, tried the following: {}",
                KEY_FOLDERS.join(", ")
            ))
        })?;
        Ok(Some(Key {
            fingerprint,
            path: format!("{folder}/{}-{}.gpg", self.owner, self.name),
        }))
    }
}

/// The key that Launchpad names.
fn fingerprint(text: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let fingerprint = json.get("signing_key_fingerprint")?.as_str()?;
    let fits = fingerprint.len() >= 16 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| fingerprint.to_owned())
}

fn codename_of(host: &dyn Host) -> Result<String, Failure> {
    let text = String::from_utf8_lossy(&host.read("/etc/os-release")?).into_owned();
    text.lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches(['"', '\'']).to_owned())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Failure::new("this host has no code name: give `codename`"))
}

/// Tells whether apt has a key.
fn is_known(fingerprint: &str, host: &dyn Host) -> Result<bool, Failure> {
    if host.find_program("apt-key").is_some() {
        let output = host.run(&Command::new(["apt-key", "export", fingerprint]).in_c_locale())?;
        if !output.success() {
            return Err(Failure::new(format!(
                "`apt-key export {fingerprint}` failed: {}",
                output.stderr_text().trim()
            )));
        }
        return Ok(!output.stderr_text().contains("nothing exported"));
    }
    if host.find_program("gpg").is_none() {
        return Err(Failure::new(
            "Either apt-key or gpg binary is required, but neither could be found. The apt-key CLI has been deprecated and removed in modern Debian and derivatives, you might want to use \"deb822_repository\" instead.",
        ));
    }
    let mut files = vec!["/etc/apt/trusted.gpg".to_owned()];
    for folder in KEY_FOLDERS {
        if host.status(folder, true)?.is_some() {
            let visible = host
                .list(folder)?
                .into_iter()
                .filter(|entry| !entry.name.starts_with('.'));
            files.extend(visible.map(|entry| format!("{folder}/{}", entry.name)));
        }
    }
    for file in files {
        if host.status(&file, true)?.is_some() {
            let command = Command::new(["gpg", "--list-packets", &file]).in_c_locale();
            if host.run(&command)?.stdout_text().contains(fingerprint) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

impl Key {
    /// Receives it.
    pub(super) fn fetch(&self, host: &dyn Host) -> Result<(), Failure> {
        if host.find_program("apt-key").is_some() {
            let words = [
                "apt-key",
                "adv",
                "--recv-keys",
                "--no-tty",
                "--keyserver",
                KEYSERVER,
                &self.fingerprint,
            ];
            return self.ran(words.to_vec(), host).map(drop);
        }
        // A key ring of its own keeps the user's as it is.
        let home = host.temporary_directory(None, "kplay-", "")?;
        let content = self.receive(&home, host);
        let removed = host.remove_tree(&home);
        let content = content?;
        removed?;
        let staged = host.stage(&self.path, Content::Bytes(&content))?;
        let write = Write {
            attributes: Attributes {
                mode: Some(0o644),
                ..Attributes::default()
            },
            unsafe_writes: false,
        };
        Ok(host.commit(staged, &self.path, write)?)
    }

    fn receive(&self, home: &str, host: &dyn Host) -> Result<Vec<u8>, Failure> {
        let gpg = ["gpg", "--homedir", home, "--no-tty", "--batch"];
        let received = ["--keyserver", KEYSERVER, "--recv-keys", &self.fingerprint];
        self.ran([gpg.as_slice(), &received].concat(), host)?;
        let exported = ["--export", self.fingerprint.as_str()];
        let content = self.ran([gpg.as_slice(), &exported].concat(), host)?;
        if content.is_empty() {
            return Err(Failure::new("Unable to get required signing key"));
        }
        Ok(content)
    }

    fn ran(&self, words: Vec<&str>, host: &dyn Host) -> Result<Vec<u8>, Failure> {
        let output = host.run(&Command::new(words).in_c_locale())?;
        if output.success() {
            return Ok(output.stdout);
        }
        let reason = output.stderr_text();
        Err(Failure::new(format!(
            "Unable to get the signing key {}: {}",
            self.fingerprint,
            reason.trim()
        ))
        .with("rc", output.status)
        .with("stderr", reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{exited, printed};

    const FINGERPRINT: &str = "8B3981E7A6852F782CC4951600A6F0A3C300EE8C";

    #[test]
    fn a_name_stands_for_a_source() {
        let host = FakeHost::new().file("/etc/os-release", "ID=ubuntu\nVERSION_CODENAME=noble\n");
        let ppa = Ppa::new("nginx/stable", None, &host).unwrap();
        assert_eq!(
            ppa.line,
            "deb https://ppa.launchpadcontent.net/nginx/stable/ubuntu noble main"
        );
        assert_eq!(ppa.file_name(), "ppa_nginx_stable_noble");
        assert!(
            Ppa::new("nginx", Some("jammy"), &host)
                .unwrap()
                .line
                .contains("/nginx/ppa/ubuntu jammy")
        );
        assert!(Ppa::new("a b/c", None, &host).is_err());
        assert!(Ppa::new("../x", None, &FakeHost::new()).is_err());
    }

    #[test]
    fn only_a_fingerprint_is_believed() {
        let of =
            |value: &str| fingerprint(&format!("{{\"signing_key_fingerprint\": \"{value}\"}}"));
        assert_eq!(of(FINGERPRINT).unwrap(), FINGERPRINT);
        assert_eq!(of("--keyserver=evil"), None);
        assert_eq!(fingerprint("<html>"), None);
    }

    #[test]
    fn keys_are_looked_for_with_what_the_host_has() {
        let host = FakeHost::new().command(
            &["apt-key", "export"],
            exited(0, "", "gpg: WARNING: nothing exported"),
        );
        assert!(!is_known(FINGERPRINT, &host).unwrap());
        let host = FakeHost::new().file("/etc/apt/keyrings/a.gpg", "").command(
            &["gpg", "--list-packets"],
            printed(&format!("issuer fpr v4 {FINGERPRINT}")),
        );
        assert!(is_known(FINGERPRINT, &host).unwrap());
        assert!(is_known(FINGERPRINT, &FakeHost::new()).is_err());
    }

    #[test]
    fn a_key_is_received_into_a_ring_of_its_own() {
        let host = FakeHost::new()
            .directory("/etc/apt/keyrings")
            .directory("/tmp")
            .script(&["gpg"], |command, _| {
                printed(if command.argv.iter().any(|word| word == "--export") {
                    "KEY"
                } else {
                    ""
                })
            });
        let key = Key {
            fingerprint: FINGERPRINT.to_owned(),
            path: "/etc/apt/keyrings/o-n.gpg".to_owned(),
        };
        key.fetch(&host).unwrap();
        assert_eq!(host.text("/etc/apt/keyrings/o-n.gpg"), "KEY");
        assert!(host.ran().iter().all(|argv| argv[1] == "--homedir"));
    }
}
