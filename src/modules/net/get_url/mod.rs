//! `ansible.builtin.get_url`: a file of the web in its place on the host.

mod fetch;
mod sums;
#[cfg(test)]
mod tests;

use crate::http::Redirects;
use crate::kit::{
    Any, Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Plan, Support,
    with_file_attributes,
};
use crate::modules::net::web::{Access, are_headers};
use fetch::Change;

with_file_attributes! {
    /// Download a file from HTTP or HTTPS to the host
    ///
    /// The host itself asks, with its own certificates, proxies (`http_proxy`, `https_proxy`, `no_proxy`; see `use_proxy`) and
    /// `.netrc`. A file that is there is asked for only if it is newer on the server; with a `checksum` that fits it is not
    /// asked for at all. What comes is private until it is whole, has the checksum, and takes its place in one step.
    ///
    /// Where `dest` is a directory, the file gets the name that the server gives it, or the last part of the address.
    ///
    /// ## Check mode
    ///
    /// Asks the server, and takes no content: tells that a file would be written wherever the server does not say that what is
    /// there is new enough.
    ///
    /// ## Returns
    ///
    /// - `dest`: the file that was written.
    /// - `url`: the address as asked for, without credentials.
    /// - `msg`, `status_code`: what the server said.
    /// - `checksum_src`, `checksum_dest` (SHA-1): of what came, and of what was there. `md5sum`: of what is there now.
    /// - `backup_file`: the copy of what was there.
    /// - `src`: where the content waited.
    /// - `elapsed`: seconds.
    /// - `owner`, `group`, `uid`, `gid`, `mode`, `size`, `state`, `secontext`: what the file is afterwards.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - ansible.builtin.get_url:
    ///     url: https://example.com/app-1.2.0.tar.gz
    ///     dest: /opt/app-1.2.0.tar.gz
    ///     checksum: sha256:https://example.com/SHA256SUMS
    ///     mode: '0644'
    /// - ansible.builtin.get_url:
    ///     url: https://files.example.com/private.conf
    ///     dest: /etc/app/
    ///     url_username: deploy
    ///     url_password: "{{ files_password }}"
    ///     force: true
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// FTP and `use_gssapi` are not supported; of the algorithms for `checksum` there are md5, sha1, sha224, sha256, sha384 and
    /// sha512. `ciphers` chooses among the suites of TLS 1.2 that are still safe. Credentials and cookies do not follow a redirect to another host. Check mode
    /// asks with `GET` and ends the connection after the head of the answer. A packed answer that grows out of all proportion
    /// is refused.
    pub(super) struct GetUrlArgs {
        /// The address: `http://`, `https://` or `file://`; it may hold `user:password@`.
        url: String,
        /// The file, or a directory that is there.
        dest: HostPath,
        /// A directory in which the content waits until it is whole, instead of the file's own.
        #[serde(default)]
        tmp_dest: Option<HostPath>,
        /// Ask for it also where the file is there and not older. A directory as `dest` makes no difference to that.
        #[serde(default)]
        force: bool,
        /// Copy the file that is there before it changes.
        #[serde(default)]
        backup: bool,
        /// What the file must have: `ALGORITHM:CHECKSUM`, or `ALGORITHM:URL` of a list of checksums that names it.
        #[serde(default)]
        checksum: String,
        /// Use the proxies that the host's environment names.
        #[serde(default = "enabled")]
        use_proxy: bool,
        /// The server must prove who it is.
        #[serde(default = "enabled")]
        validate_certs: bool,
        /// How many seconds may pass without a word from the server.
        #[serde(default = "ten")]
        timeout: i64,
        /// Headers of the request.
        #[serde(default)]
        headers: Option<Any>,
        /// The user's name for basic or digest authentication.
        #[serde(default, alias = "username")]
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
        /// Kerberos, which kplay has not.
        #[serde(default)]
        use_gssapi: bool,
        /// Take credentials from the user's `.netrc`.
        #[serde(default = "enabled")]
        use_netrc: bool,
        /// Unpack what comes packed with gzip as its transfer only.
        #[serde(default = "enabled")]
        decompress: bool,
        /// OpenSSL's names of the ciphers that may be used.
        #[serde(default)]
        ciphers: Vec<String>,
    }
}

fn enabled() -> bool {
    true
}

fn ten() -> i64 {
    10
}

fn agent() -> String {
    "ansible-httpget".to_owned()
}

pub(super) struct GetUrl;

impl Module for GetUrl {
    type Args = GetUrlArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.get_url",
        aliases: &[],
        family: "net",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::Partial,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.use_gssapi {
            return Err(ArgumentError::new("use_gssapi", "is not supported"));
        }
        if !are_headers(args.headers.as_ref()) {
            return Err(ArgumentError::new("headers", "must be a dictionary"));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        fetch::plan(args, host)
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        fetch::apply(args, change, host).map(Applied::from)
    }
}

impl GetUrlArgs {
    fn access(&self, force: bool) -> Access<'_> {
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
            ca_path: None,
            unix_socket: None,
            timeout: self.timeout,
            redirects: Redirects::Python,
            unredirected: &self.unredirected_headers,
            decompress: self.decompress,
            ciphers: &self.ciphers,
            force,
        }
    }
}
