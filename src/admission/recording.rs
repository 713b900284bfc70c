//! What a verdict was derived from, handed to a recorder off the path of the review, and derived from it again.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use jiff::Timestamp;

use super::review::Request;
use super::{Case, Place, Rejection, Reviewer, Rules};
use crate::checks::CONTROLLER_BLOCKED;
use crate::cluster::{Inventory, LiveReads, ReadFailure};
use crate::finding::{Evidence, Level};
use crate::model::{Key, Kind};
use crate::policy::{Confirmed, Unconfirmed, Verdict};

/// Larger bodies are not recorded, so that those that wait for the recorder have a bound in memory.
const LARGEST: usize = 256 * 1024;

/// One review with the state of the cluster that it rests on.
#[derive(Debug)]
pub struct Recording {
    /// The body of the request.
    pub body: Vec<u8>,
    /// The state of the cluster for the last evaluation.
    pub state: Arc<Inventory>,
    /// The objects that were read for it.
    pub live_reads: LiveReads,
    /// The evidence that live reads have confirmed; `None`: nothing had to be confirmed.
    pub confirmed: Option<Confirmed>,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// The time of the review.
    pub now: Timestamp,
    /// Each finding with its level.
    pub findings: Vec<(String, Level)>,
}

/// One review as it is repeated.
#[derive(Debug)]
pub struct Repetition<'a> {
    /// The body of the request.
    pub body: &'a [u8],
    /// The objects that were read for it.
    pub live_reads: &'a LiveReads,
    /// The evidence that was asked for, and whether it was confirmed; `None`: nothing had to be confirmed.
    pub confirmed: Option<&'a [Asked]>,
    /// Whether evidence counts as confirmed that was not asked for: other rules may deny because of it.
    pub trusts_the_rest: bool,
    /// The time of the review.
    pub now: Timestamp,
}

/// Evidence that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The kind.
    pub kind: Box<str>,
    /// Namespace and name of the object, or the name of an index.
    pub of: Box<str>,
    /// Whether it was confirmed.
    pub is_confirmed: bool,
}

impl Asked {
    /// Returns the evidence of a review in a fixed order.
    #[must_use]
    pub fn all(confirmed: &Confirmed) -> Vec<Self> {
        let asked = |(evidence, result): (&Evidence, &Result<(), Unconfirmed>)| {
            let (kind, of) = Self::named(evidence);
            Self { kind: kind.name().into(), of: of.into(), is_confirmed: result.is_ok() }
        };
        let mut all: Vec<Self> = confirmed.iter().map(asked).collect();
        all.sort_by(|a, b| (&a.kind, &a.of).cmp(&(&b.kind, &b.of)));
        all
    }

    fn named(evidence: &Evidence) -> (Kind, String) {
        match evidence {
            Evidence::Object(kind, Key { namespace, name }) => (*kind, format!("{namespace}/{name}")),
            Evidence::Index(kind, index) => (*kind, format!("index {index}")),
        }
    }

    fn is_of(&self, evidence: &Evidence) -> bool {
        let (kind, of) = Self::named(evidence);
        *self.kind == *kind.name() && *self.of == *of
    }
}

/// Returns the findings of a verdict with their levels, in a fixed order. Whether another Ingress stops the controller is not
/// among them: it only warns, and is known from all Ingresses.
#[must_use]
pub fn findings(verdict: &Verdict) -> Vec<(String, Level)> {
    let own = verdict.decisions.iter().filter(|decision| decision.finding.code != CONTROLLER_BLOCKED.code);
    let named = own.map(|decision| (format!("{} {}", decision.finding.code, decision.finding.subject), decision.level));
    let mut findings: Vec<(String, Level)> = named.collect();
    findings.sort();
    findings
}

/// Returns the field manager of a review, as its verdict depends on it; empty if it is not certain.
#[must_use]
pub fn field_manager(body: &[u8]) -> String {
    Request::read(body).map(|request| request.field_manager().into_owned()).unwrap_or_default()
}

impl Reviewer {
    /// Hands each evaluated review to a recorder. A review never waits for it.
    #[must_use]
    pub fn with_recorder(self, recorder: SyncSender<Recording>) -> Self {
        Self { recorder: Some(recorder), ..self }
    }

    /// Returns whether a review that should be recorded is lost: the recorder is busy, or the body is too large.
    pub(super) fn record(
        &self,
        case: &Case<'_>,
        body: &[u8],
        verdict: &Verdict,
        live_reads: LiveReads,
        confirmed: Option<Confirmed>,
    ) -> bool {
        let Some(recorder) = self.recorder.as_ref().filter(|_| !case.ends_early()) else { return false };
        let Some(state) = case.evaluated_state.lock().take().filter(|_| body.len() <= LARGEST) else { return true };
        let recording = Recording {
            body: body.to_vec(),
            state,
            live_reads,
            confirmed,
            rules: Arc::clone(case.rules),
            now: case.now,
            findings: findings(verdict),
        };
        // Otherwise the recorder has stopped, and has said why.
        matches!(recorder.try_send(recording), Err(TrySendError::Full(_)))
    }

    /// Evaluates a recorded review under the rules of this reviewer, over its inventory.
    ///
    /// # Errors
    /// If the body is not a review of an Ingress.
    pub fn repeat(&self, repetition: &Repetition<'_>) -> Result<Verdict, Rejection> {
        let request = Request::read(repetition.body)?;
        let Some(ingress) = request.to_review()? else { return Ok(Verdict::default()) };
        let rules = self.rules.load();
        let case = Case::of(&rules, &request, &ingress, Place::Slow(Arc::default()), repetition.now);
        let first = self.evaluate_and_decide(&case, repetition.live_reads, None);
        let denies = first.denies();
        let Some(asked) = repetition.confirmed.filter(|_| denies) else { return Ok(first) };
        let evidence = first.decisions.iter().flat_map(|decision| &decision.finding.rests_on);
        let confirmed: Confirmed = evidence
            .filter_map(|evidence| match asked.iter().find(|asked| asked.is_of(evidence)) {
                Some(asked) if asked.is_confirmed => Some((evidence.clone(), Ok(()))),
                None if repetition.trusts_the_rest => Some((evidence.clone(), Ok(()))),
                Some(_) => Some((evidence.clone(), Err(Unconfirmed::Failed(ReadFailure::Error)))),
                None => None,
            })
            .collect();
        Ok(self.evaluate_and_decide(&case, repetition.live_reads, Some(&confirmed)))
    }
}
