//! The door to templates: compiled texts shared by all who render, and the calls that the rest of kplay makes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::analysis::shared::Known;
use super::context::LookupContext;
use super::error::TemplateError;
use super::evaluate::{Evaluator, leave};
use super::literal::Backslash;
use super::settings::FileSettings;
use super::syntax::{self, Source};
use super::tree::Template;
use crate::diag::{SourceMap, Span};
use crate::value::{Kind, Marks, Value};
use crate::vars::Variables;

/// How many compiled texts of one sort are kept.
const KEPT: usize = 20_000;

/// What a template is rendered in.
pub struct Scope<'a> {
    /// The variables.
    pub variables: &'a dyn Variables,
    /// The controller, where this is it.
    pub outside: Option<&'a dyn LookupContext>,
    /// The texts of the run, where they are at hand, for exact places of errors.
    pub sources: Option<&'a SourceMap>,
}

/// Renders templates. One is shared by a whole run; it remembers what it compiled.
#[derive(Default)]
pub struct Templar {
    scalars: RwLock<Compiled<Arc<str>>>,
    expressions: RwLock<Compiled<Arc<str>>>,
    files: RwLock<Compiled<(Arc<str>, FileSettings)>>,
    included: RwLock<HashMap<PathBuf, (Arc<str>, Span)>>,
    pub(super) used_by_scalars: Known,
    pub(super) used_by_conditions: Known,
    allow_broken_conditionals: bool,
}

type Compiled<K> = HashMap<K, Arc<Template>>;

/// A text to compile, and where it was written.
#[derive(Clone, Copy)]
pub(super) struct Passage<'a> {
    pub(super) text: &'a Arc<str>,
    pub(super) origin: Span,
    pub(super) sources: Option<&'a SourceMap>,
}

impl Templar {
    /// Returns one that has compiled nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes any value as a condition's result (`ALLOW_BROKEN_CONDITIONALS`).
    #[must_use]
    pub fn allowing_broken_conditionals(mut self, allow: bool) -> Self {
        self.allow_broken_conditionals = allow;
        self
    }

    /// Tells whether text holds something to evaluate (a template that cannot be read does).
    pub fn is_template(&self, text: &str) -> bool {
        let mut rest = text.as_bytes();
        while let Some(index) = rest.iter().position(|byte| *byte == b'{') {
            if matches!(rest.get(index + 1), Some(b'{' | b'%' | b'#')) {
                return true;
            }
            rest = rest.get(index + 1..).unwrap_or(&[]);
        }
        text.starts_with(super::settings::HEADER)
    }

    /// Renders trusted text in the value, deep inside too (keys of dictionaries stay as they are). The result is data.
    pub fn render(&self, value: &Value, scope: &Scope<'_>) -> Result<Value, TemplateError> {
        let evaluator = Evaluator::new(self, scope);
        evaluator
            .finished(value)
            .map_err(|error| evaluator.helped(error))
    }

    /// Returns the value of a bare expression, as `debug: var=` and `until` hold one.
    pub fn expression(
        &self,
        text: &str,
        origin: Span,
        scope: &Scope<'_>,
    ) -> Result<Value, TemplateError> {
        let evaluator = Evaluator::new(self, scope);
        evaluator
            .expression(&text.into(), origin, false)
            .and_then(leave)
            .map_err(|error| evaluator.helped(error))
    }

