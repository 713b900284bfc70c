//! A server running for one test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use ingress_guard::server::{Drained, Limits, Options, Server, ServerError, TlsOptions, webhook};
use ingress_guard::telemetry::Metrics;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::client::{Client, plain_get};
use super::handler::Echo;
use super::pki::{Authority, Mount};

/// Long enough for the slowest machine; reached only by a failing test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    pub(crate) health: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) authority: Authority,
    pub(crate) mount: Mount,
    pub(crate) handler: Arc<Echo>,
    pub(crate) end: JoinHandle<Drained>,
}

/// Limits with which nothing goes wrong by itself, and ends are quick.
pub(crate) fn calm() -> Limits {
    Limits {
        handshake: PATIENCE,
        first_request: PATIENCE,
        body: PATIENCE,
        lame_duck: Duration::from_millis(50),
        grace: Duration::from_millis(50),
        drain: Duration::from_millis(500),
        ..Limits::default()
    }
}

pub(crate) async fn bind(tls: TlsOptions, limits: Limits) -> Result<Server, ServerError> {
    bind_with(tls, limits, Arc::default()).await
}

async fn bind_with(tls: TlsOptions, limits: Limits, metrics: Arc<Metrics>) -> Result<Server, ServerError> {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Server::bind(Options { listen, health_listen: listen, tls, limits }, metrics).await
}

/// Serve reviews by echo.
pub(crate) async fn start(limits: Limits) -> Running {
    start_handling(limits, Echo::default()).await
}

pub(crate) async fn start_handling(limits: Limits, handler: Echo) -> Running {
    start_as(limits, handler, |options| options).await
}

/// Serve reviews by `handler`, with changed TLS options.
pub(crate) async fn start_as(limits: Limits, handler: Echo, change: impl FnOnce(TlsOptions) -> TlsOptions) -> Running {
    let authority = Authority::new();
    let mount = Mount::new(&authority.issue());
    let tls = change(mount.options());
    let metrics = Arc::new(Metrics::new());
    let handler = Arc::new(handler);
    let app = webhook(Arc::clone(&handler), &limits, Arc::clone(&metrics));
    let server = bind_with(tls, limits, metrics).await.unwrap();
    launch(server, app, authority, mount, handler)
}

/// Serve any application.
pub(crate) async fn start_app(limits: Limits, app: Router) -> Running {
    start_app_counted(limits, app, Arc::default()).await
}

/// Serve any application, with the metrics that it counts.
pub(crate) async fn start_app_counted(limits: Limits, app: Router, metrics: Arc<Metrics>) -> Running {
    let authority = Authority::new();
    let mount = Mount::new(&authority.issue());
    let server = bind_with(mount.options(), limits, metrics).await.unwrap();
    launch(server, app, authority, mount, Arc::default())
}

fn launch(server: Server, app: Router, authority: Authority, mount: Mount, handler: Arc<Echo>) -> Running {
    let (addr, health, shutdown) = (server.addr(), server.health_addr(), CancellationToken::new());
    let end = tokio::spawn(server.run(app, handler.clone(), shutdown.clone()));
    Running { addr, health, shutdown, authority, mount, handler, end }
}

impl Running {
    /// A client that trusts the server.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.addr, self.authority.roots())
    }

    pub(crate) async fn readyz(&self) -> (u16, String) {
        plain_get(self.health, "/readyz").await
    }

    /// Whether the metrics hold this line.
    pub(crate) async fn counts(&self, line: &str) -> bool {
        let (status, text) = plain_get(self.health, "/metrics").await;
        assert_eq!(status, 200);
        text.lines().any(|found| found == line)
    }

    /// Wait for a line in the metrics.
    pub(crate) async fn until_counts(&self, line: &str) {
        let waiting = async {
            while !self.counts(line).await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never counted: {line}"));
    }
}
