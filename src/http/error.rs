//! Why a request got no answer.

/// No answer, and why.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be used.
    #[error("the URL `{url}` cannot be used: {cause}")]
    Address {
        /// As it was given, without a password.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A certificate, a key or a proxy cannot be used.
    #[error("{0}")]
    Setting(String),
    /// Nobody was reached, or the connection broke.
    #[error("Request failed: <urlopen error {0}>")]
    Connection(String),
    /// The server did not prove who it is.
    #[error("Failed to validate the SSL certificate: {0}")]
    Certificate(String),
    /// It took too long.
    #[error("Connection failure: The read operation timed out")]
    Timeout,
    /// One redirect after another.
    #[error("`{0}` redirects too often")]
    Redirects(String),
}

impl HttpError {
    /// Says what the library's error means.
    pub(super) fn of(error: &ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Self::Timeout,
            ureq::Error::HostNotFound => {
                Self::Connection("[Errno -2] Name or service not known".to_owned())
            }
            ureq::Error::Rustls(rustls::Error::InvalidCertificate(cause)) => {
                Self::Certificate(format!("{cause:?}"))
            }
            ureq::Error::Io(cause) if is_certificate(cause) => Self::Certificate(cause.to_string()),
            ureq::Error::Io(cause) => match cause.raw_os_error() {
                Some(number) => {
                    let text = cause.to_string();
                    let text = text.split(" (os error").next().unwrap_or_default();
                    Self::Connection(format!("[Errno {number}] {text}"))
                }
                None if cause.kind() == std::io::ErrorKind::TimedOut => Self::Timeout,
                None => Self::Connection(cause.to_string()),
            },
            other => Self::Connection(other.to_string()),
        }
    }
}

/// Tells whether the library packed a certificate's fault into an error of reading.
fn is_certificate(error: &std::io::Error) -> bool {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some_and(|error| matches!(error, rustls::Error::InvalidCertificate(_)))
}
