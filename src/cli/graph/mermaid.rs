//! A graph in Mermaid's language, which wikis and forges draw.
//!
//! A box for each task of each host, solid arrows in the order of one host. A wait is a hexagon with its reason between the two
//! tasks that ask for it, with dotted arrows.

use std::fmt::Write as _;

use super::lines;
use crate::engine::{Drawing, DrawnPlay, StepKind};

/// Returns the text.
pub(super) fn text(drawing: &Drawing) -> String {
    let mut out = "flowchart TB\n".to_owned();
    for (number, play) in drawing.plays.iter().enumerate() {
        let _ = writeln!(out, "  subgraph p{number}[{}]", quoted(&super::title(play)));
        steps(number, play, &mut out);
        waits(number, play, &mut out);
        out.push_str("  end\n");
    }
    out
}

fn steps(number: usize, play: &DrawnPlay, out: &mut String) {
    for (place, host) in play.hosts.iter().enumerate() {
        for step in &play.steps {
            let label = quoted(&lines(step, host).join("\n"));
            let shape = match step.kind {
                StepKind::Task => format!("[{label}]"),
                StepKind::Handler => format!("([{label}])"),
                StepKind::Include => format!("[[{label}]]"),
                StepKind::Flush => format!("({label})"),
            };
            let _ = writeln!(out, "    p{number}s{}h{place}{shape}", step.step);
        }
        for pair in play.steps.windows(2) {
            if let [before, after] = pair {
                let _ = writeln!(
                    out,
                    "    p{number}s{}h{place} --> p{number}s{}h{place}",
                    before.step, after.step
                );
            }
        }
    }
}

fn waits(number: usize, play: &DrawnPlay, out: &mut String) {
    for (index, wait) in play.waits.iter().enumerate() {
        let name = format!("p{number}w{index}");
        let _ = writeln!(out, "    {name}{{{{{}}}}}", quoted(&wait.because));
        for place in 0..play.hosts.len() {
            let _ = writeln!(
                out,
                "    p{number}s{}h{place} -.-> {name} -.-> p{number}s{}h{place}",
                wait.earlier, wait.later
            );
        }
    }
}

/// Mermaid has entities of its own for what its syntax and HTML use.
fn quoted(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '#' | '&' | '"' | '<' | '>' | '`' => {
                let _ = write!(escaped, "#{};", u32::from(character));
            }
            '\n' => escaped.push_str("<br/>"),
            _ => escaped.push(character),
        }
    }
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::super::testing::drawing;

    #[test]
    fn mermaid_reads_boxes_and_reasons() {
        insta::assert_snapshot!(super::text(&drawing()));
    }

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(
            super::quoted("a \"<b>\" #1"),
            "\"a #34;#60;b#62;#34; #35;1\""
        );
    }
}
