//! The durations of self-managed certificates.

use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// The time by which `notBefore` precedes the creation of a certificate, for clocks that are behind.
pub(super) const BACKDATED: Duration = Duration::from_hours(1);

/// The durations of self-managed certificates. Tests shorten them.
#[derive(Debug, Clone)]
pub struct Lifetimes {
    /// The life of a CA. Its successor is created after two thirds of it.
    pub authority: Duration,
    /// The life of a serving certificate, which is renewed after half of it. A CA that signs no longer stays trusted for one.
    pub leaf: Duration,
    /// How long a CA must have been trusted before it signs in the place of another one.
    pub settle: Duration,
    /// The time after which every API server has noticed a change of the webhook configuration.
    pub propagation: Duration,
    /// The interval at which the Secret and the webhook configuration are read.
    pub poll: Duration,
    /// The period in which three repairs of the caBundle count as a conflict.
    pub conflict: Duration,
    /// The pause between repairs during a conflict.
    pub truce: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            authority: 365 * DAY,
            leaf: 7 * DAY,
            settle: Duration::from_mins(5),
            propagation: Duration::from_secs(5),
            poll: Duration::from_secs(10),
            conflict: Duration::from_mins(10),
            truce: Duration::from_mins(1),
        }
    }
}
