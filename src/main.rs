//! The door of `kplay`: everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kplay::cli::run()
}
