//! Which facts a run can name, so that gathering leaves out what nobody asks for. `play` asks before it gathers facts by itself.
//!
//! Every text that a run may evaluate is looked at: the plays of all playbooks, their roles, what includes and template files
//! with constant names bring, the variables of the hosts. In doubt all facts are gathered, for example where a name is made while
//! the playbook runs, where `hostvars` or `ansible_facts` as a whole is used, or where somebody can see what was gathered (a fact
//! cache, `-v`, a report of all results). The one thing that this does not foresee is a run that rewrites its own templates or
//! variable files on the controller.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, RwLock};

use super::outside::Outside;
use super::run_state::{PlayState, RunState};
use super::scope::HostScope;
use crate::kit;
use crate::modules::fact_group;
use crate::playbook::{
    ActionKind, Keywords, Loader, Loop, LoopControl, MetaAction, Play, Role, Scope, ScopeKind,
    TagSelection, Task,
};
use crate::template::{FileKind, FileSettings, LookupContext as _, Uses};
use crate::value::{Dict, Value};

/// Groups of facts; `None` is all of them.
type Groups = Option<BTreeSet<&'static str>>;

/// What the playbooks of a run ask for.
#[derive(Debug, Default)]
pub(super) struct Demand {
    plays: Vec<Arc<Play>>,
    /// What their texts name, once it was asked for.
    by_plays: OnceLock<Groups>,
}

impl Demand {
    /// Returns the demand of these plays, not looked at yet.
    pub(super) fn new(plays: Vec<Arc<Play>>) -> Self {
        Self {
            plays,
            by_plays: OnceLock::new(),
        }
    }
}

/// Returns the groups of facts that the run can name of these hosts, or nothing where that may be all.
pub(super) fn needed(run: &RunState, loader: &Loader, play: &Play, hosts: &[Arc<str>]) -> Groups {
    let visible = run.shows_results() || run.config.fact_caching != "memory";
    // Whoever says what to gather gets that.
    let chosen = play.gather_subset.is_some()
        || ["ansible.builtin.setup", "ansible.builtin.gather_facts"]
            .iter()
            .any(|module| !play.scope.defaults_for(module, |_| true).is_empty());
    if visible || chosen {
        return None;
    }
    let by_plays = run
        .demand
        .by_plays
        .get_or_init(|| by_plays(run, loader, &run.demand.plays));
    let mut scan = Scan::new(run, by_plays.clone()?);
    scan.inventory(hosts);
    scan.groups
}

fn by_plays(run: &RunState, loader: &Loader, plays: &[Arc<Play>]) -> Groups {
    let options = &run.options;
    let tags = TagSelection::new(
        options.tags.iter().map(String::as_str),
        options.skip_tags.iter().map(String::as_str),
    );
    let mut scan = Scan::new(run, BTreeSet::new());
    scan.dict(&options.extra_vars);
    for play in plays {
        let state = PlayState {
            play: play.clone(),
            name: String::new(),
            files: Dict::new(),
            prompts: Dict::new(),
            all_hosts: Vec::new(),
            batch: Vec::new(),
            lost: RwLock::default(),
            public_roles: RwLock::default(),
        };
        let reachable = loader.reachable(play, &tags);
        if reachable.open {
            return None;
        }
        scan.play(play, &state);
        reachable.roles.iter().for_each(|role| scan.role(role));
        for task in &reachable.tasks {
            scan.task(task, &state);
            scan.groups.as_ref()?;
        }
    }
    scan.groups
}

/// Names that reach facts in ways that no name tells.
const OPEN: [&str; 2] = ["ansible_delegated_vars", "hostvars"];

/// Lookups that evaluate no variables but those that they are given. `vars` names them, which the analysis of names sees.
const CLOSED_LOOKUPS: [&str; 24] = [
    "config",
    "csvfile",
    "dict",
    "env",
    "file",
    "fileglob",
    "first_found",
    "flattened",
    "indexed_items",
    "ini",
    "inventory_hostnames",
    "items",
    "lines",
    "list",
    "nested",
    "password",
    "pipe",
    "random_choice",
    "sequence",
    "subelements",
    "together",
    "unvault",
    "url",
    "vars",
];

