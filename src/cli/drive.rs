//! Runs a site: starts the runtime, feeds the report, and takes Ctrl-C in two steps.
//!
//! The first Ctrl-C (or TERM) asks the engine to end in order: workers end what they started on the hosts. The second ends `kplay` at
//! once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::exit;
use crate::engine::events::Event;
use crate::engine::{self, RunEnd, Site};
use crate::report::Printer;

/// Runs the site and hands each event to `report`.
pub(super) fn drive(
    site: Site,
    printer: &Printer,
    report: &mut dyn FnMut(&Event),
) -> std::io::Result<RunEnd> {
    // A step that is evaluated here holds a thread while it waits for its host, and what it waits for may need one too: a file
    // read, the worker compressed. With fewer threads than that, many forks would wait for each other for ever.
    let threads = site.options.forks.saturating_mul(2).saturating_add(64);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(threads)
        .build()?;
    let end = runtime.block_on(until_done(site, printer, report))?;
    // What still hangs on a host does not hold the terminal.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    Ok(end)
}

async fn until_done(
    site: Site,
    printer: &Printer,
    report: &mut dyn FnMut(&Event),
) -> std::io::Result<RunEnd> {
    let (events, mut told) = mpsc::unbounded_channel();
    let (interrupt, interrupted) = watch::channel(false);
    let mut signals = Signals::new()?;
    let run = engine::run(site, events, interrupted);
    tokio::pin!(run);
    let end = loop {
        tokio::select! {
            biased;
            () = signals.next() => {
                if interrupt.send_replace(true) {
                    stop_at_once();
                }
                printer.error_line("[WARNING]: interrupted: the hosts are told to stop; once more stops at once", None);
            }
            Some(event) = told.recv() => report(&event),
            end = &mut run => break end,
        }
    };
    while let Ok(event) = told.try_recv() {
        report(&event);
    }
    Ok(end)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[expect(clippy::exit, reason = "the second Ctrl-C waits for nobody")]
fn stop_at_once() -> ! {
    std::process::exit(exit::INTERRUPTED.into())
}
