//! The problems with an Event to come, by its time. Changes are apart from what can wait, so that neither is searched for the other.

use std::collections::BTreeSet;

use jiff::Timestamp;

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
    changes: BTreeSet<Entry>,
    others: BTreeSet<Entry>,
}

impl Queue {
    pub(super) fn insert(&mut self, place: Place, key: &Key, code: &'static str) {
        self.of(place.is_change).insert((place.time, key.clone(), code));
    }

    pub(super) fn remove(&mut self, place: Place, key: &Key, code: &'static str) {
        self.of(place.is_change).remove(&(place.time, key.clone(), code));
    }

    /// Removes the first problem whose time has come.
    pub(super) fn pop(&mut self, is_change: bool, now: Timestamp) -> Option<(Key, &'static str)> {
        let entries = self.of(is_change);
        entries.first().filter(|(time, ..)| *time <= now)?;
        entries.pop_first().map(|(_, key, code)| (key, code))
    }

    /// Returns the problems whose time has come.
    pub(super) fn ready(&self, now: Timestamp) -> impl Iterator<Item = (&Key, &'static str)> {
        let is_ready = move |(time, ..): &&Entry| *time <= now;
        let ready = self.changes.iter().take_while(is_ready).chain(self.others.iter().take_while(is_ready));
        ready.map(|(_, key, code)| (key, *code))
    }

    /// Returns the first time of all.
    pub(super) fn first(&self) -> Option<Timestamp> {
        let times = [self.changes.first(), self.others.first()].map(|first| first.map(|(time, ..)| *time));
        times.into_iter().flatten().min()
    }

    fn of(&mut self, is_change: bool) -> &mut BTreeSet<Entry> {
        if is_change { &mut self.changes } else { &mut self.others }
    }
}
