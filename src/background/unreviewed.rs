//! Ingresses that were stored without a review. This file finds those that were stored while no replica ran.

use jiff::{SignedDuration, Timestamp};

use super::lease::Outage;
use super::verdicts::Verdicts;
use crate::cluster::{Coverage, Inventory, is_reviewed};
use crate::finding::Level;
use crate::model::{Key, Kind};

/// The first pass after an outage is complete by then.
const LATEST: SignedDuration = SignedDuration::from_hours(2);

/// An Ingress that was stored without a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreviewed {
    /// Its namespace and name.
    pub ingress: Key,
    /// Whether a review of it as a new Ingress would deny it.
    pub would_deny: bool,
}

/// Returns the stored Ingresses that were written during an outage, by key. Those that the registration of `service` does not certainly
/// select are left out. `None`: registrations or namespaces are not known, yet or at all.
#[must_use]
pub fn unreviewed(state: &Inventory, verdicts: &Verdicts, outage: Outage, service: &Key) -> Option<Vec<Unreviewed>> {
    let kinds = [Kind::Namespace, Kind::ValidatingWebhookConfiguration];
    kinds.into_iter().all(|kind| state.coverage(kind) == Coverage::Complete).then_some(())?;
    let is_written = |time| outage.contains(time);
    let written = state.ingresses().filter(|ingress| ingress.last_write.is_some_and(is_written));
    let written = written.filter(|ingress| is_reviewed(state, service, &ingress.meta.key.namespace) == Some(true));
    let judged = written.map(|ingress| {
        let key = &ingress.meta.key;
        Unreviewed { ingress: key.clone(), would_deny: would_deny(verdicts, key).unwrap_or_default() }
    });
    let mut found: Vec<Unreviewed> = judged.collect();
    found.sort_by(|a, b| a.ingress.cmp(&b.ingress));
    Some(found)
}

/// Returns the number of stored Ingresses whose last write is hours after an outage: its time was set by a writer, so it is not known
/// whether they were written during the outage.
#[must_use]
pub fn misdated(state: &Inventory, outage: Outage, service: &Key) -> usize {
    let is_late = |time: Timestamp| time.duration_since(outage.until) > LATEST;
    let late = state.ingresses().filter(|ingress| ingress.last_write.is_some_and(is_late));
    late.filter(|ingress| is_reviewed(state, service, &ingress.meta.key.namespace) == Some(true)).count()
}

/// Returns whether a review of a stored Ingress as a new one would deny it. `None`: it has not been evaluated.
pub(super) fn would_deny(verdicts: &Verdicts, ingress: &Key) -> Option<bool> {
    let verdict = verdicts.by_ingress.get(ingress)?;
    Some(verdict.findings.iter().any(|finding| finding.level == Level::Deny))
}
