//! Which variables reach beyond their host: the closure of design's rule that a step is world where its expressions need more
//! than its own host.
//!
//! Variables are lazy: `when: quorum` may mean `hostvars` through three files. So all definitions that the hosts of a batch can
//! have of a name are looked at, whichever of them would win: in doubt a step waits.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::dispatcher::Setup;
use super::include;
use super::outside::Outside;
use super::scope::HostScope;
use super::slots::Program;
use crate::diag::Span;
use crate::kit::{Entry, NeedKind};
use crate::playbook::{ActionKind, Keywords, Loop, Role, Task, names};
use crate::template::{FileKind, FileSettings, LookupContext as _, Templar, Uses};
use crate::value::{Dict, Value};

/// Variables that tell of other hosts or of the state of the run.
const OF_OTHERS: [&str; 6] = [
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "hostvars",
    "play_hosts",
    "vars",
];

/// Lookups that look at nothing but their terms, the variables and files of the controller.
const HARMLESS_LOOKUPS: [&str; 13] = [
    "dict",
    "env",
    "file",
    "first_found",
    "fileglob",
    "flattened",
    "indexed_items",
    "items",
    "list",
    "nested",
    "sequence",
    "subelements",
    "together",
];

/// Keywords that say how a task is done, or what its result means. A task with any other is bound to wait for all as it is.
const KEYWORDS: [fn(&Keywords) -> &Option<Value>; 13] = [
    |keywords| &keywords.become_,
    |keywords| &keywords.become_exe,
    |keywords| &keywords.become_flags,
    |keywords| &keywords.become_method,
    |keywords| &keywords.become_user,
    |keywords| &keywords.check_mode,
    |keywords| &keywords.delegate_to,
    |keywords| &keywords.diff,
    |keywords| &keywords.ignore_errors,
    |keywords| &keywords.ignore_unreachable,
    |keywords| &keywords.no_log,
    |keywords| &keywords.notify,
    |keywords| &keywords.timeout,
];

/// The names of variables that reach beyond their host, in a play's batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outward {
    names: HashSet<Arc<str>>,
}

impl Outward {
    /// Looks at everything that the play's hosts can have.
    pub(super) fn of(setup: &Setup, program: &Program) -> Self {
        let mut definitions = Definitions::new(&setup.run.templar);
        definitions.dict(&setup.run.options.extra_vars);
        let play = &setup.play;
        definitions.dict(&play.files);
        definitions.dict(&play.prompts);
        definitions.dict(&play.play.scope.keywords.vars);
        for role in play.roles().iter().chain(&play.play.roles) {
            definitions.role(role);
        }
        let inventory = setup.run.inventory();
        for host in &play.batch {
            for layer in inventory.load(host).iter().flat_map(|layers| layers.iter()) {
                definitions.shared(&layer.vars);
            }
            definitions.dict(&setup.run.records.get(host).included);
        }
        for task in program.slots().iter().filter_map(|slot| slot.task()) {
            for link in task.scope.chain() {
                definitions.dict(&link.keywords.vars);
            }
            task.scope.roles().for_each(|role| definitions.role(role));
        }
        definitions.reaching()
    }

    /// Tells whether the step's own texts, or what they name, need more than its host.
    pub(super) fn reaches(&self, task: &Task, setup: &Setup) -> bool {
        let Some(uses) = uses_of(task, &setup.run.templar) else {
            return true;
        };
        self.reached_by(&uses) || self.template_reaches(task, setup)
    }

    fn reached_by(&self, uses: &Uses) -> bool {
        reaches_by_itself(uses) || uses.variables().any(|name| self.names.contains(name))
    }

    /// The text of a template file, and of those that it includes, names variables too. One that only the run can name reaches out.
    fn template_reaches(&self, task: &Task, setup: &Setup) -> bool {
        let ActionKind::Module(Entry::Module(entry)) = &task.action.kind else {
            return false;
        };
        if entry.meta().name != "ansible.builtin.template" {
            return false;
        }
        let Some(host) = setup.play.batch.first() else {
            return false;
        };
        let scope = HostScope::new(&setup.run, Some(&setup.play), Some(&task.scope), host);
        let outside = Outside { scope: &scope };
        let templar = &setup.run.templar;
        let constant = |value: &Value| {
            value
                .as_str()
                .filter(|text| !(value.is_trusted() && templar.is_template(text)))
                .map(str::to_owned)
        };
        let given = &task.action.arguments.given;
        let Some(source) = given.get("src").and_then(constant) else {
            return true;
        };
        let arguments = given
            .iter()
            .filter(|(_, value)| constant(value).is_some() || value.as_bool().is_some())
            .map(|(name, value)| (name.clone(), value.clone()));
        let mut arguments: Dict = arguments.collect();
        arguments.insert("dest", "/");
        let settings = entry
            .prepare(&Value::dict(arguments))
            .ok()
            .and_then(|needs| {
                needs.into_iter().find_map(|need| match need.kind {
                    NeedKind::Rendered(settings) => Some(FileSettings::from(&*settings)),
                    _ => None,
                })
            })
            .unwrap_or_default();
        let mut pending = vec![source];
        let mut seen = BTreeSet::new();
        while let Some(name) = pending.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            // One that is not there, or is no text, fails its step, which concerns nobody else.
            let Ok(Some(path)) = outside.find_file(FileKind::Template, &name) else {
                continue;
            };
            let Some(text) = outside
                .read(&path)
                .ok()
                .and_then(|(bytes, _)| String::from_utf8(bytes).ok())
            else {
                continue;
            };
            let uses = templar.uses_of_file(&text, Span::NONE, &settings, None);
            if self.reached_by(&uses) {
                return true;
            }
            pending.extend(uses.includes.keys().map(std::string::ToString::to_string));
        }
        false
    }
}

