//! The `ansible.utils` filters for addresses, networks and hardware addresses.
//!
//! Their answers are those of the Python library that the collection uses, its oddities included (an integer below 2^32 is
//! an IPv4 address, the last address of a `/31` is a host): playbooks rely on them.

mod forms;
mod hardware;
mod network;
mod query;
mod special;
mod subnets;
mod within;

pub(super) use forms::{ip4_hex, ipcut, ipmath, ipv6form};
pub(super) use hardware::{hwaddr, macaddr, slaac};
pub(super) use query::{ipaddr, ipv4, ipv6, ipwrap};
pub(super) use subnets::{cidr_merge, ipsubnet, next_nth_usable, nthhost, previous_nth_usable};
pub(super) use within::{network_in_network, network_in_usable, reduce_on_network};
