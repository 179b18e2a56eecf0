//! The door of `kplay`: everything else is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A fifth of a run with a thousand hosts went into the allocator of a static program's C library. The worker keeps that one: it
/// is small, and runs on few threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    kplay::cli::run()
}
