//! `kplay PLAYBOOK ...`: runs playbooks, or lists or checks what would run.

use std::sync::Arc;

use super::ground::Base;
use super::options::PlayOptions;
use super::site::{self, Wanted};
use super::voice::refuse;
use super::{drive, exit, listing, names, traffic, voice};
use crate::diag::{Diagnostic, SourceMap};
use crate::engine::events::Event;
use crate::engine::{self, RunEnd, Site};
use crate::playbook::SystemFiles;
use crate::report::{Human, Json, Look, Printer};

/// Does it.
pub(super) fn play(options: &PlayOptions, printer: &Printer) -> u8 {
    let sources = SourceMap::default();
    let mut base = match Base::load(&sources) {
        Ok(base) => base,
        Err(errors) => return refuse(printer, &sources, errors),
    };
    let printer = voice::configured(printer, &base.settings);
    base.printer = Some(printer.clone());
    let wanted = match names::playbooks(&options.playbooks) {
        Ok(playbooks) => Wanted {
            files: Arc::new(SystemFiles),
            playbooks,
        },
        Err(errors) => return refuse(&printer, &sources, errors),
    };
    let Some(site) = checked(&mut base, options, &wanted, &printer) else {
        return refused(&base);
    };
    let verbosity = site.options.verbosity;
    if options.syntax_check || listing::wanted(options) {
        return listing::list(site, options, &wanted.playbooks, &printer);
    }
    if verbosity > 0 {
        let text = match &base.config_file {
            Some(file) => format!("Using {} as config file", file.display()),
            None => "No config file found; using defaults".to_owned(),
        };
        printer.line(&text, Some(crate::report::Color::Verbose));
    }
    if verbosity > 1 {
        for playbook in &wanted.playbooks {
            let name = playbook.file_name().unwrap_or(playbook.as_os_str());
            printer.banner(&format!("PLAYBOOK: {}", name.display()));
        }
    }
    let look = Look::new(&base.settings, verbosity, site.options.check);
    let report = reporter(&base.settings.stdout_callback, &printer, look, &sources);
    let mut report = traffic::noting(&base.environment, &printer, report);
    end(
        drive::drive(site, &printer, &mut *report),
        &printer,
        &sources,
    )
}

/// Returns what prints a run.
fn reporter(
    name: &str,
    printer: &Printer,
    look: Look,
    sources: &SourceMap,
) -> Box<dyn FnMut(&Event)> {
    if matches!(name, "json" | "ansible.posix.json") {
        let mut report = Json::new(printer.clone());
        return Box::new(move |event| report.handle(event));
    }
    if !matches!(name, "default" | "ansible.builtin.default") {
        let text = format!(
            "the output `{name}` (`stdout_callback`) is not supported; the default one is used"
        );
        printer.warning(&Diagnostic::warning("config-unsupported", text), sources);
    }
    let mut report = Human::new(printer.clone(), look, sources.clone());
    Box::new(move |event| report.handle(event))
}

/// Loads and checks the site; says what is odd, and gives nothing where something is wrong.
pub(super) fn checked(
    base: &mut Base,
    options: &PlayOptions,
    wanted: &Wanted,
    printer: &Printer,
) -> Option<Site> {
    let loaded = site::load(base, options, wanted);
    let mut diagnostics = std::mem::take(&mut base.warnings);
    let site = match loaded {
        Ok((site, found)) => {
            diagnostics.extend(found);
            diagnostics.extend(engine::check(&site));
            learn(printer, &site);
            Some(site)
        }
        Err(errors) => {
            diagnostics.extend(errors);
            None
        }
    };
    let wrong = diagnostics.iter().any(Diagnostic::is_error);
    voice::complain(printer, &base.sources, diagnostics.clone());
    base.warnings = diagnostics;
    site.filter(|_| !wrong)
}

/// The code for what [`checked`] found.
pub(super) fn refused(base: &Base) -> u8 {
    exit::of_errors(&base.warnings)
}

fn learn(printer: &Printer, site: &Site) {
    for (_, secret) in site.vault.iter() {
        if let Some(text) = secret.expose_text() {
            printer.learn(text);
        }
    }
    for password in site
        .options
        .connection_password
        .iter()
        .chain(&site.options.become_password)
    {
        printer.learn_from(password);
    }
    printer.learn_from(&crate::value::Value::dict(site.options.extra_vars.clone()));
}

/// Says what ended a run before its time, and returns its code.
pub(super) fn end(end: std::io::Result<RunEnd>, printer: &Printer, sources: &SourceMap) -> u8 {
    match end {
        Ok(end) => {
            let code = exit::of_end(&end);
            if let RunEnd::Faulty(errors) = end {
                voice::complain(printer, sources, errors);
            }
            code
        }
        Err(error) => {
            printer.error_line(&format!("error: the run cannot start: {error}"), None);
            exit::ERROR
        }
    }
}
