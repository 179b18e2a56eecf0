//! Fetches a URL for the `url` lookup, with the certificates, proxies and credentials of this machine. Whoever is a
//! `LookupContext` on the controller calls it: the engine, and inventory sources.

use std::fs;
use std::io::Read as _;
use std::time::Duration;

use crate::http::{Client, HttpError, Redirects, Request, Settings, TRUSTED_CERTIFICATES, masked};
use crate::template::TemplateError;
use crate::value::{Dict, Value};

/// The most that a lookup takes.
const MOST: u64 = 256 << 20;

/// Returns the body, or says as Ansible does why there is none.
pub fn fetch_url(url: &str, options: &Dict) -> Result<Vec<u8>, TemplateError> {
    let shown = masked(url);
    let failed = |error: &HttpError| {
        TemplateError::new(match error {
            HttpError::Certificate(cause) => {
                format!("Error validating the server's certificate for {shown}: {cause}")
            }
            other => format!("Failed lookup url for {shown}: {other}"),
        })
    };
    let client = Client::new(settings(options)?).map_err(|error| failed(&error))?;
    let text = |value: &Value| value.to_text();
    let mut headers: Vec<(String, String)> = Vec::new();
    if let Some(given) = options.get("headers").and_then(Value::as_dict) {
        headers.extend(
            given
                .iter()
                .map(|(name, value)| (text(&name.to_value()), text(value))),
        );
    }
    if options.get("force").is_some_and(Value::is_true) {
        headers.push(("cache-control".to_owned(), "no-cache".to_owned()));
    }
    let request = Request {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers,
        body: None,
    };
    let response = client.send(request).map_err(|error| failed(&error))?;
    if !(200..300).contains(&response.status) {
        return Err(TemplateError::new(format!(
            "Received HTTP error for {shown}: HTTP Error {}: {}",
            response.status, response.reason
        )));
    }
    let mut body = Vec::new();
    let read = response.body.take(MOST + 1).read_to_end(&mut body);
    read.map_err(|error| TemplateError::new(format!("Error connecting to {shown}: {error}")))?;
    if body.len() as u64 > MOST {
        return Err(TemplateError::new(format!(
            "{shown} answers with more than {} MiB, too much for a lookup",
            MOST >> 20
        )));
    }
    Ok(body)
}

fn settings(options: &Dict) -> Result<Settings, TemplateError> {
    let flag = |name: &str| options.get(name).is_some_and(Value::is_true);
    let text = |name: &str| {
        options
            .get(name)
            .map(Value::to_text)
            .filter(|text| !text.is_empty())
    };
    let trusted = match text("ca_path") {
        Some(path) => fs::read(&path).map_err(|error| {
            TemplateError::new(format!("cannot read the certificates `{path}`: {error}"))
        })?,
        None => std::env::var_os("SSL_CERT_FILE")
            .and_then(|path| fs::read(path).ok())
            .or_else(|| {
                TRUSTED_CERTIFICATES
                    .iter()
                    .find_map(|path| fs::read(path).ok())
            })
            .unwrap_or_default(),
    };
    let timeout = options.get("timeout").and_then(Value::as_int).unwrap_or(10);
    let mut settings = Settings {
        validate: flag("validate_certs"),
        trusted,
        timeout: Duration::from_secs(u64::try_from(timeout).unwrap_or(0).max(1)),
        redirects: match text("follow_redirects").as_deref() {
            Some("all" | "yes") => Redirects::All,
            Some("none" | "no") => Redirects::None,
            Some("safe") => Redirects::Safe,
            _ => Redirects::Python,
        },
        unredirected: options
            .get("unredirected_headers")
            .and_then(Value::as_list)
            .unwrap_or_default()
            .iter()
            .map(|name| name.to_text().to_lowercase())
            .collect(),
        credentials: text("username").map(|user| (user, text("password").unwrap_or_default())),
        credentials_at_once: flag("force_basic_auth"),
        ..Settings::default()
    };
    if let Some(agent) = text("http_agent") {
        settings.agent = agent;
    }
    if flag("use_proxy") {
        settings.proxy_from(|name| std::env::var(name).ok());
    }
    Ok(settings)
}
