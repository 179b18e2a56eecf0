//! What the loader makes of whole playbooks, and what it says of wrong ones.

mod inheritance;
mod mistakes;
mod roles;
mod structure;
