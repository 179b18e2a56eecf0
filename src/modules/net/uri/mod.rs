//! `ansible.builtin.uri`: a request to a web service, and what it answered.

mod body;
mod exchange;
mod multipart;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::Redirects;
use crate::kit::{
    Any, Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Need, NeedKind,
    Plan, Support, with_file_attributes,
};
use crate::modules::net::web::{Access, are_headers};
use crate::template::FileKind;

with_file_attributes! {
    /// Talk to a web service
    ///
    /// The host itself asks, with its own certificates, proxies (`http_proxy`, `https_proxy`, `no_proxy`; see `use_proxy`) and
    /// `.netrc`. An answer with a status that is not in `status_code` is a failure.
    ///
    /// A task that only reads (`GET` and `HEAD`) may run while other hosts are still at work on tasks that touch nothing it could
    /// see; any other method waits for all of them.
    ///
    /// ## Check mode
    ///
    /// Skipped.
    ///
    /// ## Returns
    ///
    /// - `status`, `msg`: what the server said; -1 where none did.
    /// - `url`: the address that answered, without credentials. `redirected`: whether that is another than the one asked for.
    /// - `content`: the answer as text, with `return_content`.
    /// - `json`: the answer, where its type says that it is JSON.
    /// - `cookies`, `cookies_string`: what the server set, and how to send it back in a header `Cookie`.
    /// - `path`: the file that was written, with `dest`.
    /// - `elapsed`: seconds.
    /// - all headers, in lower case and with `_` for `-`.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - ansible.builtin.uri:
    ///     url: https://127.0.0.1:6443/healthz
    ///     ca_path: /etc/kubernetes/pki/ca.crt
    ///     return_content: true
    ///   register: health
    ///   until: health.status == 200
    ///   retries: 30
    ///   delay: 2
    /// - ansible.builtin.uri:
    ///     url: https://rancher.example.com/v3-public/localProviders/local?action=login
    ///     method: POST
    ///     body_format: json
    ///     body:
    ///       username: admin
    ///       password: "{{ bootstrap_password }}"
    ///     status_code: [200, 201]
    ///   no_log: true
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// `use_gssapi` is not supported. `ciphers` chooses among the suites of TLS 1.2 that are still safe. Credentials and cookies do not follow a redirect to
    /// another host. An answer of more than 256 MiB is refused unless it goes to `dest`. A `body` of several values with
    /// `body_format: raw` is refused.
    pub(super) struct UriArgs {
        /// The address: `http://` or `https://`; it may hold `user:password@`.
        url: String,
        /// What is asked for: one word in capital letters.
        #[serde(default = "get")]
        method: String,
        /// What is sent along.
        #[serde(default)]
        body: Option<Any>,
        /// How `body` is written: as it is, as JSON, or as a form.
        #[serde(default)]
        body_format: BodyFormat,
        /// A file that is sent along instead of `body`.
        #[serde(default)]
        src: Option<String>,
        /// `src`, and the files that a form names, lie on the host, not on the controller.
        #[serde(default)]
        remote_src: bool,
        /// Headers of the request.
        #[serde(default)]
        headers: Option<Any>,
        /// Statuses that are a success.
        #[serde(default = "two_hundred")]
        status_code: Vec<i64>,
        /// Return the answer as `content`.
        #[serde(default)]
        return_content: bool,
        /// A file that the answer is written to, or a directory that is there.
        #[serde(default)]
        dest: Option<HostPath>,
        /// Do nothing where this path exists.
        #[serde(default)]
        creates: Option<HostPath>,
        /// Do nothing where this path does not exist.
        #[serde(default)]
        removes: Option<HostPath>,
        /// Which redirects are followed: all, those of `GET` and `HEAD` (`safe`), none, or those that Python's library follows
        /// (`urllib2`).
        #[serde(default)]
        follow_redirects: FollowRedirects,
        /// Ask caches on the way for what the server has now.
        #[serde(default)]
        force: bool,
        /// How many seconds may pass without a word from the server.
        #[serde(default = "thirty")]
        timeout: i64,
        /// Use the proxies that the host's environment names.
        #[serde(default = "enabled")]
        use_proxy: bool,
        /// The server must prove who it is.
        #[serde(default = "enabled")]
        validate_certs: bool,
        /// Certificates that are trusted instead of the host's, in PEM.
        #[serde(default)]
        ca_path: Option<HostPath>,
        /// The user's name for basic or digest authentication.
        #[serde(default, alias = "user")]
        url_username: Option<String>,
        /// The password.
        #[serde(default, alias = "password")]
        url_password: Option<String>,
        /// Send them at once, rather than when the server asks.
        #[serde(default)]
        force_basic_auth: bool,
        /// The client's own certificate, in PEM; the key may be in the same file.
        #[serde(default)]
        client_cert: Option<HostPath>,
        /// The key of that certificate, in PEM.
        #[serde(default)]
        client_key: Option<HostPath>,
        /// How the client names itself.
        #[serde(default = "agent")]
        http_agent: String,
        /// Headers that do not go along with a redirect.
        #[serde(default)]
        unredirected_headers: Vec<String>,
        /// A Unix socket of the host that is asked, whatever host the address names.
        #[serde(default)]
        unix_socket: Option<HostPath>,
        /// Kerberos, which kplay has not.
        #[serde(default)]
        use_gssapi: bool,
        /// Take credentials from the user's `.netrc`.
        #[serde(default = "enabled")]
        use_netrc: bool,
        /// Unpack what comes packed with gzip.
        #[serde(default = "enabled")]
        decompress: bool,
        /// OpenSSL's names of the ciphers that may be used.
        #[serde(default)]
        ciphers: Vec<String>,
    }
}

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum BodyFormat {
    FormUrlencoded,
    Json,
    #[default]
    Raw,
    FormMultipart,
}

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum FollowRedirects {
    All,
    No,
    None,
    #[default]
    Safe,
    Urllib2,
    Yes,
}

