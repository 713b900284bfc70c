//! References that were missing when their Ingress was stored with a warning: they are evaluated again later.

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Case, Reviewer};
use crate::budget::Allowance;
use crate::cluster::{ClusterState, LiveReads};
use crate::model::Key;
use crate::policy::{Ceiling, Verdict};

/// The most Ingresses that wait to be evaluated again.
const QUEUE: usize = 1000;

/// A stored Ingress with findings that may be gone once the objects exist that it references.
#[derive(Debug, PartialEq, Eq)]
pub struct Recheck {
    /// The Ingress.
    pub ingress: Key,
    /// Code and subject of each finding.
    pub findings: Vec<(&'static str, Box<str>)>,
    /// The time of the review.
    pub reviewed: Instant,
}

/// The state of a [`Recheck`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rechecked {
    /// No finding is left.
    Resolved,
    /// The checks with these codes report the same findings.
    Missing(Vec<&'static str>),
    /// The Ingress is not stored.
    Gone,
}

impl Rechecked {
    /// Returns the value of the label `result` in metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Missing(_) => "missing",
            Self::Gone => "gone",
        }
    }
}

impl Reviewer {
    /// Makes the reviewer queue Ingresses whose missing references only warn. Returns the end of the queue.
    #[must_use]
    pub fn with_rechecks(mut self) -> (Self, mpsc::Receiver<Recheck>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.rechecks = Some(sender);
        (self, receiver)
    }

    /// Queues the findings that warn because the configuration lets missing references pass. Returns whether the queue had no place.
    pub(super) fn queue_recheck(&self, case: &Case<'_>, verdict: &Verdict) -> bool {
        let Some(queue) = self.rechecks.as_ref().filter(|_| !case.request.is_dry_run() && !verdict.denies()) else {
            return false;
        };
        let missing = verdict.decisions.iter().filter(|it| matches!(it.downgraded, Some(Ceiling::MissingReferences)));
        let findings: Vec<_> = missing.map(|it| (it.finding.code, it.finding.subject.clone())).collect();
        let ingress = case.ingress.meta.key.clone();
        // With `generateName` the name is not known.
        if findings.is_empty() || ingress.name.is_empty() || case.ends_early() {
            return false;
        }
        queue.try_send(Recheck { ingress, findings, reviewed: Instant::now() }).is_err()
    }

    /// Evaluates an Ingress as it is stored now.
    #[must_use]
    pub fn recheck(&self, recheck: &Recheck) -> Rechecked {
        let (store, live_reads) = (self.inventory.load(), LiveReads::default());
        let Some(ingress) = store.ingress(&recheck.ingress.namespace, &recheck.ingress.name) else {
            return Rechecked::Gone;
        };
        let state = ClusterState { store: &store, live_reads: &live_reads, now: (self.clock)() };
        let is_of = |code: &str| recheck.findings.iter().any(|(of, _)| *of == code);
        let rules = self.rules.load();
        let evaluation = rules.engine.run_only(|check| is_of(check.code), ingress, state, &Allowance::full());
        let is_left = |(code, subject): &&(&'static str, Box<str>)| {
            evaluation.findings.iter().any(|finding| finding.code == *code && finding.subject == *subject)
        };
        let mut left: Vec<&'static str> = recheck.findings.iter().filter(is_left).map(|(code, _)| *code).collect();
        left.dedup();
        if left.is_empty() { Rechecked::Resolved } else { Rechecked::Missing(left) }
    }
}
