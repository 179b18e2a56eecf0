//! Modules of the run itself: they work on variables and on the run, not on a host.

mod add_host;
mod assert;
mod debug;
mod fail;
mod group_by;
mod include;
mod include_vars;
mod load_vars;
mod pause;
mod reboot;
mod set_fact;
mod set_stats;
mod sops_encrypt;
mod validate_argument_spec;
mod wait_for_connection;

family! {
    Entry::control::<add_host::AddHost>(),
    Entry::control::<assert::Assert>(),
    Entry::control::<debug::Debug>(),
    Entry::control::<fail::Fail>(),
    Entry::control::<group_by::GroupBy>(),
    Entry::control::<include::IncludeRole>(),
    Entry::control::<include::IncludeTasks>(),
    Entry::control::<include_vars::IncludeVars>(),
    Entry::control::<load_vars::LoadVars>(),
    Entry::control::<include::MetaModule>(),
    Entry::control::<pause::Pause>(),
    Entry::control::<reboot::Reboot>(),
    Entry::control::<set_fact::SetFact>(),
    Entry::control::<set_stats::SetStats>(),
    Entry::control::<sops_encrypt::SopsEncryptModule>(),
    Entry::control::<validate_argument_spec::ValidateArgumentSpec>(),
    Entry::control::<wait_for_connection::WaitForConnection>(),
}
