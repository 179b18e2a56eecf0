//! Modules behind one type, as the registry holds them and `step` runs them.

use std::marker::PhantomData;

use super::arguments::{ArgumentError, Coercion, from_value};
use super::control::{Control, StepView};
use super::failure::Failure;
use super::host::Host;
use super::meta::{Meta, Support};
use super::module::Module;
use super::need::Need;
use super::outcome::Outcome;
use super::plan::{Applied, Verdict};
use crate::value::{Dict, Value};

/// How a module is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The rendered arguments, a dictionary.
    pub arguments: &'a Value,
    /// Plan only.
    pub check: bool,
    /// Only a plan that is empty may be carried out: another one is not begun, and says so ([`Outcome::held`]).
    pub hold: bool,
}

impl Eq for Value {}

/// A module of the registry.
#[derive(Clone, Copy)]
pub enum Entry {
    /// It works on a host.
    Module(&'static dyn ModuleEntry),
    /// It works on the run.
    Control(&'static dyn ControlEntry),
}

impl Entry {
    /// Returns the entry of a module that works on a host.
    pub const fn module<M: Module>() -> Self {
        Self::Module(&Erased::<M>(PhantomData))
    }

    /// Returns the entry of a module that works on the run.
    pub const fn control<C: Control>() -> Self {
        Self::Control(&Erased::<C>(PhantomData))
    }

    /// Returns what is known of it.
    pub fn meta(self) -> &'static Meta {
        match self {
            Self::Module(entry) => entry.meta(),
            Self::Control(entry) => entry.meta(),
        }
    }

    /// Returns the JSON Schema of its arguments, documentation included.
    pub fn schema(self) -> schemars::Schema {
        match self {
            Self::Module(entry) => entry.schema(),
            Self::Control(entry) => entry.schema(),
        }
    }

    /// Checks arguments before a run: names, and values that are no templates.
    pub fn check(self, arguments: &Value) -> Result<(), ArgumentError> {
        match self {
            Self::Module(entry) => entry.check(arguments),
            Self::Control(entry) => entry.check(arguments),
        }
    }
}

/// A [`Module`] behind one type.
pub trait ModuleEntry: Sync {
    /// Returns [`Module::META`].
    fn meta(&self) -> &'static Meta;
    /// Returns the schema of [`Module::Args`].
    fn schema(&self) -> schemars::Schema;
    /// See [`Entry::check`].
    fn check(&self, arguments: &Value) -> Result<(), ArgumentError>;
    /// Names the controller's files that these rendered arguments need.
    fn prepare(&self, arguments: &Value) -> Result<Vec<Need>, ArgumentError>;
    /// Plans, and applies unless `request` says check.
    fn run(&self, request: Request<'_>, host: &dyn Host) -> Execution;
}

/// A [`Control`] behind one type.
pub trait ControlEntry: Sync {
    /// Returns [`Control::META`].
    fn meta(&self) -> &'static Meta;
    /// Returns [`Control::RAW`].
    fn raw(&self) -> &'static [&'static str];
    /// Returns [`Control::CONTROLLER`].
    fn needs_controller(&self) -> bool;
    /// Returns [`Control::ONCE`].
    fn once(&self) -> bool;
    /// Returns the schema of [`Control::Args`].
    fn schema(&self) -> schemars::Schema;
    /// See [`Entry::check`].
    fn check(&self, arguments: &Value) -> Result<(), ArgumentError>;
    /// Does the work.
    fn run(&self, request: Request<'_>, step: &dyn StepView) -> Execution;
}

/// What a module's run gave: a failure is an outcome too.
pub type Execution = Outcome;

struct Erased<M>(PhantomData<fn() -> M>);

fn schema_of<T: schemars::JsonSchema>() -> schemars::Schema {
    schemars::generate::SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator()
        .into_root_schema_for::<T>()
}

fn skipped_in_check<M: Module>() -> Outcome {
    let message = M::SKIPPED_IN_CHECK.map_or_else(
        || {
            let name = M::META.short_name();
            format!("remote module ({name}) does not support check mode")
        },
        str::to_owned,
    );
    Outcome {
        skipped: true,
        why: M::SKIPPED_IN_CHECK.map(str::to_owned),
        ..Outcome::default().with("msg", message)
    }
}

impl<M: Module> ModuleEntry for Erased<M> {
    fn meta(&self) -> &'static Meta {
        &M::META
    }

    fn schema(&self) -> schemars::Schema {
        schema_of::<M::Args>()
    }

    fn check(&self, arguments: &Value) -> Result<(), ArgumentError> {
        let coercion = Coercion {
            templates_pass: true,
            ..Coercion::default()
        };
        let args: M::Args = from_value(arguments, &coercion)?;
        if coercion.passed.get() {
            Ok(())
        } else {
            M::validate(&args)
        }
    }

    fn prepare(&self, arguments: &Value) -> Result<Vec<Need>, ArgumentError> {
        Ok(M::prepare(&from_value(arguments, &Coercion::default())?))
    }

