//! Whole configurations resolved for a host; what ssh itself answers to `ssh -G` was compared by hand.

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
    assert_eq!(web.alive_interval, Some(Duration::from_secs(60)));
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
