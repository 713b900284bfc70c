//! The webhook as a server: two ports, a certificate that follows its files, and an end that loses no request. What a
//! review means is decided elsewhere; see [`Judge`].

mod body;
mod certificates;
mod connection;
mod failure;
mod handler;
mod handshake;
mod health;
mod limits;
mod listener;
mod router;
mod self_signed;
mod signal;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::certificates::Certificates;
use self::connection::{Phases, Shared};
use self::handshake::Handshakes;
use self::health::Health;
use self::listener::{Port, Transport};
use crate::telemetry::Metrics;

pub use self::handler::{Judge, Readiness};
pub use self::limits::Limits;
pub use self::router::webhook;
pub use self::self_signed::SelfSigned;
pub use self::signal::Signals;
pub use self::tls::{CertificateSource, TlsError, TlsOptions};

/// What to serve where.
#[derive(Debug, Clone)]
pub struct Options {
    /// The webhook port, HTTPS.
    pub listen: SocketAddr,
    /// The health port, plain HTTP.
    pub health_listen: SocketAddr,
    /// The certificate of the webhook port.
    pub tls: TlsOptions,
    /// The bounds of both.
    pub limits: Limits,
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// There is no certificate to serve with.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A server that holds its ports and its certificate, and does not serve yet.
pub struct Server {
    webhook: TcpListener,
    health: TcpListener,
    addresses: (SocketAddr, SocketAddr),
    limits: Limits,
    certificates: Arc<Certificates>,
    metrics: Arc<Metrics>,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut because their requests took too long.
    pub cut: usize,
}

impl Server {
    /// Load the certificate and take both ports: whatever can be wrong with them is wrong now, not later.
    ///
    /// # Errors
    /// When the certificate cannot be loaded or an address not be listened on.
    pub async fn bind(options: Options, metrics: Arc<Metrics>) -> Result<Self, ServerError> {
        let Options { listen, health_listen, tls, limits } = options;
        let certificates = Certificates::load(tls, Arc::clone(&metrics))?;
        let (webhook, listen) = bind(listen).await?;
        let (health, health_listen) = bind(health_listen).await?;
        Ok(Self { webhook, health, addresses: (listen, health_listen), limits, certificates, metrics })
    }

    /// The address of the webhook port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addresses.0
    }

    /// The address of the health port.
    #[must_use]
    pub fn health_addr(&self) -> SocketAddr {
        self.addresses.1
    }

    /// Serve `app` until `shutdown`, then drain: readiness goes at once; for the lame duck time requests are still
    /// taken and clients sent elsewhere; then nothing new is accepted and what is in progress may finish in the drain
    /// time. The whole end takes at most these two together.
    pub async fn run(self, app: Router, readiness: Arc<dyn Readiness>, shutdown: CancellationToken) -> Drained {
        let Self { webhook, health, addresses, limits, certificates, metrics } = self;
        tracing::info!(webhook = %addresses.0, health = %addresses.1, "serving");
        let _following = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&certificates).follow()));
        let (phases, health_phases) = (Phases::default(), Phases::default());
        let state = Health {
            readiness,
            certificates: Arc::clone(&certificates),
            draining: phases.lame.clone(),
            metrics: Arc::clone(&metrics),
        };
        let health = Port {
            listener: health,
            transport: Arc::new(Transport::Plain),
            open: metrics.connections("health"),
            shared: share(health::router(state), limits.health(), &health_phases, &metrics),
        };
        let handshakes = Handshakes::new(certificates, limits.handshake, Arc::clone(&metrics));
        let lame_duck = limits.lame_duck;
        let webhook = Port {
            listener: webhook,
            transport: Arc::new(Transport::Tls(handshakes)),
            open: metrics.connections("webhook"),
            shared: share(app, limits, &phases, &metrics),
        };
        let webhook = async {
            let cut = webhook.serve().await;
            // Last, so that the whole drain can be watched.
            health_phases.stop.cancel();
            cut
        };
        let (cut, _, ()) = tokio::join!(webhook, health.serve(), end(&shutdown, &phases, lame_duck));
        tracing::info!(cut, "drained");
        Drained { cut }
    }
}

async fn end(shutdown: &CancellationToken, phases: &Phases, lame_duck: Duration) {
    shutdown.cancelled().await;
    phases.lame.cancel();
    sleep(lame_duck).await;
    phases.stop.cancel();
}

fn share(app: Router, limits: Limits, phases: &Phases, metrics: &Arc<Metrics>) -> Arc<Shared> {
    Arc::new(Shared { app, limits, phases: phases.clone(), metrics: Arc::clone(metrics) })
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let fail = |source| ServerError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    Ok((listener, bound))
}
