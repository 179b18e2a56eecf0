//! Settings: `ansible.cfg` and `ANSIBLE_*`, read once at the start, each value with where it comes from.
//!
//! `cli` loads them, lays the command line over them, and hands [`Settings`] down; `kplay config dump` prints [`Shown`].

mod environment;
mod ini;
mod known;
mod load;
mod resolve;
mod settings;

pub use environment::Environment;
pub use load::{Config, load};
pub use resolve::{Origin, Shown, Typed};
pub use settings::Settings;
