//! Random playbooks: the same one for a seed on every machine.
//!
//! What a random play may do is bounded so that it has one right result: host modules keep to the directory of their own host
//! (`{{ here }}`); a command either writes there or reads what all hosts have, never both, because the hosts' steps of one task have
//! no order among themselves; and a command that is narrowed by `kplay_effect` tells the truth. Playbooks are JSON, which is YAML.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::expressions::{
    ANYWHERE, LISTS, NUMBERS, Place, REGISTERS, TEXTS, condition, list, number, phrase, variable,
    variables,
};

/// A site: its files by name, the playbook being a list of plays with their tasks.
pub(super) struct RandomSite {
    pub(super) plays: Vec<Value>,
    pub(super) files: Vec<(String, String)>,
    /// How many hosts work at once.
    pub(super) forks: u64,
}

const ITEM: Place = Place {
    below: 9,
    item: true,
};

/// Makes the site of a seed.
pub(super) fn site(seed: u64) -> RandomSite {
    let mut dice = Dice::new(seed);
    let hosts = 1 + dice.below(3);
    let mut inventory = String::from("[all]\n");
    for host in 1..=hosts {
        inventory.push_str(&format!("h{host} ansible_connection=local n0={host}\n"));
    }
    let mut maker = Maker {
        dice,
        depth: 0,
        handler: false,
    };
    let mut defaults = json!({
        "here": "{{ playbook_dir }}/d/{{ inventory_hostname }}",
        "ansible_become_exe": "{{ playbook_dir }}/sudo",
        "n1": 2, "n2": "{{ n0 | int + n1 }}", "l0": ["a", "b"], "l1": "{{ l0 + ['c'] }}",
        "t0": "text", "t1": "{{ t0 }} of {{ inventory_hostname }}", "t2": "{{ n0 }}",
    });
    defaults["n0"] = 4.into();
    let mut files = vec![
        ("hosts".to_owned(), inventory),
        ("group_vars/all.yml".to_owned(), defaults.to_string()),
    ];
    let own = Value::Object(variables(&mut maker.dice, 2));
    files.push(("host_vars/h1.yml".to_owned(), own.to_string()));
    for name in ["s1.txt", "s2.txt"] {
        files.push((format!("files/{name}"), format!("source {name}\n")));
    }
    let template = format!("{}\n{}\n", maker.words(), maker.words());
    files.push(("templates/t1.j2".to_owned(), template));
    let variable_file = Value::Object(variables(&mut maker.dice, 2));
    files.push(("v1.yml".to_owned(), variable_file.to_string()));
    maker.depth = 2;
    let included = maker.tasks(3);
    files.push(("tasks1.yml".to_owned(), Value::Array(included).to_string()));
    for (part, content) in [
        ("defaults", Value::Object(variables(&mut maker.dice, 2))),
        ("vars", Value::Object(variables(&mut maker.dice, 1))),
        ("tasks", Value::Array(maker.tasks(3))),
        (
            "handlers",
            json!([{"name": "handler2", "debug": {"msg": "{{ t0 }} of the role"}}]),
        ),
    ] {
        files.push((format!("roles/role1/{part}/main.yml"), content.to_string()));
    }
    maker.depth = 0;
    let mut plays = vec![maker.play()];
    if maker.dice.percent(25) {
        plays.push(maker.play());
    }
    plays.push(
        json!({"hosts": "all", "gather_facts": false, "tasks": [{"meta": "clear_host_errors"}]}),
    );
    plays.push(last_play());
    let forks = if maker.dice.percent(20) { 1 } else { 8 };
    RandomSite {
        plays,
        files,
        forks,
    }
}

/// Shows what each host has in the end.
fn last_play() -> Value {
    let names = NUMBERS.iter().chain(&LISTS).chain(&TEXTS).chain(&REGISTERS);
    let told: Vec<Value> = names
        .map(|name| json!({"debug": {"var": name}, "ignore_errors": true}))
        .collect();
    json!({"hosts": "all", "gather_facts": false, "tasks": told})
}

