//! `kplay run HOSTS -m MODULE -a ARGS`: one task, without a playbook. A playbook is made of it all the same, so that everything on the
//! way is what a playbook's task meets.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::command::AdHocOptions;
use super::ground::Base;
use super::options::PlayOptions;
use super::site::Wanted;
use super::{drive, exit, play, voice};
use crate::diag::SourceMap;
use crate::engine;
use crate::playbook::{Files, SystemFiles};
use crate::report::{Look, Minimal, Printer};

/// How the made playbook is called in messages.
const NAME: &str = "<kplay run>";
/// Modules whose arguments are text without names.
const FREE_FORM: [&str; 4] = ["command", "shell", "raw", "script"];

/// Does it.
pub(super) fn run(options: &AdHocOptions, printer: &Printer) -> u8 {
    let sources = SourceMap::default();
    let mut base = match Base::load(&sources) {
        Ok(base) => base,
        Err(errors) => return voice::refuse(printer, &sources, errors),
    };
    let printer = voice::configured(printer, &base.settings);
    base.printer = Some(printer.clone());
    let module = options
        .module_name
        .clone()
        .unwrap_or_else(|| base.settings.module_name.clone());
    let short = module.rsplit('.').next().unwrap_or_default();
    if FREE_FORM.contains(&short) && options.args.trim().is_empty() && !options.list_hosts {
        printer.error_line(
            &format!("error: the module `{module}` needs arguments: `-a 'COMMAND'`"),
            None,
        );
        return exit::WRONG_OPTIONS;
    }
    let path = base.environment.directory.join(NAME);
    let files = OneMore {
        path: path.clone(),
        text: if options.list_hosts {
            // Nothing is run, so that it needs no arguments.
            playbook(&options.hosts, "ping", "", Job::default())
        } else {
            let job = Job {
                seconds: options.seconds,
                poll: options.poll_interval,
            };
            playbook(&options.hosts, &module, &options.args, job)
        },
    };
    let wanted = Wanted {
        files: Arc::new(files),
        playbooks: vec![path],
    };
    let play_options = PlayOptions {
        run: options.run.clone(),
        ..PlayOptions::default()
    };
    let Some(mut site) = play::checked(&mut base, &play_options, &wanted, &printer) else {
        return play::refused(&base);
    };
    if options.list_hosts {
        return list_hosts(site, &printer, &sources);
    }
    site.options.shows_results = true;
    let look = Look::new(&base.settings, site.options.verbosity, site.options.check);
    let mut report = Minimal::new(printer.clone(), look, sources.clone());
    play::end(
        drive::drive(site, &printer, &mut |event| report.handle(event)),
        &printer,
        &sources,
    )
}

fn list_hosts(site: engine::Site, printer: &Printer, sources: &SourceMap) -> u8 {
    let listing = match engine::list(site) {
        Ok(listing) => listing,
        Err(errors) => return voice::refuse(printer, sources, errors),
    };
    for play in &listing.plays {
        printer.line(&format!("  hosts ({}):", play.hosts.len()), None);
        for host in &play.hosts {
            printer.line(&format!("    {host}"), None);
        }
    }
    exit::FINE
}

/// `async` and `poll` of the task.
#[derive(Clone, Copy, Debug, Default)]
struct Job {
    seconds: Option<u64>,
    poll: Option<u64>,
}

/// Returns the playbook as JSON, which is YAML.
fn playbook(hosts: &str, module: &str, arguments: &str, job: Job) -> String {
    let arguments = match serde_json::from_str::<serde_json::Value>(arguments) {
        Ok(mapping @ serde_json::Value::Object(_)) => mapping,
        _ if arguments.trim().is_empty() => serde_json::Value::Null,
        _ => arguments.into(),
    };
    let mut task = json!({module: arguments});
    for (keyword, seconds) in [("async", job.seconds), ("poll", job.poll)] {
        if let (Some(seconds), Some(task)) = (seconds, task.as_object_mut()) {
            task.insert(keyword.to_owned(), seconds.into());
        }
    }
    json!([{"name": "kplay run", "hosts": hosts, "gather_facts": false, "tasks": [task]}])
        .to_string()
}

/// The files of this machine and one more.
struct OneMore {
    path: PathBuf,
    text: String,
}

impl Files for OneMore {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == self.path {
            Ok(self.text.clone().into_bytes())
        } else {
            SystemFiles.read(path)
        }
    }

    fn is_file(&self, path: &Path) -> bool {
        path == self.path || SystemFiles.is_file(path)
    }

    fn is_directory(&self, path: &Path) -> bool {
        SystemFiles.is_directory(path)
    }

    fn list(&self, path: &Path) -> Vec<String> {
        SystemFiles.list(path)
    }

    fn current_directory(&self) -> PathBuf {
        SystemFiles.current_directory()
    }

    fn home(&self) -> Option<PathBuf> {
        SystemFiles.home()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_text_or_json() {
        let task = |arguments: &str| {
            let made: serde_json::Value =
                serde_json::from_str(&playbook("web:&prod", "file", arguments, Job::default()))
                    .unwrap();
            assert_eq!(made[0]["hosts"], "web:&prod");
            made[0]["tasks"][0]["file"].clone()
        };
        assert_eq!(task("path=/x state=touch"), "path=/x state=touch");
        assert_eq!(task("{\"path\": \"/x\"}"), json!({"path": "/x"}));
        assert_eq!(task(" "), serde_json::Value::Null);
    }

    #[test]
    fn a_job_has_its_keywords() {
        let job = Job {
            seconds: Some(60),
            poll: Some(0),
        };
        let made: serde_json::Value =
            serde_json::from_str(&playbook("all", "command", "true", job)).unwrap();
        let task = json!({"command": "true", "async": 60, "poll": 0});
        assert_eq!(made[0]["tasks"][0], task);
    }
}
