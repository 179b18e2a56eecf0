//! What a text uses, without evaluating it: variables, filters, tests, lookups, other templates.
//!
//! The static check finds unknown names with it before the first connection, the engine closes a batch's variables under
//! reference, and an expression's effect follows from its lookups and from the variables that reach beyond its host.
//! What cannot be told is said so ([`Uses::dynamic`]); a name that may or may not be a variable counts as one.

pub(super) mod shared;
mod walk;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use self::walk::Walk;
use super::error::TemplateError;
use super::settings::FileSettings;
use super::templar::{Passage, Templar};
use super::tree::{Statement, Takes, Template};
use crate::diag::{SourceMap, Span};
use crate::value::{Kind, Value};

/// What one or several texts use.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// The variables with what follows them as far as it is constant (`hostvars['a'].b` is `hostvars`, `a`, `b`), each with
    /// the place where it was met first. Functions of the language are not among them.
    pub names: BTreeMap<Vec<Arc<str>>, Span>,
    /// The filters, as they were written.
    pub filters: BTreeMap<Arc<str>, Span>,
    /// The tests, as they were written.
    pub tests: BTreeMap<Arc<str>, Span>,
    /// The functions of the language that are called, such as `now`.
    pub functions: BTreeMap<Arc<str>, Span>,
    /// The lookups, each use.
    pub lookups: Vec<LookupUse>,
    /// The template files that are included, imported or extended by a constant name.
    pub includes: BTreeMap<Arc<str>, Span>,
    /// It reaches variables, lookups or files whose names only the run can tell.
    pub dynamic: bool,
    /// Texts that cannot be read.
    pub errors: Vec<TemplateError>,
}

/// One use of a lookup.
#[derive(Clone, Debug)]
pub struct LookupUse {
    /// Its name, if that is constant.
    pub name: Option<Arc<str>>,
    /// Its terms, where they are constant.
    pub terms: Vec<Option<Value>>,
    /// Where it stands.
    pub span: Span,
}

impl Uses {
    /// Returns the variables' own names.
    pub fn variables(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.keys().filter_map(|path| path.first())
    }

    /// Adds what another text uses.
    pub fn extend(&mut self, other: Self) {
        for (name, span) in other.names {
            self.names.entry(name).or_insert(span);
        }
        for (into, from) in [
            (&mut self.filters, other.filters),
            (&mut self.tests, other.tests),
            (&mut self.functions, other.functions),
            (&mut self.includes, other.includes),
        ] {
            for (name, span) in from {
                into.entry(name).or_insert(span);
            }
        }
        self.lookups.extend(other.lookups);
        self.dynamic |= other.dynamic;
        self.errors.extend(other.errors);
    }
}

impl Templar {
    /// Returns what the trusted texts in the value use, deep inside too.
    pub fn uses(&self, value: &Value, sources: Option<&SourceMap>) -> Uses {
        let mut uses = Uses::default();
        self.add_value(value, sources, &mut uses);
        uses
    }

    /// Returns what a bare expression uses.
    pub fn uses_of_expression(
        &self,
        text: &str,
        origin: Span,
        sources: Option<&SourceMap>,
    ) -> Uses {
        self.uses_of_text(text, origin, None, sources)
    }

    /// Returns what a condition uses, as [`Templar::condition`] takes it.
    pub fn uses_of_condition(&self, condition: &Value, sources: Option<&SourceMap>) -> Uses {
        let mut uses = Uses::default();
        match condition.kind() {
            Kind::List(items) | Kind::Tuple(items) => {
                for item in items.iter() {
                    uses.extend(self.uses_of_condition(item, sources));
                }
            }
            Kind::Str(text) if condition.is_trusted() => {
                if FileSettings::default().is_wholly_template(text.trim()) {
                    // Its result is an expression that only the run can tell, if it is text.
                    self.add_value(condition, sources, &mut uses);
                } else if !text.trim().is_empty() {
                    let origin = condition.origin();
                    let compiled = self.compile(
                        Passage {
                            text,
                            origin,
                            sources,
                        },
                        None,
                    );
                    self.add(compiled, origin, sources, true, &mut uses);
                }
            }
            _ => {}
        }
        uses
    }

    /// Returns what the text of a template file uses; what it includes has to be asked for by name.
    pub fn uses_of_file(
        &self,
        text: &str,
        origin: Span,
        settings: &FileSettings,
        sources: Option<&SourceMap>,
    ) -> Uses {
        self.uses_of_text(text, origin, Some(settings), sources)
    }

    /// The text is a template with these settings, or an expression without any.
    fn uses_of_text(
        &self,
        text: &str,
        origin: Span,
        settings: Option<&FileSettings>,
        sources: Option<&SourceMap>,
    ) -> Uses {
        let mut uses = Uses::default();
        let text: Arc<str> = text.into();
        let passage = Passage {
            text: &text,
            origin,
            sources,
        };
        let compiled = self.compile(passage, settings);
        self.add(compiled, origin, sources, false, &mut uses);
        uses
    }

    fn add_value(&self, value: &Value, sources: Option<&SourceMap>, uses: &mut Uses) {
        match value.kind() {
            Kind::Str(text) if value.is_trusted() && self.is_template(text) => {
                let origin = value.origin();
                self.add(
                    self.compile_scalar(Passage {
                        text,
                        origin,
                        sources,
                    }),
                    origin,
                    sources,
                    false,
                    uses,
                );
            }
            Kind::List(items) | Kind::Tuple(items) => items
                .iter()
                .for_each(|item| self.add_value(item, sources, uses)),
            Kind::Dict(dict) => dict
                .values()
                .for_each(|item| self.add_value(item, sources, uses)),
            _ => {}
        }
    }