struct Maker {
    dice: Dice,
    /// How deep in blocks and files.
    depth: u32,
    /// Handlers are being made.
    handler: bool,
}

impl Maker {
    fn play(&mut self) -> Value {
        let mut play = Map::new();
        play.insert("hosts".to_owned(), "all".into());
        play.insert("gather_facts".to_owned(), self.dice.percent(10).into());
        if self.dice.percent(50) {
            play.insert(
                "vars".to_owned(),
                Value::Object(variables(&mut self.dice, 3)),
            );
        }
        if self.dice.percent(15) {
            let sizes = [json!(1), json!(2), json!([1, 2])];
            play.insert("serial".to_owned(), self.dice.pick_value(&sizes));
        }
        if self.dice.percent(5) {
            play.insert("any_errors_fatal".to_owned(), true.into());
        }
        if self.dice.percent(10) {
            play.insert("force_handlers".to_owned(), true.into());
        }
        if self.dice.percent(15) {
            let parameters = variables(&mut self.dice, 1);
            play.insert(
                "roles".to_owned(),
                json!([{"role": "role1", "vars": parameters}]),
            );
        }
        play.insert("tasks".to_owned(), Value::Array(self.tasks(12)));
        self.handler = true;
        let mut handlers: Vec<Value> = Vec::new();
        for number in 1..=3 {
            let mut handler = self.task();
            handler["name"] = format!("handler{number}").into();
            // A notification that nobody hears ends the run wherever the other hosts are.
            if number == 1 || self.dice.percent(30) {
                handler["listen"] = "topic".into();
            }
            handlers.push(handler);
        }
        self.handler = false;
        play.insert("handlers".to_owned(), Value::Array(handlers));
        Value::Object(play)
    }

    fn tasks(&mut self, most: u64) -> Vec<Value> {
        (0..=self.dice.below(most)).map(|_| self.entry()).collect()
    }

    /// A task, a block, or something that brings tasks.
    fn entry(&mut self) -> Value {
        if self.depth < 2 && self.dice.percent(20) {
            return self.block();
        }
        if self.depth < 2 && self.dice.percent(10) {
            return self.bringer();
        }
        if self.dice.percent(4) {
            return self.meta();
        }
        self.task()
    }

    /// A block; many have a task that fails for some hosts, so that their ways part and meet again.
    fn block(&mut self) -> Value {
        self.depth += 1;
        let mut tasks = self.tasks(4);
        if self.dice.percent(50) {
            let at = self.dice.below(tasks.len() as u64 + 1);
            tasks.insert(usize::try_from(at).unwrap(), self.failure());
        }
        let mut block = json!({"block": tasks});
        if self.dice.percent(60) {
            block["rescue"] = Value::Array(self.tasks(2));
            if self.dice.percent(50) {
                block["rescue"][0] = self.failure_told();
            }
        }
        if self.dice.percent(40) {
            block["always"] = Value::Array(self.tasks(2));
            if self.dice.percent(30) {
                block["always"][0] = self.failure_told();
            }
        }
        self.depth -= 1;
        self.around(&mut block);
        block
    }

    /// A task that fails for some of the hosts.
    fn failure(&mut self) -> Value {
        let which = condition(&mut self.dice, ANYWHERE);
        let mut task = match self.dice.below(3) {
            0 => json!({"fail": {"msg": self.words()}, "when": which}),
            1 => json!({"command": {"argv": ["true"]}, "failed_when": which}),
            _ => json!({"assert": {"that": [which]}, "name": self.words()}),
        };
        if self.dice.percent(30) {
            task["register"] = self.dice.pick(&REGISTERS).into();
        }
        task
    }

