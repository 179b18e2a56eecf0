//! What a deployment would change: the chart, the values, and the manifests for `--diff`.

use super::super::program::{Program, Version};
use super::HelmArgs;
use crate::kit::{Diff, Failure};
use crate::value::{Dict, Value};

/// What is known of a deployment before it happens.
pub(super) struct Foreseen {
    pub(super) changes: bool,
    pub(super) diff: Option<Diff>,
    /// Why its effect is not known.
    pub(super) unknown: Option<String>,
}

impl Foreseen {
    /// It changes something, and this is what the rehearsal said of it.
    pub(super) fn change(rehearsal: Rehearsal) -> Self {
        let (diff, unknown) = match rehearsal {
            Rehearsal::Done { diff, .. } => (Some(diff), None),
            Rehearsal::Failed(why) => (None, Some(why)),
        };
        Self {
            changes: true,
            diff,
            unknown,
        }
    }
}

/// The end of a deployment that was only rehearsed.
pub(super) enum Rehearsal {
    Done {
        /// The values that the release would have been given.
        values: Value,
        diff: Diff,
    },
    /// It cannot be rehearsed, which need not mean that it cannot be done.
    Failed(String),
}

impl HelmArgs {
    /// Compares the release with what it shall be.
    pub(super) fn foresee(
        &self,
        program: &Program<'_>,
        release: &Dict,
        chart: &Value,
        version: Version,
        words: &[String],
    ) -> Result<Foreseen, Failure> {
        if program.plugin("diff")?.is_some() {
            let output = program.must(&self.comparison(), self.input().as_deref())?;
            let text = output.stdout_text().trim().to_owned();
            let changes = !text.is_empty();
            let mut diff = Diff::text("", "").alone();
            diff.prepared = Some(text);
            return Ok(Foreseen {
                changes,
                diff: changes.then_some(diff),
                unknown: None,
            });
        }
        let known = Value::dict(Dict::new());
        let known = release.get("values").unwrap_or(&known);
        let simple = self.values_files.is_empty()
            && self.set_values.is_empty()
            && self.reset_values
            && self.reuse_values != Some(true);
        let another = is_another_chart(chart, release);
        if simple && !another && !self.force && same(known, &self.given()) {
            return Ok(Foreseen {
                changes: false,
                diff: None,
                unknown: None,
            });
        }
        let rehearsal = self.dry_run(program, Some(&self.release_name), version, words)?;
        let foreseen_same =
            matches!(&rehearsal, Rehearsal::Done { values, .. } if same(known, values));
        let mut foreseen = Foreseen::change(rehearsal);
        foreseen.changes = another || simple || !foreseen_same;
        Ok(foreseen)
    }

    /// Lets Helm say what it would do. `there` is the release that there is.
    pub(super) fn dry_run(
        &self,
        program: &Program<'_>,
        there: Option<&str>,
        version: Version,
        words: &[String],
    ) -> Result<Rehearsal, Failure> {
        let mut words = words.to_vec();
        // Looks into the cluster too, where Helm knows how to.
        let rehearse = if (version.major, version.minor) >= (3, 13) {
            "--dry-run=server"
        } else {
            "--dry-run"
        };
        words.extend([rehearse, "--output=json"].map(str::to_owned));
        // The charts that it depends on are not there yet, and a plan fetches none.
        words.retain(|word| word != "--dependency-update");
        let output = program.run(&words, self.input().as_deref())?;
        if !output.success() {
            let error = output.stderr_text();
            return Ok(Rehearsal::Failed(format!(
                "Helm cannot say before what this release will change: {}",
                error.trim()
            )));
        }
        let release = Value::from_json(program.read(&words, &output.stdout)?);
        let values = release.get("config").filter(|values| !values.is_null());
        let empty = || Value::dict(Dict::new());
        let before = match there {
            Some(name) => program.get("manifest", name)?,
            None => String::new(),
        };
        let after = release.get("manifest").and_then(Value::as_str);
        Ok(Rehearsal::Done {
            values: values.cloned().unwrap_or_else(empty),
            diff: of_manifests(&before, after.unwrap_or_default()),
        })
    }
}

/// Compares values as they are after a way through JSON, where dates are text and keys are.
fn same(left: &Value, right: &Value) -> bool {
    Value::from_json(left.to_json()) == Value::from_json(right.to_json())
}

/// Tells whether the release was made of another chart, or another version of it.
fn is_another_chart(chart: &Value, release: &Dict) -> bool {
    let part = |name: &str| chart.get(name).map(Value::to_text).unwrap_or_default();
    let known = |name: &str| release.get(name).map(Value::to_text).unwrap_or_default();
    format!("{}-{}", part("name"), part("version")) != known("chart")
        || part("appVersion") != known("app_version")
}

/// Returns the difference of two manifests, without what is in Secrets.
pub(super) fn of_manifests(before: &str, after: &str) -> Diff {
    Diff::text(without_secrets(before), without_secrets(after))
}

fn without_secrets(manifest: &str) -> String {
    let documents = manifest.trim().split_inclusive("\n---\n");
    let mut text = String::new();
    for document in documents {
        let secret = document
            .lines()
            .any(|line| line.trim_end() == "kind: Secret");
        if !secret {
            text.push_str(document);
            continue;
        }
        let named = document.lines().filter(|line| {
            let shown = [
                "# Source:",
                "kind:",
                "  name:",
                "  namespace:",
                "metadata:",
                "---",
            ];
            shown.iter().any(|start| line.starts_with(start))
        });
        for line in named.filter(|line| *line != "---") {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str("# what the Secret holds is not shown\n");
        if document.ends_with("\n---\n") {
            text.push_str("---\n");
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