    fn add(
        &self,
        compiled: Result<Arc<Template>, TemplateError>,
        origin: Span,
        sources: Option<&SourceMap>,
        embedded: bool,
        uses: &mut Uses,
    ) {
        match compiled {
            Ok(template) => {
                let mut walk = Walk {
                    templar: self,
                    template: &template,
                    origin,
                    sources,
                    embedded,
                    scopes: Vec::new(),
                    uses,
                };
                walk.scopes.push(HashSet::new());
                walk.statements(&template.body);
            }
            Err(error) => uses.errors.push(error),
        }
    }
}

/// Returns which of the special names a macro's body uses.
pub(super) fn takes(body: &[Statement]) -> Takes {
    let templar = Templar::new();
    let template = Template {
        text: "".into(),
        settings: Arc::default(),
        body: Vec::new(),
        blocks: indexmap::IndexMap::new(),
    };
    let mut uses = Uses::default();
    let scopes = vec![HashSet::new()];
    let mut walk = Walk {
        templar: &templar,
        template: &template,
        origin: Span::NONE,
        sources: None,
        embedded: false,
        scopes,
        uses: &mut uses,
    };
    walk.statements(body);
    let has = |name: &str| uses.variables().any(|variable| variable.as_ref() == name);
    Takes {
        varargs: has("varargs"),
        kwargs: has("kwargs"),
        caller: has("caller"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Uses {
        Templar::new().uses(&Value::template(text, Span::NONE), None)
    }

    fn names(uses: &Uses) -> Vec<String> {
        uses.names.keys().map(|path| path.join("/")).collect()
    }

    #[test]
    fn names_carry_their_constant_path() {
        let uses = of("{{ hostvars['a'].b[0] ~ x.y[z].w ~ d.items() }}");
        assert_eq!(names(&uses), ["d", "hostvars/a/b/0", "x/y", "z"]);
        assert!(!uses.dynamic);
    }

    #[test]
    fn local_names_are_not_variables() {
        let uses = of(
            "{% set a = b %}{{ a }}{% for i in c if i %}{{ i }}{{ loop.index }}{% endfor %}{% macro m(x, y=e) %}{{ x }}{{ y }}{{ caller() }}{% endmacro %}{{ m(f) }}",
        );
        assert_eq!(names(&uses), ["b", "c", "e", "f"]);
    }

    #[test]
    fn a_name_set_in_one_branch_may_be_a_variable() {
        assert_eq!(
            names(&of("{% if a %}{% set b = 1 %}{% endif %}{{ b }}")),
            ["a", "b"]
        );
        assert_eq!(names(&of("{{ i }}{% for i in [1] %}{% endfor %}")), ["i"]);
    }

    #[test]
    fn filters_and_tests_are_found_through_map_and_select() {
        let uses = of(
            "{{ x | map('upper') | select('odd') | selectattr('a', 'equalto', 1) | list is defined }}",
        );
        let filters: Vec<&str> = uses.filters.keys().map(AsRef::as_ref).collect();
        let tests: Vec<&str> = uses.tests.keys().map(AsRef::as_ref).collect();
        assert_eq!(filters, ["list", "map", "select", "selectattr", "upper"]);
        assert_eq!(tests, ["defined", "equalto", "odd"]);
    }

    #[test]
    fn lookups_tell_their_constant_terms() {
        let uses =
            of("{{ lookup('file', '{{ p }}/x') ~ query('env', 'HOME') ~ lookup('vars', 'v') }}");
        let found: Vec<(Option<&str>, usize)> = uses
            .lookups
            .iter()
            .map(|lookup| {
                (
                    lookup.name.as_deref(),
                    lookup.terms.iter().flatten().count(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [(Some("file"), 0), (Some("env"), 1), (Some("vars"), 1)]
        );
        assert_eq!(names(&uses), ["p", "v"]);
        assert!(!uses.dynamic);
    }

    #[test]
    fn what_only_the_run_can_tell_is_dynamic() {
        for text in [
            "{{ vars[x] }}",
            "{{ vars }}",
            "{{ lookup(x) }}",
            "{{ lookup('vars', x) }}",
            "{% include x %}",
        ] {
            assert!(of(text).dynamic, "{text}");
        }
        assert!(!of("{{ vars['x'] }}{% include 'a' %}").dynamic);
        assert_eq!(names(&of("{{ vars['x'].y }}")), ["vars/x/y", "x/y"]);
    }

    #[test]
    fn untrusted_text_uses_nothing() {
        assert!(
            Templar::new()
                .uses(&Value::text("{{ x }}"), None)
                .names
                .is_empty()
        );
    }

    #[test]
    fn a_text_that_cannot_be_read_is_an_error() {
        assert_eq!(of("{{ 1 + }}").errors.len(), 1);
    }

    #[test]
    fn conditions_look_into_their_constants() {
        let templar = Templar::new();
        let uses = templar.uses_of_condition(&Value::template("'{{ a }}' == b", Span::NONE), None);
        assert_eq!(names(&uses), ["a", "b"]);
    }
}
