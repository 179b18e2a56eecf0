//! Writes down what went over the wire, for tests: `KPLAY_TRAFFIC` names the file (docs/testing.md).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::config::Environment;
use crate::engine::events::{Event, HostTraffic};
use crate::report::Printer;

/// Returns a reporter that writes the file beside what `report` does, if one is wanted.
pub(super) fn noting(
    environment: &Environment,
    printer: &Printer,
    mut report: Box<dyn FnMut(&Event)>,
) -> Box<dyn FnMut(&Event)> {
    let Some(file) = environment.variables.get("KPLAY_TRAFFIC") else {
        return report;
    };
    let (file, printer) = (PathBuf::from(file), printer.clone());
    Box::new(move |event| {
        report(event);
        if let Event::Traffic(traffic) = event
            && let Err(error) = write(&file, traffic)
        {
            let text = format!("[WARNING]: cannot write `{}`: {error}", file.display());
            printer.error_line(&text, None);
        }
    })
}

fn write(file: &Path, traffic: &BTreeMap<Arc<str>, HostTraffic>) -> std::io::Result<()> {
    let hosts: serde_json::Map<String, serde_json::Value> = traffic
        .iter()
        .map(|(host, counts)| {
            let counts = json!({
                "round_trips": counts.round_trips,
                "frames_out": counts.frames_out,
                "bytes_out": counts.bytes_out,
                "frames_in": counts.frames_in,
                "bytes_in": counts.bytes_in,
            });
            (host.to_string(), counts)
        })
        .collect();
    std::fs::write(file, format!("{}\n", serde_json::Value::Object(hosts)))
}
