//! Modules of the family `system`.

mod hostname;
mod modprobe;
pub(in crate::modules) mod setup;
mod sysctl;
mod timezone;

family! {
    Entry::module::<hostname::Hostname>(),
    Entry::module::<modprobe::Modprobe>(),
    Entry::module::<setup::Setup>(),
    Entry::module::<sysctl::Sysctl>(),
    Entry::module::<timezone::Timezone>(),
}
