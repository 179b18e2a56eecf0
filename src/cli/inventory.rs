//! `kplay inventory`: hosts, groups and variables as `ansible-inventory` shows them.

use super::command::ShowInventoryOptions;
use super::ground::{Base, Ground};
use super::{exit, play, voice};
use crate::diag::{Diagnostic, SourceMap, nearest_one};
use crate::inventory::{Shown, graph_text, host_json, list_json};
use crate::pattern::LOCALHOST;
use crate::report::Printer;

/// Does it.
pub(super) fn show(options: &ShowInventoryOptions, printer: &Printer) -> u8 {
    let sources = SourceMap::default();
    let mut base = match Base::load(&sources) {
        Ok(base) => base,
        Err(errors) => return play::refuse(printer, &sources, errors),
    };
    let printer = voice::configured(printer, &base.settings);
    base.printer = Some(printer.clone());
    let beside = options
        .playbook_dir
        .as_ref()
        .or(base.settings.playbook_dir.as_ref());
    let beside = beside.map_or_else(|| base.environment.directory.clone(), Clone::clone);
    let loaded = Ground::load(&mut base, &options.common, &[beside]);
    let warnings = std::mem::take(&mut base.warnings);
    voice::complain(&printer, &sources, warnings);
    let ground = match loaded {
        Ok(ground) => ground,
        Err(errors) => return play::refuse(&printer, &sources, errors),
    };
    let text = text(options, &base, &ground, &sources);
    voice::complain(&printer, &sources, ground.directories.take_warnings());
    match text {
        Ok(text) => {
            printer.data(&text);
            exit::FINE
        }
        Err(errors) => {
            let wrong_name = errors.iter().any(|error| error.code == "host-pattern");
            let code = play::refuse(&printer, &sources, errors);
            if wrong_name {
                exit::WRONG_OPTIONS
            } else {
                code
            }
        }
    }
}

fn text(
    options: &ShowInventoryOptions,
    base: &Base,
    ground: &Ground,
    sources: &SourceMap,
) -> Result<String, Vec<Diagnostic>> {
    let reader = ground.reader(sources);
    let shown = Shown {
        inventory: &ground.inventory,
        directories: &ground.directories,
        reader: &reader,
        limit: ground.limited.as_deref(),
        export: options.export || base.settings.inventory_export,
        deep: base.settings.hash_behaviour == "merge",
    };
    if let Some(host) = &options.host {
        if ground.inventory.host(host).is_none() && !LOCALHOST.contains(&host.as_str()) {
            let known: Vec<_> = ground
                .inventory
                .host_ids()
                .map(|id| ground.inventory.host_name(id))
                .collect();
            return Err(vec![unknown("host", host, known.iter().map(AsRef::as_ref))]);
        }
        return host_json(&shown, host);
    }
    if options.graph {
        let known: Vec<_> = ground
            .inventory
            .group_ids()
            .map(|id| ground.inventory.group_name(id))
            .collect();
        let group = ground.inventory.group(&options.group).ok_or_else(|| {
            vec![unknown(
                "group",
                &options.group,
                known.iter().map(AsRef::as_ref),
            )]
        })?;
        return graph_text(&shown, group, options.vars);
    }
    list_json(&shown)
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "host-pattern",
        format!("there is no {what} `{name}` in the inventory"),
    );
    match nearest_one(name, known) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}
