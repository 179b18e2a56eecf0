//! Host patterns: what `hosts:`, `--limit` and an ad-hoc run name (`web:&prod:!db1`, `*.example.com`, `~regex`, `web[0:2]`).
//!
//! Works over the small trait [`Groups`], so that inventory, engine and lookups ask in one way.

mod address;
mod evaluate;
mod glob;
mod split;

pub use address::{Address, is_ip, parse_address};
pub use evaluate::{Groups, LOCALHOST, Matched, PatternError, hosts, limit};
pub use glob::matches_text as glob_matches;
pub use split::{read_limit, split};
