//! What a result leaves behind: registers, facts, new hosts and groups, included tasks, the acts of `meta`.

use std::sync::Arc;

use super::dispatcher::{BatchEnd, Dispatcher};
use super::events::Event;
use super::include::{self, Request};
use super::progress::State;
use super::slots::{Slot, SlotId};
use crate::diag::Diagnostic;
use crate::kit::{ControllerRequest, Persistence};
use crate::pattern::LOCALHOST;
use crate::playbook::{ActionKind, MetaAction, Task};
use crate::value::{Dict, Key, Value};
use crate::wire::{Status, TaskResult};

impl Dispatcher<'_> {
    /// Takes over what a result sets for the host, and the hosts and groups that it makes.
    pub(super) fn learn(
        &mut self,
        slot: SlotId,
        task: &Arc<Task>,
        host: &Arc<str>,
        result: &TaskResult,
    ) {
        self.remember(task, host, result);
        for request in &result.requests {
            match request {
                ControllerRequest::AddHost {
                    name,
                    groups,
                    variables,
                } => self.add_host(name, groups, variables),
                ControllerRequest::GroupBy { group, parents } => {
                    self.group_by(slot, host, group, parents);
                }
                _ => {}
            }
        }
    }

    /// Sets for the host what a result sets: the register, facts, variables.
    pub(super) fn remember(&mut self, task: &Arc<Task>, host: &Arc<str>, result: &TaskResult) {
        let records = &self.setup.run.records;
        if let Some(name) = &task.register {
            // What variable files hold stays a template under the registered name as well.
            let lazy = result
                .requests
                .iter()
                .any(|request| matches!(request, ControllerRequest::IncludeVars(_)));
            let plain = |key: &Key, value: &Value| match key.as_str() {
                Some("ansible_facts") if lazy => value.clone(),
                _ => value.clone().untrusted(),
            };
            let value: Dict = result
                .value
                .iter()
                .map(|(key, value)| (key.clone(), plain(key, value)))
                .collect();
            let value = Value::dict(value);
            records.change(host, |record| drop(record.set.insert(name.clone(), value)));
        }
        let target = self.fact_host(task, host, result);
        if result.requests.is_empty() && !result.facts.is_empty() {
            let mut refused = Vec::new();
            records.change(&target, |record| {
                refused = record.facts.learn(&result.facts);
            });
            self.keep_facts(&target);
            for name in refused {
                self.warn(&format!("`{host}` returned a fact named `{name}`, which would steer kplay itself; it is ignored"));
            }
        }
        for request in &result.requests {
            match request {
                ControllerRequest::SetFacts(facts, persistence) => {
                    self.setup.run.records.change(&target, |record| {
                        for (name, value) in facts {
                            record.set.insert(name.clone(), value.clone().untrusted());
                        }
                        if *persistence == Persistence::Cache {
                            record.facts.learn(facts);
                        }
                    });
                    if *persistence == Persistence::Cache {
                        self.keep_facts(&target);
                    }
                }
                ControllerRequest::IncludeVars(variables) => {
                    self.setup.run.records.change(host, |record| {
                        for (name, value) in variables {
                            record.included.insert(name.clone(), value.clone());
                        }
                    });
                }
                _ => {}
            }
        }
    }

    /// Keeps facts for later runs; a cache that cannot be written costs nothing but its use.
    fn keep_facts(&mut self, host: &str) {
        if let Err(error) = self.setup.run.records.keep_facts(host) {
            self.warn(&format!(
                "the facts of `{host}` cannot be kept in the fact cache: {error}"
            ));
        }
    }

    /// Facts of a delegated task belong to the host that did the work only where `delegate_facts` says so.
    fn fact_host(&self, task: &Arc<Task>, host: &Arc<str>, result: &TaskResult) -> Arc<str> {
        let Some(delegate) = &result.delegated else {
            return host.clone();
        };
        let keyword = task.scope.effective(|keywords| &keywords.delegate_facts);
        let wanted = keyword
            .and_then(|value| self.rendered(value, task, host))
            .and_then(|value| value.as_bool());
        if wanted == Some(true) {
            delegate.as_str().into()
        } else {
            host.clone()
        }
    }

    fn add_host(&mut self, name: &str, groups: &[String], variables: &Dict) {
        self.setup.run.change_inventory(|site| {
            let inventory = &mut site.inventory;
            let Ok(host) = inventory.add_host(name, None) else {
                return;
            };
            for group in groups {
                if let Ok(group) = inventory.add_group(group, crate::diag::Span::NONE) {
                    let _ = inventory.add_host(name, Some(group));
                }
            }
            for (name, value) in variables {
                inventory.set_host_variable(host, name.clone(), value.clone().untrusted());
            }
            inventory.reconcile();
        });
    }

    /// The hosts that one task groups are in the group in the order of the play, whichever was faster.
    fn group_by(&mut self, slot: SlotId, host: &Arc<str>, group: &str, parents: &[String]) {
        let (hosts, grouped) = (&self.hosts, &mut self.grouped);
        self.setup.run.change_inventory(|site| {
            let inventory = &mut site.inventory;
            let Ok(added) = inventory.add_group(group, crate::diag::Span::NONE) else {
                return;
            };
            for parent in parents.iter().filter(|parent| *parent != "all") {
                if let Ok(parent) = inventory.add_group(parent, crate::diag::Span::NONE) {
                    let _ = inventory.add_child(parent, added);
                }
            }
            if !LOCALHOST.contains(&&**host) || inventory.host(host).is_some() {
                let kept = *grouped
                    .entry((slot, added))
                    .or_insert_with(|| inventory.size_of_group(added));
                let place = |name: &str| hosts.get_index_of(name);
                let _ = inventory.add_host_in_order(host, added, kept, place);
            }
            inventory.reconcile();
        });
    }

    /// Carries a `meta` action out for a host.
    pub(super) fn meta(&mut self, task: &Arc<Task>, host: &Arc<str>, slot: &Slot) {
        let ActionKind::Meta(action) = &task.action.kind else {
            return;
        };
        self.touch_all();
        match action {
            MetaAction::Noop | MetaAction::RefreshInventory => {}
            MetaAction::FlushHandlers => self.flush_here(slot.id, host),
            MetaAction::ClearFacts => {
                for host in &self.setup.play.all_hosts {
                    self.setup.run.records.forget_facts(host);
                }
            }
            MetaAction::ClearHostErrors => {
                for progress in self.hosts.values_mut() {
                    progress.forget_failures();
                    if progress.state == State::Unreachable {
                        progress.state = State::Running;
                        progress.place = self.program.place(slot.id) + 1;
                    }
                }
                self.barred.clear();
                self.cleared = true;
                self.setup
                    .play
                    .lost
                    .write()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .clear();
            }
            MetaAction::EndHost => {
                if let Some(progress) = self.hosts.get_mut(host) {
                    progress.finish();
                }
            }
            MetaAction::EndPlay | MetaAction::EndBatch => {
                for progress in self.hosts.values_mut() {
                    progress.finish();
                }
                if *action == MetaAction::EndPlay {
                    self.ended = Some(BatchEnd::PlayEnded);
                }
            }
            MetaAction::EndRole => self.end_role(task, host),
            MetaAction::ResetConnection => {
                let (links, host) = (self.setup.links.clone(), host.clone());
                let (run, play) = (self.setup.run.clone(), self.setup.play.clone());
                let scope = task.scope.clone();
                tokio::spawn(async move {
                    let place = {
                        let scope =
                            super::scope::HostScope::new(&run, Some(&play), Some(&scope), &host);
                        super::target::place(&scope, &super::outside::Outside { scope: &scope })
                    };
                    if let Ok(place) = place {
                        links.reset(&host, &place).await;
                    }
                });
            }
        }
    }

    /// Makes the place behind `meta: flush_handlers` one where the host's handlers run.
    fn flush_here(&mut self, id: SlotId, host: &Arc<str>) {
        let place = self.program.place(id);
        let count = self.program.insert_flush(place, host);
        self.shift(place, count);
        // The host itself stands behind its slot already: it has to go through the handlers too.
        for progress in self.hosts.values_mut() {
            if count > 0 && progress.place == place + 1 + count {
                progress.place = place + 1;
            }
        }
    }

    fn end_role(&mut self, task: &Arc<Task>, host: &Arc<str>) {
        let Some(role) = task.role().map(|role| role.identity) else {
            return;
        };
        let Some(progress) = self.hosts.get_mut(host) else {
            return;
        };
        let end = self
            .program
            .slots()
            .iter()
            .enumerate()
            .skip(progress.place)
            .find(|(_, slot)| match &slot.kind {
                super::slots::SlotKind::RoleEnd(found) => found.identity == role,
                _ => false,
            });
        if let Some((place, _)) = end {
            progress.place = place;
        }
    }

    /// Loads what was included and puts it behind the include.
    pub(super) fn include(&mut self, id: SlotId, requests: Vec<Request>) {
        let Some(task) = self
            .program
            .at(self.program.place(id))
            .and_then(Slot::task)
            .cloned()
        else {
            return;
        };
        let mut place = self.program.place(id);
        for request in requests {
            let play = &self.setup.play.play;
            let loaded = match &task.action.kind {
                ActionKind::IncludeTasks(_) => {
                    let file = request
                        .arguments
                        .get("file")
                        .map(Value::to_text)
                        .unwrap_or_default();
                    self.setup
                        .loader
                        .include_tasks(play, &task, &file, &request.variables)
                }
                _ => self.setup.loader.include_role(
                    play,
                    &task,
                    &include::role(&request.arguments),
                    &request.variables,
                ),
            };
            let failed = loaded.has_errors() || loaded.item.is_none();
            let (errors, warnings): (Vec<Diagnostic>, Vec<Diagnostic>) = loaded
                .diagnostics
                .into_iter()
                .partition(Diagnostic::is_error);
            for warning in warnings {
                let _ = self.setup.events.send(Event::Warning(warning));
            }
            let Some(included) = loaded.item.filter(|_| !failed) else {
                self.include_failed(id, &request, errors);
                continue;
            };
            let what = included.file.as_ref().map_or_else(
                || {
                    included
                        .role
                        .as_ref()
                        .map(|role| role.name.to_string())
                        .unwrap_or_default()
                },
                |file| file.display().to_string(),
            );
            let hosts = self
                .hosts
                .keys()
                .filter(|host| request.hosts.contains(*host))
                .cloned()
                .collect();
            for host in &request.hosts {
                self.recap.entry(host.clone()).or_default().ok += 1;
            }
            self.queue(
                id,
                Event::Included {
                    what,
                    hosts,
                    item: request.item.clone(),
                },
            );
            for handler in included.handlers {
                if !self.handlers.iter().any(|known| known.id == handler.id) {
                    self.handlers.push(handler);
                }
            }
            if let Some(role) = included.role.filter(|role| role.public) {
                let mut roles = self
                    .setup
                    .play
                    .public_roles
                    .write()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                Arc::make_mut(&mut roles).push(role);
            }
            let wanted = Arc::new(request.hosts);
            let count = self.program.include(place, &included.tasks, &wanted);
            self.shift(place, count);
            for (host, progress) in &mut self.hosts {
                // Whoever stood right behind the include goes through what came in; not who runs a step there already. A host that
                // asked for it runs nothing, though its flight may not have landed yet.
                let waits = !progress.busy || wanted.contains(host);
                if progress.is_alive() && waits && progress.place == place + 1 + count {
                    progress.place = place + 1;
                }
            }
            place += count;
        }
    }

    /// What was to be included cannot be. What is missing fails the hosts that wanted it, whatever the task ignores; a fault in
    /// what was found ends the run.
    fn include_failed(&mut self, id: SlotId, request: &Request, errors: Vec<Diagnostic>) {
        if crate::playbook::exit_code(&errors) == FAULT {
            let fault = errors.into_iter().next();
            self.ended = fault.map(|fault| BatchEnd::Faulty(Box::new(fault)));
            return;
        }
        let reason = errors.first().map_or_else(
            || "the include brought nothing".to_owned(),
            |error| error.headline.clone(),
        );
        let mut value = Dict::new().with("changed", false).with("failed", true);
        if let Some(file) = request.arguments.get("file") {
            value.insert("include", file.clone());
        }
        value.insert("reason", Value::text(reason));
        let result = Arc::new(TaskResult {
            diagnostic: errors.into_iter().next(),
            value,
            ..TaskResult::new(Status::Failed)
        });
        let place = self.program.place(id);
        for host in &request.hosts {
            let Some(progress) = self
                .hosts
                .get_mut(host)
                .filter(|progress| progress.is_alive())
            else {
                continue;
            };
            progress.place = place;
            self.fail_at(host, id, &result);
            if let Some(slot) = self.program.at(place).cloned()
                && let Some(task) = slot.task()
            {
                self.mind_failure(&slot, task, host);
            }
        }
    }
}

/// The exit code of a playbook that is wrong in itself.
const FAULT: u8 = 4;
