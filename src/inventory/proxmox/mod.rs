//! The plugin `community.proxmox.proxmox`: guests and nodes of a Proxmox VE cluster as hosts.
//!
//! The loader calls it for files that end in `proxmox.yml` or `proxmox.yaml` and name the plugin. Groups and variables are
//! exactly those of the plugin; how they are got is not: guests are asked concurrently, node by node (`gather`), over connections
//! that are kept (`api`). `docs/reference/inventory-proxmox.md` describes the options.

mod address;
mod api;
mod facts;
mod gather;
mod listing;
mod names;
mod options;
mod populate;

use super::constructed::{Evaluation, OptionReader};
use super::data::Inventory;
use crate::diag::Diagnostic;
use crate::varfile::Reader;

/// The names that the plugin goes by.
pub(super) const NAMES: [&str; 2] = ["community.proxmox.proxmox", "community.general.proxmox"];

/// Tells whether a file has a name that the plugin takes.
pub(super) fn is_source(path: &std::path::Path) -> bool {
    let name = path.to_str().unwrap_or_default();
    name.ends_with("proxmox.yml") || name.ends_with("proxmox.yaml")
}

/// Asks the cluster and adds what it has. Returns what is odd about it.
pub(super) fn read(
    inventory: &mut Inventory,
    path: &std::path::Path,
    options: &OptionReader<'_>,
    evaluation: &Evaluation<'_>,
    reader: &Reader<'_>,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    if !is_source(path) {
        return Err(vec![
            Diagnostic::error(
                "inventory-option",
                format!(
                    "`{}` is a source of the Proxmox plugin with another name",
                    path.display()
                ),
            )
            .help("its name has to end in `proxmox.yml` or `proxmox.yaml`"),
        ]);
    }
    let one = |diagnostic: Diagnostic| vec![diagnostic];
    let mut warnings = options.unknown(options::OWN);
    let wanted = options::read(options, path, evaluation, reader).map_err(|mistakes| {
        let unknown = warnings.iter().cloned();
        unknown.chain(mistakes).collect::<Vec<_>>()
    })?;
    let api = api::Api::connect(&wanted.access, reader).map_err(one)?;
    warnings.extend(api.warnings());
    let cluster = listing::read(&api, &wanted).map_err(one)?;
    populate::populate(
        inventory,
        &cluster,
        &api,
        &wanted,
        evaluation,
        &mut warnings,
    )
    .map_err(one)?;
    Ok(warnings)
}
