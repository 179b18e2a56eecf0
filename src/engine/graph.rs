//! Which steps wait for which: the slots of a play as nodes, an edge for each pair of which the later must not start on one
//! host before the earlier has ended on the others.
//!
//! Steps of one host follow one another by themselves and need no edge. An edge that follows from others is left out: a world
//! step stands between everything before it and everything behind it.

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

use super::slots::{Program, SlotKind};
use crate::kit::Effect;

/// What a step does with files of the controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ControllerFiles {
    /// Nothing.
    #[default]
    None,
    /// It reads some.
    Reads,
    /// It may write some.
    Writes,
}

/// How far a slot reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) effect: Effect,
    pub(super) files: ControllerFiles,
}

impl Reach {
    pub(super) const NOTHING: Self = Self {
        effect: Effect::Pure,
        files: ControllerFiles::None,
    };
    pub(super) const WORLD: Self = Self {
        effect: Effect::World,
        files: ControllerFiles::Writes,
    };
}

/// Why one step waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// One of them may change anything anywhere.
    World,
    /// One shows what the other may see.
    Seen,
    /// Both use files of the controller, and one writes.
    Files,
}

/// Tells why a step must wait for an earlier one of another host, if it must. A host step counts as one that shows: whether its
/// plan is empty is known only when it is done.
pub(super) fn wait(earlier: Reach, later: Reach) -> Option<Wait> {
    use Effect::{Host, Pure, Sees, Shows, World};
    let by_effect = match (earlier.effect, later.effect) {
        (World, _) | (_, World) => Some(Wait::World),
        (Pure, _) | (_, Pure) | (Host, Host) | (Sees, Sees) => None,
        (Host | Sees | Shows, Host | Sees | Shows) => Some(Wait::Seen),
    };
    let by_files = match (earlier.files, later.files) {
        (ControllerFiles::None, _)
        | (_, ControllerFiles::None)
        | (ControllerFiles::Reads, ControllerFiles::Reads) => None,
        _ => Some(Wait::Files),
    };
    by_effect.or(by_files)
}

/// What a step waits for on other hosts: the last place of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Before {
    /// Steps that must have ended before it begins.
    pub(super) begin: Option<usize>,
    /// Steps that must have ended before it begins, unless none of them changes anything: then it may have begun before
    /// ([`super::foresight`]).
    pub(super) foresee: Option<usize>,
    /// Steps that must have ended before it changes anything.
    pub(super) change: Option<usize>,
}

/// The waits of a program.
#[derive(Debug, Default)]
pub(super) struct Waits {
    graph: DiGraph<usize, Wait>,
    before: Vec<Before>,
}

impl Waits {
    /// Builds the graph for the slots of `program`, whose reach `reach` tells by place. A free strategy has no waits.
    ///
    /// A host goes through its steps in order, so of several steps that are alike only the last one needs an edge.
    pub(super) fn build(program: &Program, reach: impl Fn(usize) -> Reach, free: bool) -> Self {
        let mut graph = DiGraph::new();
        let count = program.slots().len();
        let nodes: Vec<NodeIndex> = (0..count).map(|place| graph.add_node(place)).collect();
        let mut before = vec![Before::default(); count];
        if free {
            return Self { graph, before };
        }
        // Since the last world step: of each reach the last step that a later one may have to wait for.
        let mut open: Vec<(Reach, usize)> = Vec::new();
        for (place, slot) in program.slots().iter().enumerate() {
            if !matters(&slot.kind) {
                continue;
            }
            let later = reach(place);
            for &(earlier, at) in &open {
                let Some(why) = wait(earlier, later) else {
                    continue;
                };
                if let (Some(from), Some(to)) = (nodes.get(at), nodes.get(place)) {
                    graph.add_edge(*from, *to, why);
                }
                if let Some(before) = before.get_mut(place) {
                    let last = match (why, later.effect) {
                        (Wait::Seen, Effect::Host) => &mut before.change,
                        // What only sees may wait, or ask a server for something: that is no plan.
                        (Wait::Seen, Effect::Shows) => &mut before.foresee,
                        _ => &mut before.begin,
                    };
                    *last = (*last).max(Some(at));
                }
            }
            if later.effect == Effect::World {
                open.clear();
            }
            open.retain(|(known, _)| *known != later);
            open.push((later, place));
        }
        Self { graph, before }
    }

