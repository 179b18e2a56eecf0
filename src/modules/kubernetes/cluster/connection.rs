//! Where the API is and who asks: the task's arguments, the environment, the pod's own account or a kubeconfig.

use std::time::Duration;

use super::super::cluster::Access;
use super::kubeconfig::{Context, File, follow};
use crate::http::{Redirects, Settings, TRUSTED_CERTIFICATES};
use crate::kit::{Any, Failure, Host, HostPath, expand_path};
use crate::value::Value;

/// The account of a pod.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// How long the API may say nothing.
const SILENCE: Duration = Duration::from_mins(1);

/// The way to the API.
pub(super) struct Connection {
    pub(super) server: String,
    pub(super) settings: Settings,
    pub(super) headers: Vec<(String, String)>,
}

/// Finds it.
pub(super) fn find(access: &Access<'_>, host: &dyn Host) -> Result<Connection, Failure> {
    let variable = |name: &str| {
        host.environment(&format!("K8S_AUTH_{name}"))
            .filter(|text| !text.is_empty())
    };
    let text = |given: Option<&str>, name: &str| {
        given
            .map(str::to_owned)
            .filter(|text| !text.is_empty())
            .or_else(|| variable(name))
    };
    let path = |given: Option<&HostPath>, names: [&str; 2]| {
        given
            .map(|path| path.as_str().to_owned())
            .or_else(|| names.iter().find_map(|name| variable(name)))
    };
    let server = text(access.host, "HOST").map(|host| host.trim_end_matches('/').to_owned());
    let token = text(access.api_key, "API_KEY");
    let user = text(access.username, "USERNAME");
    let password = text(access.password, "PASSWORD");
    let certificate = path(access.client_cert, ["CLIENT_CERT", "CERT_FILE"]);
    let key = path(access.client_key, ["CLIENT_KEY", "KEY_FILE"]);
    let context = text(access.context, "CONTEXT");
    let enough = (user.is_some() && password.is_some())
        || token.is_some()
        || (certificate.is_some() && key.is_some());
    let given = files(access, variable("KUBECONFIG"), host)?;
    let mut found = match (&server, given) {
        (Some(server), _) if enough => nothing_but(server),
        (_, Some(files)) => follow(&files, context.as_deref(), host)?,
        (_, None) if context.is_some() => follow(&usual_files(host)?, context.as_deref(), host)?,
        (_, None) => match own_account(host)? {
            Some(found) => found,
            None => follow(&usual_files(host)?, None, host)?,
        },
    };
    if let Some(server) = server {
        found.server = server;
    }
    let read = |path: String| host.read(&path);
    if let Some(path) = path(access.ca_cert, ["CA_CERT", "SSL_CA_CERT"]) {
        found.trusted = Some(read(path)?);
    }
    if let Some(path) = certificate {
        found.certificate = Some(read(path)?);
    }
    if let Some(path) = key {
        found.key = Some(read(path)?);
    }
    found.token = token.or(found.token);
    if let (Some(user), Some(password)) = (user, password) {
        found.basic = Some((user, password));
    }
    let said = ["VALIDATE_CERTS", "VERIFY_SSL"]
        .iter()
        .find_map(|name| variable(name));
    let said = said.map(|text| !["0", "false", "no"].contains(&text.to_lowercase().as_str()));
    found.validate = access.validate_certs.or(said).unwrap_or(found.validate);
    if let Some(user) = text(access.impersonate_user, "IMPERSONATE_USER") {
        found.user = Some(user);
    }
    let groups = variable("IMPERSONATE_GROUPS");
    let groups = groups.map(|text| text.split(',').map(str::to_owned).collect());
    if let Some(groups) = access.impersonate_groups.map(<[String]>::to_vec).or(groups) {
        found.groups = groups;
    }
    found.proxy = text(access.proxy, "PROXY").or(found.proxy);
    let secret = access
        .proxy_headers
        .and_then(|headers| headers.proxy_basic_auth.clone());
    let secret = secret.or_else(|| variable("PROXY_HEADERS_PROXY_BASIC_AUTH"));
    if let (Some(secret), Some(proxy)) = (secret, &mut found.proxy) {
        let (scheme, rest) = proxy.split_once("://").unwrap_or(("http", proxy));
        *proxy = format!("{scheme}://{secret}@{rest}");
    }
    let direct = text(access.no_proxy, "NO_PROXY").unwrap_or_default();
    Ok(connection(found, &direct, host))
}

