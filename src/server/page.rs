//! The port of the read-only page on the stored Ingresses. It is bound to a loopback address, for `kubectl port-forward`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::Phases;
use super::limits::Limits;
use super::listener::{Port, Transport};
use super::stored::Visits;
use super::{ServerError, bind, connections, share};
use crate::background::{Audit, Leadership, page};
use crate::telemetry::Metrics;

/// The shortest time between two renderings.
const REFRESH: Duration = Duration::from_secs(30);

/// The time without requests after which the page is dropped from memory.
const KEPT: Duration = Duration::from_mins(1);

/// The time limit of one rendering.
const PATIENCE: Duration = Duration::from_mins(1);

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Renders the page.
pub trait PageSource: Send + Sync {
    /// Returns the page in HTML, or in one line why this replica has none.
    fn render(&self) -> BoxFuture<'_, Result<String, String>>;
}

/// A port that is bound and does not serve yet.
pub struct PagePort {
    listener: TcpListener,
    address: SocketAddr,
}

/// The page of the background audit of this process.
pub struct StoredPage {
    /// The source of the cluster state, as the page names it.
    pub source: String,
    /// Whether this replica audits.
    pub leadership: Leadership,
    /// The way to the audit.
    pub visits: Visits,
}

impl PageSource for StoredPage {
    fn render(&self) -> BoxFuture<'_, Result<String, String>> {
        async {
            if !self.leadership.is_holder() {
                return Err(self.elsewhere());
            }
            let (answer, answered) = oneshot::channel();
            let source = self.source.clone();
            let visit =
                move |audit: &Audit| drop(answer.send(page(audit, &source, REFRESH.as_secs(), Timestamp::now())));
            self.visits.ask(Box::new(visit));
            match timeout(PATIENCE, answered).await {
                Ok(Ok(Some(html))) => Ok(html),
                Ok(Ok(None)) => Err("the stored Ingresses are being evaluated for the first time".to_owned()),
                Ok(Err(_)) if !self.leadership.is_holder() => Err(self.elsewhere()),
                Ok(Err(_)) => Err("internal error, see the log".to_owned()),
                Err(_) => Err(format!("the page was not rendered within {} s", PATIENCE.as_secs())),
            }
        }
        .boxed()
    }
}

impl StoredPage {
    fn elsewhere(&self) -> String {
        if let Some(trouble) = self.leadership.trouble() {
            return trouble;
        }
        match &*self.leadership.holder() {
            "" => "no replica holds the Lease of the background audit".to_owned(),
            holder => format!("the page is at pod {holder}, which holds the Lease of the background audit"),
        }
    }
}

struct Pages {
    source: Arc<dyn PageSource>,
    /// The last page. The lock is held while the next one is rendered, so that one is rendered at a time.
    last: Mutex<Option<(Instant, Bytes)>>,
}

impl PagePort {
    /// Binds the port.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let (listener, address) = bind(address).await?;
        Ok(Self { listener, address })
    }

    /// Returns the address of the port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves the page until `shutdown`.
    pub async fn serve(
        self,
        source: Arc<dyn PageSource>,
        limits: &Limits,
        metrics: Arc<Metrics>,
        shutdown: CancellationToken,
    ) {
        let Self { listener, address } = self;
        tracing::info!(page = %address, "serving the page on the stored Ingresses");
        let phases = Phases { stop: shutdown, ..Phases::default() };
        let pages = Arc::new(Pages { source, last: Mutex::default() });
        let (limits, app) = (limits.health(), router(Arc::clone(&pages)));
        let port = Port {
            listener,
            transport: Arc::new(Transport::Plain),
            connections: connections(&limits, &metrics, "page"),
            shared: share(app, limits, &phases, &metrics),
        };
        tokio::join!(port.serve(), pages.forget(&phases.stop));
    }
}

fn router(pages: Arc<Pages>) -> Router {
    let fallback = async || (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, TEXT)], "not found; the page is at /\n");
    Router::new().route("/", get(latest)).fallback(fallback).with_state(pages)
}

async fn latest(State(pages): State<Arc<Pages>>, headers: HeaderMap) -> Response {
    // A web site whose name resolves to a loopback address could otherwise read the page in a browser (DNS rebinding).
    if !headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(is_local) {
        let text = "the host must be localhost or an IP address\n";
        return (StatusCode::MISDIRECTED_REQUEST, [(header::CONTENT_TYPE, TEXT)], text).into_response();
    }
    let policy = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // The page has the rest of its policy itself. This part works only as a header.
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    match pages.latest().await {
        Ok(body) => (policy, [(header::CONTENT_TYPE, HTML)], body).into_response(),
        Err(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, policy, [(header::CONTENT_TYPE, TEXT)], reason + "\n").into_response()
        }
    }
}

impl Pages {
    async fn latest(&self) -> Result<Bytes, String> {
        let mut last = self.last.lock().await;
        if let Some((at, body)) = &*last
            && at.elapsed() < REFRESH
        {
            return Ok(body.clone());
        }
        *last = None;
        let body = Bytes::from(self.source.render().await?);
        *last = Some((Instant::now(), body.clone()));
        Ok(body)
    }

    /// Drops the page after a time without requests, until the port stops.
    async fn forget(&self, stop: &CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(KEPT)).await.is_some() {
            let mut last = self.last.lock().await;
            if last.as_ref().is_some_and(|(at, _)| at.elapsed() >= KEPT) {
                *last = None;
            }
        }
    }
}

/// Whether a host, with or without a port, is an IP address or `localhost`.
fn is_local(host: &str) -> bool {
    if host.parse::<SocketAddr>().is_ok() || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return true;
    }
    host.split_once(':').map_or(host, |(name, _)| name).eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_hosts() {
        for host in ["localhost", "LOCALHOST:8081", "127.0.0.1", "127.0.0.1:8081", "[::1]:8081", "[::1]", "10.0.0.7:80"]
        {
            assert!(is_local(host), "{host}");
        }
        for host in ["", "example.com", "localhost.example.com", "127.0.0.1.nip.io:8081", "example.com:8081", ":80"] {
            assert!(!is_local(host), "{host}");
        }
    }
}
