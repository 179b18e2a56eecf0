//! What a text uses, found out once for all who ask: the engine packs the same texts for every host of a play.
//!
//! Places are those of whoever asked first, so this is for questions that have nothing to do with places.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::Uses;
use crate::template::templar::Templar;
use crate::value::{Kind, Value};

/// How many texts of one sort are remembered.
const KEPT: usize = 20_000;

/// What texts of one sort use.
pub(in crate::template) type Known = RwLock<HashMap<Arc<str>, Arc<Uses>>>;

fn known(all: &Known, text: &Arc<str>, find: impl FnOnce() -> Uses) -> Arc<Uses> {
    let found = all
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(text.as_ref())
        .cloned();
    found.unwrap_or_else(|| {
        let uses = Arc::new(find());
        let mut all = all.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() < KEPT {
            all.insert(Arc::clone(text), Arc::clone(&uses));
        }
        uses
    })
}

impl Templar {
    /// Shows `take` what each trusted text in the value uses, deep inside too, until it has seen enough.
    pub fn each_use(&self, value: &Value, take: &mut dyn FnMut(&Uses) -> Option<()>) -> Option<()> {
        match value.kind() {
            Kind::Str(text) if value.is_trusted() && self.is_template(text) => {
                take(&known(&self.used_by_scalars, text, || {
                    self.uses(value, None)
                }))
            }
            Kind::List(items) | Kind::Tuple(items) => {
                items.iter().try_for_each(|item| self.each_use(item, take))
            }
            Kind::Dict(dict) => dict.values().try_for_each(|item| self.each_use(item, take)),
            _ => Some(()),
        }
    }

    /// Shows `take` what each text of a condition uses, until it has seen enough.
    pub fn each_use_of_condition(
        &self,
        condition: &Value,
        take: &mut dyn FnMut(&Uses) -> Option<()>,
    ) -> Option<()> {
        match condition.kind() {
            Kind::List(items) | Kind::Tuple(items) => items
                .iter()
                .try_for_each(|item| self.each_use_of_condition(item, take)),
            Kind::Str(text) if condition.is_trusted() => {
                let find = || self.uses_of_condition(condition, None);
                take(&known(&self.used_by_conditions, text, find))
            }
            _ => Some(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;
    use crate::value::Dict;

    fn names(uses: &Uses) -> Vec<String> {
        uses.variables().map(ToString::to_string).collect()
    }

    #[test]
    fn each_text_shows_its_names_whoever_asks() {
        let templar = Templar::new();
        let value = Value::dict(
            Dict::new()
                .with("x", Value::template("{{ a }}", Span::NONE))
                .with("y", Value::list([Value::template("{{ b }}", Span::NONE)]))
                .with("z", Value::text("{{ untrusted }}")),
        );
        for _ in 0..2 {
            let mut seen = Vec::new();
            let all = templar.each_use(&value, &mut |uses| {
                seen.extend(names(uses));
                Some(())
            });
            assert_eq!((all, seen), (Some(()), vec!["a".into(), "b".into()]));
        }
    }

    #[test]
    fn a_text_is_one_thing_as_a_condition_and_another_as_a_template() {
        let templar = Templar::new();
        let text = Value::template("a == '{{ b }}'", Span::NONE);
        let ask = |condition: bool| {
            let mut seen = Vec::new();
            let mut take = |uses: &Uses| {
                seen.extend(names(uses));
                Some(())
            };
            if condition {
                templar.each_use_of_condition(&text, &mut take);
            } else {
                templar.each_use(&text, &mut take);
            }
            seen
        };
        assert_eq!(ask(false), ["b"]);
        assert_eq!(ask(true), ["a", "b"]);
        assert!(
            templar
                .each_use_of_condition(&Value::list([text.clone()]), &mut |_| None)
                .is_none()
        );
    }
}
