//! `kplay inventory`: hosts, groups and variables as `ansible-inventory` shows them.

use std::fs;
use std::path::Path;

use super::command::ShowInventoryOptions;
use super::ground::{Base, Ground};
use super::{exit, voice};
use crate::diag::{Diagnostic, SourceMap, nearest_one};
use crate::inventory::{Shown, graph_text, host_json, list_json, static_yaml};
use crate::pattern::LOCALHOST;
use crate::report::Printer;

/// Does it.
pub(super) fn show(options: &ShowInventoryOptions, printer: &Printer) -> u8 {
    let sources = SourceMap::default();
    let mut base = match Base::load(&sources) {
        Ok(base) => base,
        Err(errors) => return voice::refuse(printer, &sources, errors),
    };
    let printer = voice::configured(printer, &base.settings);
    base.printer = Some(printer.clone());
    let beside = options
        .playbook_dir
        .as_ref()
        .or(base.settings.playbook_dir.as_ref());
    let beside = beside.map_or_else(|| base.environment.directory.clone(), Clone::clone);
    let mut common = options.common.clone();
    if let (Some(_), which) = (&options.write, options.group.as_str()) {
        if !matches!(which, "all" | "proxmox") {
            let error = Diagnostic::error(
                "inventory-write",
                format!("`--write` does not know sources of the kind `{which}`"),
            );
            let help = "`kplay inventory proxmox --write FILE` writes what Proxmox sources give, without `proxmox` all sources are written";
            voice::refuse(&printer, &sources, vec![error.help(help)]);
            return exit::WRONG_OPTIONS;
        }
        common.only_proxmox = which == "proxmox";
    }
    let loaded = Ground::load(&mut base, &common, &[beside]);
    let warnings = std::mem::take(&mut base.warnings);
    voice::complain(&printer, &sources, warnings);
    let ground = match loaded {
        Ok(ground) => ground,
        Err(errors) => return voice::refuse(&printer, &sources, errors),
    };
    if let Some(path) = &options.write {
        return match write(path, &ground, &printer) {
            Ok(()) => exit::FINE,
            Err(error) => voice::refuse(&printer, &sources, vec![error]),
        };
    }
    let text = text(options, &base, &ground, &sources);
    voice::complain(&printer, &sources, ground.directories.take_warnings());
    match text {
        Ok(text) => {
            printer.data(&text);
            exit::FINE
        }
        Err(errors) => {
            let wrong_name = errors.iter().any(|error| error.code == "host-pattern");
            let code = voice::refuse(&printer, &sources, errors);
            if wrong_name {
                exit::WRONG_OPTIONS
            } else {
                code
            }
        }
    }
}

/// Writes the static inventory, whole or not at all. With no host there is nothing to write: a file that was good stays.
fn write(path: &Path, ground: &Ground, printer: &Printer) -> Result<(), Diagnostic> {
    if ground.inventory.is_empty() {
        return Err(Diagnostic::error(
            "inventory-write",
            "the sources give no host, so nothing is written",
        )
        .help("name the sources with `-i`"));
    }
    let text = static_yaml(&ground.inventory)?;
    if path == Path::new("-") {
        printer.data(text.trim_end());
        return Ok(());
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut draft = path.file_name().unwrap_or_default().to_os_string();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = folder.unwrap_or(Path::new(".")).join(draft);
    let written = fs::write(&draft, &text).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&draft);
        Diagnostic::error(
            "inventory-write",
            format!("`{}` cannot be written: {error}", path.display()),
        )
    })
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
