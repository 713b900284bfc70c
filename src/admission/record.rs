//! The record of one review, from which the server writes the log line and the metrics.

use super::preview::Preview;
use super::review::{Operation, Request, Text};
use crate::checks::CHECK_FAILED;
use crate::finding::Level;
use crate::model::Kind;
use crate::policy::{Unconfirmed, Verdict};

/// The outcome of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Allowed without evaluation: the write does not change the meaning of an Ingress.
    Pass,
    /// Evaluated and allowed without a warning.
    Allow,
    /// Allowed with warnings.
    Warn,
    /// Denied.
    Deny,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Allow, Self::Warn, Self::Deny];

    /// Returns the value of the label `verdict` in log and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

/// One review: the request and its outcome.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Record {
    /// `request.uid`.
    pub uid: String,
    /// The kind of the object: an Ingress, or an object on which Ingresses depend.
    pub kind: Kind,
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object; empty for a `deletecollection` and for `generateName`.
    pub name: String,
    /// The operation of the request.
    pub operation: Operation,
    /// Whether the request is a dry run, which stores nothing.
    pub dry_run: bool,
    /// `userInfo.username`.
    pub user: String,
    /// The field manager: `options.fieldManager`. For an evaluated write without one, that of the newest managed fields.
    pub field_manager: String,
    /// The outcome.
    pub outcome: Outcome,
    /// Code and effective level of each finding.
    pub findings: Vec<(&'static str, Level)>,
    /// The message of the denial, as the API server gets it.
    pub denial: Option<String>,
    /// Codes of the findings that were downgraded from deny.
    pub would_deny: Vec<&'static str>,
    /// Whether the review panicked, so that nothing was evaluated.
    pub panicked: bool,
    /// Codes of the findings that live reads do not confirm, each with the reason.
    pub unconfirmed: Vec<(&'static str, Unconfirmed)>,
    /// The kind and the result of each live read.
    pub live_reads: Vec<(Kind, &'static str)>,
    /// Whether missing references are not evaluated again, because too many Ingresses wait for that.
    pub is_recheck_lost: bool,
    /// Whether the review is not recorded although it should be: the recorder is busy, or the body is too large.
    pub is_recording_lost: bool,
}

impl Record {
    /// The record of a request with this outcome, without findings.
    pub(super) fn new<O>(request: &Request<'_, O>, outcome: Outcome) -> Self {
        let text = |text: &Option<Text<'_>>| text.as_ref().map(|text| text.0.to_string()).unwrap_or_default();
        Self {
            uid: request.uid.0.to_string(),
            kind: Kind::Ingress,
            namespace: text(&request.namespace),
            name: text(&request.name),
            operation: request.operation(),
            dry_run: request.is_dry_run(),
            user: request.user().to_owned(),
            field_manager: request.options.as_ref().map(|options| text(&options.field_manager)).unwrap_or_default(),
            outcome,
            findings: Vec::new(),
            denial: None,
            would_deny: Vec::new(),
            panicked: false,
            unconfirmed: Vec::new(),
            live_reads: Vec::new(),
            is_recheck_lost: false,
            is_recording_lost: false,
        }
    }

    /// The record of a review that panicked.
    pub(crate) fn failed(preview: &Preview) -> Self {
        let Preview { uid, namespace, name, operation, user } = preview.clone();
        Self {
            uid,
            kind: Kind::Ingress,
            namespace,
            name,
            operation: Operation::named(&operation),
            dry_run: false,
            user,
            field_manager: String::new(),
            outcome: Outcome::Warn,
            findings: vec![(CHECK_FAILED.code, Level::Warn)],
            denial: None,
            would_deny: Vec::new(),
            panicked: true,
            unconfirmed: Vec::new(),
            live_reads: Vec::new(),
            is_recheck_lost: false,
            is_recording_lost: false,
        }
    }

    /// The record of a request that was evaluated.
    pub(super) fn decided<O>(request: &Request<'_, O>, verdict: &Verdict) -> Self {
        let outcome = match () {
            () if verdict.denies() => Outcome::Deny,
            () if verdict.at(Level::Warn).next().is_some() => Outcome::Warn,
            () => Outcome::Allow,
        };
        let decisions = verdict.decisions.iter();
        let downgraded = verdict.decisions.iter().filter(|decision| decision.downgraded.is_some());
        let unconfirmed =
            verdict.decisions.iter().filter_map(|decision| Some((decision.finding.code, decision.unconfirmed()?)));
        Self {
            findings: decisions.map(|decision| (decision.finding.code, decision.level)).collect(),
            would_deny: downgraded.map(|decision| decision.finding.code).collect(),
            unconfirmed: unconfirmed.collect(),
            ..Self::new(request, outcome)
        }
    }
}