/// Beginnings of the names of variables that say how to reach a host or what a task is doing, and are no facts.
const NO_FACTS: [&str; 24] = [
    "ansible_async_dir",
    "ansible_become",
    "ansible_check_mode",
    "ansible_config_file",
    "ansible_connection",
    "ansible_diff_mode",
    "ansible_failed_",
    "ansible_forks",
    "ansible_index_var",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_loop",
    "ansible_managed",
    "ansible_parent_role_",
    "ansible_password",
    "ansible_play_",
    "ansible_playbook_python",
    "ansible_python_interpreter",
    "ansible_role_name",
    "ansible_run_tags",
    "ansible_search_path",
    "ansible_skip_tags",
    "ansible_ssh_",
    "ansible_verbosity",
];

/// The same, where only the whole name is one.
const NO_FACT: [&str; 5] = [
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_version",
    "ansible_dependent_role_names",
];

struct Scan<'a> {
    run: &'a RunState,
    groups: Groups,
    /// What was looked at already.
    scopes: HashSet<*const Scope>,
    roles: HashSet<*const Role>,
    layers: HashSet<*const Dict>,
    files: HashSet<PathBuf>,
}

impl<'a> Scan<'a> {
    fn new(run: &'a RunState, groups: BTreeSet<&'static str>) -> Self {
        Self {
            run,
            groups: Some(groups),
            scopes: HashSet::new(),
            roles: HashSet::new(),
            layers: HashSet::new(),
            files: HashSet::new(),
        }
    }

    fn all(&mut self) {
        self.groups = None;
    }

    fn fact(&mut self, fact: &str) {
        let fact = fact.strip_prefix("ansible_").unwrap_or(fact);
        if let Some(groups) = &mut self.groups {
            groups.insert(fact_group(fact));
        }
    }

    fn uses(&mut self, uses: &Uses) {
        let open_lookup = uses.lookups.iter().any(|lookup| {
            lookup.name.as_ref().is_none_or(|name| {
                !CLOSED_LOOKUPS.contains(&name.rsplit('.').next().unwrap_or(name))
            })
        });
        if uses.dynamic || open_lookup || !uses.errors.is_empty() {
            return self.all();
        }
        for path in uses.names.keys() {
            match path.as_slice() {
                [all] if &**all == "ansible_facts" => self.all(),
                [facts, fact, ..] if &**facts == "ansible_facts" => self.fact(fact),
                [name, ..] if OPEN.contains(&&**name) => self.all(),
                [name, ..] if may_be_fact(name) => self.fact(name),
                _ => {}
            }
        }
    }

    fn value(&mut self, value: &Value) {
        let uses = self.run.templar.uses(value, None);
        if !uses.includes.is_empty() {
            return self.all();
        }
        self.uses(&uses);
    }

    fn condition(&mut self, condition: &Value) {
        let uses = self.run.templar.uses_of_condition(condition, None);
        self.uses(&uses);
    }

