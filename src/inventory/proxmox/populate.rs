//! The cluster as groups, hosts and variables, in the plugin's order.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use super::address;
use super::api::Api;
use super::facts::Facts as Names;
use super::gather::{Gathered, Gatherer};
use super::listing::{Cluster, Guest, Node, Object, Sort};
use super::names::prefixed;
use super::options::{Facts, Wanted};
use crate::diag::{Diagnostic, Span};
use crate::inventory::constructed::{Evaluation, combined, host_variables};
use crate::inventory::data::{GroupId, HostId, Inventory};
use crate::value::{Dict, Value};

/// How many guests one warning names.
const NAMED: usize = 8;

/// Adds everything. What can be done without a part of it is, with a warning.
pub(super) fn populate(
    inventory: &mut Inventory,
    cluster: &Cluster,
    api: &Api,
    wanted: &Wanted,
    evaluation: &Evaluation<'_>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<(), Diagnostic> {
    let mut filling = Filling {
        inventory,
        wanted,
        evaluation,
        names: Names {
            prefix: &wanted.facts_prefix,
        },
        warnings,
        silent: BTreeMap::new(),
        failed: BTreeMap::new(),
    };
    filling.standing_groups()?;
    for node in &cluster.nodes {
        filling.node(node)?;
    }
    let guests: Vec<&Guest> = cluster.nodes.iter().flat_map(|node| &node.guests).collect();
    let gatherer = Gatherer {
        api,
        facts: filling.names,
        per_node: wanted.access.per_node,
    };
    let gather = |guests: &[&Guest]| {
        gatherer
            .all(guests)
            .map_err(|error| api.told("a guest's configuration", &error))
    };
    let mut facts: Vec<Option<Gathered>> = match wanted.facts {
        Facts::Always => gather(&guests)?.into_iter().map(Some).collect(),
        Facts::Never | Facts::AfterFilters => guests.iter().map(|_| None).collect(),
    };
    let mut kept: Vec<(&Guest, Dict)> = Vec::new();
    for (guest, gathered) in guests.iter().zip(facts.iter_mut()) {
        let mut variables = filling.first_variables(guest);
        if let Some(gathered) = gathered.take() {
            filling.add_facts(guest, gathered, &mut variables);
        }
        let construction = &wanted.construction;
        if construction.keeps(&guest.name, &variables, evaluation, filling.warnings)? {
            kept.push((guest, variables));
        }
    }
    if wanted.facts == Facts::AfterFilters {
        let left: Vec<&Guest> = kept.iter().map(|(guest, _)| *guest).collect();
        for ((guest, variables), gathered) in kept.iter_mut().zip(gather(&left)?) {
            filling.add_facts(guest, gathered, variables);
        }
    }
    let mut hosts: HashMap<&str, String> = HashMap::new();
    for (guest, variables) in kept {
        let name = filling.guest(guest, variables)?;
        hosts.insert(&guest.name, name);
    }
    for pool in &cluster.pools {
        let group = filling.group(&format!("pool_{}", pool.name))?;
        for member in &pool.members {
            if let Some(host) = hosts.get(member.as_str()) {
                filling.put(host, group)?;
            }
        }
    }
    filling.report(cluster);
    Ok(())
}

struct Filling<'a> {
    inventory: &'a mut Inventory,
    wanted: &'a Wanted,
    evaluation: &'a Evaluation<'a>,
    names: Names<'a>,
    warnings: &'a mut Vec<Diagnostic>,
    /// Guests whose agent told nothing, by the reason.
    silent: BTreeMap<String, Vec<String>>,
    /// Guests whose facts are not whole, by the reason.
    failed: BTreeMap<String, Vec<String>>,
}

fn wrong(error: impl Display) -> Diagnostic {
    Diagnostic::error("inventory-proxmox", error.to_string())
}

