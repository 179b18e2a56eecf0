//! A certificate authority and a server's certificate, made by `openssl` when they are needed: no key lies in the repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a server with TLS needs, and what its clients trust.
pub(crate) struct Identity {
    pub(crate) authority: PathBuf,
    pub(crate) config: Arc<rustls::ServerConfig>,
}

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Makes them in the directory, as Proxmox VE does: an authority of the cluster's own signs the node's certificate.
pub(crate) fn identity(directory: &Path, names: &str) -> Identity {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        directory,
        &format!(
            "req -x509 {key} -keyout ca-key.pem -out ca.pem -days 30 -subj /CN=Proxmox-Virtual-Environment -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
        ),
    );
    openssl(
        directory,
        &format!("req -new {key} -keyout key.pem -out request.pem -subj /CN=pve"),
    );
    std::fs::write(
        directory.join("extensions"),
        format!("subjectAltName={names}\n"),
    )
    .unwrap();
    openssl(
        directory,
        "x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 30 -extfile extensions -out certificate.pem",
    );
    let certificate = CertificateDer::from_pem_file(directory.join("certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Identity {
        authority: directory.join("ca.pem"),
        config: Arc::new(config),
    }
}
