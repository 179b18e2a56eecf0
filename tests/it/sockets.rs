//! A module that declares the effect `host` sees nothing of other hosts: neither it nor a program that it starts opens a socket of
//! the Internet families. `setup` may ask for the host's full name, by `getent`.
//!
//! The system calls are watched by `strace`; where there is none, the rule for the sources alone is tested.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kplay::kit::{Effect, Entry};
use kplay::modules::all;

use crate::support::TestEnvironment;
use crate::support::source::rust_files;

/// Every module of that effect at work, in the directory of the test; what would change the machine is planned only.
const PLAYBOOK: &str = "\
- hosts: all
  gather_facts: false
  vars: {here: '{{ playbook_dir }}/out'}
  tasks:
    - file: {path: '{{ here }}', state: directory}
    - copy: {content: 'a b', dest: '{{ here }}/a'}
    - template: {src: a.j2, dest: '{{ here }}/b'}
    - lineinfile: {path: '{{ here }}/a', line: c}
    - blockinfile: {path: '{{ here }}/a', block: d}
    - replace: {path: '{{ here }}/a', regexp: a, replace: e}
    - stat: {path: '{{ here }}/a'}
    - assemble: {src: '{{ playbook_dir }}', regexp: '[.]j2$', dest: '{{ here }}/assembled'}
    - known_hosts: {path: '{{ here }}/known_hosts', name: a, key: a ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ0cRHFoxsdJ7c8LYRNDhWc0wYRxqFzxCMKPqGVOhJH}
    - slurp: {src: '{{ here }}/a'}
    - find: {paths: '{{ here }}'}
    - fetch: {src: '{{ here }}/a', dest: '{{ here }}/fetched/', flat: true}
    - tempfile: {path: '{{ here }}'}
    - ini_file: {path: '{{ here }}/a.ini', section: a, option: b, value: c}
    - cron: {name: a, job: b, user: root, cron_file: '{{ here }}/cron'}
    - {alternatives: {name: kplay-none, path: /bin/none, state: absent}, ignore_errors: true}
    - async_status: {jid: j1.1}
      ignore_errors: true
    - ping:
    - setup:
    - package_facts:
    - service_facts:
    - authorized_key: {user: root, path: '{{ here }}/keys', manage_dir: false, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ0cRHFoxsdJ7c8LYRNDhWc0wYRxqFzxCMKPqGVOhJH a}
      ignore_errors: true
    - sysctl: {name: vm.swappiness, value: '60', sysctl_file: '{{ here }}/sysctl', reload: false}
    - {group: {name: kplay-nobody}, check_mode: true}
    - {user: {name: kplay-nobody}, check_mode: true}
    - {hostname: {name: kplay-nowhere}, check_mode: true, ignore_errors: true}
    - {dpkg_selections: {name: dpkg, selection: install}, check_mode: true, ignore_errors: true}
    - {modprobe: {name: kplay-none}, check_mode: true, ignore_errors: true}
    - {timezone: {name: Etc/UTC}, check_mode: true, ignore_errors: true}
";

fn host_modules() -> Vec<&'static str> {
    all()
        .map(Entry::meta)
        .filter(|meta| meta.effect == Effect::Host)
        .map(kplay::kit::Meta::short_name)
        .collect()
}

#[test]
fn every_module_with_the_effect_host_is_watched() {
    for module in host_modules() {
        assert!(
            PLAYBOOK.contains(&format!("- {module}:"))
                || PLAYBOOK.contains(&format!("- {{{module}:")),
            "`{module}` has the effect host; let {} run it",
            file!()
        );
    }
}

#[test]
fn no_module_with_the_effect_host_opens_a_socket() {
    let strace = Path::new("/usr/bin/strace");
    if !strace.exists() {
        return;
    }
    let environment = TestEnvironment::new()
        .write("hosts", "localhost ansible_connection=local\n")
        .write("site.yml", PLAYBOOK)
        .write("a.j2", "{{ inventory_hostname }}\n");
    let kplay = env!("CARGO_BIN_EXE_kplay");
    let watch = [
        "-f",
        "-qq",
        "-o",
        "calls",
        "-e",
        "trace=socket,execve",
        kplay,
    ];
    let played =
        environment.run_program(strace, watch.into_iter().chain(["site.yml", "-i", "hosts"]));
    let output = played.success();
    let reached = output.stdout.matches("TASK [").count();
    assert_eq!(
        reached,
        PLAYBOOK.matches("\n    - ").count(),
        "{}",
        output.text()
    );
    let calls = std::fs::read_to_string(environment.path("calls")).unwrap();
    assert!(calls.contains("kplay-worker"), "the worker was watched");
    assert_eq!(internet_sockets(&calls), BTreeSet::new());
}

/// Returns the programs that opened a socket of the Internet families.
fn internet_sockets(calls: &str) -> BTreeSet<String> {
    let mut programs: BTreeMap<&str, String> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for line in calls.lines() {
        let Some((process, call)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let call = call.trim_start();
        if let Some(program) = call.strip_prefix("execve(\"") {
            let path = program.split('"').next().unwrap_or_default();
            let name = path.rsplit('/').next().unwrap_or_default();
            programs.insert(process, name.to_owned());
        }
        if call.starts_with("socket(AF_INET") {
            let program = programs.get(process).cloned().unwrap_or_default();
            if program != "getent" {
                found.insert(program);
            }
        }
    }
    found
}

#[test]
fn an_internet_socket_is_seen() {
    let calls = "7 execve(\"/usr/bin/curl\", [\"curl\"], 0x0) = 0\n7 socket(AF_INET6, SOCK_STREAM, 0) = 3\n\
                 8 execve(\"/usr/bin/getent\", [\"getent\"], 0x0) = 0\n8 socket(AF_INET, SOCK_DGRAM, 0) = 3\n9 socket(AF_UNIX, SOCK_STREAM, 0) = 3\n";
    assert_eq!(internet_sockets(calls), BTreeSet::from(["curl".to_owned()]));
}

/// The one way out of a module that is no program is `Host::connect`.
#[test]
fn only_modules_that_see_others_connect() {
    let connecting: Vec<String> = rust_files("src/modules")
        .into_iter()
        .filter(|file| file.code.contains(".connect("))
        .map(|file| file.path.clone())
        .collect();
    for path in &connecting {
        let module = all().find(|entry| {
            let name = entry.meta().short_name();
            path.split('/')
                .any(|part| part.trim_end_matches(".rs") == name)
        });
        let effect = module.map(|entry| entry.meta().effect);
        assert!(
            effect.is_some_and(|effect| effect >= Effect::Sees),
            "{path}"
        );
    }
    assert!(!connecting.is_empty());
}
