//! Events that count the same problem of many Ingresses together.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::announcement::{Announcement, Change, Outcome, Regarding};
use super::rate::{MINUTE, pause};
use super::state::REPEAT;

/// The problems that are counted together, by object and code.
#[derive(Debug, Default)]
pub(super) struct Summaries {
    of: BTreeMap<(Regarding, &'static str), Summary>,
    /// The last Event: one a minute is written.
    last: Option<Timestamp>,
    /// The last Event by namespace, which take turns. That of IngressClasses is empty.
    turns: BTreeMap<Box<str>, Timestamp>,
}

#[derive(Debug, Default)]
struct Summary {
    /// The number of Ingresses that have the problem.
    members: usize,
    /// Whether the problem of one of them went, instead of the Ingress.
    has_healed: bool,
    /// Whether an Event names the object.
    is_announced: bool,
    /// The next Event.
    due: Timestamp,
    /// The writes that failed since one succeeded.
    failures: u32,
}

impl Summaries {
    /// Takes over an Event of an earlier holder.
    pub(super) fn recover(&mut self, object: Regarding, code: &'static str, change: Change, at: Timestamp) {
        let summary = self.of.entry((object, code)).or_default();
        summary.is_announced = true;
        let next = at + REPEAT;
        if next >= summary.due {
            // Members join with the first verdicts. Until then `has_healed` says which change was the last.
            (summary.due, summary.has_healed) = (next, change == Change::Healed);
        }
    }

    /// Ends the recovery: each problem that no Ingress has any more has healed.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.of.retain(|_, summary| !summary.has_healed || summary.members > 0);
        for summary in self.of.values_mut() {
            summary.has_healed = summary.members == 0;
            if summary.members == 0 {
                summary.due = now;
            }
        }
    }

    /// Adds one Ingress to those that an Event of an earlier holder has counted. Returns false if there is none.
    pub(super) fn join(&mut self, object: &Regarding, code: &'static str) -> bool {
        let summary = self.of.get_mut(&(object.clone(), code)).filter(|summary| !summary.has_healed);
        summary.map(|summary| summary.members += 1).is_some()
    }

    /// Counts further Ingresses.
    pub(super) fn add(&mut self, object: &Regarding, code: &'static str, ingresses: usize, now: Timestamp) {
        let summary = self.of.entry((object.clone(), code)).or_insert(Summary { due: now, ..Summary::default() });
        summary.members += ingresses;
    }

    /// One Ingress does not have the problem any more, or is gone itself.
    pub(super) fn leave(&mut self, object: &Regarding, code: &'static str, is_healed: bool, now: Timestamp) {
        let key = (object.clone(), code);
        let Some(summary) = self.of.get_mut(&key) else { return };
        summary.members -= summary.members.min(1);
        summary.has_healed |= is_healed;
        if summary.members > 0 {
            return;
        }
        if summary.has_healed && summary.is_announced {
            summary.due = now;
        } else {
            self.of.remove(&key);
        }
    }

    /// Whether an Event may be written now.
    pub(super) fn may_announce(&self, now: Timestamp) -> bool {
        self.last.is_none_or(|last| now.duration_since(last).abs() >= MINUTE)
    }

    /// Returns the next Event if it is due and may be written.
    pub(super) fn due(&self, now: Timestamp) -> Option<Announcement> {
        if !self.may_announce(now) {
            return None;
        }
        let due = self.of.iter().filter(|(_, summary)| summary.due <= now);
        let turn = |object: &Regarding| self.turns.get(object.namespace());
        let ((object, code), summary) = due.min_by_key(|((object, _), summary)| (turn(object), summary.due))?;
        Some(match summary.members {
            0 => Announcement::healed_many(object.clone(), code),
            members => Announcement::broken_many(object.clone(), code, members),
        })
    }

    /// Records the result of a write.
    pub(super) fn done(
        &mut self,
        object: &Regarding,
        code: &'static str,
        change: Change,
        outcome: Outcome,
        now: Timestamp,
    ) {
        let key = (object.clone(), code);
        self.last = Some(now);
        self.turns.retain(|_, turn| now.duration_since(*turn).abs() < REPEAT);
        self.turns.insert(object.namespace().into(), now);
        let Some(summary) = self.of.get_mut(&key) else { return };
        match (outcome, change) {
            (Outcome::Failed, _) => {
                summary.failures = summary.failures.saturating_add(1);
                summary.due = now + pause(summary.failures);
            }
            (_, Change::Broken) => {
                (summary.failures, summary.due) = (0, now + REPEAT);
                summary.is_announced = true;
            }
            (_, Change::Healed) => drop(self.of.remove(&key)),
        }
    }
}
