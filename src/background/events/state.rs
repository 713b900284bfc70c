//! The problem of one check on one Ingress: since when it exists, and what Events have said about it.

use jiff::{SignedDuration, Timestamp};
use smallvec::SmallVec;

use super::announcement::{Change, Regarding};
use super::queue::Place;
use super::rate::{MINUTE, pause};
use crate::background::problem::Problem;
use crate::background::verdicts::StoredFinding;

/// A finding about readiness is announced when it has lasted for this time, so that a rollout or scaling to zero causes no Event.
pub(super) const READINESS: SignedDuration = SignedDuration::from_secs(120);
/// The findings that an Ingress has from the beginning are announced when they have lasted for this time: clients create objects in any
/// order. The person who applied it saw the warning.
pub(super) const NEW: SignedDuration = SignedDuration::from_secs(60);
/// A problem that lasts is announced again after half of the life of an Event (kube-apiserver's flag `--event-ttl`, one hour by default).
pub(super) const REPEAT: SignedDuration = SignedDuration::from_mins(30);

/// What Events have said last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Announced {
    /// Nothing.
    #[default]
    Nothing,
    /// An Event on the Ingress says that the problem exists.
    Broken(Timestamp),
    /// An Event on the Ingress says that it is gone.
    Healed(Timestamp),
    /// An Event on this object says that several Ingresses have the problem.
    Together(Regarding),
}

/// The next Event about a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It is gone.
    Healed,
    /// It appeared.
    Broken,
    /// It exists since the process does not know when.
    Found,
    /// It still exists.
    Repeated,
    /// None: the state can be forgotten.
    Nothing,
}

impl Wanted {
    /// Whether it is a change, which does not wait behind others.
    pub(super) fn is_change(self) -> bool {
        matches!(self, Self::Healed | Self::Broken)
    }
}

/// How a verdict came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is one of the first verdicts of this process.
    First,
    /// The Ingress is new.
    New,
    /// Something has changed.
    Changed,
}

/// The problem of one check on one Ingress.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The findings, by hash of their subjects.
    findings: SmallVec<[Present; 1]>,
    pub(super) announced: Announced,
    /// The last Events of both changes: one of each is written a minute.
    last: [Option<Timestamp>; 2],
    /// The time of the last change of `findings`.
    changed: Timestamp,
    /// Whether the findings are those of the first verdict.
    is_found: bool,
    /// The writes that failed since one succeeded, and the time before which none is tried again.
    failures: u32,
    retried: Timestamp,
    /// Its place in the queue.
    pub(super) queued: Option<Place>,
}

#[derive(Debug)]
struct Present {
    subject: u64,
    /// The time from which it is announced.
    settled: Timestamp,
    is_announced: bool,
}

impl State {
    /// A state that an Event of an earlier holder describes.
    pub(super) fn recovered(&mut self, change: Change, at: Timestamp) {
        self.last[change as usize] = self.last[change as usize].max(Some(at));
        let known = match self.announced {
            Announced::Broken(known) | Announced::Healed(known) => Some(known),
            _ => None,
        };
        if known.is_none_or(|known| at >= known) {
            self.announced = match change {
                Change::Broken => Announced::Broken(at),
                Change::Healed => Announced::Healed(at),
            };
        }
    }

    /// Returns whether the problem exists.
    pub(super) fn is_broken(&self) -> bool {
        !self.findings.is_empty()
    }

    /// Takes over the findings of a verdict.
    pub(super) fn update(&mut self, problem: Option<&Problem<'_>>, origin: Origin, now: Timestamp) {
        let findings = problem.map_or(&[][..], |problem| &problem.findings);
        // Without a finding before, an Event that says that the problem exists is one of an earlier holder.
        let is_known = self.findings.is_empty() && matches!(self.announced, Announced::Broken(_));
        let before = std::mem::take(&mut self.findings);
        for finding in findings {
            let subject = hash(finding);
            if self.findings.iter().any(|present| present.subject == subject) {
                continue;
            }
            let known = before.iter().find(|present| present.subject == subject);
            let settles = match (finding.is_readiness, origin) {
                (true, _) => READINESS,
                (false, Origin::New) => NEW,
                (false, Origin::First | Origin::Changed) => SignedDuration::ZERO,
            };
            let settled = known.map_or(now + settles, |known| known.settled);
            let is_announced = known.map_or(is_known, |known| known.is_announced);
            self.findings.push(Present { subject, settled, is_announced });
        }
        self.changed = now;
        self.is_found = origin == Origin::First;
    }

    /// Returns the next Event, and its time.
    pub(super) fn wanted(&self) -> (Timestamp, Wanted) {
        let (time, wanted) = self.wanted_without_failures();
        (time.max(self.retried), wanted)
    }

    fn wanted_without_failures(&self) -> (Timestamp, Wanted) {
        let after =
            |change: Change, time: Timestamp| self.last[change as usize].map_or(time, |last| time.max(last + MINUTE));
        let fresh = self.findings.iter().filter(|present| !present.is_announced).map(|present| present.settled).min();
        match (&self.announced, fresh) {
            (Announced::Broken(_), _) if self.findings.is_empty() => {
                (after(Change::Healed, self.changed), Wanted::Healed)
            }
            (Announced::Together(_), _) if self.is_broken() => (Timestamp::MAX, Wanted::Nothing),
            (_, Some(settled)) => {
                (after(Change::Broken, settled), if self.is_found { Wanted::Found } else { Wanted::Broken })
            }
            (Announced::Broken(at), None) => (*at + REPEAT, Wanted::Repeated),
            (_, None) if self.is_broken() => (Timestamp::MAX, Wanted::Nothing),
            // The time of the last Event counts for a minute.
            (_, None) => (after(Change::Broken, after(Change::Healed, self.changed)), Wanted::Nothing),
        }
    }

    /// Returns the finding that the next Event names: one that no Event has named, else the first.
    pub(super) fn next<'a>(&self, problem: &Problem<'a>) -> Option<&'a StoredFinding> {
        let is_fresh = |finding: &&&StoredFinding| {
            let subject = hash(finding);
            self.findings.iter().any(|present| present.subject == subject && !present.is_announced)
        };
        problem.findings.iter().find(is_fresh).or_else(|| problem.findings.first()).copied()
    }

    /// An Event was written.
    pub(super) fn written(&mut self, change: Change, now: Timestamp) {
        self.last[change as usize] = Some(now);
        self.announced = match change {
            Change::Broken => Announced::Broken(now),
            Change::Healed => Announced::Healed(now),
        };
        self.settle();
    }

    /// A write has failed.
    pub(super) fn failed(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.retried = now + pause(self.failures);
    }

    /// Nothing more is said about the findings that exist.
    pub(super) fn settle(&mut self) {
        self.failures = 0;
        for present in &mut self.findings {
            present.is_announced = true;
        }
    }
}

fn hash(finding: &StoredFinding) -> u64 {
    use std::hash::Hasher as _;
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(finding.subject.as_bytes());
    hasher.finish()
}
