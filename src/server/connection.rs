//! One connection: its requests, its time limits and its end.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::limits::Limits;
use super::router::layered;
use crate::telemetry::Metrics;

/// The smallest buffer that hyper accepts without a panic, in bytes.
const SMALLEST_BUFFER: usize = 8192;

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
    pub(super) async fn serve<I>(&self, io: I, protocol: Protocol)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let seen = Arc::new(AtomicBool::new(false));
        // HTTP/2 has GOAWAY, and forbids `connection: close`.
        let closing = (protocol == Protocol::Http1).then(|| self.phases.lame.clone());
        let service = layered(self.app.clone(), Arc::clone(&self.metrics), Arc::clone(&seen), closing);
        let (io, service, limits) = (TokioIo::new(io), TowerToHyperService::new(service), &self.limits);
        match protocol {
            Protocol::Http1 => self.drive(http1(limits).serve_connection(io, service), &seen).await,
            Protocol::Http2 => self.drive(http2(limits).serve_connection(io, service), &seen).await,
        }
    }

    async fn drive(&self, connection: impl GracefulConnection, seen: &AtomicBool) {
        let mut connection = pin!(connection);
        let silent = async {
            sleep(self.limits.first_request).await;
            if seen.load(Ordering::Relaxed) {
                pending::<()>().await;
            }
        };
        tokio::select! {
            _ = connection.as_mut() => return,
            () = silent => return,
            () = self.phases.stop.cancelled() => {}
        }
        // The first request of a new connection may be on its way.
        if !seen.load(Ordering::Relaxed) && timeout(self.limits.grace, connection.as_mut()).await.is_ok() {
            return;
        }
        connection.as_mut().graceful_shutdown();
        // An error here is the client's: the connection ends either way.
        let _ = connection.await;
    }
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
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
