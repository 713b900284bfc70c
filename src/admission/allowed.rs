//! The contents that reviews have allowed to be stored. A stored content that is not among them was not reviewed here.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use foldhash::HashSet;
use parking_lot::Mutex;

use super::{Case, Place, Reviewer};
use crate::model::Ingress;

/// The time after which a generation ends.
const SPAN: Duration = Duration::from_mins(5);
/// The contents of a generation after which it ends: both need about 1 MiB.
const MOST: usize = 32_768;

/// The hashes of the contents that reviews have allowed in the last minutes.
#[derive(Debug)]
pub struct AllowedWrites(Mutex<Generations>);

/// The old generation is dropped as a whole when the young one ends.
#[derive(Debug)]
struct Generations {
    old: HashSet<u64>,
    young: HashSet<u64>,
    old_since: Instant,
    young_since: Instant,
}

impl AllowedWrites {
    /// Creates the list of a process that begins to review.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let (old, young) = (HashSet::default(), HashSet::default());
        Self(Mutex::new(Generations { old, young, old_since: now, young_since: now }))
    }

    /// Adds a content.
    pub fn note(&self, ingress: &Ingress, now: Instant) {
        let fingerprint = ingress.fingerprint();
        let mut generations = self.0.lock();
        generations.young.insert(fingerprint);
        generations.advance(now);
    }

    /// Returns whether a review has allowed a content with this [fingerprint](Ingress::fingerprint).
    #[must_use]
    pub fn contains(&self, fingerprint: u64) -> bool {
        let generations = self.0.lock();
        generations.young.contains(&fingerprint) || generations.old.contains(&fingerprint)
    }

    /// Returns the time since which no content was forgotten.
    #[must_use]
    pub fn complete_since(&self, now: Instant) -> Instant {
        let mut generations = self.0.lock();
        generations.advance(now);
        generations.old_since
    }
}

impl Generations {
    /// Ends the young generation if it is old or large.
    fn advance(&mut self, now: Instant) {
        if self.young.len() >= MOST || now.saturating_duration_since(self.young_since) >= SPAN {
            self.old = std::mem::take(&mut self.young);
            self.old_since = self.young_since;
            self.young_since = now;
        }
    }
}

impl Reviewer {
    /// Notes the write of a review that allows it. An answer that no client waits for does not count: the API server has not used it.
    pub(super) fn note_allowed(&self, case: &Case<'_>) {
        let Some(allowed) = &self.allowed else { return };
        let is_answered = match &case.place {
            Place::Fast => !case.ends_early(),
            Place::Slow(cancelled) => !cancelled.load(Ordering::Relaxed),
        };
        if is_answered && !case.request.is_dry_run() {
            allowed.note(case.ingress, Instant::now());
        }
    }
}
