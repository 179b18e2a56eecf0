//! `kplay graph PLAYBOOK`: the steps of each host and what they wait for, drawn for people and programs.
//!
//! The engine lays the plays out as it would run them; each file beside this one writes that down in one language.

mod dot;
mod json;
mod mermaid;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use super::command::{GraphFormat, GraphOptions};
use super::ground::Base;
use super::play::{checked, refused};
use super::site::Wanted;
use super::voice::refuse;
use super::{exit, names, voice};
use crate::diag::SourceMap;
use crate::engine;
use crate::playbook::SystemFiles;
use crate::report::Printer;

/// Does it.
pub(super) fn graph(options: &GraphOptions, printer: &Printer) -> u8 {
    let sources = SourceMap::default();
    let mut base = match Base::load(&sources) {
        Ok(base) => base,
        Err(errors) => return refuse(printer, &sources, errors),
    };
    let printer = voice::configured(printer, &base.settings);
    let playbooks = match names::playbooks(&options.play.playbooks) {
        Ok(playbooks) => playbooks,
        Err(errors) => return refuse(&printer, &sources, errors),
    };
    let wanted = Wanted {
        files: Arc::new(SystemFiles),
        playbooks,
    };
    let Some(site) = checked(&mut base, &options.play, &wanted, &printer) else {
        return refused(&base);
    };
    let drawing = match engine::draw(site) {
        Ok(drawing) => drawing,
        Err(errors) => return refuse(&printer, &sources, errors),
    };
    let text = match options.format {
        GraphFormat::Dot => dot::text(&drawing),
        GraphFormat::Mermaid => mermaid::text(&drawing),
        GraphFormat::Json => json::text(&drawing),
    };
    printer.data(text.trim_end());
    exit::FINE
}

/// The lines that describe a step: its name, its host, how far it reaches.
fn lines(step: &engine::DrawnStep, host: &str) -> Vec<String> {
    let mut lines = vec![step.name.clone(), host.to_owned()];
    let mut reach = step.effect.to_owned();
    if let Some(module) = step.module_effect {
        reach.push_str(&format!(" (its module: {module})"));
    }
    lines.push(reach);
    if let Some(facts) = &step.facts {
        let facts = if facts.is_empty() {
            "none that are named".to_owned()
        } else {
            facts.join(", ")
        };
        lines.push(format!("facts: {facts}"));
    }
    lines
}

/// What a play's frame says.
fn title(play: &engine::DrawnPlay) -> String {
    let mut title = format!("PLAY [{}]", play.name);
    if play.batches > 1 {
        title.push_str(&format!("\nfirst of {} batches", play.batches));
    }
    for hosts in &play.same_machine {
        title.push_str(&format!(
            "\n{} are one machine and keep their order",
            hosts.join(", ")
        ));
    }
    title
}