    /// Returns whether a condition holds: a truth value, trusted text that is an expression, or a list of those (all must).
    pub fn condition(&self, condition: &Value, scope: &Scope<'_>) -> Result<bool, TemplateError> {
        if let Some(conditions) = condition.as_list() {
            for condition in conditions {
                if !self.condition(condition, scope)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        let evaluator = Evaluator::new(self, scope);
        self.holds(condition, &evaluator)
            .map_err(|error| evaluator.helped(error.at(condition.origin())))
    }

    fn holds(&self, condition: &Value, evaluator: &Evaluator<'_>) -> Result<bool, TemplateError> {
        let broken = |message: &str| TemplateError::new(message);
        let mut condition = condition.clone();
        // The second round is for a template whose result is the expression.
        for round in 0..2 {
            let text = match condition.kind() {
                Kind::Bool(value) => return Ok(*value),
                Kind::Str(text) if !text.trim().is_empty() => text.trim(),
                Kind::Str(_) | Kind::Null if self.allow_broken_conditionals => return Ok(true),
                Kind::Str(_) | Kind::Null => return Err(broken("the condition is empty")),
                Kind::Undefined(fault) => return Err(TemplateError::Fault(fault.as_ref().clone())),
                _ if self.allow_broken_conditionals => {
                    return Ok(evaluator.finished(&condition)?.is_true());
                }
                _ if round > 0 => return self.truth(&condition),
                _ => return Err(broken("a condition has to be text or a boolean")),
            };
            if !condition.is_trusted() {
                return Err(broken(
                    "a condition from data that came at run time is not evaluated",
                ));
            }
            if round == 0 && FileSettings::default().is_wholly_template(text) {
                condition = evaluator.deep(&condition)?;
                continue;
            }
            let lead = condition
                .as_str()
                .map_or(0, |whole| whole.len() - whole.trim_start().len());
            let text: Arc<str> = if lead == 0 {
                text.into()
            } else {
                condition.as_str().unwrap_or(text).trim_end().into()
            };
            let value = evaluator.expression(&text, condition.origin(), true)?;
            let value = leave(value)?;
            return self.truth(&value);
        }
        Err(broken("the condition is a template of a template"))
    }

    fn truth(&self, value: &Value) -> Result<bool, TemplateError> {
        match value.as_bool() {
            Some(value) => Ok(value),
            None if self.allow_broken_conditionals => Ok(value.is_true()),
            None => {
                let mut error = TemplateError::new(format!(
                    "the condition's result is of type `{}`, and has to be a boolean",
                    value.type_name()
                ));
                if let TemplateError::Fault(fault) = &mut error {
                    fault.help = Some("compare it, or ask for its truth with `| bool`, `is truthy` or `| length > 0`".to_owned());
                }
                Err(error)
            }
        }
    }

    /// Renders the text of a template file. The result is text unless the file is a single expression.
    pub fn render_file(
        &self,
        text: &str,
        origin: Span,
        settings: &FileSettings,
        scope: &Scope<'_>,
    ) -> Result<Value, TemplateError> {
        let evaluator = Evaluator::new(self, scope);
        let value = evaluator
            .file(&text.into(), origin, settings)
            .map_err(|error| evaluator.helped(error))?;
        let marks = value.marks() & Marks::SECRET;
        let secret = value.holds_secret();
        let text = match value.kind() {
            Kind::Null => Value::text(""),
            Kind::Str(text) => Value::text(Arc::clone(text)),
            _ => Value::from(value.to_text()),
        };
        Ok(super::operators::marked(text.with_marks(marks), secret))
    }

    /// Compiles the text of a scalar.
    pub(super) fn compile_scalar(&self, text: Passage<'_>) -> Result<Arc<Template>, TemplateError> {
        if let Some(template) = read(&self.scalars).get(text.text.as_ref()) {
            return Ok(Arc::clone(template));
        }
        let settings = FileSettings::default();
        let template = Arc::new(read_with(text, &settings, Backslash::Literal)?);
        keep(&self.scalars, Arc::clone(text.text), &template);
        Ok(template)
    }

    /// Compiles an expression, or a template file where settings are given.
    pub(super) fn compile(
        &self,
        text: Passage<'_>,
        settings: Option<&FileSettings>,
    ) -> Result<Arc<Template>, TemplateError> {
        let Some(settings) = settings else {
            if let Some(template) = read(&self.expressions).get(text.text.as_ref()) {
                return Ok(Arc::clone(template));
            }
            let Passage {
                text,
                origin,
                sources,
            } = text;
            let template = Arc::new(syntax::expression(&Source {
                text,
                origin,
                sources,
            })?);
            keep(&self.expressions, Arc::clone(text), &template);
            return Ok(template);
        };
        let key = (Arc::clone(text.text), settings.clone());
        if let Some(template) = read(&self.files).get(&key) {
            return Ok(Arc::clone(template));
        }
        let template = Arc::new(read_with(text, settings, Backslash::Escape)?);
        keep(&self.files, key, &template);
        Ok(template)
    }

    /// Returns the text of an included file with its place among the sources; the same text of a file is added once.
    pub(super) fn source(
        &self,
        path: &Path,
        content: String,
        secret: bool,
        sources: Option<&SourceMap>,
    ) -> (Arc<str>, Span) {
        if let Some((text, origin)) = read(&self.included).get(path)
            && **text == *content
        {
            return (Arc::clone(text), *origin);
        }
        let text: Arc<str> = content.into();
        let name = path.display().to_string();
        let origin = sources.map_or(Span::NONE, |sources| {
            let file = if secret {
                sources.add_secret(name, Arc::clone(&text))
            } else {
                sources.add(name, Arc::clone(&text))
            };
            Span::new(file, 1, 1, 0)
        });
        let mut included = self
            .included
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        included.insert(path.to_owned(), (Arc::clone(&text), origin));
        (text, origin)
    }
}

fn read_with(
    text: Passage<'_>,
    settings: &FileSettings,
    backslash: Backslash,
) -> Result<Template, TemplateError> {
    let (settings, skip) = settings
        .with_header(text.text)
        .map_err(|error| error.at(text.origin))?;
    let Passage {
        text,
        origin,
        sources,
    } = text;
    syntax::template(
        &Source {
            text,
            origin,
            sources,
        },
        &settings,
        skip,
        backslash,
    )
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn keep<K: std::hash::Hash + Eq>(
    lock: &RwLock<HashMap<K, Arc<Template>>>,
    key: K,
    template: &Arc<Template>,
) {
    let mut kept = lock.write().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(key, Arc::clone(template));
}
