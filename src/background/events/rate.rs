//! The rate of Events.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// The most Events on Ingresses in a minute.
pub(super) const MOST: usize = 20;
/// The length of the window.
pub(super) const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Pause after a failed write.
const RETRY: SignedDuration = SignedDuration::from_secs(10);
/// The failures in succession after which each further one doubles the pause.
const TRANSIENT: u32 = 2;
/// The longest pause after a failed write, for one that a quota or another webhook refuses.
const LONGEST: SignedDuration = SignedDuration::from_mins(2);

/// Returns the pause after this number of failures in succession.
pub(super) fn pause(failures: u32) -> SignedDuration {
    let doubled = 1 << failures.saturating_sub(TRANSIENT).min(10);
    (RETRY * doubled).min(LONGEST)
}

/// Limits the number of writes in any minute.
#[derive(Debug, Default)]
pub(super) struct Rate {
    /// The times and namespaces of the writes in the last minute.
    writes: VecDeque<(Timestamp, Box<str>)>,
}

impl Rate {
    /// Returns how many more writes are possible now.
    pub(super) fn free(&mut self, now: Timestamp) -> usize {
        // A clock that was set back does not block writes for longer than a minute.
        self.writes.retain(|(write, _)| now.duration_since(*write).abs() < MINUTE);
        MOST.saturating_sub(self.writes.len())
    }

    /// Counts a write in a namespace.
    pub(super) fn count(&mut self, namespace: &str, now: Timestamp) {
        self.writes.push_back((now, namespace.into()));
    }

    /// Returns the number of writes in a namespace in the last minute.
    pub(super) fn of(&self, namespace: &str) -> usize {
        self.writes.iter().filter(|(_, of)| **of == *namespace).count()
    }
}
