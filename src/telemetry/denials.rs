//! The distinct Ingresses that were denied lately. Argo CD and Flux repeat a denied write without end, so a rate of denials
//! shows how often they retry. The number of Ingresses shows how many applications wait.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use foldhash::HashMap;
use parking_lot::Mutex;

use crate::admission::{Outcome, Record};
use crate::model::{Key, Kind};

/// The time for which an Ingress counts after its last denial.
const WINDOW: Duration = Duration::from_mins(15);
/// The most Ingresses that count.
const MOST: usize = 1_000;

/// The Ingresses that were denied lately, and when.
#[derive(Debug, Default)]
pub(super) struct Denials(Mutex<HashMap<Key, Instant>>);

impl Denials {
    /// Counts the Ingress of a review if it is denied. All Ingresses of a namespace whose name is generated count as one.
    pub(super) fn count(&self, record: &Record, now: Instant) {
        if record.outcome != Outcome::Deny {
            return;
        }
        let name = if record.name.is_empty() { "generated" } else { &record.name };
        let key = Key::new(&record.namespace, name);
        // Only the API server can be expected to send names that objects can have.
        if !key.can_name(Kind::Ingress) {
            return;
        }
        let mut last = self.0.lock();
        if last.len() >= MOST && !last.contains_key(&key) {
            last.retain(|_, denied| now.duration_since(*denied) < WINDOW);
            if last.len() >= MOST {
                return;
            }
        }
        last.insert(key, now);
    }

    /// Returns the number of Ingresses in each namespace, and forgets the others.
    pub(super) fn by_namespace(&self, now: Instant) -> BTreeMap<Box<str>, i64> {
        let mut last = self.0.lock();
        last.retain(|_, denied| now.duration_since(*denied) < WINDOW);
        let mut counts = BTreeMap::new();
        for namespace in last.keys().map(|key| &key.namespace) {
            *counts.entry(namespace.clone()).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Preview;

    fn denied(namespace: &str, name: &str) -> Record {
        let preview = Preview { namespace: namespace.to_owned(), name: name.to_owned(), ..Preview::default() };
        Record { outcome: Outcome::Deny, ..Record::failed(&preview) }
    }

    fn counts(denials: &Denials, now: Instant) -> Vec<(String, i64)> {
        denials.by_namespace(now).into_iter().map(|(namespace, count)| (namespace.into(), count)).collect()
    }

    #[test]
    fn an_ingress_counts_for_15_minutes_after_its_last_denial() {
        let (denials, start) = (Denials::default(), Instant::now());
        let at = |minutes| start + Duration::from_mins(minutes);
        for minute in 0..15 {
            denials.count(&denied("shop", "web"), at(minute));
        }
        denials.count(&denied("shop", "api"), at(0));
        assert_eq!(counts(&denials, at(14)), [("shop".to_owned(), 2)]);
        assert_eq!(counts(&denials, at(15)), [("shop".to_owned(), 1)]);
        assert_eq!(counts(&denials, at(28)), [("shop".to_owned(), 1)]);
        assert_eq!(counts(&denials, at(29)), []);
    }

    #[test]
    fn the_number_of_ingresses_is_bounded_and_old_ones_are_replaced() {
        let (denials, start) = (Denials::default(), Instant::now());
        for number in 0..2 * MOST {
            denials.count(&denied("shop", &format!("web-{number}")), start);
        }
        assert_eq!(counts(&denials, start), [("shop".to_owned(), 1_000)]);
        let later = start + WINDOW;
        denials.count(&denied("blog", "web"), later);
        assert_eq!(counts(&denials, later), [("blog".to_owned(), 1)]);
    }
}
