//! Modules of the family `users`.

mod authorized_key;
mod group;
mod keys;
mod known_hosts;
mod user;

family! {
    Entry::module::<authorized_key::AuthorizedKey>(),
    Entry::module::<group::Group>(),
    Entry::module::<known_hosts::KnownHosts>(),
    Entry::module::<user::User>(),
}
