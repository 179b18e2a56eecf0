//! `ansible.builtin.setup`: facts about a host. The engine runs it before a play that gathers facts.
//!
//! One file per group of facts; `subsets` says which group belongs to which `gather_subset`. Nearly everything comes from files
//! under `/proc`, `/sys` and `/etc`: gathering all costs a few milliseconds and one process (`ip`).

mod accounts;
mod boot;
mod clock;
mod devices;
mod distribution;
mod gathering;
mod hardware;
mod local;
pub(in crate::modules) mod managers;
mod mounts;
mod names;
mod network;
pub(in crate::modules) mod platform;
mod reader;
mod security;
mod subsets;
#[cfg(test)]
mod tests;
mod virtualization;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Outcome, Plan, Support,
};
use crate::modules::commands::glob;
use crate::value::{Dict, Key, Value};

pub use names::fact_group;

/// Gather facts about a host
///
/// A play does this by itself unless it says `gather_facts: false`. The facts are in `ansible_facts` without the prefix
/// `ansible_`, and as variables with it.
///
/// ## Check mode
///
/// The same.
///
/// ## Returns
///
/// - `ansible_facts`: the facts.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.setup:
///     gather_subset: ['!all', network]
/// - ansible.builtin.setup:
///     filter: ansible_distribution*
/// ```
///
/// ## Differs from Ansible
///
/// `ansible_python` and `ansible_python_version` tell of the host's `python3` as far as its name does, and are missing where
/// there is none. Facts of `facter` and `ohai` are not asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules) struct SetupArgs {
    /// Groups of facts, or single facts that stand for their group: `all`, `min`, `hardware`, `network`, `virtual` ...; with `!`
    /// in front they are left out. `min` is always in unless `!min` is given.
    #[serde(default = "everything")]
    gather_subset: Vec<String>,
    /// How many seconds a single slow source (the size of a network mount, a program in `fact_path`) may take.
    #[serde(default = "ten")]
    gather_timeout: u64,
    /// Shell wildcards; only facts whose names match one are returned. `ansible_` in front may be left out.
    #[serde(default)]
    filter: Vec<String>,
    /// A directory with local facts: `*.fact` files in JSON or INI format, or programs that print either.
    #[serde(default = "facts_directory")]
    fact_path: HostPath,
    /// The engine's own: of the groups that are asked for, those that the run can name. It shows nowhere.
    #[serde(default, rename = "_kplay_groups")]
    #[schemars(skip)]
    needed: Option<Vec<String>>,
}

/// The argument with the groups that a run can name.
pub const NEEDED_GROUPS: &str = "_kplay_groups";

fn everything() -> Vec<String> {
    vec!["all".to_owned()]
}

fn ten() -> u64 {
    10
}

fn facts_directory() -> HostPath {
    HostPath("/etc/ansible/facts.d".to_owned())
}

/// Gathers facts.
pub(in crate::modules) struct Setup;

impl Module for Setup {
    type Args = SetupArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.setup",
        aliases: &["ansible.builtin.gather_facts"],
        family: "system",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        subsets::select(&args.gather_subset).map(drop)
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let needed = |group: &&subsets::Group| {
            let needed = args.needed.as_ref();
            names::ALWAYS.contains(&group.name)
                || needed.is_none_or(|needed| needed.iter().any(|name| name == group.name))
        };
        let groups = subsets::select(&args.gather_subset)?
            .into_iter()
            .filter(needed);
        let mut facts = Dict::new();
        let mut warnings = Vec::new();
        for group in groups {
            let found = (group.gather)(&mut gathering::Gathering {
                host,
                fact_path: &args.fact_path,
                timeout: std::time::Duration::from_secs(args.gather_timeout),
                warnings: &mut warnings,
            });
            for (name, value) in found {
                let name = prefixed(name.as_str().unwrap_or_default());
                facts.insert(name, value);
            }
        }
        facts.insert("gather_subset", args.gather_subset.clone());
        facts.insert("module_setup", true);
        let facts: Dict = facts
            .into_iter()
            .filter(|(name, _)| wanted(name, &args.filter))
            .collect();
        let mut plan = Plan::unchanged("it only reads").with("ansible_facts", facts);
        plan.warnings = warnings;
        Ok(plan)
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}

/// `ansible_eth0_1` for `eth0-1`.
fn prefixed(name: &str) -> Key {
    Key::from(format!("ansible_{}", name.replace('-', "_")))
}

fn wanted(name: &Key, filters: &[String]) -> bool {
    let name = name.as_str().unwrap_or_default();
    let matches = |filter: &String| {
        filter.is_empty()
            || glob::matches(filter, name)
            || (!["ansible_", "facter", "ohai"]
                .iter()
                .any(|prefix| filter.starts_with(prefix))
                && glob::matches(&format!("ansible_{filter}"), name))
    };
    filters.is_empty() || filters.iter().any(matches)
}

/// Text, or null where there is none.
fn text_or_null(text: Option<String>) -> Value {
    text.map_or(Value::NULL, Value::from)
}
