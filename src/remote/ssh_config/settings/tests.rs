//! Whole configurations resolved for a host, and compared with what ssh itself makes of them (`ssh -G`).

use std::collections::BTreeMap;

use super::*;
use crate::remote::local_user::LocalUser;
use crate::remote::ssh_config::{SourceFiles, SshArguments};

struct House {
    directory: tempfile::TempDir,
    local: LocalUser,
    files: SourceFiles,
}

fn house(config: &str) -> House {
    let directory = tempfile::tempdir().unwrap();
    let ssh = directory.path().join(".ssh");
    std::fs::create_dir(&ssh).unwrap();
    std::fs::write(ssh.join("config"), config).unwrap();
    let local = LocalUser {
        name: "me".to_owned(),
        home: directory.path().to_path_buf(),
        uid: rustix::process::getuid().as_raw(),
        host_name: "desk".to_owned(),
        environment: BTreeMap::from([("SSH_AUTH_SOCK".to_owned(), "/run/agent".to_owned())]),
    };
    let files = SourceFiles {
        user: ssh.join("config"),
        system: directory.path().join("system_config"),
    };
    House {
        directory,
        local,
        files,
    }
}

impl House {
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.path().join(name), text).unwrap();
    }

    fn try_resolve(&self, host: &str, words: &str) -> Result<HostSettings, ConfigError> {
        let mut arguments = SshArguments::default();
        arguments.read(words)?;
        let sources = Sources {
            local: &self.local,
            files: &self.files,
            arguments: &arguments,
        };
        resolve(sources, host)
    }

    fn resolve(&self, host: &str) -> HostSettings {
        self.try_resolve(host, "").unwrap()
    }
}

#[test]
fn the_first_value_wins_and_identity_files_add_up() {
    let house = house(
        "IdentityFile ~/.ssh/all\nHost web* !web9\n  User deploy\n  HostName %h.example.org\n  Port 2222\n  IdentityFile ~/.ssh/%h_%r\nHost *\n  User other\n  Port 22\n",
    );
    house.write(
        "system_config",
        "Host *\n  ServerAliveInterval 1m\n  User third\n",
    );
    let web = house.resolve("web1");
    assert_eq!(
        (web.user.as_str(), web.host_name.as_str(), web.port),
        ("deploy", "web1.example.org", 2222)
    );
    let home = house.directory.path();
    assert_eq!(
        web.identity_files,
        [
            home.join(".ssh/all"),
            home.join(".ssh/web1.example.org_deploy")
        ]
    );
    assert_eq!(web.alive_interval, Some(Duration::from_mins(1)));
    let excepted = house.resolve("web9");
    assert_eq!((excepted.user.as_str(), excepted.port), ("other", 22));
    assert_eq!(excepted.agent, AgentChoice::Socket("/run/agent".into()));
}

#[test]
fn arguments_win_over_files() {
    let house = house("Host *\n  User file\n  StrictHostKeyChecking yes\n");
    let settings = house
        .try_resolve(
            "h",
            "-o User=argument -o StrictHostKeyChecking=accept-new -p 2200",
        )
        .unwrap();
    assert_eq!((settings.user.as_str(), settings.port), ("argument", 2200));
    assert_eq!(settings.host_key_policy, HostKeyPolicy::AcceptNew);
}

#[test]
fn match_looks_at_names_and_users() {
    let house = house(
        "Host alias\n  HostName real.lan\nMatch host real.lan user me\n  Port 1001\nMatch originalhost alias !user root\n  IdentitiesOnly yes\nMatch localuser nobody\n  Port 1\nMatch all\n  HashKnownHosts yes\n",
    );
    let settings = house.resolve("alias");
    assert_eq!(
        (
            settings.port,
            settings.identities_only,
            settings.hash_known_hosts
        ),
        (1001, true, true)
    );
    assert!(settings.warnings.is_empty());
}

#[test]
fn match_final_is_a_second_pass() {
    let house = house("Match final host real\n  User late\nHost a\n  HostName real\n");
    assert_eq!(house.resolve("a").user, "late");
}

#[test]
fn match_exec_is_named_and_stays_off() {
    let house = house("Match exec \"true\"\n  User wrong\nMatch !exec \"true\"\n  User wrong\n");
    let settings = house.resolve("h");
    assert_eq!(settings.user, "me");
    let warnings: Vec<_> = settings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].contains("config:1: `Match exec`"),
        "{warnings:?}"
    );
}

