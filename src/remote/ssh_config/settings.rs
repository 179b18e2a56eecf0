//! The typed settings of one host, resolved from all sources.

use std::path::PathBuf;
use std::time::Duration;

use super::parser::Line;
use super::tokens::{TokenValues, expand_environment};
use super::walk::{Collected, Sources, Walk};
use super::{ConfigError, Place, Warning};

/// ssh asks a silent host nothing unless told to; a run that waits for a dead host for ever helps nobody.
const DEFAULT_ALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// Everything ssh's configuration says of one connection.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one yes-or-no option of ssh_config"
)]
pub struct HostSettings {
    /// The name as the user gave it.
    pub original: String,
    /// The name or address to connect to.
    pub host_name: String,
    pub user: String,
    pub port: u16,
    /// The key files that the user named; empty for ssh's default ones.
    pub identity_files: Vec<PathBuf>,
    pub identities_only: bool,
    pub agent: AgentChoice,
    pub certificate_files: Vec<PathBuf>,
    pub proxy: Proxy,
    pub user_known_hosts_files: Vec<PathBuf>,
    pub global_known_hosts_files: Vec<PathBuf>,
    pub host_key_alias: Option<String>,
    pub host_key_policy: HostKeyPolicy,
    pub connect_timeout: Option<Duration>,
    pub connection_attempts: u32,
    pub alive_interval: Option<Duration>,
    pub alive_count_max: usize,
    pub tcp_keep_alive: bool,
    pub address_family: AddressFamily,
    pub ciphers: Option<Line>,
    pub key_exchanges: Option<Line>,
    pub macs: Option<Line>,
    pub host_key_algorithms: Option<Line>,
    pub public_key_algorithms: Option<Line>,
    pub required_rsa_bits: u32,
    pub hash_known_hosts: bool,
    pub preferred_authentications: Option<Vec<String>>,
    pub password_authentication: bool,
    pub keyboard_interactive: bool,
    pub public_key_authentication: bool,
    pub batch_mode: bool,
    pub password_prompts: u32,
    pub revoked_host_keys: Option<PathBuf>,
    pub compression: bool,
    pub warnings: Vec<Warning>,
}

/// Where to look for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentChoice {
    None,
    Socket(PathBuf),
}

/// How to get to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    Direct,
    /// Through these hosts, in this order.
    Jump(Vec<JumpHost>),
    /// Through the streams of this command, tokens filled in.
    Command(String),
}

/// One stop of a `ProxyJump`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JumpHost {
    pub name: String,
    pub user: Option<String>,
    pub port: Option<u16>,
}

/// What to do with a host key that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// Refuse it; `ask` too, for nobody is asked in the middle of a run.
    Refuse,
    /// Write it down and go on.
    AcceptNew,
    /// Go on, with a warning; a changed key is refused all the same.
    Off,
}

/// Which addresses of a name to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressFamily {
    Any,
    Inet,
    Inet6,
}

/// Resolves the settings of the host that the user calls `original`.
pub fn resolve(sources: Sources<'_>, original: &str) -> Result<HostSettings, ConfigError> {
    let mut collected = Collected::default();
    let walk = |is_final| Walk {
        sources,
        original,
        is_final,
    };
    walk(false).run(&mut collected)?;
    if collected.wants_final {
        walk(true).run(&mut collected)?;
    }
    Reader {
        sources,
        original,
        collected: &collected,
    }
    .settings()
}

struct Reader<'a> {
    sources: Sources<'a>,
    original: &'a str,
    collected: &'a Collected,
}

