//! Every bound the server keeps, in one place.

use std::time::Duration;

use crate::admission::LARGE;

/// What one port holds out against, and how it ends. Times are wall-clock, sizes are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once; the excess waits in the kernel's backlog.
    pub connections: usize,
    /// From an accepted connection to a finished TLS handshake.
    pub handshake: Duration,
    /// From there to the complete head of the first request, so a silent client does not keep a connection.
    pub first_request: Duration,
    /// Idle time of an HTTP/1.1 connection between requests, which in hyper is also the time for the next head. Must
    /// exceed the 90 s for which Go keeps idle connections: if the server closed first, a POST just sent would be lost.
    pub idle: Duration,
    /// The head of one request.
    pub head_bytes: usize,
    /// HTTP/2 streams open at once on one connection.
    pub streams: u32,
    /// A quiet HTTP/2 connection is pinged this often and closed when no answer comes within half of it.
    pub ping: Duration,
    /// The body of one request.
    pub body_bytes: usize,
    /// From the head of a request to its complete body.
    pub body: Duration,
    /// All bodies held in memory at once.
    pub bodies_bytes: usize,
    /// Reviews in progress at once.
    pub reviews: usize,
    /// A body of so many bytes is large.
    pub large_bytes: usize,
    /// Reviews of large bodies in progress at once; others do not wait for them.
    pub large_reviews: usize,
    /// How long a request waits for a place among them before it is told that the server is overloaded.
    pub review_wait: Duration,
    /// After the signal to end: how long requests are still accepted while readiness is already gone.
    pub lame_duck: Duration,
    /// After that: how long a connection that has sent nothing yet may still send its first request.
    pub grace: Duration,
    /// After that: how long requests in progress may take before they are cut.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(5),
            first_request: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            head_bytes: 64 * 1024,
            streams: 250,
            ping: Duration::from_secs(20),
            body_bytes: 8 * 1024 * 1024,
            body: Duration::from_secs(5),
            bodies_bytes: 64 * 1024 * 1024,
            reviews: 256,
            large_bytes: LARGE,
            large_reviews: 2,
            review_wait: Duration::from_secs(1),
            lame_duck: Duration::from_secs(5),
            grace: Duration::from_millis(500),
            drain: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The health port: few connections, and none kept long, since its callers repeat a lost GET.
    pub(super) fn health(&self) -> Self {
        Self {
            connections: 64,
            first_request: self.first_request.min(Duration::from_secs(5)),
            idle: self.idle.min(Duration::from_secs(10)),
            head_bytes: 16 * 1024,
            grace: Duration::ZERO,
            drain: self.drain.min(Duration::from_secs(1)),
            ..self.clone()
        }
    }
}
