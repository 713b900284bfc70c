//! The limits of the server.

use std::thread::available_parallelism;
use std::time::Duration;

use crate::admission::LARGE;

/// The limits of one port, and the times of its drain. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open connections. Beyond them the oldest quiet connection gives way; further ones wait in the backlog of the kernel.
    pub connections: usize,
    /// Time without a request in progress after which a connection is quiet, and age of an unfinished body, from which they give way to
    /// others. It covers handshakes and incomplete heads, so it must exceed the time that an honest client needs for its next step.
    pub quiet: Duration,
    /// Whether an HTTP/1.1 connection stays open after a response.
    pub keep_alive: bool,
    /// Time from an accepted connection to a complete TLS handshake.
    pub handshake: Duration,
    /// Time from there to the complete head of the first request, so that a silent client does not hold a connection.
    pub first_request: Duration,
    /// Idle time of an HTTP/1.1 connection between requests; in hyper it is also the time for the next head. It must exceed the
    /// 90 s for which Go keeps idle connections: if the server closed first, a POST that was just sent would be lost.
    pub idle: Duration,
    /// Bytes of the head of one request.
    pub head_bytes: usize,
    /// Open HTTP/2 streams of one connection.
    pub streams: u32,
    /// Ping interval of an idle HTTP/2 connection. It is closed if no response arrives within half of this time.
    pub ping: Duration,
    /// Bytes of the body of one request.
    pub body_bytes: usize,
    /// Time from the head of a request to its complete body.
    pub body: Duration,
    /// Bytes from which a body is large.
    pub large_bytes: usize,
    /// Bytes of all large bodies in memory together.
    pub large_bodies_bytes: usize,
    /// Bytes of all other bodies in memory together. They are reserved: large bodies do not use them.
    pub small_bodies_bytes: usize,
    /// Fast reviews in progress.
    pub reviews: usize,
    /// Slow reviews that compute at the same time, each on a thread of its own. A review is slow if its body is large or if it
    /// exceeds the allowance of a fast one.
    pub slow_places: usize,
    /// Slow places of one user in one namespace.
    pub slow_places_per_user: usize,
    /// Slow reviews in progress, including those that wait for a place.
    pub slow_reviews: usize,
    /// Time that a request waits for its review to begin before it is rejected as `Overloaded`.
    pub review_wait: Duration,
    /// Drain, first phase: time in which requests are still accepted although the server is no longer ready.
    pub lame_duck: Duration,
    /// Drain, second phase: time in which a new connection may still send its first request.
    pub grace: Duration,
    /// Drain, third phase: time in which requests in progress may complete before they are cut.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            quiet: Duration::from_millis(500),
            keep_alive: true,
            handshake: Duration::from_secs(5),
            first_request: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            head_bytes: 64 * 1024,
            streams: 250,
            ping: Duration::from_secs(20),
            body_bytes: 8 * 1024 * 1024,
            body: Duration::from_secs(5),
            large_bytes: LARGE,
            large_bodies_bytes: 48 * 1024 * 1024,
            small_bodies_bytes: 16 * 1024 * 1024,
            reviews: 256,
            slow_places: available_parallelism().map_or(2, |cores| cores.get().max(2)),
            slow_places_per_user: 2,
            slow_reviews: 128,
            review_wait: Duration::from_secs(1),
            lame_duck: Duration::from_secs(5),
            grace: Duration::from_millis(500),
            drain: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Returns the limits of reviews of other objects than Ingresses. They have places and memory of their own, so that many writes of
    /// Services take none from reviews of Ingresses.
    pub(super) fn impact(&self) -> Self {
        Self {
            large_bodies_bytes: self.large_bodies_bytes.min(self.body_bytes),
            small_bodies_bytes: self.small_bodies_bytes.min(4 * 1024 * 1024),
            reviews: self.reviews.min(64),
            slow_places: 1,
            slow_places_per_user: 1,
            slow_reviews: self.slow_reviews.min(32),
            ..self.clone()
        }
    }

    /// Returns the limits of the health port: few connections with short times and one request each, because its
    /// clients repeat a lost GET.
    pub(super) fn health(&self) -> Self {
        Self {
            connections: 64,
            quiet: self.quiet.min(Duration::from_millis(100)),
            keep_alive: false,
            first_request: self.first_request.min(Duration::from_secs(5)),
            idle: self.idle.min(Duration::from_secs(10)),
            head_bytes: 16 * 1024,
            grace: Duration::ZERO,
            drain: self.drain.min(Duration::from_secs(1)),
            ..self.clone()
        }
    }
}
