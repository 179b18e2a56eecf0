//! How much a worker may have told before somebody has listened. A hostile host can send valid reports without end; what waits of
//! them is bounded in two ways, both used by [`super::link`]:
//!
//! Reports on their way to whoever asked hold a part of the line's [`Budget`]; while it is spent, the line is not read, and the host
//! waits. What an order tells on its way (items, retries) stays until the screen's turn comes, so it has an [`Allowance`] for all
//! of it together; who goes beyond that is no worker of ours, because its step's result could not hold as much.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::wire::MAXIMUM_FRAME;

/// What a report costs besides its bytes: it takes more room here than on the wire.
const OVERHEAD: usize = 1 << 10;
/// What a question costs besides its bytes: a piece of the answer is in memory until the host has taken it.
const ANSWER: usize = 1 << 18;
/// The largest sum of an order's items and retries.
const TOLD: usize = 2 * MAXIMUM_FRAME;

/// A part of the budget; dropping it gives it back.
pub(super) type Charge = OwnedSemaphorePermit;

/// What may be under way on one line: one frame of the largest size, or many small ones.
pub(super) struct Budget {
    free: Arc<Semaphore>,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            free: Arc::new(Semaphore::new(MAXIMUM_FRAME)),
        }
    }

    /// Waits until a report of that size may be kept.
    pub(super) async fn report(&self, size: usize) -> Option<Charge> {
        self.take(size.saturating_add(OVERHEAD)).await
    }

    /// Waits until a question of that size may be answered.
    pub(super) async fn question(&self, size: usize) -> Option<Charge> {
        self.take(size.saturating_add(ANSWER)).await
    }

    async fn take(&self, size: usize) -> Option<Charge> {
        let size = u32::try_from(size.min(MAXIMUM_FRAME)).unwrap_or(u32::MAX);
        self.free.clone().acquire_many_owned(size).await.ok()
    }
}

/// What is left of what one order may tell before it ends.
pub(super) struct Allowance(usize);

impl Allowance {
    pub(super) fn new() -> Self {
        Self(TOLD)
    }

    /// Counts a report of that size; says no once there were too many.
    pub(super) fn spend(&mut self, size: usize) -> bool {
        let left = self.0.checked_sub(size.saturating_add(OVERHEAD));
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn t22_a_spent_budget_waits_for_what_is_given_back() {
        let budget = Budget::new();
        let largest = budget.report(usize::MAX).await;
        assert!(largest.is_some());
        let more = budget.report(1);
        tokio::pin!(more);
        let now = std::time::Duration::ZERO;
        assert!(tokio::time::timeout(now, &mut more).await.is_err());
        drop(largest);
        assert!(more.await.is_some());
        let mut questions = Vec::new();
        while let Ok(charge) = tokio::time::timeout(now, budget.question(40)).await {
            questions.push(charge);
        }
        assert!(
            (100..=256).contains(&questions.len()),
            "{}",
            questions.len()
        );
    }

    #[test]
    fn t22_an_allowance_ends() {
        let mut allowance = Allowance::new();
        assert!((0..2).all(|_| allowance.spend(MAXIMUM_FRAME - OVERHEAD)));
        assert!(!allowance.spend(0));
        assert!((0..TOLD).take_while(|_| allowance.spend(1)).count() == 0);
    }
}
