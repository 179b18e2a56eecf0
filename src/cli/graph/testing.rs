//! A small drawing for the tests of the languages.

use crate::engine::{Drawing, DrawnPlay, DrawnStep, DrawnWait, StepKind};

fn step(step: usize, name: &str, kind: StepKind, effect: &'static str) -> DrawnStep {
    DrawnStep {
        step,
        name: name.to_owned(),
        kind,
        module: None,
        place: Some(format!("site.yml:{}", step + 3)),
        effect,
        module_effect: None,
        facts: None,
    }
}

/// Two hosts, a task that all wait for, a handler.
pub(super) fn drawing() -> Drawing {
    let mut gather = step(0, "Gathering Facts", StepKind::Task, "host");
    gather.facts = Some(vec!["distribution".to_owned(), "network".to_owned()]);
    let mut install = step(1, "Install \"all\"", StepKind::Task, "shows");
    install.module_effect = Some("world");
    Drawing {
        plays: vec![DrawnPlay {
            name: "Web servers".to_owned(),
            hosts: vec!["web1".into(), "web2".into()],
            batches: 2,
            same_machine: vec![vec!["web1".into(), "web2".into()]],
            steps: vec![
                gather,
                install,
                step(2, "handlers run here", StepKind::Flush, "world"),
                step(3, "Restart", StepKind::Handler, "shows"),
            ],
            waits: vec![DrawnWait {
                earlier: 0,
                later: 1,
                because: "`Install` may depend on what `Gathering Facts` changes".to_owned(),
            }],
        }],
    }
}
