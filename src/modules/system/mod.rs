//! Modules of the family `system`.

mod alternatives;
mod cron;
mod getent;
mod hostname;
mod modprobe;
mod mount;
pub(in crate::modules) mod setup;
mod sysctl;
mod timezone;

family! {
    Entry::module::<alternatives::Alternatives>(),
    Entry::module::<cron::Cron>(),
    Entry::module::<getent::Getent>(),
    Entry::module::<hostname::Hostname>(),
    Entry::module::<modprobe::Modprobe>(),
    Entry::module::<mount::Mount>(),
    Entry::module::<setup::Setup>(),
    Entry::module::<sysctl::Sysctl>(),
    Entry::module::<timezone::Timezone>(),
}
