//! TLS handshakes that fail: a wrong `caBundle` is the most common reason why a webhook does not work, and this side
//! is the only one that hears of it in full.

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

/// Between two warnings; what happens meanwhile is counted and logged at debug level.
const QUIET: Duration = Duration::from_secs(10);

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
}

/// Why a handshake failed: a word for the metric, and whether it says that something is set up wrongly.
struct Cause {
    reason: &'static str,
    hint: Option<&'static str>,
}

impl Handshakes {
    pub(super) fn new(certificates: Arc<Certificates>, limit: Duration, metrics: Arc<Metrics>) -> Self {
        Self { certificates, limit, metrics, warned: Mutex::default() }
    }

    /// Shake hands with the newest certificate; a failure is reported here.
    pub(super) async fn accept(&self, tcp: TcpStream, peer: SocketAddr) -> Option<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(self.certificates.config());
        let error = match timeout(self.limit, acceptor.accept(tcp)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, "no handshake in time"),
        };
        let cause = cause(&error);
        self.metrics.handshake_failed(cause.reason);
        if let Some((hint, suppressed)) = cause.hint.and_then(|hint| Some((hint, self.may_warn()?))) {
            tracing::warn!(%peer, %error, suppressed, "TLS handshake failed: {hint}");
        } else {
            tracing::debug!(%peer, %error, "TLS handshake failed");
        }
        None
    }

    /// How many warnings were held back since the last one, when it is time for another.
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
        Some(Error::AlertReceived(alert)) => Cause { reason: "refused", hint: Some(alert_hint(*alert)) },
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            Cause { reason: "protocol", hint: Some("the client does not speak TLS (plain HTTP?)") }
        }
        Some(Error::NoCertificatesPresented | Error::InvalidCertificate(_)) => {
            Cause { reason: "client_certificate", hint: Some("the client's certificate is missing or not accepted") }
        }
        Some(_) => Cause { reason: "protocol", hint: Some("the client speaks another kind of TLS") },
        None if error.kind() == io::ErrorKind::TimedOut => Cause { reason: "timeout", hint: None },
        // Port probes and load balancers connect and leave without a word.
        None => Cause { reason: "closed", hint: None },
    }
}

fn alert_hint(alert: AlertDescription) -> &'static str {
    match alert {
        // The last one: an authority of the same name but with another key.
        AlertDescription::UnknownCA | AlertDescription::BadCertificate | AlertDescription::DecryptError => {
            "the client does not trust our certificate: is caBundle its authority, and does it name the service?"
        }
        AlertDescription::CertificateExpired => "the client says that our certificate has expired",
        _ => "the client broke it off",
    }
}