/// What names mean, as far as their values are templates.
struct Definitions<'a> {
    templar: &'a Templar,
    uses: HashMap<Arc<str>, Uses>,
    /// Dictionaries that many hosts share are read once.
    read: HashSet<*const Dict>,
    roles: HashSet<*const Role>,
}

impl<'a> Definitions<'a> {
    fn new(templar: &'a Templar) -> Self {
        Self {
            templar,
            uses: HashMap::new(),
            read: HashSet::new(),
            roles: HashSet::new(),
        }
    }

    fn dict(&mut self, dict: &Dict) {
        for (name, value) in dict {
            let Some(name) = name.as_str() else { continue };
            let uses = self.templar.uses(value, None);
            if uses.names.is_empty() && uses.lookups.is_empty() && !uses.dynamic {
                continue;
            }
            self.uses.entry(name.into()).or_default().extend(uses);
        }
    }

    fn shared(&mut self, dict: &Arc<Dict>) {
        if self.read.insert(Arc::as_ptr(dict)) {
            self.dict(dict);
        }
    }

    fn role(&mut self, role: &Arc<Role>) {
        if !self.roles.insert(Arc::as_ptr(role)) {
            return;
        }
        for dict in [
            &role.parameters,
            &role.keyword_vars,
            &role.vars,
            &role.defaults,
        ] {
            self.dict(dict);
        }
        for dependency in role.all_dependencies() {
            self.role(dependency);
        }
    }

    /// Returns the names that reach out themselves, and those that refer to one that does.
    fn reaching(self) -> Outward {
        let mut names: HashSet<Arc<str>> = self
            .uses
            .iter()
            .filter(|(_, uses)| reaches_by_itself(uses))
            .map(|(name, _)| name.clone())
            .collect();
        loop {
            let more: Vec<Arc<str>> = self
                .uses
                .iter()
                .filter(|(name, uses)| {
                    !names.contains(*name) && uses.variables().any(|used| names.contains(used))
                })
                .map(|(name, _)| name.clone())
                .collect();
            if more.is_empty() {
                return Outward { names };
            }
            names.extend(more);
        }
    }
}

fn reaches_by_itself(uses: &Uses) -> bool {
    let outward = |name: &Option<Arc<str>>| name.as_ref().is_none_or(|name| !is_harmless(name));
    uses.dynamic
        || uses.lookups.iter().any(|lookup| outward(&lookup.name))
        || uses.variables().any(|name| OF_OTHERS.contains(&&**name))
}

fn is_harmless(lookup: &str) -> bool {
    HARMLESS_LOOKUPS.contains(&lookup.rsplit('.').next().unwrap_or(lookup))
}

/// Returns what the task's own texts use; nothing where its loop reaches out by itself.
fn uses_of(task: &Task, templar: &Templar) -> Option<Uses> {
    let scope = &task.scope;
    let mut uses = templar.uses(&Value::dict(task.action.arguments.given.clone()), None);
    let conditions = scope
        .when()
        .into_iter()
        .chain(&task.until)
        .chain(&task.changed_when)
        .chain(&task.failed_when)
        .chain(&task.loop_control.break_when);
    for condition in conditions {
        uses.extend(templar.uses_of_condition(condition, None));
    }
    let own = [&task.name, &task.retries, &task.delay];
    let keywords = KEYWORDS.iter().filter_map(|get| scope.effective(get));
    let module = &*task.action.name;
    let defaults = scope.defaults_for(module, |group| names::group_contains(group, module));
    let values = scope
        .environment()
        .into_iter()
        .chain(&task.action.arguments.templates)
        .chain(task.loop_control.values())
        .chain(own.into_iter().flatten())
        .chain(keywords)
        .chain(defaults);
    for value in values {
        uses.extend(templar.uses(value, None));
    }
    if let Some(arguments) = include::arguments(task) {
        uses.extend(templar.uses(&arguments, None));
    }
    match &task.loop_ {
        Some(Loop::Items(items)) => uses.extend(templar.uses(items, None)),
        Some(Loop::With { lookup, terms, .. }) => {
            is_harmless(lookup).then_some(())?;
            uses.extend(templar.uses(terms, None));
        }
        None => {}
    }
    if let ActionKind::Module(Entry::Control(entry)) = &task.action.kind {
        for name in entry.raw() {
            if let Some(value) = task.action.arguments.given.get(name) {
                uses.extend(templar.uses_of_condition(value, None));
            }
        }
    }
    Some(uses)
}
