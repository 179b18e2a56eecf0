//! `with_NAME:` loops: a lookup whose terms are the keyword's value.

use super::Templar;
use super::call::Callback;
use super::error::TemplateError;
use super::evaluate::Evaluator;
use super::templar::Scope;
use crate::value::Value;

impl Templar {
    /// Returns the items of a `with_NAME:` loop. `terms` is a template, a list of terms, or one term.
    pub fn loop_lookup(
        &self,
        name: &str,
        terms: &Value,
        scope: &Scope<'_>,
    ) -> Result<Vec<Value>, TemplateError> {
        let evaluator = Evaluator::new(self, scope);
        let run = || {
            // `first_found` may try names that hang on something undefined: it passes over them.
            let tolerant = name.rsplit('.').next() == Some("first_found");
            let rendered = if tolerant {
                evaluator.deep(terms)?
            } else {
                evaluator.finished(terms)?
            };
            let list = rendered
                .as_list()
                .map_or_else(|| vec![rendered.clone()], <[Value]>::to_vec);
            Callback::lookup(&evaluator, name, list, Vec::new())
                .map_err(|error| error.at(terms.origin()))
        };
        run().map_err(|error| evaluator.helped(error))
    }
}
