//! The modules of `kubernetes.core` against a real API server, compared with ansible-core's recorded answers.
//!
//! etcd and kube-apiserver of the platform's products run alone on the loopback; nothing runs pods there, so cases set their
//! status themselves. Where the products are missing the tests are reported as ignored, with the reason; with
//! `KPLAY_LAB_REQUIRED=1` they are built. `record` lets ansible-core answer instead and writes its answers down.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod answers;
mod case;
mod server;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Completion, Trial};

use case::Case;
use server::Server;

/// The server once somebody has started it, or why it cannot run.
type Started = Option<Result<Arc<Server>, String>>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Started by the first case that runs, ended after the last.
    let server: Arc<Mutex<Started>> = Arc::default();
    let trials = Case::all().into_iter().map(|case| {
        let server = server.clone();
        Trial::ignorable_test(case.name.clone(), move || {
            let found = server
                .lock()
                .unwrap()
                .get_or_insert_with(|| Server::start().map(Arc::new))
                .clone();
            match found {
                Ok(server) => case.run(&server).map(|()| Completion::Completed),
                Err(why) if server::required() => Err(why.into()),
                Err(why) => Ok(Completion::ignored_with(why)),
            }
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    server.lock().unwrap().take();
    conclusion.exit_code()
}