    /// A task that says what is known of the last failure, and who is still there.
    fn failure_told(&mut self) -> Value {
        let told = [
            "{{ ansible_failed_task.name | default('?') }} {{ ansible_failed_result.msg | default('?') }}",
            "{{ ansible_failed_task.action | default('?') }} {{ ansible_failed_task.args | default('?') }}",
            "{{ ansible_failed_result is defined }} {{ ansible_failed_result.rc | default('?') }}",
            "{{ ansible_play_hosts }} {{ ansible_play_batch | length }}",
        ];
        let told = self.dice.pick(&told);
        match self.dice.below(3) {
            0 => json!({"set_fact": {"t1": told}}),
            1 => json!({"copy": {"content": told, "dest": "{{ here }}/told"}}),
            _ => json!({"debug": {"msg": told}}),
        }
    }

    fn bringer(&mut self) -> Value {
        let which = [
            "include_tasks",
            "import_tasks",
            "include_role",
            "import_role",
        ];
        let which = self.dice.pick(&which);
        let mut task = if which.ends_with("tasks") {
            json!({which: "tasks1.yml"})
        } else {
            json!({which: {"name": "role1"}})
        };
        if which == "include_tasks" && self.dice.percent(20) {
            task["loop"] = json!([1, 2]);
        }
        if self.dice.percent(30) {
            task["when"] = condition(&mut self.dice, ANYWHERE).into();
        }
        if self.dice.percent(30) {
            task["vars"] = Value::Object(variables(&mut self.dice, 2));
        }
        task
    }

    fn meta(&mut self) -> Value {
        let which = [
            "flush_handlers",
            "noop",
            "end_host",
            "end_play",
            "clear_facts",
        ];
        let which = self.dice.pick(&which);
        let mut task = json!({"meta": which});
        if which.starts_with("end") {
            task["when"] = condition(&mut self.dice, ANYWHERE).into();
        }
        task
    }

    /// Keywords that blocks have too.
    fn around(&mut self, task: &mut Value) {
        if self.dice.percent(20) {
            task["when"] = condition(&mut self.dice, ANYWHERE).into();
        }
        if self.dice.percent(20) {
            task["vars"] = Value::Object(variables(&mut self.dice, 2));
        }
        // Most failures are forgiven, for the sake of what comes behind them.
        if self.dice.percent(40) {
            task["ignore_errors"] = true.into();
        }
        if self.dice.percent(8) {
            task["become"] = true.into();
        }
        if self.dice.percent(5) {
            task["environment"] = json!({"WORD": phrase(&mut self.dice, ANYWHERE)});
        }
        if self.dice.percent(4) {
            task["run_once"] = true.into();
        }
        if self.dice.percent(3) {
            task["check_mode"] = self.dice.percent(50).into();
        }
        if self.dice.percent(2) {
            task["throttle"] = 1.into();
        }
        if self.dice.percent(3) {
            task["no_log"] = true.into();
        }
        if self.dice.percent(if self.handler { 5 } else { 25 }) {
            let names = [
                json!("handler1"),
                json!("handler2"),
                json!(["handler3", "handler1"]),
                json!("topic"),
                json!("handler{{ 1 + n1 % 3 }}"),
            ];
            task["notify"] = self.dice.pick_value(&names);
        }
    }

    fn task(&mut self) -> Value {
        let looped = self.dice.percent(18);
        let place = if looped { ITEM } else { ANYWHERE };
        let (mut task, effect) = self.action(place);
        self.around(&mut task);
        if let Some(effect) = effect {
            task["vars"]["kplay_effect"] = effect.into();
        }
        if self.dice.percent(30) {
            task["name"] = format!("Task {}", phrase(&mut self.dice, ANYWHERE)).into();
        }
        if looped {
            self.looped(&mut task);
        }
        if self.dice.percent(35) {
            task["register"] = self.dice.pick(&REGISTERS).into();
        }
        if self.dice.percent(8) {
            task["changed_when"] = condition(&mut self.dice, place).into();
        }
        if self.dice.percent(6) {
            task["failed_when"] = condition(&mut self.dice, place).into();
        }
        if self.dice.percent(6) {
            task["until"] = condition(&mut self.dice, place).into();
            task["retries"] = self.dice.below(3).into();
            task["delay"] = 0.into();
        }
        if self.dice.percent(6) {
            let to = [json!("h1"), json!("{{ groups['all'] | last }}")];
            task["delegate_to"] = self.dice.pick_value(&to);
        }
        task
    }

