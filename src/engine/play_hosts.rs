//! In which order and in what portions the hosts of a play have their turn: `order` and `serial`. Called by `play`.

use std::sync::Arc;

use super::play_context::render_for_play;
use super::run_state::RunState;
use crate::diag::Diagnostic;
use crate::playbook::Play;
use crate::value::Value;

/// `order:`.
pub(super) fn ordered(mut hosts: Vec<Arc<str>>, play: &Arc<Play>, run: &RunState) -> Vec<Arc<str>> {
    let order = play
        .order
        .as_ref()
        .and_then(|value| render_for_play(run, play, value).ok())
        .map(|value| value.to_text());
    match order.as_deref() {
        Some("sorted") => hosts.sort(),
        Some("reverse_sorted") => {
            hosts.sort();
            hosts.reverse();
        }
        Some("reverse_inventory") => hosts.reverse(),
        Some("shuffle") => {
            let mut seed = u64::from(std::process::id()) ^ 0x9e37_79b9_7f4a_7c15;
            for last in (1..hosts.len()).rev() {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(seed >> 33).unwrap_or(0) % (last + 1);
                hosts.swap(last, at);
            }
        }
        _ => {}
    }
    hosts
}

/// Returns the sizes of the batches that `serial` asks for; the last one repeats.
pub(super) fn serial(
    play: &Arc<Play>,
    run: &RunState,
    hosts: usize,
) -> Result<Vec<usize>, Diagnostic> {
    let mut sizes = Vec::new();
    for written in &play.serial {
        let rendered = render_for_play(run, play, written)?;
        let items = rendered
            .as_list()
            .map_or_else(|| vec![rendered.clone()], <[Value]>::to_vec);
        for item in items {
            let text = item.to_text();
            let wrong = || {
                Diagnostic::error(
                    "serial",
                    format!("`serial` must be a number or a percentage, not `{text}`"),
                )
                .at(written.origin().or(play.span), "")
            };
            let size = match text.strip_suffix('%') {
                Some(percent) => {
                    let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
                    #[expect(
                        clippy::cast_precision_loss,
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "a share of some hosts"
                    )]
                    let share = (hosts as f64 * percent / 100.0) as usize;
                    share.max(1)
                }
                None => text.trim().parse().map_err(|_| wrong())?,
            };
            sizes.push(size);
        }
    }
    Ok(sizes)
}

pub(super) fn split(hosts: &[Arc<str>], sizes: &[usize]) -> Vec<Vec<Arc<str>>> {
    let mut batches = Vec::new();
    let mut rest = hosts;
    let mut sizes = sizes.iter().copied().filter(|size| *size > 0).peekable();
    let mut size = rest.len();
    while !rest.is_empty() {
        size = sizes.next().unwrap_or(size);
        let (batch, tail) = rest.split_at(size.min(rest.len()));
        batches.push(batch.to_vec());
        rest = tail;
    }
    batches
}
