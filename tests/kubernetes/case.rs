//! A case: a file of tasks, run by an engine on this machine; what its tasks registered is compared with what is written down.
//! A case that begins with `# kplay alone: REASON` is not compared: its own tasks assert what must be. One whose name ends in `_four`
//! has Helm 4, all others have Helm 3.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::answers;
use crate::server::{HELM, HELM_3, Server, TOKEN};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kubernetes");

/// A file of tasks.
pub(crate) struct Case {
    pub(crate) name: String,
    tasks: PathBuf,
}

impl Case {
    /// Returns all cases, sorted.
    pub(crate) fn all() -> Vec<Self> {
        let entries = fs::read_dir(Path::new(HERE).join("cases")).unwrap();
        let mut cases: Vec<Self> = entries
            .map(|entry| entry.unwrap().path())
            .map(|tasks| Self {
                name: tasks.file_stem().unwrap().to_string_lossy().into_owned(),
                tasks,
            })
            .collect();
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        cases
    }

    /// Runs it with kplay and compares, or with the engine of `record` and writes down.
    pub(crate) fn run(&self, server: &Server) -> Result<(), Failed> {
        let engine = std::env::var_os("KPLAY_KUBERNETES_RECORD");
        let alone = fs::read_to_string(&self.tasks)?.starts_with("# kplay alone: ");
        if alone && engine.is_some() {
            return Ok(());
        }
        let kplay = PathBuf::from(env!("CARGO_BIN_EXE_kplay"));
        let engine_path = engine.as_ref().map_or(kplay, PathBuf::from);
        let found = self.play(&engine_path, server)?;
        let path = Path::new(HERE).join(format!("recorded/{}.json", self.name));
        if engine.is_some() {
            let text = serde_json::to_string_pretty(&found)? + "\n";
            fs::write(path, text)?;
            return Ok(());
        }
        if alone {
            return Ok(());
        }
        let recorded = fs::read_to_string(&path).map_err(|error| {
            format!(
                "{}: {error}; tests/kubernetes/record makes it",
                path.display()
            )
        })?;
        let recorded: Value = serde_json::from_str(&recorded)?;
        answers::compare(&recorded, &found).map_err(Failed::from)
    }

    /// Runs the tasks and returns what they registered, by name.
    fn play(&self, engine: &Path, server: &Server) -> Result<Value, Failed> {
        let tasks = fs::read_to_string(&self.tasks)?;
        let names = tasks
            .lines()
            .filter_map(|line| line.trim().strip_prefix("register: "));
        let kept: Vec<String> = names.map(|name| format!("'{name}': {name}")).collect();
        let directory = server.path(&self.name);
        fs::create_dir_all(&directory)?;
        let out = directory.join("answers.json");
        let indented: String = tasks.lines().map(|line| format!("    {line}\n")).collect();
        let playbook = format!(
            "- hosts: localhost\n  gather_facts: false\n  module_defaults:\n    \
             group/kubernetes.core.k8s: {{kubeconfig: '{{{{ kubeconfig }}}}'}}\n    \
             kubernetes.core.k8s_taint: {{kubeconfig: '{{{{ kubeconfig }}}}'}}\n    \
             group/kubernetes.core.helm: {{kubeconfig: '{{{{ kubeconfig }}}}', binary_path: '{{{{ helm }}}}'}}\n  \
             tasks:\n{indented}\n    - ansible.builtin.copy:\n        dest: {}\n        mode: '0600'\n        content: \"{{{{ {{{}}} | to_json }}}}\"\n",
            out.display(),
            kept.join(", ")
        );
        fs::write(directory.join("play.yml"), playbook)?;
        let variables = json!({
            "kubeconfig": server.path("kubeconfig"),
            "helm": server.program(if self.name.ends_with("_four") { HELM } else { HELM_3 }),
            "chart": format!("{HERE}/chart"),
            "files": format!("{HERE}/files"),
            "server": server.url,
            "ca": server.path("ca.crt"),
            "admin_cert": server.path("admin.crt"),
            "admin_key": server.path("admin.key"),
            "token": TOKEN,
            "namespace": self.name.replace('_', "-"),
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        });
        let output = Command::new(engine)
            .args(["play.yml", "-i", "localhost,", "-e", &variables.to_string()])
            .current_dir(&directory)
            .env("HOME", &directory)
            .env("NO_COLOR", "1")
            .env_remove("KUBECONFIG")
            .output()?;
        if !output.status.success() {
            let text = [output.stdout, output.stderr].concat();
            return Err(format!("it failed:\n{}", String::from_utf8_lossy(&text)).into());
        }
        let said = [output.stdout, output.stderr].concat();
        let mut answers: Value = serde_json::from_str(&fs::read_to_string(out)?)?;
        answers::normalise(&mut answers);
        if String::from_utf8_lossy(&said).contains(TOKEN) {
            return Err("the token is on the screen".into());
        }
        Ok(answers)
    }
}
