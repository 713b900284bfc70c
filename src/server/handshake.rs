//! TLS handshakes and their failures. A wrong `caBundle` is the most common reason why a webhook does not work, and only this side
//! sees the TLS alert.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustls::{AlertDescription, Error, InvalidMessage};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificates::Certificates;
use crate::telemetry::Metrics;

/// The minimum time between two warnings. Failures in between are counted and logged at debug level.
const QUIET: Duration = Duration::from_secs(10);
/// The reason of a handshake that the client refused.
const REFUSED: &str = "refused";

pub(super) struct Handshakes {
    certificates: Arc<Certificates>,
    limit: Duration,
    metrics: Arc<Metrics>,
    warned: Mutex<Warned>,
}

#[derive(Default)]
struct Warned {
    last: Option<Instant>,
    suppressed: u64,
    /// The rejection of the served certificate that was logged last.
    rejection: Option<String>,
}

/// The reason of a failed handshake: a metric label, and a hint if the cause is a wrong configuration.
struct Cause {
    reason: &'static str,
    hint: Option<&'static str>,
}

impl Handshakes {
    pub(super) fn new(certificates: Arc<Certificates>, limit: Duration, metrics: Arc<Metrics>) -> Self {
        Self { certificates, limit, metrics, warned: Mutex::default() }
    }

    /// Performs a handshake with the current certificate. Logs and counts a failure.
    pub(super) async fn accept(&self, tcp: TcpStream, peer: SocketAddr) -> Option<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(self.certificates.config());
        let error = match timeout(self.limit, acceptor.accept(tcp)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, "handshake timed out"),
        };
        let cause = cause(&error);
        self.metrics.handshake_failed(cause.reason);
        let rejection = (cause.reason == REFUSED).then(|| self.certificates.rejection()).flatten();
        match (rejection, cause.hint) {
            (Some(rejection), _) if self.is_new(&rejection) => {
                tracing::warn!(%peer, %error, "TLS handshakes fail: {rejection}");
            }
            (None, Some(hint)) if let Some(suppressed) = self.may_warn() => {
                tracing::warn!(%peer, %error, suppressed, "TLS handshake failed: {hint}");
            }
            _ => tracing::debug!(%peer, %error, "TLS handshake failed"),
        }
        None
    }

    /// Returns whether the rejection of the served certificate is another one than before.
    fn is_new(&self, rejection: &str) -> bool {
        let mut warned = self.warned.lock();
        let is_new = warned.rejection.as_deref() != Some(rejection);
        if is_new {
            warned.rejection = Some(rejection.to_owned());
        }
        is_new
    }

    /// Returns the number of warnings that were suppressed since the last one, or `None` if it is too early for another.
    fn may_warn(&self) -> Option<u64> {
        let mut warned = self.warned.lock();
        if warned.last.is_some_and(|last| last.elapsed() < QUIET) {
            warned.suppressed += 1;
            return None;
        }
        warned.last = Some(Instant::now());
        Some(std::mem::take(&mut warned.suppressed))
    }
}

fn cause(error: &io::Error) -> Cause {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        Some(Error::AlertReceived(alert)) => Cause { reason: REFUSED, hint: Some(alert_hint(*alert)) },
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            Cause { reason: "protocol", hint: Some("the client does not use TLS (plain HTTP?)") }
        }
        Some(Error::NoCertificatesPresented | Error::InvalidCertificate(_)) => {
            Cause { reason: "client_certificate", hint: Some("the client certificate is missing or not accepted") }
        }
        Some(_) => Cause { reason: "protocol", hint: Some("the TLS versions or cipher suites are not compatible") },
        None if error.kind() == io::ErrorKind::TimedOut => Cause { reason: "timeout", hint: None },
        // Port probes and load balancers connect and close without sending anything.
        None => Cause { reason: "closed", hint: None },
    }
}

fn alert_hint(alert: AlertDescription) -> &'static str {
    match alert {
        // `DecryptError`: a CA of the same name with another key.
        AlertDescription::UnknownCA | AlertDescription::BadCertificate | AlertDescription::DecryptError => {
            "the client does not trust the webhook certificate: check that caBundle contains its CA and that it names the Service"
        }
        AlertDescription::CertificateExpired => "the client reports that the webhook certificate has expired",
        _ => "the client aborted the handshake",
    }
}
