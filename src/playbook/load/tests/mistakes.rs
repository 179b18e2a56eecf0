//! What the loader says of wrong playbooks: every code once at least.

use crate::playbook::testing::{messages, task_faults, task_messages};
