//! One connection: its requests, its time limits and its end.

use std::future::pending;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connections::Activity;
use super::limits::Limits;
use super::router::layered;
use crate::telemetry::Metrics;

/// The smallest buffer that hyper accepts without a panic, in bytes.
const SMALLEST_BUFFER: usize = 8192;
/// The time in which a client can confirm that an evicted HTTP/2 connection ends, and send no further request on it.
const GOODBYE: Duration = Duration::from_millis(100);

/// The phases in which a port ends, in this order.
#[derive(Clone, Default)]
pub(super) struct Phases {
    /// Requests are still served, and clients are asked to reconnect elsewhere.
    pub(super) lame: CancellationToken,
    /// New connections are refused; open ones end after the request in progress.
    pub(super) stop: CancellationToken,
    /// Connections that are still open are cut.
    pub(super) cut: CancellationToken,
}

/// The state that all connections of a port share.
pub(super) struct Shared {
    pub(super) app: Router,
    pub(super) limits: Limits,
    pub(super) phases: Phases,
    pub(super) metrics: Arc<Metrics>,
}

/// The HTTP version of a connection. ALPN selects it; detection from the first bytes would need a limit of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl Shared {
    /// Serves one connection until the client closes it, exceeds a limit, or the port ends.
    pub(super) async fn serve<I>(&self, io: I, protocol: Protocol, activity: &Arc<Activity>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // HTTP/2 has GOAWAY, and forbids `connection: close`.
        let closing = (protocol == Protocol::Http1).then(|| self.phases.lame.clone());
        let service = layered(self.app.clone(), Arc::clone(&self.metrics), Arc::clone(activity), closing);
        let (io, service, limits) = (TokioIo::new(io), TowerToHyperService::new(service), &self.limits);
        match protocol {
            Protocol::Http1 => self.drive(http1(limits).serve_connection(io, service), activity).await,
            Protocol::Http2 => self.drive(http2(limits).serve_connection(io, service), activity).await,
        }
    }

    async fn drive(&self, connection: impl GracefulConnection, activity: &Activity) {
        let mut connection = pin!(connection);
        let silent = async {
            sleep(self.limits.first_request).await;
            if activity.has_begun() {
                pending::<()>().await;
            }
        };
        tokio::select! {
            _ = connection.as_mut() => return,
            () = silent => return,
            () = activity.evicted() => return give_way(connection, activity).await,
            () = self.phases.stop.cancelled() => {}
        }
        // The first request of a new connection may be on its way.
        if !activity.has_begun() && timeout(self.limits.grace, connection.as_mut()).await.is_ok() {
            return;
        }
        connection.as_mut().graceful_shutdown();
        // An error here is the client's: the connection ends either way.
        let _ = connection.await;
    }
}

/// Ends an evicted connection. A request that its client has just sent is answered first.
async fn give_way<C: GracefulConnection>(mut connection: Pin<&mut C>, activity: &Activity) {
    if !activity.has_begun() {
        return;
    }
    connection.as_mut().graceful_shutdown();
    while timeout(GOODBYE, connection.as_mut()).await.is_err() && activity.is_in_progress() {}
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .keep_alive(limits.keep_alive)
        .header_read_timeout(limits.idle)
        .max_buf_size(limits.head_bytes.max(SMALLEST_BUFFER))
        .max_header_size(limits.head_bytes);
    builder
}

fn http2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.ping / 2);
    builder
}