#[test]
fn include_globs_and_keeps_to_its_block() {
    let house = house("Host h\n  Include conf.d/*.conf nowhere\nHost *\n  Port 7\n");
    std::fs::create_dir(house.directory.path().join(".ssh/conf.d")).unwrap();
    house.write(".ssh/conf.d/20.conf", "User second\n");
    house.write(".ssh/conf.d/10.conf", "User first\nHost x\n  Port 9\n");
    house.write(".ssh/conf.d/30.txt", "Port 5\n");
    assert_eq!(
        (house.resolve("h").user.as_str(), house.resolve("h").port),
        ("first", 7)
    );
    assert_eq!(
        (house.resolve("x").user.as_str(), house.resolve("x").port),
        ("me", 7)
    );
}

#[test]
fn files_that_include_themselves_end_in_an_error() {
    let house = house("Include config\n");
    assert!(
        house
            .try_resolve("h", "")
            .unwrap_err()
            .to_string()
            .contains("16 deep")
    );
}

#[test]
fn jumps_and_proxy_commands() {
    let house = house(
        "Host a\n  ProxyJump me@gate:2222,[fe80::1]:23\nHost b\n  ProxyJump none\n  ProxyCommand nc -x %r %h %p\nHost c\n  ProxyCommand none\n",
    );
    let jump = |name: &str, user: Option<&str>, port| JumpHost {
        name: name.to_owned(),
        user: user.map(str::to_owned),
        port,
    };
    assert_eq!(
        house.resolve("a").proxy,
        Proxy::Jump(vec![
            jump("gate", Some("me"), Some(2222)),
            jump("fe80::1", None, Some(23))
        ])
    );
    assert_eq!(
        house.resolve("b").proxy,
        Proxy::Command("nc -x me b 22".to_owned())
    );
    assert_eq!(house.resolve("c").proxy, Proxy::Direct);
    let quoted = house
        .try_resolve("z", r#"-o ProxyCommand="nc %h %p""#)
        .unwrap();
    assert_eq!(quoted.proxy, Proxy::Command("nc z 22".to_owned()));
}

#[test]
fn what_is_not_honoured_is_named_unless_it_is_off() {
    let house = house(
        "VerifyHostKeyDNS no\nBindInterface eth0\nKnownHostsCommand none\nXAuthLocation /x\nSendEnv LANG\n",
    );
    let warnings: Vec<_> = house
        .resolve("h")
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("`BindInterface`"));
}

#[test]
fn wrong_values_name_their_place() {
    for (config, expected) in [
        ("Port x", "config:1: `x` of `Port` is no number"),
        ("\nPort 0", "config:2: `0` of `Port` is no port"),
        ("BatchMode maybe", "is neither yes nor no"),
        ("StrictHostKeyChecking perhaps", "accept-new"),
        ("ConnectTimeout 3x", "is no time"),
        ("ProxyJump a:b", "is no list"),
        ("Match host", "needs a value"),
        ("IdentityFile ~/%Z", "unknown token `%Z`"),
    ] {
        let error = house(config).try_resolve("h", "").unwrap_err().to_string();
        assert!(error.contains(expected), "{config}: {error}");
    }
}

#[test]
fn a_configuration_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let house = house("User me\n");
    let path = house.directory.path().join(".ssh/config");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(
        house.try_resolve("h", ""),
        Err(ConfigError::Unsafe { .. })
    ));
}

#[test]
fn dash_f_replaces_both_files_and_must_exist() {
    let house = house("User file\n");
    house.write("other", "Port 99\n");
    let other = house.directory.path().join("other");
    let settings = house
        .try_resolve("h", &format!("-F {}", other.display()))
        .unwrap();
    assert_eq!((settings.user.as_str(), settings.port), ("me", 99));
    assert_eq!(house.try_resolve("h", "-F none").unwrap().user, "me");
    assert!(matches!(
        house.try_resolve("h", "-F /nowhere/config"),
        Err(ConfigError::Read { .. })
    ));
}

