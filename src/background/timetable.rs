//! The times at which verdicts change although no object does: certificates and waivers end, a Service grows old.

use std::collections::BTreeSet;

use foldhash::HashMap;
use jiff::{SignedDuration, Timestamp};

use crate::model::{Key, Secret, TlsFacts};

/// What changes by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Cause {
    /// The validity of a certificate.
    Secret(Key),
    /// The age of a Service, up to which missing endpoints are expected.
    Service(Key),
    /// A waiver of an Ingress.
    Ingress(Key),
    /// An exception or an override of the configuration.
    Configuration,
}

/// The next time of each cause.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    times: BTreeSet<(Timestamp, Cause)>,
    of: HashMap<Cause, Timestamp>,
}

impl Timetable {
    /// Sets the next time of a cause; `None`: it does not change by itself.
    pub(super) fn set(&mut self, cause: Cause, time: Option<Timestamp>) {
        if let Some(before) = self.of.remove(&cause) {
            self.times.remove(&(before, cause.clone()));
        }
        if let Some(time) = time {
            self.of.insert(cause.clone(), time);
            self.times.insert((time, cause));
        }
    }

    /// Removes the next cause whose time has come.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Cause> {
        let (time, _) = self.times.first()?;
        if *time > now {
            return None;
        }
        let (_, cause) = self.times.pop_first()?;
        self.of.remove(&cause);
        Some(cause)
    }
}

/// Returns the next time at which a certificate becomes valid, expires soon, or has expired.
#[must_use]
pub(super) fn next_of_certificate(secret: &Secret, warning_days: u16, now: Timestamp) -> Option<Timestamp> {
    let TlsFacts::Pair { certificate, .. } = &secret.tls else { return None };
    let warning = SignedDuration::from_hours(24 * i64::from(warning_days));
    let soon = certificate.not_after.checked_sub(warning).ok();
    let times = [Some(certificate.not_before), soon, Some(certificate.not_after), certificate.issuer_not_after];
    // A certificate is valid until the end of the second.
    times
        .into_iter()
        .flatten()
        .filter_map(|time| time.checked_add(SignedDuration::from_secs(1)).ok())
        .filter(|time| *time > now)
        .min()
}

/// Returns the next midnight (UTC), at which waivers and exceptions end.
#[must_use]
pub(super) fn next_midnight(now: Timestamp) -> Option<Timestamp> {
    const DAY: i64 = 24 * 60 * 60;
    Timestamp::from_second((now.as_second().div_euclid(DAY) + 1) * DAY).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_cause_comes_once_at_its_last_time() {
        let mut times = Timetable::default();
        let (web, api) = (Cause::Secret(Key::new("shop", "web")), Cause::Secret(Key::new("shop", "api")));
        times.set(web.clone(), Some(at("2026-01-01T00:00:00Z")));
        times.set(web.clone(), Some(at("2026-03-01T00:00:00Z")));
        times.set(api.clone(), Some(at("2026-02-01T00:00:00Z")));
        times.set(Cause::Configuration, Some(at("2026-02-01T00:00:00Z")));
        times.set(Cause::Configuration, None);
        assert_eq!(times.pop(at("2026-01-31T23:59:59Z")), None);
        assert_eq!(times.pop(at("2026-03-01T00:00:00Z")), Some(api));
        assert_eq!(times.pop(at("2026-03-01T00:00:00Z")), Some(web));
        assert_eq!(times.pop(at("2027-01-01T00:00:00Z")), None);
    }

    #[test]
    fn days_end_at_midnight_utc() {
        assert_eq!(next_midnight(at("2026-11-22T23:59:59.5Z")), Some(at("2026-11-23T00:00:00Z")));
        assert_eq!(next_midnight(at("2026-11-23T00:00:00Z")), Some(at("2026-11-24T00:00:00Z")));
    }
}