impl Filling<'_> {
    fn group(&mut self, name: &str) -> Result<GroupId, Diagnostic> {
        let name = prefixed(&self.wanted.group_prefix, name);
        self.inventory.add_group(&name, Span::NONE).map_err(wrong)
    }

    fn put(&mut self, host: &str, group: GroupId) -> Result<HostId, Diagnostic> {
        self.inventory.add_host(host, Some(group)).map_err(wrong)
    }

    /// Those that are there without a single guest.
    fn standing_groups(&mut self) -> Result<(), Diagnostic> {
        let plain = ["lxc", "qemu", "running", "stopped", "templates"];
        let extended = ["prelaunch", "paused"];
        let more = extended.iter().filter(|_| self.wanted.extended_statuses);
        for name in plain.iter().chain(more) {
            self.group(&format!("all_{name}"))?;
        }
        if self.wanted.nodes {
            self.group("nodes")?;
        }
        Ok(())
    }

    /// Returns the name that the template gives, or the given one.
    fn host_name(
        &self,
        template: Option<&Value>,
        fields: &Object,
        name: &str,
    ) -> Result<String, Diagnostic> {
        let Some(template) = template else {
            return Ok(name.to_owned());
        };
        let fields = Value::from_json(serde_json::Value::Object(fields.clone()));
        let variables = combined(
            fields.as_dict().unwrap_or(&Dict::new()),
            self.evaluation.extra,
        );
        let rendered = self
            .evaluation
            .render(template, &variables)
            .map_err(|error| {
                let why = Diagnostic::from(error);
                Diagnostic::error(
                    "inventory-construct",
                    format!("cannot render the host name of `{name}`: {}", why.headline),
                )
                .at(why.span().or(template.origin()), "")
            })?;
        Ok(rendered.to_text())
    }

    fn node(&mut self, node: &Node) -> Result<(), Diagnostic> {
        if self.wanted.nodes {
            let name = self.host_name(self.wanted.hostname.as_ref(), &node.fields, &node.name)?;
            let group = self.group("nodes")?;
            let host = self.put(&name, group)?;
            if self.wanted.node_addresses {
                match &node.address {
                    Some(address) => {
                        let address = Value::text(address.as_str());
                        self.inventory
                            .set_host_variable(host, "ansible_host", address);
                    }
                    None => self.warnings.push(Diagnostic::warning(
                        "inventory-proxmox",
                        format!(
                            "the cluster does not tell the address of node `{}`",
                            node.name
                        ),
                    )),
                }
            }
            if node.online {
                let variables = host_variables(self.inventory, host);
                let construction = &self.wanted.construction;
                construction.compose(self.inventory, host, &variables, self.evaluation)?;
            }
        }
        if node.online && self.wanted.guests {
            for sort in [Sort::Qemu, Sort::Lxc] {
                self.group(&format!("{}_{}", node.name, sort.name()))?;
            }
        }
        Ok(())
    }

    /// What is known of a guest without asking for it.
    fn first_variables(&self, guest: &Guest) -> Dict {
        let name = |name: &str| self.names.name(name);
        let mut variables = Dict::new()
            .with(name("node"), guest.node.as_str())
            .with(name("vmid"), Value::from_json(guest.number.clone()))
            .with(name("vmtype"), guest.sort.name())
            .with(name("name"), guest.name.as_str())
            .with(name("status"), guest.status.as_str())
            .with(name("template"), guest.is_template());
        if let Some(tags) = guest.fields.get("tags") {
            let tags = Value::from_json(tags.clone());
            if tags.is_true() {
                variables.insert(name("tags"), tags);
            }
        }
        variables
    }

    fn add_facts(&mut self, guest: &Guest, gathered: Gathered, variables: &mut Dict) {
        variables.extend(
            gathered
                .facts
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        if let Some(reason) = gathered.failure {
            variables.insert(self.names.name("fact_gathering_failed"), true);
            variables.insert(self.names.name("fact_gathering_error"), reason.as_str());
            self.failed
                .entry(reason)
                .or_default()
                .push(guest.name.clone());
        }
        if let Some(reason) = gathered.silent_agent {
            self.silent
                .entry(reason)
                .or_default()
                .push(guest.name.clone());
        }
    }

    /// Adds a guest and returns the name of its host.
    fn guest(&mut self, guest: &Guest, mut variables: Dict) -> Result<String, Diagnostic> {
        let template = match guest.sort {
            Sort::Qemu => &self.wanted.qemu_hostname,
            Sort::Lxc => &self.wanted.lxc_hostname,
        };
        let template = template.as_ref().or(self.wanted.hostname.as_ref());
        let name = self.host_name(template, &guest.fields, &guest.name)?;
        let state = variables
            .get(&self.names.name("qmpstatus"))
            .map(Value::to_text);
        if self.wanted.guest_addresses
            && let Some(address) = address::best(&variables, self.names)
        {
            variables.insert("ansible_host", Value::text(address));
        }
        let host = self.inventory.add_host(&name, None).map_err(wrong)?;
        for (key, value) in &variables {
            self.inventory
                .set_host_variable(host, key.clone(), value.clone());
        }
        let (construction, evaluation) = (&self.wanted.construction, self.evaluation);
        let before = host_variables(self.inventory, host);
        construction.compose(self.inventory, host, &before, evaluation)?;
        let after = host_variables(self.inventory, host);
        construction.group(self.inventory, host, &after, evaluation)?;
        construction.key(self.inventory, host, &after, evaluation)?;
        if guest.is_template() {
            let group = self.group("all_templates")?;
            self.put(&name, group)?;
            return Ok(name);
        }
        let status = match state {
            Some(state)
                if guest.status == "running"
                    && guest.sort == Sort::Qemu
                    && self.wanted.extended_statuses =>
            {
                state
            }
            _ => guest.status.clone(),
        };
        let sort = guest.sort.name();
        for group in [
            format!("all_{sort}"),
            format!("{}_{sort}", guest.node),
            format!("all_{status}"),
        ] {
            let group = self.group(&group)?;
            self.put(&name, group)?;
        }
        Ok(name)
    }

    /// Says what could not be had.
    fn report(&mut self, cluster: &Cluster) {
        let mut say = |headline: String, help: Option<&str>| {
            let warning = Diagnostic::warning("inventory-proxmox", headline);
            self.warnings.push(match help {
                Some(help) => warning.help(help),
                None => warning,
            });
        };
        for (reason, guests) in &self.failed {
            say(
                format!("facts of {} are not whole: {reason}", several(guests)),
                None,
            );
        }
        for (reason, guests) in &self.silent {
            say(
                format!(
                    "no addresses from the agent of {}: {reason}",
                    several(guests)
                ),
                Some(
                    "does `qemu-guest-agent` run there? The user needs VM.GuestAgent.Audit, before Proxmox VE 9 VM.Monitor",
                ),
            );
        }
        if !cluster.nameless.is_empty() {
            say(
                format!(
                    "the API does not tell the name of {}, left out",
                    several(&cluster.nameless)
                ),
                Some("the user needs VM.Audit on them"),
            );
        }
        if cluster.shows_nothing {
            say(
                "the cluster shows no guests".to_owned(),
                Some(
                    "the user needs VM.Audit on `/vms`; a token with privilege separation needs it itself",
                ),
            );
        }
    }
}

/// Names some of them.
fn several(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
