//! A graph in Graphviz' language: `kplay graph site.yml | dot -Tsvg > site.svg`.
//!
//! A box for each task of each host, solid arrows in the order of one host. A wait is an ellipse with its reason between the two
//! tasks that ask for it: what is behind it starts on one host when what is before it has ended on the others.

use std::fmt::Write as _;

use super::lines;
use crate::engine::{Drawing, DrawnPlay, StepKind};

/// Returns the text.
pub(super) fn text(drawing: &Drawing) -> String {
    let mut out = "digraph kplay {\n  node [shape=box, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n"
        .to_owned();
    for (number, play) in drawing.plays.iter().enumerate() {
        let _ = writeln!(
            out,
            "  subgraph cluster_{number} {{\n    label={};",
            quoted(&super::title(play))
        );
        steps(number, play, &mut out);
        waits(number, play, &mut out);
        out.push_str("  }\n");
    }
    out.push_str("}\n");
    out
}

fn steps(number: usize, play: &DrawnPlay, out: &mut String) {
    for (place, host) in play.hosts.iter().enumerate() {
        for step in &play.steps {
            let style = match step.kind {
                StepKind::Handler => ", style=dashed",
                StepKind::Include => ", style=bold",
                StepKind::Flush => ", style=dotted",
                StepKind::Task => "",
            };
            let tooltip = step.place.as_ref();
            let tooltip = tooltip.map(|place| format!(", tooltip={}", quoted(place)));
            let _ = writeln!(
                out,
                "    p{number}s{}h{place} [label={}{}{style}];",
                step.step,
                quoted(&lines(step, host).join("\n")),
                tooltip.unwrap_or_default()
            );
        }
        for pair in play.steps.windows(2) {
            if let [before, after] = pair {
                let _ = writeln!(
                    out,
                    "    p{number}s{}h{place} -> p{number}s{}h{place};",
                    before.step, after.step
                );
            }
        }
    }
}

fn waits(number: usize, play: &DrawnPlay, out: &mut String) {
    for (index, wait) in play.waits.iter().enumerate() {
        let name = format!("p{number}w{index}");
        let _ = writeln!(
            out,
            "    {name} [shape=ellipse, color=red, label={}];",
            quoted(&wait.because)
        );
        for place in 0..play.hosts.len() {
            let _ = writeln!(
                out,
                "    p{number}s{}h{place} -> {name} -> p{number}s{}h{place} [color=red, style=dashed];",
                wait.earlier, wait.later
            );
        }
    }
}

fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::super::testing::drawing;

    #[test]
    fn graphviz_reads_boxes_and_reasons() {
        insta::assert_snapshot!(super::text(&drawing()));
    }

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(super::quoted("a \"b\"\\\nc"), r#""a \"b\"\\\nc""#);
    }
}
