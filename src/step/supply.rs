//! The controller's files of a step: asked for, and rendered where that is wanted.

use sha1::{Digest as _, Sha1};

use super::evaluation::{Evaluation, Trouble};
use crate::diag::Span;
use crate::kit::{Need, NeedKind, Supplied, SuppliedContent, SuppliedSum, TemplateSettings};
use crate::template::FileSettings;
use crate::vars::{Found, Layered};
use crate::wire::Step;

/// Brings what a module's `prepare` named.
pub(super) fn supply(
    step: &Step,
    needs: &[Need],
    evaluation: &Evaluation<'_>,
) -> Result<Vec<Supplied>, Trouble> {
    needs
        .iter()
        .map(|need| supply_one(step, need, evaluation))
        .collect()
}

fn supply_one(step: &Step, need: &Need, evaluation: &Evaluation<'_>) -> Result<Supplied, Trouble> {
    let supplied = evaluation
        .context
        .executor
        .supply(step.id, need)
        .map_err(Trouble::new)?;
    match &need.kind {
        NeedKind::Content | NeedKind::Tree | NeedKind::TreeWithLinks => Ok(supplied),
        NeedKind::Rendered(settings) => render(need, supplied, settings, evaluation),
    }
}

fn render(
    need: &Need,
    supplied: Supplied,
    settings: &TemplateSettings,
    evaluation: &Evaluation<'_>,
) -> Result<Supplied, Trouble> {
    let SuppliedContent::Here(bytes) = &supplied.content else {
        return Err(Trouble::new(format!(
            "`{}` is a directory, not a template",
            supplied.path
        )));
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Trouble::new(format!(
            "the template `{}` is not UTF-8 text",
            supplied.path
        )));
    };
    let mut own = supplied.variables.clone();
    own.insert("template_destpath", settings.destination.as_str());
    if !matches!(evaluation.variables.find("ansible_managed"), Found::Missing) {
        own.remove("ansible_managed");
    }
    let variables = Layered {
        first: &own,
        then: evaluation.variables,
    };
    let origin = Span::NONE;
    let rendered = evaluation
        .context
        .templar
        .render_file(
            text,
            origin,
            &FileSettings::from(settings),
            &evaluation.with(&variables).scope(),
        )
        .map_err(|error| Trouble::from(error).about(&format!("template `{}`", need.name)))?;
    let secret = supplied.secret || rendered.holds_secret();
    let mut text = rendered.to_text();
    if settings.newline != "\n" {
        text = text.replace('\n', &settings.newline);
    }
    let content = text.into_bytes();
    Ok(Supplied {
        size: u64::try_from(content.len()).unwrap_or(0),
        sha1: SuppliedSum::Known(hexadecimal(&Sha1::digest(&content))),
        content: SuppliedContent::Here(content),
        secret,
        ..supplied
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