#[test]
fn t12_names_that_a_shell_would_act_upon_are_refused() {
    let house = house("ProxyCommand nc %h %p\n");
    for name in [
        "$(id)",
        "a;id",
        "`id`",
        "a b",
        "-oProxyCommand=id",
        "a\nb",
        "x'y",
        "",
    ] {
        let error = house.try_resolve(name, "").unwrap_err().to_string();
        assert!(error.contains("a shell would act upon"), "{name}: {error}");
    }
    for user in ["$(id)", "a;id", "`id`", "-x"] {
        let words = format!("-o 'User={user}'");
        assert!(house.try_resolve("web", &words).is_err(), "{user}");
    }
    for name in ["web_1.example.org", "10.0.0.1", "fe80::1%eth0", "[::1]"] {
        house.resolve(name);
    }
}

/// Returns what `ssh -G` says of some options; nothing where there is no ssh.
fn ask_ssh(house: &House, host: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let output = std::process::Command::new("ssh")
        .args(["-G", "-F"])
        .arg(&house.files.user)
        .arg(host)
        .output()
        .ok()?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut answers = BTreeMap::<String, Vec<String>>::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (option, value) = line.split_once(' ').unwrap_or((line, ""));
        answers
            .entry(option.to_owned())
            .or_default()
            .push(value.to_owned());
    }
    Some(answers)
}

#[test]
fn ssh_itself_resolves_the_same() {
    let configs = [
        "Host web* !web9\n  User deploy\n  HostName %h.example.org\n  Port 2222\nHost *\n  User other\n  Port 23\n",
        "Match originalhost web1\n  User a\n  HostName real.example\nMatch host real.example\n  Port 77\nMatch user a\n  IdentitiesOnly yes\nMatch user a host web*\n  Port 78\n  HashKnownHosts yes\n",
        "Match final host late.example\n  User final\nHost web1\n  HostName late.example\nMatch all\n  Port 99\n",
        "Host=web1\n  Port = 44 # why\n  User \"quoted\"\nHost web1 web2\n  ServerAliveInterval 1m30s\n  ConnectTimeout 2m\n  Port 45\n",
        "IdentityFile /keys/%n_%p\nHost web2\n  IdentityFile /keys/second\n  IdentityFile /keys/second\n  Port 46\nMatch !host web2\n  User negated\n",
        "Host *\n  ProxyJump none\n  ProxyCommand nc %h %p\n  StrictHostKeyChecking accept-new\nHost web1\n  ProxyJump late\n",
    ];
    for config in configs {
        let mut house = house(config);
        house.local.name = LocalUser::detect().name;
        for host in ["web1", "web2", "web9", "other.lan"] {
            let Some(theirs) = ask_ssh(&house, host) else {
                eprintln!("skipped: no ssh on this machine");
                return;
            };
            let ours = house
                .try_resolve(host, &format!("-F {}", house.files.user.display()))
                .unwrap();
            let their = |option: &str| {
                theirs
                    .get(option)
                    .map(|values| values.join(" "))
                    .unwrap_or_default()
            };
            let yes_or_no = |flag: bool| if flag { "yes" } else { "no" };
            let case = format!("{config}\n{host}");
            assert_eq!(ours.user, their("user"), "{case}");
            assert_eq!(ours.host_name, their("hostname"), "{case}");
            assert_eq!(ours.port.to_string(), their("port"), "{case}");
            assert_eq!(
                yes_or_no(ours.identities_only),
                their("identitiesonly"),
                "{case}"
            );
            assert_eq!(
                yes_or_no(ours.hash_known_hosts),
                their("hashknownhosts"),
                "{case}"
            );
            if config.contains("ServerAlive") && host != "web9" && host != "other.lan" {
                assert_eq!(
                    ours.alive_interval.unwrap().as_secs().to_string(),
                    their("serveraliveinterval"),
                    "{case}"
                );
                assert_eq!(
                    ours.connect_timeout.unwrap().as_secs().to_string(),
                    their("connecttimeout"),
                    "{case}"
                );
            }
            if config.contains("ProxyCommand") {
                let command = match &ours.proxy {
                    Proxy::Command(command) => command.clone(),
                    other => format!("{other:?}"),
                };
                let expected = their("proxycommand")
                    .replace("%h", host)
                    .replace("%p", "22");
                assert_eq!(command, expected, "{case}");
            }
            if config.contains("IdentityFile") {
                assert_eq!(
                    ours.identity_files.len(),
                    theirs["identityfile"].len(),
                    "{case}: {theirs:?}"
                );
            }
        }
    }
}
