//! Runs a case with an engine and writes down all that a user could notice of it. Called by `main`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::case::{Case, Connection, role_directory};
use crate::engine::{Engine, Run};
use crate::hosts::{Claim, Host};
use crate::normalise::Normaliser;
use crate::screen;

const END_STATE: &str = include_str!("end-state.sh");
/// What the preparation of a case may call.
const PREPARATION: &str = include_str!("prepare.sh");

/// Where the case is while it runs.
struct Scene<'case> {
    case: &'case Case,
    claim: &'case Claim<'case>,
    directory: PathBuf,
    home: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    normaliser: Normaliser,
}

/// Runs the case and gives `{"check": .., "run 1": .., "run 2": ..}`.
pub(crate) fn observe(case: &Case, engine: &Engine, claim: &Claim<'_>) -> Result<Value, String> {
    let scratch = tempfile::Builder::new()
        .prefix("kplay-oracle-")
        .tempdir_in("/tmp")
        .map_err(|error| error.to_string())?;
    let scene = Scene::set(case, claim, scratch.path())?;
    if !case.prepare.is_empty() {
        for host in &claim.hosts {
            let script = format!("{PREPARATION}\n{}", case.prepare);
            claim.shell(host, &scene.directory, &script, &[])?;
        }
    }
    let mut observed = Map::new();
    if case.check {
        let arguments = ["--check", "--diff"].map(str::to_owned);
        observed.insert("check".to_owned(), scene.run(engine, "check", &arguments)?);
    }
    for number in 1..=case.runs {
        let name = format!("run {number}");
        let run = scene.run(engine, &name, &[])?;
        observed.insert(name, run);
    }
    Ok(Value::Object(observed))
}

impl<'case> Scene<'case> {
    fn set(case: &'case Case, claim: &'case Claim<'case>, scratch: &Path) -> Result<Self, String> {
        let directory = scratch.join("case");
        let home = scratch.join("home");
        std::fs::create_dir(&home).map_err(|error| error.to_string())?;
        copy(&case.directory, &directory)?;
        if !case.roles.is_empty() {
            let roles = directory.join("roles");
            std::fs::create_dir_all(&roles).map_err(|error| error.to_string())?;
            for role in &case.roles {
                copy(&role_directory(role), &roles.join(role))?;
            }
        }
        if !directory.join("ansible.cfg").exists() {
            write(
                &directory.join("ansible.cfg"),
                "[ssh_connection]\npipelining = true\n",
            )?;
        }
        write(&scratch.join("hosts.ini"), &inventory(case, claim))?;
        write(&scratch.join("values.yml"), &values_play(case))?;

        let mut arguments = Vec::new();
        if case.hosts > 0 {
            arguments.extend([
                "-i".to_owned(),
                scratch.join("hosts.ini").display().to_string(),
            ]);
        }
        if directory.join("inventory").exists() {
            arguments.extend(["-i", "inventory"].map(str::to_owned));
        }
        for argument in &case.arguments {
            let mut argument = argument.replace("@CASE@", &directory.display().to_string());
            for host in &claim.hosts {
                if let Some((_, address)) = &host.machine {
                    argument = argument.replace(&format!("@{}@", host.alias), address);
                }
            }
            arguments.push(argument);
        }
        arguments.extend(case.playbooks.iter().cloned());
        if !case.registers.is_empty() {
            arguments.push(scratch.join("values.yml").display().to_string());
        }
        Ok(Self {
            case,
            claim,
            normaliser: normaliser(claim, scratch)?,
            directory,
            home,
            arguments,
            environment: case.environment.clone(),
        })
    }

    fn run(&self, engine: &Engine, name: &str, more: &[String]) -> Result<Value, String> {
        let arguments: Vec<String> = more.iter().chain(&self.arguments).cloned().collect();
        let run = engine.run(&self.directory, &self.home, &arguments, &self.environment)?;
        self.keep_transcript(name, &run);
        let mut result = Map::new();
        result.insert("exit".to_owned(), run.exit.into());
        if self.case.plain_output {
            let lines = plain_lines(&run.stdout);
            result.insert("output".to_owned(), self.normaliser.value(json!(lines)));
        } else {
            let screen = screen::parse(&run.stdout);
            result.insert("recap".to_owned(), Value::Object(screen.recap));
            result.insert(
                "screen".to_owned(),
                self.normaliser.value(Value::Array(screen.entries)),
            );
            if !self.case.registers.is_empty() {
                result.insert(
                    "registers".to_owned(),
                    self.normaliser.value(Value::Object(screen.values)),
                );
            }
        }
        let items = self.end_state_items();
        if !items.is_empty() {
            let mut states = Map::new();
            for host in &self.claim.hosts {
                states.insert(host.alias.clone(), self.end_state(host, &items)?);
            }
            result.insert("end state".to_owned(), Value::Object(states));
        }
        Ok(Value::Object(result))
    }

    fn end_state_items(&self) -> Vec<String> {
        let wanted = &self.case.end_state;
        let kinds = [
            ("path", &wanted.paths),
            ("package", &wanted.packages),
            ("unit", &wanted.units),
            ("user", &wanted.users),
            ("group", &wanted.groups),
            ("command", &wanted.commands),
        ];
        kinds
            .iter()
            .flat_map(|(kind, items)| items.iter().map(move |item| format!("{kind}:{item}")))
            .collect()
    }