fn enabled() -> bool {
    true
}

fn thirty() -> i64 {
    30
}

fn get() -> String {
    "GET".to_owned()
}

fn agent() -> String {
    "ansible-httpget".to_owned()
}

fn two_hundred() -> Vec<i64> {
    vec![200]
}

pub(super) struct Uri;

impl Module for Uri {
    type Args = UriArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.uri",
        aliases: &[],
        family: "net",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::None,
        diff: Support::None,
        free_form: None,
    };

    const SKIPPED_IN_CHECK: Option<&'static str> =
        Some("This action (uri) does not support check mode.");

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.use_gssapi {
            return Err(ArgumentError::new("use_gssapi", "is not supported"));
        }
        if !are_headers(args.headers.as_ref()) {
            return Err(ArgumentError::new("headers", "must be a dictionary"));
        }
        if args.body.is_some() && args.src.is_some() {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: body|src",
            ));
        }
        let method = args.method.to_uppercase();
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(ArgumentError::new(
                "method",
                "needs to be a single word in uppercase, like GET or POST",
            ));
        }
        Ok(())
    }

    fn prepare(args: &Self::Args) -> Vec<Need> {
        if args.remote_src {
            return Vec::new();
        }
        let names = match &args.src {
            Some(src) => vec![src.clone()],
            None if args.body_format == BodyFormat::FormMultipart => {
                multipart::files(args.body.as_ref())
            }
            None => Vec::new(),
        };
        let need = |name| Need {
            place: FileKind::File,
            name,
            kind: NeedKind::Content,
            decrypt: true,
        };
        names.into_iter().map(need).collect()
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let exists = |path: &HostPath| host.status(path, true).map(|status| status.is_some());
        let guarded = |path: &HostPath, what: &str| {
            let why = format!("skipped, since '{}' {what}", path.as_str());
            Plan::unchanged(why.clone()).with("stdout", why)
        };
        if let Some(path) = &args.creates
            && exists(path)?
        {
            return Ok(guarded(path, "exists"));
        }
        if let Some(path) = &args.removes
            && !exists(path)?
        {
            return Ok(guarded(path, "does not exist"));
        }
        let plan = Plan::opaque(());
        Ok(match args.follow_redirects {
            FollowRedirects::Yes | FollowRedirects::No => plan.warn(
                "`yes` and `no` for `follow_redirects` are deprecated: write `all` and `none`",
            ),
            _ => plan,
        })
    }

    fn apply(args: &Self::Args, (): (), host: &dyn Host) -> Result<Applied, Failure> {
        exchange::run(args, host).map(Applied::from)
    }
}

impl UriArgs {
    fn access(&self) -> Access<'_> {
        Access {
            validate_certs: self.validate_certs,
            use_proxy: self.use_proxy,
            use_netrc: self.use_netrc,
            http_agent: &self.http_agent,
            username: self.url_username.as_deref(),
            password: self.url_password.as_deref(),
            force_basic_auth: self.force_basic_auth,
            client_cert: self.client_cert.as_deref(),
            client_key: self.client_key.as_deref(),
            ca_path: self.ca_path.as_deref(),
            unix_socket: self.unix_socket.as_deref(),
            timeout: self.timeout,
            redirects: match self.follow_redirects {
                FollowRedirects::All | FollowRedirects::Yes => Redirects::All,
                FollowRedirects::No | FollowRedirects::None => Redirects::None,
                FollowRedirects::Safe => Redirects::Safe,
                FollowRedirects::Urllib2 => Redirects::Python,
            },
            unredirected: &self.unredirected_headers,
            decompress: self.decompress,
            ciphers: &self.ciphers,
            force: self.force,
        }
    }
}
