//! The keywords that plays, roles, blocks and tasks share and that go from the outer to the inner.

use std::sync::Arc;

use crate::value::{Dict, Value};

/// Default arguments of modules, as one `module_defaults` entry gives them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModuleDefaults {
    /// The arguments by full module name or `group/NAME`; each is a dictionary or a template of one.
    pub by_name: Vec<(Arc<str>, Value)>,
}

/// Inheritable keywords as one play, role, block, include or task states them. Values may be templates; what is not stated is
/// nothing. [`super::Scope`] finds what holds.
#[derive(Clone, Debug, Default)]
pub struct Keywords {
    /// `any_errors_fatal`
    pub any_errors_fatal: Option<Value>,
    /// `become`
    pub become_: Option<Value>,
    /// `become_exe`
    pub become_exe: Option<Value>,
    /// `become_flags`
    pub become_flags: Option<Value>,
    /// `become_method`
    pub become_method: Option<Value>,
    /// `become_user`
    pub become_user: Option<Value>,
    /// `check_mode`
    pub check_mode: Option<Value>,
    /// `connection`
    pub connection: Option<Value>,
    /// `debugger`
    pub debugger: Option<Value>,
    /// `delegate_facts`
    pub delegate_facts: Option<Value>,
    /// `delegate_to`
    pub delegate_to: Option<Value>,
    /// `diff`
    pub diff: Option<Value>,
    /// `ignore_errors`
    pub ignore_errors: Option<Value>,
    /// `ignore_unreachable`
    pub ignore_unreachable: Option<Value>,
    /// `no_log`
    pub no_log: Option<Value>,
    /// `notify`: names or topics of handlers, a list or one of them. The inner overrides.
    pub notify: Option<Value>,
    /// `port`
    pub port: Option<Value>,
    /// `remote_user` (and a play's `user`)
    pub remote_user: Option<Value>,
    /// `run_once`
    pub run_once: Option<Value>,
    /// `throttle`
    pub throttle: Option<Value>,
    /// `timeout`
    pub timeout: Option<Value>,
    /// `collections`: where short names are looked for. Never a template.
    pub collections: Option<Vec<Arc<str>>>,
    /// `environment`: dictionaries or templates of such; outer ones come first and inner ones win.
    pub environment: Vec<Value>,
    /// `module_defaults`: outer ones come first and inner ones win.
    pub module_defaults: Vec<ModuleDefaults>,
    /// `tags`: all of the chain count. A template may give several.
    pub tags: Vec<Value>,
    /// `when`: conditions, all of which must hold; outer ones come first.
    pub when: Vec<Value>,
    /// `vars`. They are variables, each at the level of whoever states them.
    pub vars: Dict,
}
