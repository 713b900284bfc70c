//! The status of one watch and the timing of watches, shared by [`Watch`](super::watch::Watch) and
//! [`Watches`](super::watches::Watches).

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use foldhash::HashSet;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::model::{Key, Kind};

/// The timing and page size of watches.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Objects in a page of a list. The allocator keeps what the largest pages needed for a moment: several copies of their text.
    pub page: u32,
    /// The duration of one watch request in seconds, at most 294. Revoked permissions are noticed at its end.
    pub watch_seconds: u32,
    /// The time limit of one page of a list.
    pub list: Duration,
    /// The first pause after a failure; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// The longest pause while an API server that answers refuses requests: it may have just started.
    pub refused_pause: Duration,
    /// The time for which the API server must repeat and confirm a refusal before known objects are given up: a missing
    /// permission (403), or a kind that the cluster no longer has (404).
    pub certain: Duration,
    /// The longest pause between questions for rights while one is missing.
    pub rights: Duration,
    /// The shortest duration of a watch that counts as successful: a proxy may close each one at once.
    pub shortest_watch: Duration,
    /// The pause of an idle watch; see [`WatchStatus::idle_since`].
    pub idle: Duration,
    /// The pause before what follows from running controllers and IngressClasses is found again: ConfigMaps, and namespaces with
    /// controllers.
    pub following: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            page: 200,
            watch_seconds: 290,
            list: Duration::from_mins(1),
            first_pause: Duration::from_millis(800),
            longest_pause: Duration::from_secs(30),
            refused_pause: Duration::from_secs(2),
            certain: Duration::from_mins(1),
            rights: Duration::from_mins(1),
            shortest_watch: Duration::from_millis(800),
            idle: Duration::from_mins(5),
            following: Duration::from_secs(5),
        }
    }
}

/// The status of the watch of one kind, or of one object of that kind.
#[derive(Debug, Clone)]
pub struct WatchStatus {
    /// The kind.
    pub kind: Kind,
    /// The only object that is watched, or with an empty name the controllers of a namespace; `None`: every object of the kind.
    pub only: Option<Key>,
    /// The time of the last event; the API server sends a bookmark about every minute.
    pub last_event: Option<Instant>,
    /// Failures after which the watch started again.
    pub restarts: u64,
    /// Objects that could not be read.
    pub skipped: u64,
    /// The error of the last attempt; `None`: it succeeded.
    pub trouble: Option<String>,
    /// The time of the last response without anything to watch: the kind does not exist (404), or it is optional and
    /// forbidden (403). This is not an error.
    pub idle_since: Option<Instant>,
}

impl WatchStatus {
    /// Creates the status of a watch that begins.
    pub(super) fn new(kind: Kind, only: Option<Key>) -> Self {
        Self { kind, only, last_event: None, restarts: 0, skipped: 0, trouble: None, idle_since: None }
    }
}

impl fmt::Display for WatchStatus {
    /// Writes what is watched: `Service`, or `ConfigMap namespace/name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.only {
            Some(key) => write!(f, "{} {key}", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}

/// The errors of the connection to the API server since it was last reached. All watches share them: each error is logged once,
/// not by every watch.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    errors: Mutex<HashSet<String>>,
    /// Wakes the other watches once one of them has reached the API server.
    pub(crate) ended: Notify,
}

impl Outage {
    /// Records an error. Returns whether it is new.
    pub(crate) fn note_error(&self, error: &str) -> bool {
        self.errors.lock().insert(without_digits(error))
    }

    /// Records that the API server was reached. Returns whether it was not before.
    pub(crate) fn note_end(&self) -> bool {
        let mut errors = self.errors.lock();
        let was_out = !errors.is_empty();
        errors.clear();
        if was_out {
            self.ended.notify_waiters();
        }
        was_out
    }
}

/// Returns an error without its digits. Errors about certificates contain the time, which changes at every attempt.
pub(crate) fn without_digits(error: &str) -> String {
    error.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The status of a watch, shared with its task, and the means to wake the task while it is idle.
#[derive(Debug)]
pub(crate) struct WatchHandle {
    pub(crate) status: Mutex<WatchStatus>,
    pub(crate) wake: Notify,
    /// The number of receipts so far: answers with changes, from the moment of their arrival.
    received: AtomicU64,
    /// The last receipt whose changes are published.
    published: watch::Sender<u64>,
}

impl WatchHandle {
    pub(crate) fn new(status: WatchStatus) -> Self {
        let (status, wake, received) = (Mutex::new(status), Notify::new(), AtomicU64::new(0));
        Self { status, wake, received, published: watch::Sender::new(0) }
    }

    /// Numbers a receipt, before its changes are parsed. Only the task of the watch does this.
    pub(crate) fn receive(&self) -> u64 {
        self.received.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Marks a receipt as published.
    pub(crate) fn publish(&self, receipt: u64) {
        self.published.send_replace(receipt);
    }

    /// Waits until everything that was received before this call is published.
    pub(crate) fn published(&self) -> impl Future<Output = ()> + use<> {
        let received = self.received.load(Ordering::Acquire);
        let mut published = self.published.subscribe();
        async move {
            let _ = published.wait_for(|published| *published >= received).await;
        }
    }
}
