//! Modules of the family `services`.

mod service;
mod systemctl;
mod systemd_service;
mod sysv;

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::module::<service::Service>(),
    Entry::module::<systemd_service::SystemdService>(),
];
