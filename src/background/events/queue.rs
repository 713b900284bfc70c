//! The problems with an Event to come, by its time. Changes are apart from what can wait, so that neither is searched for the other.
//! Namespaces take turns.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::rate::MOST;
use crate::model::Key;

/// The place of a problem in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) time: Timestamp,
    /// Whether it is a change, instead of something that the first verdicts found, or a repetition.
    pub(super) is_change: bool,
}

type Entry = (Timestamp, Key, &'static str);

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    changes: Waiting,
    others: Waiting,
}

/// The problems that wait, by namespace.
#[derive(Debug, Default)]
struct Waiting {
    of: BTreeMap<Box<str>, BTreeSet<Entry>>,
    /// The first time of each namespace.
    first: BTreeSet<(Timestamp, Box<str>)>,
}

impl Queue {
    pub(super) fn insert(&mut self, place: Place, key: &Key, code: &'static str) {
        self.of(place.is_change).change(&key.namespace, |entries| {
            entries.insert((place.time, key.clone(), code));
        });
    }

    pub(super) fn remove(&mut self, place: Place, key: &Key, code: &'static str) {
        self.of(place.is_change).change(&key.namespace, |entries| {
            entries.remove(&(place.time, key.clone(), code));
        });
    }

    /// Removes a problem whose time has come: the first one of the namespace with the fewest Events in the last minute, which `events`
    /// returns. At most [`MOST`] namespaces have any.
    pub(super) fn pop(
        &mut self,
        is_change: bool,
        events: impl Fn(&str) -> usize,
        now: Timestamp,
    ) -> Option<(Key, &'static str)> {
        let waiting = self.of(is_change);
        let first = waiting.first.iter().take_while(|(time, _)| *time <= now).take(MOST + 1);
        let (_, namespace) = first.min_by_key(|(time, namespace)| (events(namespace), *time))?.clone();
        let mut popped = None;
        waiting.change(&namespace, |entries| popped = entries.pop_first());
        popped.map(|(_, key, code)| (key, code))
    }

    /// Returns the problems whose time has come.
    pub(super) fn ready(&self, now: Timestamp) -> impl Iterator<Item = (&Key, &'static str)> {
        self.changes.ready(now).chain(self.others.ready(now)).map(|(_, key, code)| (key, *code))
    }

    /// Returns the first time of all.
    pub(super) fn first(&self) -> Option<Timestamp> {
        let times = [&self.changes, &self.others].map(|waiting| waiting.first.first().map(|(time, _)| *time));
        times.into_iter().flatten().min()
    }

    fn of(&mut self, is_change: bool) -> &mut Waiting {
        if is_change { &mut self.changes } else { &mut self.others }
    }
}

impl Waiting {
    fn change(&mut self, namespace: &str, change: impl FnOnce(&mut BTreeSet<Entry>)) {
        let mut entries = self.of.remove(namespace).unwrap_or_default();
        let before = entries.first().map(|(time, ..)| *time);
        change(&mut entries);
        let after = entries.first().map(|(time, ..)| *time);
        if before != after {
            if let Some(time) = before {
                self.first.remove(&(time, namespace.into()));
            }
            if let Some(time) = after {
                self.first.insert((time, namespace.into()));
            }
        }
        if !entries.is_empty() {
            self.of.insert(namespace.into(), entries);
        }
    }

    fn ready(&self, now: Timestamp) -> impl Iterator<Item = &Entry> {
        let namespaces = self.first.iter().take_while(move |(time, _)| *time <= now);
        let entries = namespaces.filter_map(|(_, namespace)| self.of.get(namespace));
        entries.flat_map(move |entries| entries.iter().take_while(move |(time, ..)| *time <= now))
    }
}
