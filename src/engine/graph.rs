//! Which steps wait for which: the slots of a play as nodes, an edge for each pair of which the later must not start on one
//! host before the earlier has ended on the others.
//!
//! Steps of one host follow one another by themselves and need no edge. An edge that follows from others is left out: a world
//! step stands between everything before it and everything behind it.

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

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

/// The waits of a program.
#[derive(Debug, Default)]
pub(super) struct Waits {
    graph: DiGraph<usize, Wait>,
    nodes: Vec<NodeIndex>,
}

impl Waits {
    /// Builds the graph for the slots of `program`, whose reach `reach` tells by place. A free strategy has no waits.
    pub(super) fn build(program: &Program, reach: impl Fn(usize) -> Reach, free: bool) -> Self {
        let mut graph = DiGraph::new();
        let nodes: Vec<NodeIndex> = (0..program.slots().len())
            .map(|place| graph.add_node(place))
            .collect();
        if free {
            return Self { graph, nodes };
        }
        let reaches: Vec<Reach> = (0..nodes.len()).map(&reach).collect();
        // Steps since the last world step that a later one may have to wait for.
        let mut open: Vec<usize> = Vec::new();
        for (place, (later, slot)) in reaches.iter().zip(program.slots()).enumerate() {
            if !matters(&slot.kind) {
                continue;
            }
            for &before in &open {
                let (Some(earlier), Some(from), Some(to)) =
                    (reaches.get(before), nodes.get(before), nodes.get(place))
                else {
                    continue;
                };
                if let Some(why) = wait(*earlier, *later) {
                    graph.add_edge(*from, *to, why);
                }
            }
            if later.effect == Effect::World {
                open.clear();
            }
            open.push(place);
        }
        Self { graph, nodes }
    }

    /// Returns the places that a step at `place` waits for on other hosts.
    pub(super) fn before(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        self.nodes
            .get(place)
            .into_iter()
            .flat_map(|node| self.graph.neighbors_directed(*node, Direction::Incoming))
            .filter_map(|node| self.graph.node_weight(node).copied())
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

    fn before(effects: &[Effect], place: usize) -> Vec<usize> {
        let mut program = Program::default();
        for _ in effects {
            program.push(SlotKind::Flush);
        }
        let waits = Waits::build(&program, |place| reach(effects[place]), false);
        let mut places: Vec<usize> = waits.before(place).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn a_world_step_waits_for_all_and_all_wait_for_it() {
        use Effect::{Host, Pure, World};
        assert_eq!(before(&[Host, Pure, World, Host], 2), [0, 1]);
        assert_eq!(before(&[Host, Pure, World, Host], 3), [2]);
    }

    #[test]
    fn host_steps_do_not_wait_for_each_other() {
        use Effect::{Host, Pure, Sees, Shows};
        assert!(before(&[Host, Host, Pure, Host], 3).is_empty());
        assert_eq!(before(&[Host, Sees], 1), [0]);
        assert_eq!(before(&[Sees, Sees, Shows], 2), [0, 1]);
        assert!(before(&[Sees, Sees], 1).is_empty());
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