    fn values<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) {
        values.into_iter().for_each(|value| self.value(value));
    }

    fn conditions<'v>(&mut self, conditions: impl IntoIterator<Item = &'v Value>) {
        conditions
            .into_iter()
            .for_each(|condition| self.condition(condition));
    }

    fn dict(&mut self, dict: &Dict) {
        self.values(dict.values());
    }

    /// The variables that the inventory has for these hosts.
    fn inventory(&mut self, hosts: &[Arc<str>]) {
        let inventory = self.run.inventory();
        for host in hosts {
            // What cannot be read was reported when the play began.
            for layer in inventory.load(host).unwrap_or_default().iter() {
                if self.layers.insert(Arc::as_ptr(&layer.vars)) {
                    self.dict(&layer.vars);
                }
            }
        }
    }

    fn play(&mut self, play: &Arc<Play>, state: &PlayState) {
        self.scope(&play.scope);
        self.conditions(&play.gather_when);
        self.values(play.name.iter().chain(&play.hosts).chain(&play.serial));
        self.values(
            [
                &play.strategy,
                &play.order,
                &play.force_handlers,
                &play.max_fail_percentage,
                &play.fact_path,
                &play.gather_timeout,
                &play.gather_facts,
            ]
            .into_iter()
            .flatten(),
        );
        for prompt in &play.vars_prompt {
            self.values(prompt.prompt.iter().chain(&prompt.default));
        }
        play.roles.iter().for_each(|role| self.role(role));
        let host: Arc<str> = "localhost".into();
        let scope = HostScope::new(self.run, Some(state), Some(&play.scope), &host);
        for entry in &play.vars_files {
            let names = entry.as_list().unwrap_or(std::slice::from_ref(entry));
            for name in names {
                self.variable_file(name, &scope);
            }
        }
    }

    fn scope(&mut self, scope: &Scope) {
        for link in scope.chain() {
            if !self.scopes.insert(std::ptr::from_ref(link)) {
                return;
            }
            self.keywords(&link.keywords);
            if let ScopeKind::Role(role) = &link.kind {
                self.role(role);
            }
        }
    }

    fn role(&mut self, role: &Arc<Role>) {
        if !self.roles.insert(Arc::as_ptr(role)) {
            return;
        }
        for dict in [
            &role.defaults,
            &role.vars,
            &role.parameters,
            &role.keyword_vars,
        ] {
            self.dict(dict);
        }
        self.values(&role.argument_spec);
        role.dependencies
            .iter()
            .for_each(|dependency| self.role(dependency));
    }

    fn keywords(&mut self, keywords: &Keywords) {
        // A person at the debugger may ask for anything.
        if keywords.debugger.is_some() {
            return self.all();
        }
        let flags = [
            &keywords.any_errors_fatal,
            &keywords.become_,
            &keywords.check_mode,
            &keywords.delegate_facts,
            &keywords.diff,
            &keywords.ignore_errors,
            &keywords.ignore_unreachable,
            &keywords.no_log,
            &keywords.run_once,
        ];
        let texts = [
            &keywords.become_exe,
            &keywords.become_flags,
            &keywords.become_method,
            &keywords.become_user,
            &keywords.connection,
            &keywords.delegate_to,
            &keywords.notify,
            &keywords.port,
            &keywords.remote_user,
            &keywords.throttle,
            &keywords.timeout,
        ];
        self.values(flags.into_iter().chain(texts).flatten());
        self.values(keywords.environment.iter().chain(&keywords.tags));
        for defaults in &keywords.module_defaults {
            self.values(defaults.by_name.iter().map(|(_, value)| value));
        }
        self.conditions(&keywords.when);
        self.dict(&keywords.vars);
    }

    fn task(&mut self, task: &Arc<Task>, play: &PlayState) {
        self.scope(&task.scope);
        self.values(&task.name);
        self.values(
            [&task.retries, &task.delay, &task.async_, &task.poll]
                .into_iter()
                .flatten(),
        );
        let conditions = task.until.iter().chain(&task.changed_when);
        self.conditions(conditions.chain(&task.failed_when));
        match &task.loop_ {
            Some(Loop::Items(items)) => self.value(items),
            Some(Loop::With { lookup, terms, .. }) => {
                if !CLOSED_LOOKUPS.contains(&lookup.rsplit('.').next().unwrap_or(lookup)) {
                    self.all();
                }
                self.value(terms);
            }
            None => {}
        }
        self.loop_control(&task.loop_control);
        self.dict(&task.action.arguments.given);
        self.values(&task.action.arguments.templates);
        self.action(task, play);
    }

    fn loop_control(&mut self, control: &LoopControl) {
        self.values(control.values());
        self.conditions(&control.break_when);
    }

    fn action(&mut self, task: &Arc<Task>, play: &PlayState) {
        let entry = match &task.action.kind {
            ActionKind::Module(entry) => *entry,
            ActionKind::IncludeTasks(include) => {
                if let Some(keywords) = &include.apply {
                    self.keywords(keywords);
                }
                return;
            }
            ActionKind::IncludeRole(include) => {
                if let Some(keywords) = &include.apply {
                    self.keywords(keywords);
                }
                return;
            }
            // The hosts may have other variables afterwards.
            ActionKind::Meta(MetaAction::RefreshInventory)
            | ActionKind::Unsupported(_)
            | ActionKind::Templated(_) => return self.all(),
            ActionKind::Meta(_) => return,
        };
        if let kit::Entry::Control(control) = entry {
            for name in control.raw() {
                if let Some(value) = task.action.arguments.given.get(name) {
                    self.condition(value);
                }
            }
        }
        let host: Arc<str> = "localhost".into();
        let scope = HostScope::new(self.run, Some(play), Some(&task.scope), &host);
        match entry.meta().name {
            "ansible.builtin.add_host" | "ansible.builtin.group_by" => self.all(),
            "ansible.builtin.template" => self.template(task, &scope),
            "ansible.builtin.include_vars" => match sole_file(task) {
                Some(name) => self.variable_file(&name, &scope),
                None => self.all(),
            },
            _ => {}
        }
    }

    /// What the template file of a task names, and those that it includes.
    fn template(&mut self, task: &Task, scope: &HostScope<'_>) {
        let given = &task.action.arguments.given;
        let plain = [
            "src", "dest", "mode", "owner", "group", "backup", "force", "validate",
        ];
        // Other arguments may change the delimiters.
        let usual = given
            .keys()
            .filter_map(|key| key.as_str())
            .all(|name| plain.contains(&name));
        let name = given.get("src").and_then(constant);
        let (true, true, Some(name)) = (usual, task.action.arguments.templates.is_empty(), name)
        else {
            return self.all();
        };
        let outside = Outside { scope };
        match outside.find_file(FileKind::Template, name) {
            Ok(Some(path)) => self.template_file(&path, &outside),
            _ => self.all(),
        }
    }

    fn template_file(&mut self, path: &Path, outside: &Outside<'_>) {
        if self.groups.is_none() || !self.files.insert(path.to_owned()) {
            return;
        }
        let read = outside.read(path).ok();
        let Some(text) = read.and_then(|(bytes, _)| String::from_utf8(bytes).ok()) else {
            return self.all();
        };
        // A header may change the delimiters.
        if text.starts_with("#jinja2:") {
            return self.all();
        }
        let origin = crate::diag::Span::NONE;
        let uses = self
            .run
            .templar
            .uses_of_file(&text, origin, &FileSettings::default(), None);
        self.uses(&uses);
        for name in uses.includes.keys() {
            // Which of two files of one name is meant need not be known here.
            let beside = path.parent().map(|folder| folder.join(&**name));
            let beside = beside.filter(|path| path.is_file());
            let found = outside.find_file(FileKind::Template, name).ok().flatten();
            if beside.is_none() && found.is_none() {
                return self.all();
            }
            for file in [beside, found].into_iter().flatten() {
                self.template_file(&file, outside);
            }
        }
    }

    /// What the variables of a file name.
    fn variable_file(&mut self, name: &Value, scope: &HostScope<'_>) {
        let outside = Outside { scope };
        let Some(name) = constant(name) else {
            return self.all();
        };
        let beside = scope.play.map(|play| {
            let folder = self.run.working_directory.join(&*play.play.directory);
            folder.join(Path::new(name))
        });
        let beside = beside.filter(|path| path.is_file());
        let found = outside.find_file(FileKind::Vars, name).ok().flatten();
        if beside.is_none() && found.is_none() {
            return self.all();
        }
        for path in [beside, found].into_iter().flatten() {
            match outside.load(&path) {
                Ok(variables) => self.value(&variables),
                Err(_) => self.all(),
            }
        }
    }
}

/// The file of `include_vars`, where it names one and nothing else that decides what is read.
fn sole_file(task: &Task) -> Option<Value> {
    let arguments = &task.action.arguments;
    let known = arguments
        .given
        .keys()
        .filter_map(|key| key.as_str())
        .all(|name| matches!(name, "file" | "name" | "_raw_params"));
    if !known || !arguments.templates.is_empty() {
        return None;
    }
    let given = |name| arguments.given.get(name);
    given("_raw_params").or_else(|| given("file")).cloned()
}

/// Returns the text of a value that is no template.
fn constant(value: &Value) -> Option<&str> {
    value
        .as_str()
        .filter(|text| !text.contains("{{") && !text.contains("{%"))
}

fn may_be_fact(name: &str) -> bool {
    name.starts_with("ansible_")
        && !NO_FACT.contains(&name)
        && !NO_FACTS.iter().any(|beginning| name.starts_with(beginning))
}
