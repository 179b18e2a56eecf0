//! The table at a run's end, in Ansible's columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::color::Color;
use super::printer::Printer;
use crate::engine::events::{HostStats, HostTraffic, Recap};

/// Writes the table.
pub(super) fn recap(printer: &Printer, recap: &Recap) {
    printer.banner("PLAY RECAP");
    for (host, stats) in recap {
        printer.parts(&line(host, *stats));
    }
    printer.line("", None);
}

/// Writes what went over the wire, a line for each host.
pub(super) fn traffic(printer: &Printer, traffic: &BTreeMap<Arc<str>, HostTraffic>) {
    for (host, counts) in traffic {
        let HostTraffic {
            round_trips,
            frames_out,
            bytes_out,
            frames_in,
            bytes_in,
        } = counts;
        let text = format!(
            "<{host}> {round_trips} round trips; out {frames_out} frames, {bytes_out} bytes; in {frames_in} frames, {bytes_in} bytes"
        );
        printer.line(&text, Some(Color::Verbose));
    }
}

fn line(host: &str, stats: HostStats) -> Vec<(String, Option<Color>)> {
    let host_color = if stats.failed + stats.unreachable > 0 {
        Color::Error
    } else if stats.changed > 0 {
        Color::Changed
    } else {
        Color::Ok
    };
    // Ansible pads a plain name to 26 columns and a coloured one to 37, of which 11 are the colour's codes.
    let width = 26;
    let mut parts = vec![
        (host.to_owned(), Some(host_color)),
        (
            " ".repeat(width.max(host.chars().count()) - host.chars().count()),
            None,
        ),
        (" : ".to_owned(), None),
    ];
    let columns = [
        ("ok", stats.ok, Color::Ok),
        ("changed", stats.changed, Color::Changed),
        ("unreachable", stats.unreachable, Color::Unreachable),
        ("failed", stats.failed, Color::Error),
        ("skipped", stats.skipped, Color::Skip),
        ("rescued", stats.rescued, Color::Ok),
        ("ignored", stats.ignored, Color::Warn),
    ];
    for (index, (name, count, color)) in columns.into_iter().enumerate() {
        if index > 0 {
            parts.push((" ".to_owned(), None));
        }
        parts.push((
            format!("{name}={count:<4}"),
            Some(color).filter(|_| count > 0),
        ));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::printer::Screen;
    use super::super::printer::tests::printer;
    use super::*;

    /// As ansible-playbook printed it.
    #[test]
    fn columns_are_those_of_ansible() {
        let (to, out, _) = printer(Screen::default());
        let stats = HostStats {
            ok: 25,
            changed: 10,
            unreachable: 1,
            skipped: 4,
            rescued: 1,
            ignored: 6,
            failed: 0,
        };
        recap(
            &to,
            &Recap::from([
                ("g1".into(), stats),
                ("a-host.with.a.very.long.name".into(), HostStats::default()),
            ]),
        );
        assert_eq!(
            out.text(),
            "\nPLAY RECAP *********************************************************************\n\
             a-host.with.a.very.long.name : ok=0    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   \n\
             g1                         : ok=25   changed=10   unreachable=1    failed=0    skipped=4    rescued=1    ignored=6   \n\n"
        );
    }

    #[test]
    fn traffic_is_a_line_for_each_host() {
        let (to, out, _) = printer(Screen::default());
        let counts = HostTraffic {
            round_trips: 2,
            frames_out: 3,
            bytes_out: 400,
            frames_in: 5,
            bytes_in: 600,
        };
        traffic(&to, &BTreeMap::from([("h1".into(), counts)]));
        assert_eq!(
            out.text(),
            "<h1> 2 round trips; out 3 frames, 400 bytes; in 5 frames, 600 bytes\n"
        );
    }
}
