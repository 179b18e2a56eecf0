//! Modules of the family `services`.

mod service;
mod service_facts;
mod systemctl;
mod systemd_service;
mod sysv;

family! {
    Entry::module::<service::Service>(),
    Entry::module::<service_facts::ServiceFacts>(),
    Entry::module::<systemd_service::SystemdService>(),
}
