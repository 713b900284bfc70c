//! Decides which reports are written, and when. It has neither clock nor I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::content::{Content, Since};
use crate::background::verdicts::{StoredVerdict, Verdicts};
use crate::model::Key;

/// The shortest time between two writes of one report.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// The most reports that are compared in one step.
const AT_ONCE: usize = 100;

/// A report that exists in the cluster.
#[derive(Debug, Clone)]
pub struct Existing {
    /// Its namespace.
    pub namespace: Box<str>,
    /// The digest of its content; empty if it has none.
    pub digest: String,
    /// Since when its problems are known.
    pub since: Since,
}

/// A change of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The namespace.
    pub namespace: Box<str>,
    /// The new content; `None`: the report is deleted.
    pub content: Option<Content>,
}

/// The reports of all namespaces, as they exist and as they should be.
#[derive(Debug, Default)]
pub struct Schedule {
    /// The last complete verdicts.
    seen: Option<Arc<Verdicts>>,
    namespaces: BTreeMap<Box<str>, Namespace>,
    /// The namespaces whose verdicts have changed since their reports were compared.
    changed: BTreeSet<Box<str>>,
    /// The namespace that was taken last: the next one follows it, so that none is overtaken for ever.
    last: Box<str>,
}

#[derive(Debug, Default)]
struct Namespace {
    /// The digest of the report that exists.
    digest: Option<String>,
    written: Option<Timestamp>,
    since: Since,
}

impl Schedule {
    /// Takes over the reports that exist in the cluster.
    pub fn recover(&mut self, existing: impl IntoIterator<Item = Existing>) {
        for namespace in self.namespaces.values_mut() {
            namespace.digest = None;
        }
        for Existing { namespace, digest, since } in existing {
            let known = self.namespaces.entry(namespace).or_default();
            known.digest = Some(digest);
            if known.since.is_empty() {
                known.since = since;
            }
        }
        // Each report is compared again.
        self.seen = None;
    }

    /// Compares verdicts with the last ones. Nothing is concluded from incomplete ones.
    pub fn observe(&mut self, verdicts: &Arc<Verdicts>) {
        if !verdicts.is_complete {
            return;
        }
        let Some(seen) = self.seen.replace(Arc::clone(verdicts)) else {
            let of_ingresses = verdicts.by_ingress.keys().map(|key| key.namespace.clone());
            self.changed.extend(self.namespaces.keys().cloned().chain(of_ingresses));
            return;
        };
        let is_changed = |(key, verdict): &(&_, &Arc<_>)| {
            seen.by_ingress.get(*key).is_none_or(|before| !Arc::ptr_eq(before, verdict))
        };
        let changed = verdicts.by_ingress.iter().filter(is_changed).map(|(key, _)| key);
        let gone = seen.by_ingress.keys().filter(|key| !verdicts.by_ingress.contains_key(*key));
        self.changed.extend(changed.chain(gone).map(|key| key.namespace.clone()));
    }

    /// Returns the next change of a report. It must be followed by [`Self::done`].
    pub fn next(&mut self, is_terminating: impl Fn(&str) -> bool, now: Timestamp) -> Option<Change> {
        let verdicts = self.seen.clone()?;
        let is_due = |name: &str| {
            let written = self.namespaces.get(name).and_then(|namespace| namespace.written);
            written.is_none_or(|written| now.duration_since(written).abs() >= PAUSE)
        };
        let later = self.changed.range((Bound::Excluded(self.last.clone()), Bound::Unbounded));
        let in_turn = later.chain(self.changed.range(..=self.last.clone()));
        let due: Vec<Box<str>> = in_turn.filter(|name| is_due(name)).take(AT_ONCE).cloned().collect();
        let mut of: BTreeMap<&str, BTreeMap<&str, &StoredVerdict>> = BTreeMap::new();
        if !due.is_empty() {
            let sorted: BTreeSet<&str> = due.iter().map(|name| &**name).collect();
            let is_due = |key: &Key| sorted.contains(&*key.namespace);
            of = verdicts.by_ingress.iter().filter(|(key, _)| is_due(key)).fold(of, |mut of, (key, verdict)| {
                of.entry(&*key.namespace).or_default().insert(&*key.name, &**verdict);
                of
            });
        }
        for name in due {
            self.changed.remove(&name);
            self.last.clone_from(&name);
            if is_terminating(&name) {
                continue;
            }
            let ingresses = of.remove(&*name).unwrap_or_default();
            let namespace = self.namespaces.entry(name.clone()).or_default();
            let content = Content::new(&name, &ingresses, &mut namespace.since, now);
            if content.as_ref().map(|content| &content.digest) != namespace.digest.as_ref() {
                return Some(Change { namespace: name, content });
            }
            if content.is_none() && namespace.written.is_none() {
                self.namespaces.remove(&name);
            }
        }
        None
    }

    /// Records whether a change was made. A failed one is tried again after a minute.
    pub fn done(&mut self, change: Change, is_made: bool, now: Timestamp) {
        let namespace = self.namespaces.entry(change.namespace.clone()).or_default();
        namespace.written = Some(now);
        if is_made {
            namespace.digest = change.content.map(|content| content.digest);
        } else {
            self.changed.insert(change.namespace);
        }
    }
}
