//! What a play is run with, and what it states of itself.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::events::Event;
use super::links::Links;
use super::outside::Outside;
use super::run_state::RunState;
use super::scope::HostScope;
use crate::diag::Diagnostic;
use crate::playbook::{Loader, Play};
use crate::value::Value;

/// What a play is run with.
pub(super) struct Context<'a> {
    pub(super) run: &'a Arc<RunState>,
    pub(super) loader: &'a Arc<Loader>,
    pub(super) links: &'a Arc<Links>,
    pub(super) events: &'a mpsc::UnboundedSender<Event>,
    pub(super) interrupted: &'a watch::Receiver<bool>,
}

/// Renders what a play states with nothing but the play's own variables and the extra ones.
pub(super) fn render_for_play(
    run: &RunState,
    play: &Arc<Play>,
    value: &Value,
) -> Result<Value, Diagnostic> {
    let scope = HostScope::new(run, None, Some(&play.scope), &"localhost".into());
    let vars = crate::vars::Layered {
        first: &scope,
        then: &play.scope.keywords.vars,
    };
    let outside = Outside { scope: &scope };
    let template_scope = crate::template::Scope {
        variables: &vars,
        outside: Some(&outside),
        sources: Some(&run.sources),
    };
    run.templar
        .render(value, &template_scope)
        .map_err(|error| Diagnostic::from(error.located(&run.sources)))
}
