//! The rate of Events.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// The length of the window.
pub(super) const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Pause after a failed write.
pub(super) const RETRY: SignedDuration = SignedDuration::from_secs(10);

/// Limits the number of writes in any minute.
#[derive(Debug)]
pub(super) struct Rate {
    most: usize,
    writes: VecDeque<Timestamp>,
}

impl Rate {
    /// At most this number of writes a minute.
    pub(super) fn new(most: usize) -> Self {
        Self { most, writes: VecDeque::new() }
    }

    /// Returns how many more writes are possible now.
    pub(super) fn free(&mut self, now: Timestamp) -> usize {
        // A clock that was set back does not block writes for longer than a minute.
        self.writes.retain(|write| now.duration_since(*write).abs() < MINUTE);
        self.most - self.writes.len().min(self.most)
    }

    /// Counts a write.
    pub(super) fn count(&mut self, now: Timestamp) {
        self.writes.push_back(now);
    }
}
