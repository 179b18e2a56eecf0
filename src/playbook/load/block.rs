//! Blocks.

use std::sync::Arc;

use super::documents::{items, whole};
use super::keywords::is_false;
use super::{Place, Session};
use crate::diag::Diagnostic;
use crate::playbook::model::{Block, Entry, Keywords, Scope, ScopeKind};
use crate::playbook::names::Owner;
use crate::value::Value;
use crate::yaml::Node;

impl Session<'_> {
    /// Loads a mapping with `block`, `rescue` or `always`. Among handlers only its tasks count, and only at the top.
    pub(super) fn block(&mut self, node: &Node, place: &Place, top: bool) -> Vec<Entry> {
        self.refuse_odd_keys(Owner::Block, node);
        if place.handlers && !top {
            let key = node.entry("block").map_or(node.span, |(key, _)| whole(key));
            self.report(
                Diagnostic::error(
                    "block-among-handlers",
                    "a block cannot stand inside of a handler's block",
                )
                .at(key, ""),
            );
            return Vec::new();
        }
        let mut keywords = Keywords::default();
        let mut name: Option<Value> = None;
        let mut faults = Vec::new();
        for item in items(node) {
            match item.name {
                "block" | "rescue" | "always" => {}
                "name" => name = self.shaped(item, super::shape::Shape::Text, &mut faults),
                _ if Owner::Block.has(item.name) => {
                    self.shared_keyword(item, &mut keywords, &mut faults);
                }
                _ => self.unknown_keyword(Owner::Block, item.name, item.key),
            }
        }
        self.look_at_variables(&keywords.vars);
        self.faults_of_many(faults, place.avoidable || !keywords.when.is_empty());
        if node.get("block").is_none_or(|block| {
            block.is_null() || block.as_sequence().is_some_and(<[Node]>::is_empty)
        }) {
            let section = ["rescue", "always"]
                .into_iter()
                .find_map(|key| node.entry(key).filter(|(_, value)| !value.is_null()));
            if let Some((key, _)) = section {
                let headline = format!(
                    "`{}` has no `block` whose tasks it is for",
                    key.as_str().unwrap_or_default()
                );
                self.report(Diagnostic::error("rescue-without-block", headline).at(whole(key), ""));
            }
        }
        let conditional = !keywords.when.is_empty()
            || (keywords.ignore_errors.is_some() && !is_false(keywords.ignore_errors.as_ref()));
        let scope = Arc::new(Scope {
            kind: ScopeKind::Block,
            keywords,
            span: node.span,
            parent: Some(Arc::clone(&place.scope)),
        });
        let inside = place.inside(Arc::clone(&scope));
        let rescued = node.get("rescue").is_some_and(|rescue| !rescue.is_null());
        let within = Place {
            avoidable: place.avoidable || conditional || rescued,
            ..inside.clone()
        };
        let after_failure = Place {
            avoidable: true,
            ..inside.clone()
        };
        let anyway = Place {
            avoidable: place.avoidable || conditional,
            ..inside
        };
        let empty = Node::null(node.span);
        let section = |key: &str| node.get(key).unwrap_or(&empty);
        let block = self.entries(section("block"), "`block`", &within, false);
        if place.handlers {
            return block;
        }
        let id = self.task_id();
        let rescue = self.entries(section("rescue"), "`rescue`", &after_failure, false);
        let always = self.entries(section("always"), "`always`", &anyway, false);
        vec![Entry::Block(Arc::new(Block {
            id,
            name,
            scope,
            block,
            rescue,
            always,
            span: node.span,
        }))]
    }

    /// Reports mistakes in what surrounds several tasks: errors, unless something may keep a run away from all of them.
    pub(super) fn faults_of_many(&mut self, faults: Vec<Diagnostic>, avoidable: bool) {
        for mut fault in faults {
            if avoidable {
                fault.severity = crate::diag::Severity::Warning;
            }
            self.report(fault);
        }
    }
}
