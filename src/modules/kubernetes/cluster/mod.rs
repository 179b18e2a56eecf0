//! The API of a cluster: the arguments that say where it is and who asks, requests, resources and waiting. The `k8s` modules
//! share it.

mod connection;
mod kubeconfig;
mod resource;
pub(super) mod wait;

use std::cell::RefCell;
use std::io::Read as _;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

pub(super) use resource::Resource;

use crate::http::{Client, Request, join};
use crate::kit::{Any, ArgumentError, Failure, Host, HostPath};
use crate::modules::net::web::{Unanswered, Watched, answered};
use crate::value::Kind;

/// Declares a struct of arguments that ends in those that say where a cluster's API is and who asks, and `cluster()` that lends them.
macro_rules! with_cluster_access {
    (
        $(#[$struct_meta:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident : $type:ty,)*
        }
    ) => {
        $(#[$struct_meta])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        $visibility struct $name {
            $($(#[$field_meta])* $field: $type,)*
            /// The kubeconfig on the host (several with `:` between them), or its content as a dictionary. Without it
            /// `K8S_AUTH_KUBECONFIG`, a pod's own account, `KUBECONFIG` and `~/.kube/config` are tried in that order.
            #[serde(default)]
            kubeconfig: Option<$crate::kit::Any>,
            /// The context of the kubeconfig. Environment: `K8S_AUTH_CONTEXT`.
            #[serde(default)]
            context: Option<String>,
            /// The address of the API. Environment: `K8S_AUTH_HOST`.
            #[serde(default)]
            host: Option<String>,
            /// The token. Environment: `K8S_AUTH_API_KEY`.
            #[serde(default)]
            api_key: Option<String>,
            /// The user's name for basic authentication. Environment: `K8S_AUTH_USERNAME`.
            #[serde(default)]
            username: Option<String>,
            /// That user's password. Environment: `K8S_AUTH_PASSWORD`.
            #[serde(default)]
            password: Option<String>,
            /// The API must prove who it is. Environment: `K8S_AUTH_VERIFY_SSL`.
            #[serde(default, alias = "verify_ssl")]
            validate_certs: Option<bool>,
            /// The certificate authority of the API, in PEM. Environment: `K8S_AUTH_SSL_CA_CERT`.
            #[serde(default, alias = "ssl_ca_cert")]
            ca_cert: Option<$crate::kit::HostPath>,
            /// The client's own certificate, in PEM. Environment: `K8S_AUTH_CERT_FILE`.
            #[serde(default, alias = "cert_file")]
            client_cert: Option<$crate::kit::HostPath>,
            /// The key of that certificate, in PEM. Environment: `K8S_AUTH_KEY_FILE`.
            #[serde(default, alias = "key_file")]
            client_key: Option<$crate::kit::HostPath>,
            /// The proxy on the way to the API. Environment: `K8S_AUTH_PROXY`.
            #[serde(default)]
            proxy: Option<String>,
            /// Hosts that are reached without it. Environment: `K8S_AUTH_NO_PROXY`.
            #[serde(default)]
            no_proxy: Option<String>,
            /// What the proxy is told.
            #[serde(default)]
            proxy_headers: Option<$crate::modules::kubernetes::cluster::ProxyHeaders>,
            /// Has no effect: no token is ever renewed, so there is nothing to save.
            #[serde(default, rename = "persist_config")]
            _persist_config: Option<bool>,
            /// Act as that user. Environment: `K8S_AUTH_IMPERSONATE_USER`.
            #[serde(default)]
            impersonate_user: Option<String>,
            /// Act as a member of those groups. Environment: `K8S_AUTH_IMPERSONATE_GROUPS`.
            #[serde(default)]
            impersonate_groups: Option<Vec<String>>,
        }

        impl $name {
            fn cluster(&self) -> $crate::modules::kubernetes::cluster::Access<'_> {
                $crate::modules::kubernetes::cluster::Access {
                    kubeconfig: self.kubeconfig.as_ref(),
                    context: self.context.as_deref(),
                    host: self.host.as_deref(),
                    api_key: self.api_key.as_deref(),
                    username: self.username.as_deref(),
                    password: self.password.as_deref(),
                    validate_certs: self.validate_certs,
                    ca_cert: self.ca_cert.as_ref(),
                    client_cert: self.client_cert.as_ref(),
                    client_key: self.client_key.as_ref(),
                    proxy: self.proxy.as_deref(),
                    no_proxy: self.no_proxy.as_deref(),
                    proxy_headers: self.proxy_headers.as_ref(),
                    impersonate_user: self.impersonate_user.as_deref(),
                    impersonate_groups: self.impersonate_groups.as_deref(),
                }
            }
        }
    };
}
pub(super) use with_cluster_access;

/// What a proxy is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProxyHeaders {
    /// `USER:PASSWORD` for the proxy.
    #[serde(default)]
    proxy_basic_auth: Option<String>,
    /// Not supported.
    #[serde(default)]
    basic_auth: Option<String>,
    /// Not supported.
    #[serde(default)]
    user_agent: Option<String>,
}

