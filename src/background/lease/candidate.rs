//! The decisions of one replica about the Lease, without I/O.
//!
//! Clocks of machines differ, so the times in the Lease are never compared with a clock. A replica takes the Lease if it has not seen it
//! change for [`DURATION`]. The holder stops [`DURATION`] after it began its last successful write, which is earlier.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;

/// The time after which the Lease is free if its holder does not renew it.
pub const DURATION: Duration = Duration::from_secs(10);
/// The time between two renewals.
const RENEWAL: Duration = Duration::from_secs(5);
/// The time after which a replica that does not hold the Lease, or could not renew it, tries again.
const RETRY: Duration = Duration::from_secs(2);

/// One replica.
#[derive(Debug)]
pub struct Candidate {
    identity: String,
    /// The Lease as it was seen last, and when it was first seen so.
    seen: Option<(Observed, Instant)>,
    /// The beginning of the last successful write.
    renewed: Option<Instant>,
}

/// The fields of the Lease that a write of a replica changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// `spec.holderIdentity`; empty: it was given up, or was never held.
    pub holder: String,
    /// `spec.renewTime`, which is compared with itself only.
    pub renewed: Option<Timestamp>,
    /// `spec.acquireTime`
    pub acquired: Option<Timestamp>,
    /// `spec.leaseTransitions`
    pub transitions: i32,
}

/// A write to the Lease, under the condition that it has not changed since it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// The replica becomes the holder.
    Acquire(Observed),
    /// The holder renews it.
    Renew(Observed),
}

impl Observed {
    /// Reads the spec of a Lease.
    #[must_use]
    pub fn of(spec: Option<&LeaseSpec>) -> Self {
        let Some(spec) = spec else { return Self::default() };
        Self {
            holder: spec.holder_identity.clone().unwrap_or_default(),
            renewed: spec.renew_time.as_ref().map(|time| time.0),
            acquired: spec.acquire_time.as_ref().map(|time| time.0),
            transitions: spec.lease_transitions.unwrap_or_default(),
        }
    }

    /// Returns the spec with these fields; other fields stay as they are.
    #[must_use]
    pub fn into_spec(self, before: Option<LeaseSpec>) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(self.holder),
            renew_time: self.renewed.map(MicroTime),
            acquire_time: self.acquired.map(MicroTime),
            lease_transitions: Some(self.transitions),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            ..before.unwrap_or_default()
        }
    }
}

impl Write {
    /// Returns the fields to write.
    #[must_use]
    pub fn observed(&self) -> &Observed {
        match self {
            Self::Acquire(observed) | Self::Renew(observed) => observed,
        }
    }
}

impl Candidate {
    /// Creates a replica with a name that no other has.
    #[must_use]
    pub const fn new(identity: String) -> Self {
        Self { identity, seen: None, renewed: None }
    }

    /// Returns the write that follows from a read of the Lease, if any. `clock` is written as the time of the renewal: that of the API
    /// server.
    pub fn decide(&mut self, lease: Observed, at: Instant, clock: Timestamp) -> Option<Write> {
        let since = match &self.seen {
            Some((seen, since)) if *seen == lease => *since,
            _ => at,
        };
        self.seen = Some((lease.clone(), since));
        // The API has microseconds.
        let clock = Timestamp::from_microsecond(clock.as_microsecond()).unwrap_or(clock);
        // The time of a renewal must change, or others would not see it: also if the clock goes back or stands.
        let next = lease.renewed.map_or(clock, |before| if before == clock { after(clock) } else { clock });
        if lease.holder == self.identity {
            return Some(Write::Renew(Observed { renewed: Some(next), ..lease }));
        }
        // Another replica has taken it.
        self.renewed = None;
        let is_free = lease.holder.is_empty() || at.duration_since(since) >= DURATION;
        is_free.then(|| {
            Write::Acquire(Observed {
                holder: self.identity.clone(),
                renewed: Some(next),
                acquired: Some(clock),
                transitions: lease.transitions.saturating_add(1),
            })
        })
    }

    /// Notes that a write has succeeded, which began at this time.
    pub fn written(&mut self, write: &Write, begun: Instant) {
        self.seen = Some((write.observed().clone(), begun));
        self.renewed = Some(begun);
    }

    /// Returns the time until which the replica is the holder.
    #[must_use]
    pub fn holds_until(&self) -> Option<Instant> {
        self.renewed.map(|renewed| renewed + DURATION)
    }

    /// Returns the pause until the next read. `is_failed`: the last read or write has failed.
    #[must_use]
    pub fn pause(&self, is_failed: bool) -> Duration {
        if self.renewed.is_some() && !is_failed { RENEWAL } else { RETRY }
    }

    /// Returns the fields that give the Lease up, if the replica holds it.
    #[must_use]
    pub fn release(&mut self, lease: &Observed, clock: Timestamp) -> Option<Observed> {
        self.renewed = None;
        let is_own = lease.holder == self.identity;
        is_own.then(|| Observed { holder: String::new(), renewed: Some(clock), ..lease.clone() })
    }
}

/// Returns a time that the microseconds of a Lease distinguish.
fn after(clock: Timestamp) -> Timestamp {
    clock.checked_add(Duration::from_micros(1)).unwrap_or(Timestamp::MIN)
}
