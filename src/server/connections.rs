//! The open connections of one port. If all slots are in use, the oldest quiet connection gives way to a new one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The interval at which a new connection without a slot looks for a quiet one again.
const RETRY: Duration = Duration::from_millis(50);
/// One slot of this many is kept free, so that several new connections do not wait for each other.
const SLOTS_PER_FREE: usize = 64;

/// The connections of one port.
pub(super) struct Connections {
    slots: Arc<Semaphore>,
    /// The number of slots that eviction keeps free.
    free: usize,
    /// The time without a request in progress after which a connection can be evicted.
    quiet: Duration,
    /// By number, which counts up.
    open: Mutex<BTreeMap<u64, Arc<Activity>>>,
    gauge: Gauge,
    evicted: Counter,
}

/// An open connection: its slot and its entry, until it is dropped.
pub(super) struct Open {
    connections: Arc<Connections>,
    number: u64,
    pub(super) activity: Arc<Activity>,
    _slot: OwnedSemaphorePermit,
}

/// The requests of one connection.
pub(super) struct Activity {
    requests: Mutex<Requests>,
    evicted: CancellationToken,
}

struct Requests {
    in_progress: usize,
    /// Whether a request has begun.
    any: bool,
    /// The end of the last request, or the time of the accept.
    last: Instant,
}

/// A request in progress, until it is dropped.
pub(super) struct InProgress(Arc<Activity>);

impl Connections {
    pub(super) fn new(slots: usize, quiet: Duration, gauge: Gauge, evicted: Counter) -> Arc<Self> {
        let free = (slots / SLOTS_PER_FREE).max(1);
        let slots = Arc::new(Semaphore::new(slots));
        Arc::new(Self { slots, free, quiet, open: Mutex::default(), gauge, evicted })
    }

    /// Waits for a slot. Closes quiet connections if too few are free.
    pub(super) async fn open(self: &Arc<Self>) -> Open {
        loop {
            self.evict();
            if let Ok(slot) = timeout(RETRY, Arc::clone(&self.slots).acquire_owned()).await {
                return self.register(slot.expect("the semaphore is never closed"));
            }
        }
    }

    /// Returns a slot if one is free.
    pub(super) fn try_open(self: &Arc<Self>) -> Option<Open> {
        Arc::clone(&self.slots).try_acquire_owned().ok().map(|slot| self.register(slot))
    }

    fn register(self: &Arc<Self>, slot: OwnedSemaphorePermit) -> Open {
        let activity = Arc::new(Activity::new());
        let mut open = self.open.lock();
        let number = open.last_key_value().map_or(0, |(last, _)| last + 1);
        open.insert(number, Arc::clone(&activity));
        drop(open);
        self.gauge.inc();
        Open { connections: Arc::clone(self), number, activity, _slot: slot }
    }

    /// Closes quiet connections until enough slots are free. Those that never sent a request go first, then the one whose last
    /// request is the oldest: clients that send reviews keep their connections.
    fn evict(&self) {
        let Some(missing) = self.free.checked_sub(self.slots.available_permits()).filter(|missing| *missing > 0) else {
            return;
        };
        let open = self.open.lock();
        let (closing, others): (Vec<_>, Vec<_>) = open.values().partition(|activity| activity.evicted.is_cancelled());
        let mut quiet: Vec<_> = others
            .into_iter()
            .filter_map(|activity| {
                let requests = activity.requests.lock();
                let is_quiet = requests.in_progress == 0 && requests.last.elapsed() >= self.quiet;
                is_quiet.then(|| (requests.any, requests.last, activity))
            })
            .collect();
        quiet.sort_by_key(|(any, last, _)| (*any, *last));
        for (_, _, activity) in quiet.into_iter().take(missing.saturating_sub(closing.len())) {
            activity.evicted.cancel();
            self.evicted.inc();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connections.open.lock().remove(&self.number);
        self.connections.gauge.dec();
    }
}

impl Activity {
    fn new() -> Self {
        let requests = Requests { in_progress: 0, any: false, last: Instant::now() };
        Self { requests: Mutex::new(requests), evicted: CancellationToken::new() }
    }

    /// Counts a request until the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> InProgress {
        let mut requests = self.requests.lock();
        requests.in_progress += 1;
        requests.any = true;
        drop(requests);
        InProgress(Arc::clone(self))
    }

    /// Returns whether the connection has sent a request.
    pub(super) fn has_begun(&self) -> bool {
        self.requests.lock().any
    }

    /// Returns whether a request is in progress.
    pub(super) fn is_in_progress(&self) -> bool {
        self.requests.lock().in_progress > 0
    }

    /// Waits until the connection has to give way.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let mut requests = self.0.requests.lock();
        requests.in_progress -= 1;
        requests.last = Instant::now();
    }
}