/// Where a cluster's API is and who asks: a task's arguments.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    pub(super) kubeconfig: Option<&'a Any>,
    pub(super) context: Option<&'a str>,
    pub(super) host: Option<&'a str>,
    pub(super) api_key: Option<&'a str>,
    pub(super) username: Option<&'a str>,
    pub(super) password: Option<&'a str>,
    pub(super) validate_certs: Option<bool>,
    pub(super) ca_cert: Option<&'a HostPath>,
    pub(super) client_cert: Option<&'a HostPath>,
    pub(super) client_key: Option<&'a HostPath>,
    pub(super) proxy: Option<&'a str>,
    pub(super) no_proxy: Option<&'a str>,
    pub(super) proxy_headers: Option<&'a ProxyHeaders>,
    pub(super) impersonate_user: Option<&'a str>,
    pub(super) impersonate_groups: Option<&'a [String]>,
}

impl Access<'_> {
    /// Refuses what cannot be.
    pub(super) fn validate(&self) -> Result<(), ArgumentError> {
        let kubeconfig = self.kubeconfig.map(|Any(value)| value.kind());
        if !matches!(kubeconfig, None | Some(Kind::Str(_) | Kind::Dict(_))) {
            return Err(ArgumentError::new(
                "kubeconfig",
                "must be the path of a file or a dictionary",
            ));
        }
        if self
            .proxy_headers
            .is_some_and(|headers| headers.basic_auth.is_some() || headers.user_agent.is_some())
        {
            return Err(ArgumentError::new(
                "proxy_headers",
                "only `proxy_basic_auth` is supported",
            ));
        }
        Ok(())
    }
}

/// A cluster's API.
pub(super) struct Cluster<'a> {
    client: Arc<Client>,
    server: String,
    headers: Vec<(String, String)>,
    pub(super) host: &'a dyn Host,
    /// What the API has said of its resources, by the path of the list.
    known: RefCell<Vec<(String, Option<Json>)>>,
}

/// Why the API did not do it.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It said no.
    Status {
        code: u16,
        /// `NotFound`, `Forbidden`.
        reason: String,
        message: String,
    },
    /// It said nothing.
    Unanswered(Failure),
}

impl Refusal {
    /// Tells whether it said that with this status.
    pub(super) fn is(&self, wanted: u16) -> bool {
        matches!(self, Self::Status { code, .. } if *code == wanted)
    }

    /// Makes a failure of it, with what was tried in front.
    pub(super) fn failure(self, what: &str) -> Failure {
        match self {
            Self::Unanswered(failure) => failure,
            Self::Status {
                code,
                reason,
                message,
            } => {
                let hint = match code {
                    401 => {
                        "; the credentials are not accepted: check `api_key`, the client certificate or the kubeconfig"
                    }
                    403 => "; the user may not do that: give it a role that allows it",
                    _ => "",
                };
                Failure::new(format!("{what}: {message} ({code} {reason}){hint}"))
                    .with("reason", reason)
                    .with("status", code)
            }
        }
    }
}