    fn run(&self, request: Request<'_>, host: &dyn Host) -> Execution {
        run_module::<M>(request, host).unwrap_or_else(Outcome::from)
    }
}

fn run_module<M: Module>(request: Request<'_>, host: &dyn Host) -> Result<Outcome, Failure> {
    let expand = |path: &str| expand_path(path, host);
    let args: M::Args = from_value(
        request.arguments,
        &Coercion {
            expand: Some(&expand),
            ..Coercion::default()
        },
    )?;
    M::validate(&args)?;
    if request.check && M::META.check == Support::None {
        return Ok(skipped_in_check::<M>());
    }
    let mut before = Outcome::default();
    for last in [false, true] {
        let mut plan = M::plan(&args, host).map_err(|mut failure| {
            if request.check {
                failure.values.extend(std::mem::take(&mut failure.in_check));
            }
            merge_failure(&before, failure)
        })?;
        if request.check {
            plan.warnings.append(&mut plan.warnings_in_check);
        }
        let (change, opaque) = match plan.verdict {
            Verdict::Unchanged { why } => {
                let outcome = Outcome {
                    why: Some(why),
                    values: if request.check {
                        plan.in_check
                    } else {
                        Dict::new()
                    },
                    ..Outcome::default()
                };
                return Ok(finish(
                    before,
                    outcome,
                    plan.values,
                    plan.diff,
                    plan.warnings,
                ));
            }
            Verdict::Skipped { why } => {
                let outcome = Outcome {
                    skipped: true,
                    why: Some(why.clone()),
                    ..Outcome::default()
                };
                return Ok(finish(
                    before,
                    outcome.with("msg", why),
                    plan.values,
                    plan.diff,
                    plan.warnings,
                ));
            }
            Verdict::Change(change) => (change, false),
            Verdict::Opaque(action) => (action, true),
        };
        if request.hold && !request.check {
            return Ok(Outcome {
                held: true,
                ..Outcome::default()
            });
        }
        if request.check && opaque && M::SKIPPED_IN_CHECK.is_some() {
            return Ok(skipped_in_check::<M>());
        }
        if request.check {
            let outcome = Outcome {
                changed: !opaque && !plan.uncounted,
                skipped: opaque,
                values: plan.in_check,
                ..Outcome::default()
            };
            return Ok(finish(
                before,
                outcome,
                plan.values,
                plan.diff,
                plan.warnings,
            ));
        }
        match M::apply(&args, change, host).map_err(|failure| merge_failure(&before, failure))? {
            Applied::PlanAgain(outcome) if !last => {
                before = finish(before, outcome, Dict::new(), Vec::new(), plan.warnings);
            }
            Applied::Done(outcome) | Applied::PlanAgain(outcome) => {
                return Ok(finish(
                    before,
                    outcome,
                    plan.values,
                    plan.diff,
                    plan.warnings,
                ));
            }
        }
    }
    Ok(before)
}

/// The plan's values and differences hold unless the outcome says otherwise; what happened before stays.
fn finish(
    before: Outcome,
    outcome: Outcome,
    values: Dict,
    diff: Vec<super::outcome::Diff>,
    warnings: Vec<String>,
) -> Outcome {
    let mut all = before.values;
    all.extend(values);
    all.extend(outcome.values);
    let mut warned = before.warnings;
    warned.extend(warnings);
    warned.extend(outcome.warnings);
    let diff = if outcome.diff.is_empty() {
        diff
    } else {
        outcome.diff
    };
    Outcome {
        changed: before.changed || outcome.changed,
        values: all,
        diff,
        warnings: warned,
        ..outcome
    }
}

fn merge_failure(before: &Outcome, failure: Failure) -> Failure {
    Failure {
        changed: failure.changed || before.changed,
        ..failure
    }
}

/// Returns the path with `~`, `~user`, `$NAME` and `${NAME}` expanded as Python's `expandvars` and `expanduser` do it.
pub fn expand_path(path: &str, host: &dyn Host) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let body = tail.get(1..).unwrap_or_default();
        let (name, after) = match body
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        {
            Some((name, after)) => (name, after),
            None => body.split_at(
                body.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(body.len()),
            ),
        };
        if let Some(value) = Some(name)
            .filter(|name| !name.is_empty())
            .and_then(|name| host.environment(name))
        {
            out.push_str(&value);
            rest = after;
        } else {
            out.push('$');
            rest = body;
        }
    }
    out.push_str(rest);
    let Some(tail) = out.strip_prefix('~') else {
        return out;
    };
    let (name, below) = tail.split_at(tail.find('/').unwrap_or(tail.len()));
    let home = if name.is_empty() {
        Some(host.identity().home)
    } else {
        host.user(name).ok().flatten().map(|user| user.home)
    };
    home.map_or_else(
        || out.clone(),
        |home| format!("{}{below}", home.trim_end_matches('/')),
    )
}

impl<C: Control> ControlEntry for Erased<C> {
    fn meta(&self) -> &'static Meta {
        &C::META
    }

    fn raw(&self) -> &'static [&'static str] {
        C::RAW
    }

    fn needs_controller(&self) -> bool {
        C::CONTROLLER
    }

    fn once(&self) -> bool {
        C::ONCE
    }

    fn schema(&self) -> schemars::Schema {
        schema_of::<C::Args>()
    }

    fn check(&self, arguments: &Value) -> Result<(), ArgumentError> {
        let coercion = Coercion {
            templates_pass: true,
            ..Coercion::default()
        };
        from_value::<C::Args>(arguments, &coercion).map(drop)
    }

    fn run(&self, request: Request<'_>, step: &dyn StepView) -> Execution {
        let run = || -> Result<Outcome, Failure> {
            let args: C::Args = from_value(request.arguments, &Coercion::default())?;
            if request.check && C::META.check == Support::None {
                return Ok(Outcome {
                    skipped: true,
                    ..Outcome::default()
                });
            }
            C::run(&args, step)
        };
        run().unwrap_or_else(Outcome::from)
    }
}