impl Reader<'_> {
    fn settings(&self) -> Result<HostSettings, ConfigError> {
        let local = self.sources.local;
        let host_key_alias = self.word("hostkeyalias").map(|(text, _)| text.to_owned());
        let jump = self.collected.get("proxyjump");
        let port = self.number("port")?.unwrap_or(22);
        let port = u16::try_from(port)
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| self.invalid("port", "is no port"))?;
        let mut values = TokenValues {
            local,
            original: self.original,
            host: self.original,
            port,
            user: "",
            host_key_alias: host_key_alias.as_deref().unwrap_or(self.original),
            jump: jump
                .and_then(|line| line.arguments.first())
                .map_or("", String::as_str),
        };
        let host_name = match self.word("hostname") {
            Some((text, place)) => values.expand(text, place)?,
            None => self.original.to_owned(),
        };
        values.host = &host_name;
        let user = match self.word("user") {
            Some((text, place)) => expand_environment(local, text, place)?,
            None => local.name.clone(),
        };
        for (what, name) in [
            ("host name", self.original),
            ("host name", &host_name),
            ("user name", &user),
        ] {
            if !is_harmless(name) {
                return Err(ConfigError::Syntax {
                    place: Place::Arguments,
                    problem: format!(
                        "the {what} `{}` has characters that a shell would act upon",
                        name.escape_debug()
                    ),
                });
            }
        }
        values.user = &user;
        Ok(HostSettings {
            original: self.original.to_owned(),
            identity_files: self.files("identityfile", &values)?,
            identities_only: self.flag("identitiesonly", false)?,
            agent: self.agent(&values)?,
            certificate_files: self.files("certificatefile", &values)?,
            proxy: self.proxy(&values)?,
            user_known_hosts_files: self.list_of_files(
                "userknownhostsfile",
                &["~/.ssh/known_hosts", "~/.ssh/known_hosts2"],
                &values,
            )?,
            global_known_hosts_files: self.list_of_files(
                "globalknownhostsfile",
                &["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"],
                &values,
            )?,
            host_key_policy: self.host_key_policy()?,
            connect_timeout: self.duration("connecttimeout")?,
            connection_attempts: self
                .number("connectionattempts")?
                .unwrap_or(1)
                .clamp(1, 100),
            alive_interval: match self.collected.get("serveraliveinterval") {
                Some(_) => self.duration("serveraliveinterval")?,
                None => Some(DEFAULT_ALIVE_INTERVAL),
            },
            alive_count_max: self.number("serveralivecountmax")?.unwrap_or(3) as usize,
            tcp_keep_alive: self.flag("tcpkeepalive", true)?,
            address_family: self.address_family()?,
            ciphers: self.collected.get("ciphers").cloned(),
            key_exchanges: self.collected.get("kexalgorithms").cloned(),
            macs: self.collected.get("macs").cloned(),
            host_key_algorithms: self.collected.get("hostkeyalgorithms").cloned(),
            public_key_algorithms: self
                .first_of(&["pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes"])
                .cloned(),
            required_rsa_bits: self.number("requiredrsasize")?.unwrap_or(1024),
            hash_known_hosts: self.flag("hashknownhosts", false)?,
            preferred_authentications: self
                .word("preferredauthentications")
                .map(|(text, _)| text.split(',').map(str::to_owned).collect()),
            password_authentication: self.flag("passwordauthentication", true)?,
            keyboard_interactive: match self.first_of(&[
                "kbdinteractiveauthentication",
                "challengeresponseauthentication",
            ]) {
                Some(line) => self.flag(&line.keyword, true)?,
                None => true,
            },
            public_key_authentication: match self.word("pubkeyauthentication") {
                Some((text, _)) if text == "host-bound" || text == "unbound" => true,
                _ => self.flag("pubkeyauthentication", true)?,
            },
            batch_mode: self.flag("batchmode", false)?,
            password_prompts: self.number("numberofpasswordprompts")?.unwrap_or(3),
            revoked_host_keys: match self.word("revokedhostkeys") {
                None | Some(("none", _)) => None,
                Some((text, place)) => {
                    Some(local.expand_tilde(&values.expand_with_environment(text, place)?))
                }
            },
            compression: self.flag("compression", false)?,
            warnings: self.collected.warnings.clone(),
            port,
            host_key_alias,
            host_name: host_name.clone(),
            user: user.clone(),
        })
    }

    fn word(&self, keyword: &str) -> Option<(&str, &Place)> {
        let line = self.collected.get(keyword)?;
        Some((line.arguments.first()?, &line.place))
    }

    fn first_of(&self, keywords: &[&str]) -> Option<&Line> {
        keywords
            .iter()
            .find_map(|keyword| self.collected.get(keyword))
    }

    fn invalid(&self, keyword: &str, problem: &str) -> ConfigError {
        let line = self.collected.get(keyword);
        ConfigError::Syntax {
            place: line.map_or(Place::Arguments, |line| line.place.clone()),
            problem: match line {
                Some(line) => format!("`{}` of `{}` {problem}", line.rest, line.written),
                None => format!("`{keyword}` {problem}"),
            },
        }
    }

    fn flag(&self, keyword: &str, default: bool) -> Result<bool, ConfigError> {
        match self.word(keyword) {
            None => Ok(default),
            Some((text, _)) => match text.to_ascii_lowercase().as_str() {
                "yes" | "true" => Ok(true),
                "no" | "false" => Ok(false),
                _ => Err(self.invalid(keyword, "is neither yes nor no")),
            },
        }
    }

    fn number(&self, keyword: &str) -> Result<Option<u32>, ConfigError> {
        match self.word(keyword) {
            None => Ok(None),
            Some((text, _)) => text
                .parse()
                .map(Some)
                .map_err(|_| self.invalid(keyword, "is no number")),
        }
    }

    /// Reads a time as `sshd_config(5)` writes it: `30`, `2m`, `1h30m`; `none` and 0 are no time at all.
    fn duration(&self, keyword: &str) -> Result<Option<Duration>, ConfigError> {
        let Some((text, _)) = self.word(keyword) else {
            return Ok(None);
        };
        if text.eq_ignore_ascii_case("none") {
            return Ok(None);
        }
        let (mut total, mut digits) = (0_u64, String::new());
        let invalid = || self.invalid(keyword, "is no time");
        for character in text.chars().chain(std::iter::once('s')) {
            if character.is_ascii_digit() {
                digits.push(character);
                continue;
            }
            let unit = match character.to_ascii_lowercase() {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86_400,
                'w' => 604_800,
                _ => return Err(invalid()),
            };
            if !digits.is_empty() {
                let count: u64 = digits.parse().map_err(|_| invalid())?;
                total = total.saturating_add(count.saturating_mul(unit));
                digits.clear();
            }
        }
        Ok((total > 0).then(|| Duration::from_secs(total)))
    }

    fn files(&self, keyword: &str, values: &TokenValues<'_>) -> Result<Vec<PathBuf>, ConfigError> {
        let mut files = Vec::new();
        for line in self.collected.all(keyword) {
            let Some(text) = line.arguments.first() else {
                continue;
            };
            if text == "none" {
                continue;
            }
            files.push(
                self.sources
                    .local
                    .expand_tilde(&values.expand_with_environment(text, &line.place)?),
            );
        }
        Ok(files)
    }

    fn list_of_files(
        &self,
        keyword: &str,
        default: &[&str],
        values: &TokenValues<'_>,
    ) -> Result<Vec<PathBuf>, ConfigError> {
        let local = self.sources.local;
        let Some(line) = self.collected.get(keyword) else {
            return Ok(default
                .iter()
                .map(|text| local.expand_tilde(text))
                .collect());
        };
        line.arguments
            .iter()
            .filter(|text| *text != "none")
            .map(|text| Ok(local.expand_tilde(&values.expand_with_environment(text, &line.place)?)))
            .collect()
    }

    fn agent(&self, values: &TokenValues<'_>) -> Result<AgentChoice, ConfigError> {
        let local = self.sources.local;
        let from_variable = |name: &str| match local.environment.get(name) {
            Some(path) if !path.is_empty() => AgentChoice::Socket(PathBuf::from(path)),
            _ => AgentChoice::None,
        };
        Ok(match self.word("identityagent") {
            Some(("none", _)) => AgentChoice::None,
            None | Some(("SSH_AUTH_SOCK", _)) => from_variable("SSH_AUTH_SOCK"),
            Some((text, place)) => match text.strip_prefix('$') {
                Some(variable) if !variable.starts_with('{') => from_variable(variable),
                _ => AgentChoice::Socket(
                    local.expand_tilde(&values.expand_with_environment(text, place)?),
                ),
            },
        })
    }

    /// `ProxyJump` and `ProxyCommand` share one place: whichever stands first wins. Within one file ssh goes by order too, but
    /// both for one host is rare, and then `ProxyJump` is what was meant.
    fn proxy(&self, values: &TokenValues<'_>) -> Result<Proxy, ConfigError> {
        if let Some(line) = self.collected.get("proxyjump") {
            let text = line
                .arguments
                .first()
                .map(String::as_str)
                .unwrap_or_default();
            if !text.eq_ignore_ascii_case("none") {
                let hosts = text
                    .split(',')
                    .map(|stop| {
                        parse_jump(stop).ok_or_else(|| {
                            self.invalid("proxyjump", "is no list of [user@]host[:port]")
                        })
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                return Ok(Proxy::Jump(hosts));
            }
        }
        match self.collected.get("proxycommand") {
            Some(line) if !line.rest.eq_ignore_ascii_case("none") => {
                // From an `-o` option the whole command may stand in one pair of quotes.
                let text = match line.arguments.as_slice() {
                    [only] if line.rest.starts_with('"') => only,
                    _ => &line.rest,
                };
                Ok(Proxy::Command(values.expand(text, &line.place)?))
            }
            _ => Ok(Proxy::Direct),
        }
    }

    fn host_key_policy(&self) -> Result<HostKeyPolicy, ConfigError> {
        match self.word("stricthostkeychecking") {
            None => Ok(HostKeyPolicy::Refuse),
            Some((text, _)) => match text.to_ascii_lowercase().as_str() {
                "yes" | "true" | "ask" => Ok(HostKeyPolicy::Refuse),
                "accept-new" => Ok(HostKeyPolicy::AcceptNew),
                "no" | "false" | "off" => Ok(HostKeyPolicy::Off),
                _ => Err(self.invalid(
                    "stricthostkeychecking",
                    "is none of yes, no, ask, accept-new, off",
                )),
            },
        }
    }

    fn address_family(&self) -> Result<AddressFamily, ConfigError> {
        match self.word("addressfamily") {
            None => Ok(AddressFamily::Any),
            Some((text, _)) => match text.to_ascii_lowercase().as_str() {
                "any" => Ok(AddressFamily::Any),
                "inet" => Ok(AddressFamily::Inet),
                "inet6" => Ok(AddressFamily::Inet6),
                _ => Err(self.invalid("addressfamily", "is none of any, inet, inet6")),
            },
        }
    }
}

/// Says whether a name may go into a command line, as a `ProxyCommand` does with its tokens. Names may come from hosts by way
/// of `add_host` and facts, so ssh's own rule (since CVE-2023-51385) holds for all of them.
fn is_harmless(name: &str) -> bool {
    let dangerous = |character: char| {
        character.is_control()
            || character.is_whitespace()
            || "'`\"$\\;&<>|(){}".contains(character)
    };
    !name.is_empty() && !name.starts_with('-') && !name.contains(dangerous)
}

/// Reads `[user@]host[:port]`, `[user@][address]:port` and `ssh://...`.
fn parse_jump(text: &str) -> Option<JumpHost> {
    let text = text.trim();
    let text = text
        .strip_prefix("ssh://")
        .map_or(text, |rest| rest.trim_end_matches('/'));
    let (user, place) = match text.rsplit_once('@') {
        Some((user, place)) => (Some(user.to_owned()), place),
        None => (None, text),
    };
    let (name, port) = if let Some(rest) = place.strip_prefix('[') {
        let (name, behind) = rest.split_once(']')?;
        (name, behind.strip_prefix(':'))
    } else {
        match place.split_once(':') {
            // Two colons and no brackets: a bare IPv6 address.
            Some((_, rest)) if rest.contains(':') => (place, None),
            Some((name, port)) => (name, Some(port)),
            None => (place, None),
        }
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    (!name.is_empty() && user.as_deref() != Some("")).then(|| JumpHost {
        name: name.to_owned(),
        user,
        port,
    })
}

#[cfg(test)]
mod tests;
