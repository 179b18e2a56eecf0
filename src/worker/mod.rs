//! The program on the host: it reads orders, runs steps and modules as the login user, and keeps a child of itself for every
//! become user.

mod accounts;
mod cleanup;
mod command;
mod files;
mod host;
