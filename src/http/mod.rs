//! The one HTTP client of the house: for lookups on the controller, and for modules in the worker.
//!
//! It knows nothing of files and environments: whoever calls it hands over certificates, proxies and credentials, so that the
//! same code serves both ends. Redirects and credentials are handled here rather than by the library, because Ansible's rules
//! differ by method and because a password must not follow a redirect to another host.

mod address;
mod ciphers;
mod client;
mod connect;
mod cookies;
mod decompress;
mod digest;
mod error;
mod resolve;
mod settings;
#[cfg(test)]
pub mod testing;

pub use address::{anonymous, filename, join, masked};
pub use client::{Client, Request, Response};
pub use decompress::Unpacked;
pub use error::HttpError;
pub use settings::{Redirects, Settings};

/// Where systems keep the certificates that they trust; the first one that is there counts.
pub const TRUSTED_CERTIFICATES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];
