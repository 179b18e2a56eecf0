//! An API server with its etcd, in a directory of its own, for the length of a test run.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The token of the cluster's administrator.
pub(crate) const TOKEN: &str = "t0ken-of-a-test";

/// Where Helm 4 and Helm 3 lie among the products.
pub(crate) const HELM: &str = "bin/helm";
pub(crate) const HELM_3: &str = "helm3/helm";

/// How long the API server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running API server.
pub(crate) struct Server {
    products: PathBuf,
    directory: TempDir,
    pub(crate) url: String,
    children: Vec<Child>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The API server first: it complains about a lost etcd.
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Returns the directory of the products; the error says how to get them. Where they must be there they are built, which
/// waits for whoever is at it.
fn products() -> Result<PathBuf, String> {
    let platform = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/platform");
    if required() {
        let built = Command::new(platform.join("build"))
            .arg("kubernetes")
            .output();
        let built = built.map_err(|error| error.to_string())?;
        if !built.status.success() {
            return Err(String::from_utf8_lossy(&built.stderr).into_owned());
        }
    }
    let script = "here=$0; . $here/versions && echo $platform_cache";
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(&platform)
        .output();
    let output = output.map_err(|error| error.to_string())?;
    let products = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    for program in ["bin/etcd", "bin/kube-apiserver", HELM, HELM_3] {
        if !products.join(program).exists() {
            return Err(format!(
                "there is no {} (tests/lab/platform/build makes it)",
                products.join(program).display()
            ));
        }
    }
    Ok(products)
}

/// Whether a test that cannot run counts as one that failed.
pub(crate) fn required() -> bool {
    std::env::var_os("KPLAY_LAB_REQUIRED").is_some_and(|value| value == "1")
}

/// Runs openssl in a directory.
fn openssl(directory: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .output()
        .map_err(|error| format!("openssl: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// Makes a key and a certificate that the authority has signed.
fn certificate(directory: &Path, name: &str, subject: &str, extension: &str) -> Result<(), String> {
    let file = |end: &str| format!("{name}.{end}");
    fs::write(directory.join(file("ext")), extension).map_err(|error| error.to_string())?;
    openssl(
        directory,
        &[
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            &file("key"),
            "-out",
            &file("csr"),
            "-subj",
            subject,
        ],
    )?;
    openssl(
        directory,
        &[
            "x509",
            "-req",
            "-in",
            &file("csr"),
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            &file("crt"),
            "-days",
            "2",
            "-extfile",
            &file("ext"),
        ],
    )
}

/// Returns a port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Server {
    /// Starts one; the error says why none can be.
    pub(crate) fn start() -> Result<Self, String> {
        let products = products()?;
        let directory = tempfile::Builder::new()
            .prefix("kubernetes-")
            .tempdir()
            .map_err(|error| error.to_string())?;
        let path = directory.path();
        openssl(
            path,
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-keyout",
                "ca.key",
                "-out",
                "ca.crt",
                "-days",
                "2",
                "-subj",
                "/CN=authority of a test",
            ],
        )?;
        certificate(
            path,
            "server",
            "/CN=kube-apiserver",
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
        )?;
        certificate(
            path,
            "admin",
            "/O=system:masters/CN=admin",
            "extendedKeyUsage=clientAuth",
        )?;
        openssl(path, &["genrsa", "-out", "accounts.key", "2048"])?;
        fs::write(
            path.join("tokens"),
            format!("{TOKEN},keeper,1,\"system:masters\"\n"),
        )
        .unwrap();
        let (client, peer, port) = (free_port(), free_port(), free_port());
        let store = format!("http://127.0.0.1:{client}");
        let peers = format!("http://127.0.0.1:{peer}");
        let mut server = Self {
            products,
            directory,
            url: format!("https://127.0.0.1:{port}"),
            children: Vec::new(),
        };
        server.spawn(
            "etcd",
            &[
                "--data-dir=etcd",
                "--unsafe-no-fsync",
                &format!("--listen-client-urls={store}"),
                &format!("--advertise-client-urls={store}"),
                &format!("--listen-peer-urls={peers}"),
                &format!("--initial-advertise-peer-urls={peers}"),
                &format!("--initial-cluster=default={peers}"),
            ],
        );
        server.spawn(
            "kube-apiserver",
            &[
                &format!("--etcd-servers={store}"),
                &format!("--secure-port={port}"),
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                "--tls-cert-file=server.crt",
                "--tls-private-key-file=server.key",
                "--client-ca-file=ca.crt",
                "--token-auth-file=tokens",
                "--service-account-key-file=accounts.key",
                "--service-account-signing-key-file=accounts.key",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-cluster-ip-range=10.96.0.0/24",
                "--authorization-mode=RBAC",
                // No controller makes the accounts that pods would need.
                "--disable-admission-plugins=ServiceAccount",
            ],
        );
        fs::write(server.path("kubeconfig"), server.kubeconfig()).unwrap();
        server.ready()?;
        Ok(server)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.products.join(name)
    }

    fn kubeconfig(&self) -> String {
        let directory = self.directory.path().display();
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             contexts: [{{name: test, context: {{cluster: test, user: admin}}}}]\n\
             clusters: [{{name: test, cluster: {{server: '{}', certificate-authority: {directory}/ca.crt}}}}]\n\
             users: [{{name: admin, user: {{client-certificate: {directory}/admin.crt, client-key: {directory}/admin.key}}}}]\n",
            self.url
        )
    }

    fn spawn(&mut self, program: &str, arguments: &[&str]) {
        let log = File::create(self.path(&format!("{program}.log"))).unwrap();
        let child = Command::new(self.program(&format!("bin/{program}")))
            .args(arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.children.push(child);
    }

    /// Waits until it answers.
    fn ready(&self) -> Result<(), String> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let asked = Command::new(self.program("bin/kubectl"))
                .args(["--kubeconfig=kubeconfig", "--request-timeout=5s"])
                .args(["get", "--raw=/readyz"])
                .current_dir(self.directory.path())
                .output()
                .map_err(|error| error.to_string())?;
            if asked.status.success() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        let log = fs::read_to_string(self.path("kube-apiserver.log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        Err(format!(
            "the API server is not ready after {PATIENCE:?}: {last:?}"
        ))
    }
}
