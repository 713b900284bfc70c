//! The Secrets and ConfigMaps that Ingresses name and that are not watched: when each is read, and what is known of it. A Secret is
//! known as facts only; its key is dropped when it is parsed.

use std::collections::BTreeSet;

use foldhash::HashMap;
use jiff::{SignedDuration, Timestamp};

use crate::cluster::{LiveRead, LiveReads};
use crate::model::{Key, Kind, Kinds, TlsFacts};

/// The time after which a usable object is read again.
pub const AGAIN: SignedDuration = SignedDuration::from_hours(6);
/// The time after which one is read again that is absent or unusable, or whose read failed. Mostly it is fixed soon.
pub const SOON: SignedDuration = SignedDuration::from_mins(1);
/// The time after which an object is read again that may not be read.
pub const REFUSED: SignedDuration = SignedDuration::from_mins(10);
/// The time before the end of a certificate at which it is read again: it may have been renewed.
pub const BEFORE_END: SignedDuration = SignedDuration::from_mins(5);

/// An object by kind and key.
type Name = (Kind, Key);

/// What is known of the objects, and when each is read next.
#[derive(Debug, Default)]
pub struct Reads {
    /// The kinds that are read by name.
    kinds: Kinds,
    facts: LiveReads,
    due: BTreeSet<(Timestamp, Name)>,
    times: HashMap<Name, Timestamp>,
    unread: BTreeSet<Name>,
}

impl Reads {
    /// Creates an empty memory of objects of these kinds.
    #[must_use]
    pub fn of(kinds: Kinds) -> Self {
        Self { kinds, ..Self::default() }
    }

    /// Returns the kinds that are read by name.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Returns what is known.
    #[must_use]
    pub fn facts(&self) -> &LiveReads {
        &self.facts
    }

    /// Returns the number of objects that were not read yet.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Adds an object that is read as soon as its turn comes. One that is known keeps its time.
    pub fn want(&mut self, of: Name, now: Timestamp) {
        if self.kinds.contains(of.0) && !self.times.contains_key(&of) {
            self.unread.insert(of.clone());
            self.schedule(of, now);
        }
    }

    /// Reads a known object again as soon as its turn comes, because it has probably changed.
    pub fn hurry(&mut self, of: &Name, now: Timestamp) {
        if self.times.get(of).is_some_and(|time| *time > now) {
            self.schedule(of.clone(), now);
        }
    }

    /// Forgets an object that no Ingress names.
    pub fn forget(&mut self, of: &Name) {
        if let Some(time) = self.times.remove(of) {
            self.due.remove(&(time, of.clone()));
        }
        self.unread.remove(of);
        self.facts.remove(of.0, &of.1);
    }

    /// Returns the object to read now: the one that has waited longest. It comes again after a while, whether a result arrives or not.
    pub fn next(&mut self, now: Timestamp) -> Option<Name> {
        let (time, _) = self.due.first()?;
        if *time > now {
            return None;
        }
        let (_, of) = self.due.pop_first()?;
        self.times.remove(&of);
        self.schedule(of.clone(), now.checked_add(SOON).unwrap_or(now));
        Some(of)
    }

    /// Notes a result. Returns whether something else is known now. A read that failed leaves what was known.
    pub fn note(&mut self, of: &Name, read: LiveRead, now: Timestamp) -> bool {
        if !self.times.contains_key(of) || matches!(read, LiveRead::Failed(_)) {
            return false;
        }
        self.unread.remove(of);
        self.schedule(of.clone(), again(&read, now));
        let is_changed = self.facts.get(of.0, &of.1.namespace, &of.1.name) != Some(&read);
        if is_changed {
            self.facts.insert(of.0, of.1.clone(), read);
        }
        is_changed
    }

    fn schedule(&mut self, of: Name, time: Timestamp) {
        if let Some(before) = self.times.insert(of.clone(), time) {
            self.due.remove(&(before, of.clone()));
        }
        self.due.insert((time, of));
    }
}

/// Returns when an object is read again.
fn again(read: &LiveRead, now: Timestamp) -> Timestamp {
    let after = |pause: SignedDuration| now.checked_add(pause).unwrap_or(Timestamp::MAX);
    match read {
        LiveRead::Found(object) => match object.secret().map(|secret| &secret.tls) {
            Some(TlsFacts::Pair { certificate, .. }) => {
                let before_end = certificate.not_after.checked_sub(BEFORE_END).unwrap_or(Timestamp::MIN);
                match before_end {
                    // It has ended, or does soon.
                    end if end <= now => after(SOON),
                    end => end.min(after(AGAIN)),
                }
            }
            // Those that annotations name need no certificate.
            Some(TlsFacts::Unusable(_)) if object.secret().is_some_and(|secret| secret.is_of_tls_type) => after(SOON),
            _ => after(AGAIN),
        },
        LiveRead::Absent | LiveRead::Failed(_) => after(SOON),
        LiveRead::Forbidden => after(REFUSED),
        LiveRead::Excluded => after(AGAIN),
    }
}
