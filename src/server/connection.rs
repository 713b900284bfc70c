//! One connection: its requests, its patience, and its end.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use axum::response::IntoResponse;
use axum::{BoxError, Router};
use hyper::body::Incoming;
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::limits::Limits;
use crate::telemetry::Metrics;

/// hyper panics below it.
const SMALLEST_BUFFER: usize = 8192;

/// The way to the end of a port, in this order.
#[derive(Clone, Default)]
pub(super) struct Phases {
    /// Requests are still served, but clients are sent elsewhere.
    pub(super) lame: CancellationToken,
    /// Nothing new is accepted; connections end after the request in progress.
    pub(super) stop: CancellationToken,
    /// What is still open is cut.
    pub(super) cut: CancellationToken,
}

/// What all connections of a port share.
pub(super) struct Shared {
    pub(super) app: Router,
    pub(super) limits: Limits,
    pub(super) phases: Phases,
    pub(super) metrics: Arc<Metrics>,
}

/// Which HTTP a connection speaks: said by ALPN, as sniffing would need a limit of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// A hyper connection that can be asked to end after the request in progress.
trait Graceful: Future {
    fn finish(self: Pin<&mut Self>);
}

impl Shared {
    /// Serve until the client leaves, loses our patience, or the port ends.
    pub(super) async fn serve<I>(self: &Arc<Self>, io: I, protocol: Protocol)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let seen = Arc::new(AtomicBool::new(false));
        let (shared, mark) = (Arc::clone(self), Arc::clone(&seen));
        let app = TowerToHyperService::new(self.app.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            mark.store(true, Ordering::Relaxed);
            Arc::clone(&shared).answer(app.call(request.map(Body::new)), protocol)
        });
        let (io, limits) = (TokioIo::new(io), &self.limits);
        match protocol {
            Protocol::Http1 => self.drive(http1(limits).serve_connection(io, service), &seen).await,
            Protocol::Http2 => self.drive(http2(limits).serve_connection(io, service), &seen).await,
        }
    }

    /// The answer of the application; a panic in it becomes an answer too, so the connection and whatever else runs on
    /// it live on.
    async fn answer<F>(self: Arc<Self>, answer: F, protocol: Protocol) -> Result<Response<Body>, Infallible>
    where
        F: Future<Output = Result<Response<Body>, Infallible>>,
    {
        let mut answer = pin!(answer);
        let caught = poll_fn(|context| {
            let polled = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)));
            polled.map_or_else(|_| Poll::Ready(None), |polled| polled.map(Some))
        });
        let mut response = if let Some(Ok(response)) = caught.await {
            response
        } else {
            self.metrics.panics.inc();
            Failure::panicked().into_response()
        };
        // HTTP/2 has GOAWAY, and forbids this header.
        if protocol == Protocol::Http1 && self.phases.lame.is_cancelled() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    async fn drive<C: Graceful>(&self, connection: C, seen: &AtomicBool) {
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
        // A client that has just connected has its request on the way.
        if !seen.load(Ordering::Relaxed) && timeout(self.limits.grace, connection.as_mut()).await.is_ok() {
            return;
        }
        connection.as_mut().finish();
        connection.await;
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

impl<I, S> Graceful for http1::Connection<I, S>
where
    I: Read + Write + Unpin,
    S: HttpService<Incoming, ResBody = Body>,
    S::Error: Into<BoxError>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, E> Graceful for http2::Connection<I, S, E>
where
    I: Read + Write + Unpin,
    S: HttpService<Incoming, ResBody = Body>,
    S::Error: Into<BoxError>,
    E: Http2ServerConnExec<S::Future, Body>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