    fn end_state(&self, host: &Host, items: &[String]) -> Result<Value, String> {
        let text = |encoded: &str| {
            let bytes = STANDARD.decode(encoded).ok()?;
            String::from_utf8(bytes)
                .ok()
                .map(|text| self.normaliser.text(&text))
        };
        let mut state = Map::new();
        for line in self
            .claim
            .shell(host, &self.directory, END_STATE, items)?
            .lines()
        {
            let mut fields = line.split('\t');
            let (kind, name) = (
                fields.next().unwrap_or_default(),
                self.normaliser.text(fields.next().unwrap_or_default()),
            );
            let rest: Vec<&str> = fields.collect();
            let value = match (kind, rest.as_slice()) {
                ("absent", _) => Value::from("absent"),
                ("text", [encoded]) => Value::from(text(encoded).unwrap_or_default().trim_end()),
                ("file", [mode, owner, group, size, hash, encoded]) => {
                    match text(encoded).filter(|text| !text.is_empty()) {
                        Some(text) => {
                            json!({"file": text, "mode": mode, "owner": owner, "group": group})
                        }
                        None => {
                            json!({"file": format!("{size} bytes, {hash}"), "mode": mode, "owner": owner, "group": group})
                        }
                    }
                }
                ("link", [owner, group, target]) => {
                    json!({"link": self.normaliser.text(target), "owner": owner, "group": group})
                }
                (kind, rest) => json!({kind: rest}),
            };
            state.insert(name, value);
        }
        Ok(Value::Object(state))
    }

    /// Leaves what the engine said in the build directory, for whoever has to find out why a case fails.
    fn keep_transcript(&self, run: &str, output: &Run) {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("oracle")
            .join(&self.case.name);
        let text = format!(
            "{:?}\n\n{}\n--- stderr ---\n{}\n--- exit {} ---\n",
            self.arguments, output.stdout, output.stderr, output.exit
        );
        // A transcript is a comfort: a full disk must not fail the case.
        if std::fs::create_dir_all(&directory).is_ok() {
            let _ = std::fs::write(
                directory.join(format!("{}.txt", run.replace(' ', "-"))),
                text,
            );
        }
    }
}

/// The lines of an output that is compared as text. `--list-hosts` prints the hosts of a play, each on an indented line
/// of its own, in no certain order.
fn plain_lines(stdout: &str) -> Vec<&str> {
    let lines = stdout.lines().map(str::trim_end);
    let mut lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let is_host = |line: &str| line.starts_with("      ") && !line.contains("TAGS:");
    for hosts in lines.chunk_by_mut(|left, right| is_host(left) && is_host(right)) {
        hosts.sort_unstable();
    }
    lines
}

/// The hosts of the case by their aliases, so that any host of the lab can play any part.
fn inventory(case: &Case, claim: &Claim<'_>) -> String {
    let mut text = String::new();
    for host in &claim.hosts {
        match &host.machine {
            Some((_, address)) => {
                let _ = writeln!(text, "{} ansible_host={address}", host.alias);
            }
            None => {
                let _ = writeln!(text, "{} ansible_connection=local", host.alias);
            }
        }
    }
    text.push_str("[all:vars]\n");
    match (case.connection, claim.state()) {
        (Connection::Ssh, Some(state)) => {
            let state = state.display();
            let _ = writeln!(
                text,
                "ansible_python_interpreter=/usr/bin/python3\nansible_user={}",
                case.user
            );
            let _ = writeln!(text, "ansible_ssh_private_key_file={state}/id");
            let _ = writeln!(
                text,
                "ansible_ssh_common_args='-o UserKnownHostsFile={state}/known_hosts'"
            );
        }
        _ => text.push_str("ansible_python_interpreter='{{ ansible_playbook_python }}'\n"),
    }
    text
}

/// A playbook of its own that prints the registered values, whichever engine runs it. It is given after the case's
/// playbooks on the same command line, where variables live on; `always` carries it past `--tags`.
fn values_play(case: &Case) -> String {
    let mut text = format!(
        "- name: '{}'\n  hosts: '{}'\n  gather_facts: false\n  tags: [always]\n  tasks:\n    - name: values\n      check_mode: false\n      debug:\n        msg:\n",
        screen::VALUES_PLAY,
        case.registers_on
    );
    for name in &case.registers {
        let _ = writeln!(
            text,
            "          {name}: \"{{{{ {name} | default('<undefined>') }}}}\""
        );
    }
    text
}

fn normaliser(claim: &Claim<'_>, scratch: &Path) -> Result<Normaliser, String> {
    let mut names = Vec::new();
    for host in &claim.hosts {
        if let Some((name, address)) = &host.machine {
            names.push((format!(r"\b{name}\b"), format!("<name of {}>", host.alias)));
            names.push((
                format!(r"\b{}\b", address.replace('.', r"\.")),
                format!("<address of {}>", host.alias),
            ));
        }
    }
    let mut literals = vec![(scratch.display().to_string(), "<scratch>".to_owned())];
    if let Some(name) = scratch.file_name() {
        literals.push((name.to_string_lossy().into_owned(), "<scratch>".to_owned()));
    }
    if let Some(state) = claim.state() {
        literals.push((state.display().to_string(), "<lab>".to_owned()));
    }
    // After the hosts' own addresses: the rest of their network.
    names.extend(claim.network().map(|network| {
        (
            format!(r"\b{}\.", network.replace('.', r"\.")),
            "<network>.".to_owned(),
        )
    }));
    Normaliser::new(literals, &names)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copied = Command::new("cp").arg("-R").arg(from).arg(to).status();
    if copied.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(format!("cannot copy {}", from.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