/// An answer that is no refusal.
pub(super) struct Answered {
    pub(super) object: Json,
    /// What the API warns of.
    pub(super) warnings: Vec<String>,
}

/// What is asked of the API.
#[derive(Default)]
pub(super) struct Question<'q> {
    pub(super) path: String,
    pub(super) query: Vec<(&'q str, String)>,
    pub(super) body: Option<&'q Json>,
    /// The type of the body, if that is not simply JSON.
    pub(super) content_type: Option<&'q str>,
}

impl<'a> Cluster<'a> {
    pub(super) fn new(access: &Access<'_>, host: &'a dyn Host) -> Result<Self, Failure> {
        let connection = connection::find(access, host)?;
        let client = Client::new(connection.settings)
            .map_err(|error| Failure::new(format!("Could not create API client: {error}")))?;
        Ok(Self {
            client: Arc::new(client),
            server: connection.server,
            headers: connection.headers,
            host,
            known: RefCell::default(),
        })
    }

    /// Asks what is there.
    pub(super) fn get(&self, path: &str, query: Vec<(&str, String)>) -> Result<Json, Refusal> {
        let question = Question {
            path: path.to_owned(),
            query,
            ..Question::default()
        };
        self.ask("GET", &question).map(|answer| answer.object)
    }

    /// Asks.
    pub(super) fn ask(&self, method: &str, question: &Question<'_>) -> Result<Answered, Refusal> {
        let mut url = join(
            &format!("{}/", self.server),
            question.path.trim_start_matches('/'),
        );
        for (number, (name, value)) in question.query.iter().enumerate() {
            url.push(if number == 0 { '?' } else { '&' });
            url.push_str(&format!("{name}={}", escaped(value)));
        }
        let mut headers = self.headers.clone();
        headers.push(("Accept".to_owned(), "application/json".to_owned()));
        if question.body.is_some() {
            let content_type = question.content_type.unwrap_or("application/json");
            headers.push(("Content-Type".to_owned(), content_type.to_owned()));
        }
        let request = Request {
            method: method.to_owned(),
            url,
            headers,
            body: question.body.map(|body| body.to_string().into_bytes()),
        };
        let unreachable = |cause: String| {
            Refusal::Unanswered(Failure::new(format!(
                "cannot reach the API of the cluster at {}: {cause}; check `host` or the kubeconfig, and that the API server runs",
                self.server
            )))
        };
        let mut response = answered(self.client.clone(), request, self.host)
            .map_err(|error| Refusal::Unanswered(Unanswered::Ended(error).failure()))?
            .map_err(|error| unreachable(error.to_string()))?;
        let mut text = Vec::new();
        Watched::new(&mut response.body, self.host)
            .read_to_end(&mut text)
            .map_err(|error| unreachable(error.to_string()))?;
        let warnings = response
            .headers
            .iter()
            .filter(|(name, _)| name == "warning")
            .filter_map(|(_, value)| warning(value))
            .collect();
        let object: Option<Json> = serde_json::from_slice(&text).ok();
        if (200..300).contains(&response.status) {
            return match object {
                Some(object) => Ok(Answered { object, warnings }),
                None => Err(unreachable("it answered with what is no JSON".to_owned())),
            };
        }
        let said = |name: &str| {
            let object = object.as_ref()?;
            object.get(name)?.as_str().map(str::to_owned)
        };
        let plain = || String::from_utf8_lossy(&text).trim().to_owned();
        Err(Refusal::Status {
            code: response.status,
            reason: said("reason").unwrap_or(response.reason),
            message: said("message").unwrap_or_else(plain),
        })
    }
}

/// Returns the text of a header `Warning: 299 - "text"`.
fn warning(header: &str) -> Option<String> {
    let text = header.split_once('"')?.1;
    let text = text.trim_end().strip_suffix('"')?;
    Some(text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// Returns text as it may stand in the query of an address.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
