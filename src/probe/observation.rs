//! What a request has shown: the certificate, and the answer or the reason why there is none.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::certificate::SeenCertificate;

/// The end of the value of a header of which only the beginning is kept.
pub const CUT: &str = "…";

/// What one request has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The address to which it was sent; `None`: it was not sent.
    pub address: Option<SocketAddr>,
    /// The certificate, for HTTPS.
    pub certificate: Option<Arc<SeenCertificate>>,
    /// The answer.
    pub answer: Result<Response, NoAnswer>,
}

/// An HTTP response, as far as answers are compared. Of a long header, the beginning is kept, and [`CUT`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The header `Location`.
    pub location: Option<String>,
    /// The header `WWW-Authenticate`.
    pub challenge: Option<String>,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The first 4 KiB of the body; `None`: only `HEAD` was sent.
    pub body: Option<Vec<u8>>,
}

/// The reason why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// The request was not sent, for this reason.
    NotSent(String),
    /// The connection is refused.
    Refused,
    /// The time is up while it was connecting, or waiting for the response.
    TimedOut(&'static str),
    /// The TLS handshake failed.
    Tls(String),
    /// The connection was closed, or the response is not HTTP.
    Closed(String),
}

impl Observation {
    /// Creates that of a request that was not sent.
    #[must_use]
    pub fn not_sent(reason: impl Into<String>) -> Self {
        Self { address: None, certificate: None, answer: Err(NoAnswer::NotSent(reason.into())) }
    }
}

impl Response {
    /// Returns whether the status is that of a redirect with a `Location`.
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status) && self.location.is_some()
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(reason) => write!(f, "not requested: {reason}"),
            Self::Refused => f.write_str("the connection is refused"),
            Self::TimedOut(what) => write!(f, "time-out while {what}"),
            Self::Tls(reason) => write!(f, "the TLS handshake failed: {reason}"),
            Self::Closed(reason) => write!(f, "the connection ended without a response: {reason}"),
        }
    }
}
