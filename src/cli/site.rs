//! From options and playbooks to the site that the engine runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ground::{Base, Ground};
use super::options::{PlayOptions, RunOptions};
use super::passwords;
use crate::config::Origin;
use crate::diag::{Diagnostic, SourceMap};
use crate::engine::{self, FactCache, Site};
use crate::playbook::{self, Files, Loader, Playbook, Renderer};
use crate::template::{Scope, Templar, TemplateError};
use crate::value::{Dict, Value};

/// Renders the few names that must be known at load.
struct Names {
    templar: Arc<Templar>,
    sources: SourceMap,
}

impl Renderer for Names {
    fn render(&self, value: &Value, variables: &Dict) -> Result<Value, TemplateError> {
        let scope = Scope {
            variables,
            outside: None,
            sources: Some(&self.sources),
        };
        self.templar.render(value, &scope)
    }
}

/// Where playbooks come from, and which.
pub(super) struct Wanted {
    pub(super) files: Arc<dyn Files>,
    pub(super) playbooks: Vec<PathBuf>,
}

/// Loads everything. The diagnostics that come with a site are warnings and errors of its playbooks; with an error among them it must
/// not run.
pub(super) fn load(
    base: &mut Base,
    options: &PlayOptions,
    wanted: &Wanted,
) -> Result<(Site, Vec<Diagnostic>), Vec<Diagnostic>> {
    let run = &options.run;
    let passwords = passwords::run(&run.connection, &run.r#become, &base.settings)
        .map_err(|error| vec![error])?;
    let beside: Vec<PathBuf> = wanted
        .playbooks
        .iter()
        .map(|path| directory(path))
        .collect();
    let ground = Ground::load(base, &run.common, &beside)?;
    let loader = Arc::new(loader(base, run, &ground, Arc::clone(&wanted.files)));
    let mut diagnostics = Vec::new();
    let fact_cache = FactCache::open(&base.settings).unwrap_or_else(|odd| {
        diagnostics.push(odd);
        None
    });
    if let Some(cache) = fact_cache.as_ref().filter(|_| run.common.flush_cache) {
        for host in ground.inventory.host_ids() {
            cache.forget(&ground.inventory.host_name(host));
        }
    }
    let mut playbooks: Vec<Playbook> = Vec::new();
    for path in &wanted.playbooks {
        let loaded = loader.playbook(path);
        diagnostics.extend(loaded.diagnostics);
        playbooks.extend(loaded.item);
    }
    let mut engine_options = engine_options(base, options, &ground);
    if let Some(words) = base.environment.variables.get("KPLAY_ORDER") {
        engine_options.order = engine::Order::read(words)
            .map_err(|why| vec![Diagnostic::error("config-value", why)])?;
    }
    engine_options.connection_password = passwords.connection;
    engine_options.become_password = passwords.r#become;
    let site = Site {
        options: engine_options,
        settings: Arc::clone(&base.settings),
        config_file: base.config_file.clone(),
        shown: base.shown.clone(),
        sources: base.sources.clone(),
        vault: ground.vault,
        inventory: ground.inventory,
        directories: ground.directories,
        duplicates: ground.duplicates,
        fact_cache,
        loader,
        playbooks,
    };
    Ok((site, diagnostics))
}

fn directory(playbook: &Path) -> PathBuf {
    match playbook.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn loader(base: &Base, run: &RunOptions, ground: &Ground, files: Arc<dyn Files>) -> Loader {
    let settings = &base.settings;
    let templar = Arc::new(Templar::new());
    let chosen = base
        .shown
        .iter()
        .any(|shown| shown.name == "DEFAULT_PRIVATE_ROLE_VARS" && shown.origin != Origin::Default);
    let own_modules = run
        .module_path
        .iter()
        .flat_map(|paths| paths.split(':'))
        .filter(|path| !path.is_empty());
    let library = own_modules
        .map(|path| base.environment.path(path, &base.environment.directory))
        .chain(settings.library.iter().cloned())
        .collect();
    Loader::new(playbook::Options {
        sources: base.sources.clone(),
        files,
        vault: Arc::clone(&ground.vault),
        duplicates: ground.duplicates,
        roles_path: settings.roles_path.clone(),
        collections_path: settings.collections_path.clone(),
        library,
        extra: ground.extra.clone(),
        private_role_vars: chosen.then_some(settings.private_role_vars),
        strict_keywords: true,
        renderer: Arc::new(Names {
            templar: Arc::clone(&templar),
            sources: base.sources.clone(),
        }),
        templar,
    })
}

fn engine_options(base: &Base, options: &PlayOptions, ground: &Ground) -> engine::Options {
    let settings = &base.settings;
    let run = &options.run;
    let or_configured = |given: &[String], configured: &[String]| {
        if given.is_empty() {
            configured.to_vec()
        } else {
            given.to_vec()
        }
    };
    let both = |configured: &str, given: &Option<String>| {
        given.clone().unwrap_or_else(|| configured.to_owned())
    };
    engine::Options {
        check: run.check,
        diff: run.diff || settings.diff_always,
        verbosity: verbosity(base, run.common.verbose),
        shows_results: false,
        forks: run
            .forks
            .unwrap_or_else(|| usize::try_from(settings.forks).unwrap_or(1))
            .max(1),
        limit: ground.limit.clone(),
        tags: or_configured(&options.tags, &settings.tags_run),
        skip_tags: or_configured(&options.skip_tags, &settings.tags_skip),
        start_at_task: options.start_at_task.clone(),
        step: options.step,
        force_handlers: options.force_handlers || settings.force_handlers,
        remote_user: run
            .connection
            .user
            .clone()
            .or_else(|| settings.remote_user.clone()),
        connection: run.connection.connection.clone(),
        private_key: run
            .connection
            .private_key
            .clone()
            .or_else(|| settings.private_key_file.clone()),
        connection_password: None,
        r#become: run.r#become.r#become || settings.r#become,
        become_user: run.r#become.become_user.clone(),
        become_method: run.r#become.become_method.clone(),
        become_password: None,
        ssh_common_args: both(&settings.ssh_common_args, &run.connection.ssh_common_args),
        ssh_extra_args: both(&settings.ssh_extra_args, &run.connection.ssh_extra_args),
        timeout: run.connection.timeout,
        extra_vars: ground.extra.clone(),
        inventory_sources: ground.inventory_sources.clone(),
        order: engine::Order::default(),
    }
}

/// How much is said: `-v`, or what is configured.
pub(super) fn verbosity(base: &Base, given: u8) -> u8 {
    if given > 0 {
        given
    } else {
        u8::try_from(base.settings.verbosity).unwrap_or(0)
    }
}
