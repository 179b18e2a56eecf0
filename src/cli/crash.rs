//! A panic is a bug: the user is asked to report it, with where it happened and nothing of what was at work, which may be secret.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit;

static PANICKED: AtomicBool = AtomicBool::new(false);

/// Sees to it that panics are reported so.
pub(super) fn prepare() {
    std::panic::set_hook(Box::new(|panic| {
        if PANICKED.swap(true, Ordering::Relaxed) {
            return;
        }
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let _ = writeln!(
            std::io::stderr(),
            "error[internal]: kplay {} has a bug at {place}\n  = help: please report it with the playbook's tasks at that point, and this line",
            env!("CARGO_PKG_VERSION"),
        );
    }));
}

/// Returns the code of what was done, or that of a bug where there was one on the way.
pub(super) fn code(done: &std::thread::Result<u8>) -> u8 {
    match done {
        Ok(code) if !PANICKED.load(Ordering::Relaxed) => *code,
        _ => exit::BUG,
    }
}
