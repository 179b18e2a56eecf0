//! The variables that kplay itself sets.

use std::path::Path;
use std::sync::Arc;

use super::scope::HostScope;
use crate::playbook::Role;
use crate::value::{Dict, Marks, Value};
use crate::vars::Found;

/// Their names.
pub(super) const NAMES: &[&str] = &[
    "ansible_check_mode",
    "ansible_config_file",
    "ansible_dependent_role_names",
    "ansible_diff_mode",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_parent_role_names",
    "ansible_parent_role_paths",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_name",
    "ansible_play_role_names",
    "ansible_playbook_python",
    "ansible_role_name",
    "ansible_role_names",
    "ansible_run_tags",
    "ansible_search_path",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "environment",
    "group_names",
    "groups",
    "hostvars",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "omit",
    "play_hosts",
    "playbook_dir",
    "role_name",
    "role_names",
    "role_path",
    "vars",
];

fn names(hosts: &[Arc<str>]) -> Value {
    hosts.iter().map(|host| Value::from(host.clone())).collect()
}

fn path(path: &Path) -> Value {
    Value::text(path.to_string_lossy().into_owned())
}

/// Each of `--tags` may hold several.
fn split_tags(options: &[String]) -> Vec<String> {
    let tags = options.iter().flat_map(|option| option.split(','));
    tags.map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

fn words(words: &[String]) -> Value {
    words.iter().map(Value::from).collect()
}

/// Returns the magic variable of that name, as the scope's host and task see it.
pub(super) fn find(scope: &HostScope<'_>, name: &str) -> Option<Value> {
    let options = &scope.run.options;
    let inventory = || scope.run.inventory();
    let play = scope.play;
    let role = || scope.task.and_then(|task| task.role());
    Some(match name {
        "inventory_hostname" => Value::from(scope.host.clone()),
        "inventory_hostname_short" => Value::text(short_name(&scope.host)),
        "group_names" => names(&inventory().group_names_of(&scope.host)),
        "groups" => inventory().groups_value(),
        "inventory_dir" => inventory()
            .directory_of(&scope.host)
            .map_or(Value::NULL, |folder| path(&folder)),
        "inventory_file" => inventory()
            .file_of(&scope.host)
            .map_or(Value::NULL, Value::text),
        "omit" => Value::omit(),
        "playbook_dir" => path(&play.map_or_else(
            || scope.run.working_directory.clone(),
            |play| play.play.directory.to_path_buf(),
        )),
        "ansible_check_mode" => options.check.into(),
        "ansible_diff_mode" => options.diff.into(),
        "ansible_verbosity" => options.verbosity.into(),
        "ansible_forks" => options.forks.into(),
        "ansible_limit" => Value::from(options.limit.clone()?),
        "ansible_run_tags" if options.tags.is_empty() => words(&["all".to_owned()]),
        "ansible_run_tags" => words(&split_tags(&options.tags)),
        "ansible_skip_tags" => words(&split_tags(&options.skip_tags)),
        "ansible_inventory_sources" => words(&options.inventory_sources),
        "ansible_config_file" => scope.run.config_file.as_deref().map_or(Value::NULL, path),
        "ansible_version" => version(),
        "ansible_playbook_python" => Value::text("/usr/bin/python3"),
        "ansible_play_name" => Value::text(play?.name.as_str()),
        "ansible_play_hosts" | "play_hosts" => names(&scope.members()?),
        "ansible_play_hosts_all" => names(&play?.all_hosts),
        "ansible_play_batch" => {
            let active = scope.members()?;
            play?
                .batch
                .iter()
                .filter(|host| active.contains(host))
                .map(|host| Value::from(host.clone()))
                .collect()
        }
        "role_name" | "ansible_role_name" => Value::from(role()?.name.clone()),
        "role_path" => path(&role()?.path),
        "ansible_parent_role_names" => including(scope, |role| Value::from(role.name.clone()))?,
        "ansible_parent_role_paths" => including(scope, |role| path(&role.path))?,
        "ansible_role_names" => role_names(scope, true, true)?,
        "ansible_play_role_names" | "role_names" => role_names(scope, true, false)?,
        "ansible_dependent_role_names" => role_names(scope, false, true)?,
        "ansible_search_path" => super::outside::search_path(scope)
            .iter()
            .map(|folder| path(folder))
            .collect(),
        "environment" => scope.task?.environment().into_iter().cloned().collect(),
        "hostvars" if !scope.through_hostvars => {
            let inventory = inventory();
            let hosts = inventory.host_names();
            Value::dict(
                hosts
                    .into_iter()
                    .map(|host| {
                        (
                            host.clone().into(),
                            scope.through_hostvars(&host).rendered(),
                        )
                    })
                    .collect::<Dict>(),
            )
            .with_marks(Marks::HOSTS)
        }
        "vars" => {
            let mut dict = Dict::new();
            for name in scope.all_names() {
                if !matches!(name.as_ref(), "vars" | "hostvars")
                    && let Some((_, value)) = scope.find_with_level(&name)
                {
                    dict.insert(name, value);
                }
            }
            Value::dict(dict)
        }
        _ => return None,
    })
}

/// The roles whose tasks brought the task's role, innermost first; who merely depends on it is none of them.
fn including(scope: &HostScope<'_>, describe: impl Fn(&Role) -> Value) -> Option<Value> {
    let task = scope.task?;
    let parents: Vec<Value> = task
        .roles()
        .zip(task.roles().skip(1))
        .filter(|(role, _)| role.from_include)
        .map(|(_, parent)| describe(parent))
        .collect();
    (!parents.is_empty()).then(|| Value::list(parents))
}

fn role_names(scope: &HostScope<'_>, listed: bool, dependent: bool) -> Option<Value> {
    let mut found: Vec<Value> = Vec::new();
    let mut add = |name: &Arc<str>| {
        let value = Value::from(name.clone());
        if !found.contains(&value) {
            found.push(value);
        }
    };
    for role in &scope.play?.play.roles {
        if listed {
            add(&role.name);
        }
        if dependent {
            role.all_dependencies()
                .into_iter()
                .for_each(|role| add(&role.name));
        }
    }
    Some(Value::list(found))
}

/// Finds below a magic variable without making all of it: one host of `hostvars`, one variable of that host, one of `vars`.
pub(super) fn find_below(scope: &HostScope<'_>, name: &str, keys: &[Value]) -> Option<Found> {
    let key = |at: usize| keys.get(at).and_then(Value::as_str);
    match name {
        "hostvars" if !scope.through_hostvars => {
            let host: Arc<str> = key(0)?.into();
            if !scope.run.inventory().knows(&host) {
                return Some(Found::Missing);
            }
            let other = scope.through_hostvars(&host);
            Some(match key(1) {
                None => Found::Value(other.rendered()),
                Some(name) => other
                    .rendered_variable(name)
                    .map_or(Found::Missing, Found::Value),
            })
        }
        "vars" => {
            let name = key(0)?;
            Some(
                scope
                    .find_with_level(name)
                    .map_or(Found::Missing, |(_, value)| Found::Value(value)),
            )
        }
        _ => None,
    }
}

/// The name up to the first dot; an address stays whole.
fn short_name(host: &str) -> &str {
    if host.parse::<std::net::IpAddr>().is_ok() {
        host
    } else {
        host.split('.').next().unwrap_or(host)
    }
}

/// The version of Ansible whose language this is.
fn version() -> Value {
    Value::dict(
        Dict::new()
            .with("full", "2.19.14")
            .with("major", 2)
            .with("minor", 19)
            .with("revision", 14)
            .with("string", "2.19.14"),
    )
}