    /// Returns what a step at `place` waits for.
    pub(super) fn before(&self, place: usize) -> Before {
        self.before.get(place).copied().unwrap_or_default()
    }

    /// Returns each wait of the step at `place`: the earlier step, and why.
    pub(super) fn reasons(&self, place: usize) -> Vec<(usize, Wait)> {
        let node = NodeIndex::new(place);
        let mut reasons: Vec<(usize, Wait)> = self
            .graph
            .edges_directed(node, Direction::Incoming)
            .filter_map(|edge| Some((*self.graph.node_weight(edge.source())?, *edge.weight())))
            .collect();
        reasons.sort_unstable_by_key(|(place, _)| *place);
        reasons
    }
}

/// Marks of blocks and roles keep nobody waiting.
fn matters(kind: &SlotKind) -> bool {
    matches!(
        kind,
        SlotKind::Task(_) | SlotKind::Handler(_) | SlotKind::Flush
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(effect: Effect) -> Reach {
        Reach {
            effect,
            files: ControllerFiles::None,
        }
    }

    fn waits(effects: &[Effect]) -> Waits {
        let mut program = Program::default();
        for _ in effects {
            program.push(SlotKind::Flush);
        }
        Waits::build(&program, |place| reach(effects[place]), false)
    }

    fn places(effects: &[Effect], place: usize) -> Vec<usize> {
        let reasons = waits(effects).reasons(place);
        reasons.into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn a_world_step_waits_for_all_and_all_wait_for_it() {
        use Effect::{Host, Pure, World};
        assert_eq!(places(&[Host, Pure, World, Host], 2), [0, 1]);
        assert_eq!(places(&[Host, Pure, World, Host], 3), [2]);
        assert_eq!(waits(&[World, Host]).before(1).begin, Some(0));
    }

    #[test]
    fn host_steps_do_not_wait_for_each_other() {
        use Effect::{Host, Pure, Sees, Shows};
        assert!(places(&[Host, Host, Pure, Host], 3).is_empty());
        assert_eq!(places(&[Host, Sees], 1), [0]);
        assert_eq!(places(&[Sees, Sees, Shows], 2), [1]);
        assert!(places(&[Sees, Sees], 1).is_empty());
    }

    #[test]
    fn a_host_step_may_find_out_what_it_would_change_ahead_of_its_turn() {
        use Effect::{Host, Shows, World};
        let waits = waits(&[World, Shows, Host]);
        let before = Before {
            begin: Some(0),
            foresee: None,
            change: Some(1),
        };
        assert_eq!(waits.before(2), before);
        let shows = Before {
            begin: Some(0),
            foresee: None,
            change: None,
        };
        assert_eq!(waits.before(1), shows);
    }

    #[test]
    fn a_step_that_shows_may_be_foreseen_and_one_that_sees_may_not() {
        use Effect::{Host, Sees, Shows, World};
        let waits = waits(&[World, Host, Shows, Shows, Sees]);
        let shows = Before {
            begin: Some(0),
            foresee: Some(1),
            change: None,
        };
        assert_eq!(waits.before(2), shows);
        assert_eq!(waits.before(3).foresee, Some(2));
        assert_eq!(waits.before(4).begin, Some(3));
    }

    #[test]
    fn files_of_the_controller_keep_their_order() {
        let reads = Reach {
            effect: Effect::Host,
            files: ControllerFiles::Reads,
        };
        let writes = Reach {
            effect: Effect::Host,
            files: ControllerFiles::Writes,
        };
        assert_eq!(wait(reads, reads), None);
        assert_eq!(wait(reads, writes), Some(Wait::Files));
    }
}
