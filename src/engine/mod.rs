//! Runs playbooks: what each host does next, what waits for what, what is told.
//!
//! `cli` loads a [`Site`], asks [`check`] what is wrong with it, and hands it to [`run`]; everything that happens comes out as
//! [`events::Event`]s. Nothing here prints.

pub mod ask;
mod budget;
mod check;
mod closure;
mod common;
mod complete;
mod contents;
mod course;
mod dispatcher;
mod drawing;
mod effects;
pub mod events;
mod fact_cache;
mod facts;
mod failures;
mod flight;
mod foresight;
mod graph;
mod hosts;
mod include;
mod learn;
mod link;
mod links;
mod listing;
mod magic;
mod moment;
mod names;
mod notify;
mod order;
mod outside;
mod outward;
mod perform;
mod play;
mod play_context;
mod play_hosts;
mod play_start;
mod play_vars;
mod progress;
mod raw;
mod reboot;
mod results;
mod run_state;
mod scope;
mod search;
mod sending;
mod site;
mod site_inventory;
mod slots;
mod sops_encrypt;
mod specification;
mod start;
mod stepping;
mod target;
mod telling;
mod traffic;
mod travel;

pub use check::check;
pub use drawing::{Drawing, DrawnPlay, DrawnStep, DrawnWait, StepKind, draw};
pub use fact_cache::FactCache;
pub use listing::{ListedPlay, Listing, list};
pub use order::{Order, Pace};
pub use run_state::Options;
pub use site::{RunEnd, Site, run};