/// The way that a context means.
fn connection(found: Context, direct: &str, host: &dyn Host) -> Connection {
    let mut headers = Vec::new();
    let mut header = |name: &str, value: String| headers.push((name.to_owned(), value));
    if let Some(token) = &found.token {
        header("Authorization", format!("Bearer {token}"));
    }
    if let Some(user) = found.user {
        header("Impersonate-User", user);
    }
    for group in found.groups {
        header("Impersonate-Group", group);
    }
    let trusted = found.trusted.or_else(|| {
        let mut usual = TRUSTED_CERTIFICATES.iter();
        usual.find_map(|path| host.read(path).ok())
    });
    let settings = Settings {
        validate: found.validate,
        trusted: trusted.unwrap_or_default(),
        certificate: found.certificate,
        key: found.key,
        timeout: SILENCE,
        kept_connections: 1,
        proxies: found
            .proxy
            .map(|proxy| ("all".to_owned(), proxy))
            .into_iter()
            .collect(),
        direct: direct
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect(),
        redirects: Redirects::None,
        credentials: found.basic.filter(|_| found.token.is_none()),
        credentials_at_once: true,
        agent: "kplay".to_owned(),
        ..Settings::default()
    };
    Connection {
        server: found.server,
        settings,
        headers,
    }
}

fn nothing_but(server: &str) -> Context {
    Context {
        server: server.to_owned(),
        validate: true,
        trusted: None,
        certificate: None,
        key: None,
        token: None,
        basic: None,
        proxy: None,
        user: None,
        groups: Vec::new(),
    }
}

/// The account of the pod that this runs in, if it does.
fn own_account(host: &dyn Host) -> Result<Option<Context>, Failure> {
    let variable = |name: &str| host.environment(name).filter(|text| !text.is_empty());
    let (Some(address), Some(port)) = (
        variable("KUBERNETES_SERVICE_HOST"),
        variable("KUBERNETES_SERVICE_PORT"),
    ) else {
        return Ok(None);
    };
    let token = format!("{ACCOUNT}/token");
    if host.status(&token, true)?.is_none() {
        return Ok(None);
    }
    let address = if address.contains(':') {
        format!("[{address}]")
    } else {
        address
    };
    let mut found = nothing_but(&format!("https://{address}:{port}"));
    let token = host.read(&token)?;
    found.token = Some(String::from_utf8_lossy(&token).trim().to_owned());
    found.trusted = Some(host.read(&format!("{ACCOUNT}/ca.crt"))?);
    Ok(Some(found))
}

/// The kubeconfig that the task or its environment names.
fn files(
    access: &Access<'_>,
    variable: Option<String>,
    host: &dyn Host,
) -> Result<Option<Vec<File>>, Failure> {
    let given = access.kubeconfig.map(|Any(value)| value);
    if let Some(value) = given.filter(|value| value.as_dict().is_some()) {
        return Ok(Some(vec![File::of_task(value.to_json())]));
    }
    let paths = given
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or(variable);
    paths.map(|paths| read_all(&paths, host)).transpose()
}

fn usual_files(host: &dyn Host) -> Result<Vec<File>, Failure> {
    let named = host
        .environment("KUBECONFIG")
        .filter(|text| !text.is_empty());
    read_all(named.as_deref().unwrap_or("~/.kube/config"), host)
}

fn read_all(paths: &str, host: &dyn Host) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for path in paths.split(':').filter(|path| !path.is_empty()) {
        files.extend(File::read(&expand_path(path, host), host)?);
    }
    if files.is_empty() {
        return Err(Failure::new(format!(
            "Could not create API client: there is no kubeconfig `{paths}` on this host; name one in `kubeconfig`, or give `host` with `api_key`"
        )));
    }
    Ok(files)
}
