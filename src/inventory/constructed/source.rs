//! The plugin `constructed`: variables and groups made from what earlier sources gave.

use std::sync::Arc;

use super::{Evaluation, OptionReader, combined, host_variables};
use crate::diag::Diagnostic;
use crate::inventory::data::{HostId, Inventory};
use crate::inventory::variables::{VarsDirectories, VarsDirectory, merge};
use crate::value::Dict;
use crate::varfile::Reader;
use crate::vars::Level;

/// Constructs for every host of the inventory so far. `directories` lie beside the sources so far.
pub(in crate::inventory) fn construct(
    inventory: &mut Inventory,
    options: &OptionReader<'_>,
    evaluation: &Evaluation<'_>,
    directories: &[Arc<VarsDirectory>],
    reader: &Reader<'_>,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let one = |diagnostic: Diagnostic| vec![diagnostic];
    let construction = options.construction().map_err(one)?;
    let with_files = options
        .truth("use_vars_plugins", None, false)
        .map_err(one)?;
    let directories = VarsDirectories {
        inventory: if with_files {
            directories.to_vec()
        } else {
            Vec::new()
        },
        playbook: Vec::new(),
    };
    inventory.update_depths();
    for host in inventory.host_ids() {
        let before = variables(inventory, host, &directories, reader)?;
        construction
            .compose(inventory, host, &before, evaluation)
            .map_err(one)?;
        let after = variables(inventory, host, &directories, reader)?;
        construction
            .group(inventory, host, &after, evaluation)
            .map_err(one)?;
        construction
            .key(inventory, host, &after, evaluation)
            .map_err(one)?;
    }
    let mut warnings = options.unknown(&["use_vars_plugins"]);
    warnings.extend(directories.take_warnings());
    Ok(warnings)
}

/// Returns a host's variables as far as they are known: its groups', then its own. `all` counts where a source put one of the
/// host's groups below it in so many words.
fn variables(
    inventory: &Inventory,
    host: HostId,
    directories: &VarsDirectories,
    reader: &Reader<'_>,
) -> Result<Dict, Vec<Diagnostic>> {
    let name = inventory.host_name(host);
    let mut layers = directories.layers(inventory, &name, reader)?;
    if !inventory.is_below_all(host) {
        layers.retain(|layer| {
            &*layer.owner != "all"
                || !matches!(
                    layer.level,
                    Level::InventoryGroup | Level::InventoryGroupVarsAll
                )
        });
    }
    Ok(combined(&merge(&layers, false), &magic(inventory, host)))
}

/// The variables that every host has.
fn magic(inventory: &Inventory, host: HostId) -> Dict {
    let own = host_variables(inventory, host);
    [
        "inventory_hostname",
        "inventory_hostname_short",
        "group_names",
    ]
    .into_iter()
    .filter_map(|name| Some((name.into(), own.get(name)?.clone())))
    .collect()
}
