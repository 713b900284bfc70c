//! Fast places: reviews on the threads of the webhook port. An author whose reviews cost much time uses slow places for a while, so
//! that the reviews of others do not wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use foldhash::HashMap;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::slow::Author;
use crate::admission::{Preview, Reviewed};

/// The period in which the work of each author is counted.
const PERIOD: Duration = Duration::from_secs(1);
/// The steps that one author may spend in fast places in one period: about 50 ms of CPU time.
const STEPS: u32 = 2_000_000;
/// Reviews with fewer steps are not counted, about 100 µs. Nearly all reviews need fewer.
const CHEAP: u32 = 4_000;
/// The bytes that are parsed in the time of one step.
const BYTES_PER_STEP: usize = 10;

/// The fast places of the webhook port.
pub(super) struct FastPlaces {
    places: Semaphore,
    wait: Duration,
    spent: Mutex<Spent>,
    /// Whether an author has spent too much in this period.
    any_above: AtomicBool,
}

struct Spent {
    since: Instant,
    steps: HashMap<Author, u32>,
}

impl FastPlaces {
    pub(super) fn new(places: usize, wait: Duration) -> Self {
        let spent = Spent { since: Instant::now(), steps: HashMap::default() };
        Self { places: Semaphore::new(places), wait, spent: Mutex::new(spent), any_above: AtomicBool::new(false) }
    }

    /// Waits for a place; `None`: none became free in time.
    pub(super) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        timeout(self.wait, self.places.acquire()).await.ok()?.ok()
    }

    /// Returns whether the author of a review may use a fast place. The author is read only if one has spent too much.
    pub(super) fn admit(&self, body: &[u8]) -> bool {
        if !self.any_above.load(Ordering::Relaxed) {
            return true;
        }
        let mut spent = self.spent.lock();
        if spent.since.elapsed() >= PERIOD {
            self.begin_period(&mut spent);
            return true;
        }
        spent.steps.get(&Author::of(&Preview::of(body))).is_none_or(|steps| *steps < STEPS)
    }

    /// Counts the work of a review.
    pub(super) fn count(&self, body: &[u8], reviewed: &Reviewed) {
        let parsed = u32::try_from(body.len() / BYTES_PER_STEP).unwrap_or(u32::MAX);
        let cost = reviewed.steps.saturating_add(parsed);
        if cost < CHEAP {
            return;
        }
        let record = &reviewed.record;
        let author = Author { namespace: record.namespace.as_str().into(), user: record.user.as_str().into() };
        let mut spent = self.spent.lock();
        if spent.since.elapsed() >= PERIOD {
            self.begin_period(&mut spent);
        }
        let steps = spent.steps.entry(author).or_default();
        *steps = steps.saturating_add(cost);
        if *steps >= STEPS {
            self.any_above.store(true, Ordering::Relaxed);
        }
    }

    fn begin_period(&self, spent: &mut Spent) {
        spent.since = Instant::now();
        spent.steps.clear();
        self.any_above.store(false, Ordering::Relaxed);
    }
}
