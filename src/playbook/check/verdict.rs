//! Whether a finding ends the run before it begins.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Severity};
use crate::playbook::model::{ActionKind, Task, Unsupported};
use crate::playbook::tags::TagSelection;
use crate::value::Value;

/// Findings, each with what it is about.
#[derive(Default)]
pub(super) struct Verdicts {
    diagnostics: Vec<Diagnostic>,
    /// What kplay lacks and a run may get around, by name: one warning each, however many places.
    lacking: BTreeMap<String, (Diagnostic, usize)>,
}

/// How certain it is that a task runs, as far as tags tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selected {
    Yes,
    /// A tag is a template.
    Perhaps,
    No,
}

/// Tells whether tags select a task.
pub(super) fn selected(task: &Task, tags: &TagSelection) -> Selected {
    let written = task.scope.tags();
    let templated = written.iter().any(|tag| {
        tag.is_trusted()
            && tag
                .as_str()
                .is_some_and(|tag| tag.contains("{{") || tag.contains("{%"))
    });
    if templated {
        return Selected::Perhaps;
    }
    let texts: Vec<String> = written.into_iter().map(Value::to_text).collect();
    if tags.allows(&texts) {
        Selected::Yes
    } else {
        Selected::No
    }
}

impl Verdicts {
    /// Takes the findings of a task. `certain` says that nothing outside of it can keep a run away from it.
    pub(super) fn task(&mut self, task: &Task, certain: bool, selection: Selected) {
        if selection == Selected::No {
            return;
        }
        let reached = certain && selection == Selected::Yes;
        for fault in &task.first_faults {
            self.fault(fault, reached);
        }
        let certain = reached && !task.avoidable;
        for fault in &task.faults {
            self.fault(fault, certain);
        }
        if let ActionKind::Unsupported(unsupported) = &task.action.kind {
            self.unsupported(unsupported, certain);
        }
        for unsupported in &task.unsupported {
            self.unsupported(unsupported, certain);
        }
    }

    fn fault(&mut self, fault: &Diagnostic, certain: bool) {
        let mut fault = fault.clone();
        if !certain {
            fault.severity = Severity::Warning;
        }
        self.diagnostics.push(fault);
    }

    /// Takes something that kplay lacks.
    pub(super) fn unsupported(&mut self, unsupported: &Unsupported, certain: bool) {
        let mut diagnostic = unsupported.diagnostic();
        if certain {
            self.diagnostics.push(diagnostic);
            return;
        }
        diagnostic.severity = Severity::Warning;
        self.lacking
            .entry(unsupported.what.clone())
            .and_modify(|(_, places)| *places += 1)
            .or_insert((diagnostic, 1));
    }

    /// Takes diagnostics as they are.
    pub(super) fn add(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    /// Returns everything, sorted by place and without repetition.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let mut all = self.diagnostics;
        for (diagnostic, places) in self.lacking.into_values() {
            let refused = all
                .iter()
                .any(|error| error.is_error() && error.headline == diagnostic.headline);
            if refused {
                continue;
            }
            let more = match places {
                1 => "a host that gets there fails".to_owned(),
                2 => "a host that gets there fails; it is used in one more place".to_owned(),
                _ => format!(
                    "a host that gets there fails; it is used in {} more places",
                    places - 1
                ),
            };
            all.push(diagnostic.note(more));
        }
        all.sort_by_key(|diagnostic| {
            (
                !diagnostic.span().is_some(),
                diagnostic.span(),
                !diagnostic.is_error(),
            )
        });
        // An import that is opened twice shows a mistake twice; as an error it counts.
        all.dedup_by(|later, earlier| {
            later.span() == earlier.span() && later.headline == earlier.headline
        });
        all
    }
}
