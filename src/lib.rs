//! kplay configures fleets over SSH from Ansible playbooks.

pub mod remote;
