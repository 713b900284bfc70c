//! The time in which no replica ran, by the clock of the API server: every Ingress that was written then was stored without a review.

use jiff::{SignedDuration, Timestamp};

/// The time after the last renewal within which a replica may have reviewed: the holder until its next renewal or its drain, and
/// another replica until it would have taken the Lease.
const AFTER: SignedDuration = SignedDuration::from_secs(15);
/// The time before the start of the new holder within which another new replica may have reviewed. The API has whole seconds.
const BEFORE: SignedDuration = SignedDuration::from_secs(2);

/// The time in which certainly no replica ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

impl Outage {
    /// Returns the time between the last renewal of the Lease and the start of the process that takes it next, without the margins.
    /// Both are times of the API server. `None`: it is too short.
    #[must_use]
    pub fn between(renewed: Timestamp, started: Timestamp) -> Option<Self> {
        let (from, until) = (renewed.checked_add(AFTER).ok()?, started.checked_sub(BEFORE).ok()?);
        (from < until).then_some(Self { from, until })
    }

    /// Returns whether something was written in that time.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from < time && time < self.until
    }
}
