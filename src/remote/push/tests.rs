//! The real script under the shells of this machine.
