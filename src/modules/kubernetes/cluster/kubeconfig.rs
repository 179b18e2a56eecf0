//! Kubeconfigs: one or several files of the host, or a dictionary of the task; the context that counts in them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::kit::{Failure, Host};
use crate::template::yaml_documents;

/// A kubeconfig, and what relative paths in it start from.
pub(super) struct File {
    content: Json,
    folder: Option<String>,
    /// What messages call it.
    name: String,
}

/// What a context leads to.
pub(super) struct Context {
    pub(super) server: String,
    pub(super) validate: bool,
    pub(super) trusted: Option<Vec<u8>>,
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) token: Option<String>,
    pub(super) basic: Option<(String, String)>,
    pub(super) proxy: Option<String>,
    pub(super) user: Option<String>,
    pub(super) groups: Vec<String>,
}

impl File {
    /// Takes a dictionary of the task.
    pub(super) fn of_task(content: Json) -> Self {
        Self {
            content,
            folder: None,
            name: "`kubeconfig`".to_owned(),
        }
    }

    /// Reads a file; nothing where there is none.
    pub(super) fn read(path: &str, host: &dyn Host) -> Result<Option<Self>, Failure> {
        let text = match host.read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let documents = yaml_documents(&String::from_utf8_lossy(&text))
            .map_err(|error| Failure::new(format!("the kubeconfig `{path}` is no YAML{error}")))?;
        let content = documents.first().map(crate::value::Value::to_json);
        let folder = path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        Ok(Some(Self {
            content: content.unwrap_or_default(),
            folder,
            name: format!("the kubeconfig `{path}`"),
        }))
    }

    /// Returns what stands under that name in one of its lists.
    fn named<'f>(&'f self, list: &str, name: &str, part: &str) -> Option<&'f Json> {
        let all = self.content.get(list)?.as_array()?;
        let found = all.iter().find(|one| text(one, "name") == Some(name))?;
        found.get(part)
    }

    /// Returns the content of a file that it names, or that it holds.
    fn data(&self, of: &Json, name: &str, host: &dyn Host) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(data) = text(of, &format!("{name}-data")) {
            let bytes = STANDARD.decode(data.trim()).map_err(|error| {
                Failure::new(format!(
                    "{}: `{name}-data` is no base64: {error}",
                    self.name
                ))
            })?;
            return Ok(Some(bytes));
        }
        let Some(path) = text(of, name) else {
            return Ok(None);
        };
        let path = match &self.folder {
            Some(folder) if !path.starts_with('/') => format!("{folder}/{path}"),
            _ => path.to_owned(),
        };
        Ok(Some(host.read(&path)?))
    }
}

fn text<'j>(of: &'j Json, name: &str) -> Option<&'j str> {
    of.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Follows the context of that name, or the current one. Of several files the first that says something counts.
pub(super) fn follow(
    files: &[File],
    context: Option<&str>,
    host: &dyn Host,
) -> Result<Context, Failure> {
    let wrong = |what: String| Failure::new(format!("Could not create API client: {what}"));
    let names = || {
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        names.join(", ")
    };
    let current = || {
        files
            .iter()
            .find_map(|file| text(&file.content, "current-context"))
    };
    let Some(context) = context.or_else(current) else {
        return Err(wrong(format!(
            "{} has no current context; name one in `context`",
            names()
        )));
    };
    let find = |list: &str, name: &str, part: &str| {
        let mut found = files
            .iter()
            .filter_map(|file| Some((file, file.named(list, name, part)?)));
        found.next()
    };
    let Some((_, chosen)) = find("contexts", context, "context") else {
        return Err(wrong(format!("{} has no context `{context}`", names())));
    };
    let cluster = text(chosen, "cluster").unwrap_or_default();
    let Some((file, cluster)) = find("clusters", cluster, "cluster") else {
        return Err(wrong(format!(
            "{} has no cluster `{cluster}`, which the context `{context}` names",
            names()
        )));
    };
    let Some(server) = text(cluster, "server") else {
        return Err(wrong(format!(
            "the cluster of the context `{context}` in {} has no `server`",
            file.name
        )));
    };
    if text(cluster, "tls-server-name").is_some() {
        return Err(wrong(format!(
            "`tls-server-name` in {} is not supported; name the server as its certificate does",
            file.name
        )));
    }
    let insecure = cluster
        .get("insecure-skip-tls-verify")
        .and_then(Json::as_bool);
    let mut found = Context {
        server: server.trim_end_matches('/').to_owned(),
        validate: insecure != Some(true),
        trusted: file.data(cluster, "certificate-authority", host)?,
        certificate: None,
        key: None,
        token: None,
        basic: None,
        proxy: text(cluster, "proxy-url").map(str::to_owned),
        user: None,
        groups: Vec::new(),
    };
    let user = text(chosen, "user").unwrap_or_default();
    let Some((file, user)) = find("users", user, "user") else {
        return Ok(found);
    };
    for plugin in ["exec", "auth-provider"] {
        let Some(settings) = user.get(plugin).filter(|settings| !settings.is_null()) else {
            continue;
        };
        let program = text(settings, "command")
            .or(text(settings, "name"))
            .unwrap_or("?");
        return Err(wrong(format!(
            "{} gets its credentials from the plugin `{program}` (`{plugin}`), which is not supported; give a token in `api_key` with `host`, or a client certificate",
            file.name
        )));
    }
    for name in ["as-uid", "as-user-extra"] {
        if user.get(name).is_some() {
            return Err(wrong(format!("`{name}` in {} is not supported", file.name)));
        }
    }
    found.certificate = file.data(user, "client-certificate", host)?;
    found.key = file.data(user, "client-key", host)?;
    found.token = text(user, "token").map(str::to_owned);
    if found.token.is_none()
        && let Some(bytes) = file.data(user, "tokenFile", host)?
    {
        found.token = Some(String::from_utf8_lossy(&bytes).trim().to_owned());
    }
    if let (Some(name), Some(password)) = (text(user, "username"), text(user, "password")) {
        found.basic = Some((name.to_owned(), password.to_owned()));
    }
    found.user = text(user, "as").map(str::to_owned);
    let groups = user.get("as-groups").and_then(Json::as_array);
    let groups = groups.into_iter().flatten().filter_map(Json::as_str);
    found.groups = groups.map(str::to_owned).collect();
    Ok(found)
}
