//! The webhook server: two ports, a certificate that is reloaded from its files, and a drain that loses no request. A
//! [`ReviewHandler`] answers the reviews.

mod body;
mod body_memory;
mod certificates;
mod configuration;
mod connection;
mod connections;
mod failure;
mod fast;
mod handler;
mod handshake;
mod health;
mod limits;
mod listener;
mod page;
mod probes;
mod rechecks;
mod recorder;
mod reload_blocks;
mod router;
mod runtime;
mod self_signed;
mod signal;
mod slow;
mod stored;
mod tls;
mod unreviewed;

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
use self::connections::Connections;
use self::handshake::Handshakes;
use self::health::Health;
use self::listener::{Port, Transport};
use self::runtime::WebhookRuntime;
use crate::telemetry::Metrics;

pub use self::configuration::FollowedConfiguration;
pub use self::handler::{BackgroundAudit, ClusterReadiness, Endpoint, Readiness, ReviewHandler, Stored};
pub use self::limits::Limits;
pub use self::page::{PagePort, PageSource, StoredPage};
pub use self::probes::{Probing, follow_probes};
pub use self::rechecks::{RECHECK_DELAY, follow_rechecks};
pub use self::recorder::start_recorder;
pub use self::reload_blocks::follow_reload_blocks;
pub use self::router::webhook;
pub use self::self_signed::SelfSigned;
pub use self::signal::Signals;
pub use self::stored::{Followed, Found, ReadsByName, SharedFigures, Visit, Visits, follow_stored_ingresses};
pub use self::tls::{CertificateSource, TlsError, TlsOptions};
pub use self::unreviewed::{FollowedWrites, follow_writes};

/// Addresses, certificate and limits of a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The webhook port, HTTPS.
    pub listen: SocketAddr,
    /// The health port, plain HTTP.
    pub health_listen: SocketAddr,
    /// The certificate of the webhook port.
    pub tls: TlsOptions,
    /// The limits of both ports.
    pub limits: Limits,
}

/// The reason why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The server cannot listen on an address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The certificate is missing or invalid.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The threads of the webhook port cannot start.
    #[error("cannot start threads: {0}")]
    Threads(io::Error),
}

/// A server that has bound its ports and loaded its certificate, and does not serve yet.
pub struct Server {
    webhook: TcpListener,
    health: TcpListener,
    addresses: (SocketAddr, SocketAddr),
    limits: Limits,
    certificates: Arc<Certificates>,
    metrics: Arc<Metrics>,
    runtime: WebhookRuntime,
}

/// The result of a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// The number of connections that were cut because a request took too long.
    pub cut: usize,
}

impl Server {
    /// Loads the certificate and binds both ports.
    ///
    /// # Errors
    /// If the certificate cannot be loaded, an address cannot be bound, or threads cannot start.
    pub async fn bind(options: Options, metrics: Arc<Metrics>) -> Result<Self, ServerError> {
        let Options { listen, health_listen, tls, limits } = options;
        let certificates = Certificates::load(tls, Arc::clone(&metrics))?;
        let (webhook, listen) = bind(listen).await?;
        let (health, health_listen) = bind(health_listen).await?;
        let runtime = WebhookRuntime::start().map_err(ServerError::Threads)?;
        Ok(Self { webhook, health, addresses: (listen, health_listen), limits, certificates, metrics, runtime })
    }

    /// Returns the address of the webhook port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addresses.0
    }

    /// Returns the address of the health port.
    #[must_use]
    pub fn health_addr(&self) -> SocketAddr {
        self.addresses.1
    }

    /// Serves `app` until `shutdown`, then drains. `/readyz` fails at once. During `lame_duck` requests are still accepted and clients
    /// are asked to reconnect. After that no connection is accepted, and requests in progress may complete within `drain`. The
    /// drain takes at most `lame_duck` and `drain` together. The webhook port has threads of its own; the health port runs on the
    /// runtime of the caller.
    pub async fn run(self, app: Router, readiness: Arc<dyn Readiness>, shutdown: CancellationToken) -> Drained {
        let Self { webhook, health, addresses, limits, certificates, metrics, runtime } = self;
        tracing::info!(webhook = %addresses.0, health = %addresses.1, "serving");
        let followed = Arc::clone(&certificates);
        let following = readiness.tasks().keep("serving_certificate", move || Arc::clone(&followed).follow());
        let _following = AbortOnDropHandle::new(following);
        let (phases, health_phases) = (Phases::default(), Phases::default());
        let state = Health {
            readiness,
            certificates: Arc::clone(&certificates),
            draining: phases.lame.clone(),
            metrics: Arc::clone(&metrics),
            rendered: Arc::default(),
        };
        let health_limits = limits.health();
        let health = Port {
            listener: health,
            transport: Arc::new(Transport::Plain),
            connections: connections(&health_limits, &metrics, "health"),
            shared: share(health::router(state), health_limits, &health_phases, &metrics),
        };
        let handshakes = Handshakes::new(certificates, limits.handshake, Arc::clone(&metrics));
        let lame_duck = limits.lame_duck;
        let webhook = Port {
            listener: webhook,
            transport: Arc::new(Transport::Tls(handshakes)),
            connections: connections(&limits, &metrics, "webhook"),
            shared: share(app, limits, &phases, &metrics),
        };
        let webhook = runtime.spawn(webhook.serve());
        let webhook = async {
            let cut = webhook.await.unwrap_or_else(|error| {
                tracing::error!(%error, "the webhook port failed");
                0
            });
            // The health port ends last, so that probes see the whole drain.
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

fn connections(limits: &Limits, metrics: &Metrics, port: &'static str) -> Arc<Connections> {
    Connections::new(limits.connections, limits.quiet, metrics.connections(port), metrics.evicted_connections(port))
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let fail = |source| ServerError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    Ok((listener, bound))
}