    fn looped(&mut self, task: &mut Value) {
        match self.dice.below(5) {
            0 => task["with_sequence"] = "count=2".into(),
            1 => task["with_items"] = list(&mut self.dice, ANYWHERE),
            _ => task["loop"] = list(&mut self.dice, ANYWHERE),
        }
        if self.dice.percent(20) {
            task["loop_control"] = json!({"label": "item {{ item }}", "index_var": "n0"});
        }
    }

    fn words(&mut self) -> String {
        phrase(&mut self.dice, ANYWHERE)
    }

    /// A module with its arguments, and the effect to state.
    fn action(&mut self, place: Place) -> (Value, Option<&'static str>) {
        let path = format!("{{{{ here }}}}/f{}", self.dice.below(3));
        let dice = &mut self.dice;
        let action = match dice.below(32) {
            0..=4 => {
                let (name, value) = variable(dice, Some(place));
                let mut facts = json!({name: value});
                if dice.percent(15) {
                    facts["cacheable"] = true.into();
                }
                if dice.percent(5) {
                    facts = json!({"{{ 't1' }}": phrase(dice, place)});
                }
                json!({"set_fact": facts})
            }
            5..=6 => json!({"debug": {"msg": phrase(dice, place)}}),
            7 => json!({"debug": {"var": dice.pick(&["n2", "t1", "l1", "t2"])}}),
            8 => {
                json!({"assert": {"that": [condition(dice, place)], "fail_msg": phrase(dice, place)}})
            }
            9..=12 => json!({"copy": {"content": phrase(dice, place), "dest": path}}),
            13 => {
                let source = [
                    json!("s1.txt"),
                    json!(format!("s{{{{ 1 + {} % 2 }}}}.txt", number(dice, place))),
                ];
                json!({"copy": {"src": dice.pick_value(&source), "dest": path}})
            }
            14..=15 => {
                let state = dice.pick(&["directory", "absent", "touch", "file"]);
                json!({"file": {"path": path, "state": state}})
            }
            16 => json!({"file": {"path": path, "mode": dice.pick(&["0600", "0640", "u+x"])}}),
            17..=18 => {
                json!({"lineinfile": {"path": path, "line": phrase(dice, place), "create": true}})
            }
            19 => json!({"template": {"src": "t1.j2", "dest": path}}),
            20 => json!({"stat": {"path": path}}),
            21 => json!({"slurp": {"src": path}}),
            22 => json!({"ping": {"data": phrase(dice, place)}}),
            23 => json!({"fail": {"msg": phrase(dice, place)}}),
            24 => {
                json!({"fetch": {"src": path, "dest": "{{ playbook_dir }}/fetched/", "fail_on_missing": dice.percent(20)}})
            }
            25 => json!({"include_vars": "v1.yml"}),
            26 => return self.writer(place),
            27 => return self.reader(),
            28 => {
                json!({"command": {"cmd": format!("echo {{{{ {} }}}}", number(dice, place)), "creates": path}})
            }
            29 => json!({"find": {"paths": "{{ here }}"}}),
            30 => json!({"setup": {"gather_subset": ["!all", "!min", "user"]}}),
            _ => json!({"command": {"argv": [dice.pick(&["true", "false"])]}}),
        };
        (action, None)
    }

    /// A command that writes in its host's directory.
    fn writer(&mut self, place: Place) -> (Value, Option<&'static str>) {
        let line = format!(
            "echo {{{{ {} }}}} $WORD >> {{{{ here }}}}/log",
            number(&mut self.dice, place)
        );
        let effect = self.dice.percent(50).then_some("shows");
        (json!({"shell": line}), effect)
    }

    /// A command that reads what all hosts have.
    fn reader(&mut self) -> (Value, Option<&'static str>) {
        let line = "cd {{ playbook_dir }}/d; ls -R .; cat */f? */log 2>/dev/null | cksum";
        let effect = self.dice.percent(50).then_some("sees");
        (json!({"shell": line}), effect)
    }
}
