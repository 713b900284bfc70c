//! The memory of request bodies of similar size. If it is used up, the oldest unfinished body gives way to a new one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The number of bodies that may give way for one part of another.
const ATTEMPTS: usize = 10;
/// The time in which a body that gives way is dropped.
const PAUSE: Duration = Duration::from_millis(5);

/// Permits for bytes, and the bodies that hold some and are not complete.
pub(super) struct BodyMemory {
    permits: Arc<Semaphore>,
    /// The age from which an unfinished body gives way.
    quiet: Duration,
    /// By number, which counts up: the oldest one first.
    unfinished: Mutex<BTreeMap<u64, (Instant, CancellationToken)>>,
}

/// An unfinished body, until it is dropped.
pub(super) struct Unfinished {
    memory: Arc<BodyMemory>,
    number: u64,
    /// Cancelled when the body has to give way.
    pub(super) gives_way: CancellationToken,
}

impl BodyMemory {
    pub(super) fn new(bytes: usize, quiet: Duration) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { permits, quiet, unfinished: Mutex::default() })
    }

    /// Returns permits for bytes, or `None` if they are not free and no unfinished body is old enough to give way.
    pub(super) async fn acquire(&self, bytes: u32) -> Option<OwnedSemaphorePermit> {
        for _ in 0..ATTEMPTS {
            if let Ok(permit) = Arc::clone(&self.permits).try_acquire_many_owned(bytes) {
                return Some(permit);
            }
            if !self.evict() {
                return None;
            }
            sleep(PAUSE).await;
        }
        None
    }

    /// Registers a body that is not complete.
    pub(super) fn begin(self: &Arc<Self>) -> Unfinished {
        let gives_way = CancellationToken::new();
        let mut unfinished = self.unfinished.lock();
        let number = unfinished.last_key_value().map_or(0, |(last, _)| last + 1);
        unfinished.insert(number, (Instant::now(), gives_way.clone()));
        Unfinished { memory: Arc::clone(self), number, gives_way }
    }

    /// Asks the oldest body to give way. Returns whether one does.
    fn evict(&self) -> bool {
        let unfinished = self.unfinished.lock();
        let mut asked = unfinished.values().filter(|(since, _)| since.elapsed() >= self.quiet);
        let oldest = asked.find(|(_, gives_way)| !gives_way.is_cancelled());
        if let Some((_, gives_way)) = oldest {
            gives_way.cancel();
        }
        oldest.is_some()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.memory.unfinished.lock().remove(&self.number);
    }
}
