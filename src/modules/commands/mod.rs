//! Modules of the family `commands`.

mod async_status;
mod command;
mod execution;
pub(in crate::modules) mod glob;
mod ping;
mod raw;
mod script;
mod shell;
pub(in crate::modules) mod words;

use crate::kit::ArgumentError;

family! {
    Entry::module::<async_status::AsyncStatus>(),
    Entry::module::<command::Command>(),
    Entry::module::<ping::Ping>(),
    Entry::module::<raw::Raw>(),
    Entry::module::<script::Script>(),
    Entry::module::<shell::Shell>(),
}

/// A command is given in exactly one of three ways.
fn only_one(raw_params: bool, cmd: bool, argv: bool) -> Result<(), ArgumentError> {
    match u8::from(raw_params) + u8::from(cmd) + u8::from(argv) {
        1 => Ok(()),
        0 => Err(ArgumentError::general(
            "one of the following is required: _raw_params, cmd, argv",
        )),
        _ => Err(ArgumentError::general(
            "parameters are mutually exclusive: _raw_params|cmd|argv",
        )),
    }
}
