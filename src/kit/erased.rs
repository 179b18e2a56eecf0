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
use super::plan::{Applied, Plan};
use super::running::{Request, Running, drive};
use crate::value::Value;

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
    /// See [`Entry::check`].
    fn check(&self, arguments: &Value) -> Result<(), ArgumentError>;
    /// Names the controller's files that these rendered arguments need.
    fn prepare(&self, arguments: &Value) -> Result<Vec<Need>, ArgumentError>;
    /// Returns [`Module::ASYNCHRONOUS`].
    fn asynchronous(&self) -> bool;
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
    /// See [`Entry::check`].
    fn check(&self, arguments: &Value) -> Result<(), ArgumentError>;
    /// Does the work.
    fn run(&self, request: Request<'_>, step: &dyn StepView) -> Execution;
}

/// What a module's run gave: a failure is an outcome too.
pub type Execution = Outcome;

struct Erased<M>(PhantomData<fn() -> M>);

/// How to get the JSON Schema of a module's arguments, documentation included.
///
/// Apart from [`Entry`], because the worker has no use for it: what an entry's table of functions names is linked, used or not.
#[derive(Clone, Copy)]
pub struct Manual {
    /// What it is of.
    pub meta: &'static Meta,
    /// Makes the schema.
    pub schema: fn() -> schemars::Schema,
}

impl Manual {
    /// Returns that of a module that works on a host.
    pub const fn module<M: Module>() -> Self {
        Self {
            meta: &M::META,
            schema: schema_of::<M::Args>,
        }
    }

    /// Returns that of a module that works on the run.
    pub const fn control<C: Control>() -> Self {
        Self {
            meta: &C::META,
            schema: schema_of::<C::Args>,
        }
    }
}

fn schema_of<T: schemars::JsonSchema>() -> schemars::Schema {
    schemars::generate::SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator()
        .into_root_schema_for::<T>()
}

impl<M: Module> ModuleEntry for Erased<M> {
    fn meta(&self) -> &'static Meta {
        &M::META
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

    fn asynchronous(&self) -> bool {
        M::ASYNCHRONOUS
    }

    fn run(&self, request: Request<'_>, host: &dyn Host) -> Execution {
        let request = Request {
            check: request.check && !M::ACTS_IN_CHECK,
            ..request
        };
        run_module::<M>(request, host).unwrap_or_else(Outcome::from)
    }
}

/// A module with its arguments, and between planning and applying with what it decided.
struct Prepared<M: Module> {
    args: M::Args,
    change: Option<M::Change>,
}

impl<M: Module> Running for Prepared<M> {
    fn plan(&mut self, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let (plan, change) = M::plan(&self.args, host)?.split();
        self.change = change;
        Ok(plan)
    }

    fn apply(&mut self, host: &dyn Host) -> Result<Applied, Failure> {
        match self.change.take() {
            Some(change) => M::apply(&self.args, change, host),
            None => Ok(Outcome::default().into()),
        }
    }
}

fn run_module<M: Module>(request: Request<'_>, host: &dyn Host) -> Result<Outcome, Failure> {
    let args: M::Args = from_value(
        request.arguments,
        &Coercion {
            expand: Some(&|path| expand_path(path, host)),
            ..Coercion::default()
        },
    )?;
    M::validate(&args)?;
    let mut prepared = Prepared::<M> { args, change: None };
    drive(&M::META, M::SKIPPED_IN_CHECK, request, host, &mut prepared)
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
