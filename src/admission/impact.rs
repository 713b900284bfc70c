//! The review of a write of another object than an Ingress: what stored Ingresses lose by it. It warns and never denies.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::review::{Request, malformed, present};
use super::{Operation, Outcome, Place, Record, Rejection, Reviewed, Reviewer, Rules, or_failed, render};
use crate::budget::Allowance;
use crate::checks;
use crate::cluster::{ClusterState, LiveReads};
use crate::finding::{Finding, Level};
use crate::impact::{Impact, Write};
use crate::model::{Kind, Service};
use crate::policy::{Decision, Verdict};

/// The kinds whose writes are evaluated.
const KINDS: [Kind; 3] = [Kind::ConfigMap, Kind::IngressClass, Kind::Service];

/// The time after which an evaluation ends early. The API server waits one second for the answer.
const DEADLINE: Duration = Duration::from_millis(400);

impl Reviewer {
    /// Reviews a write of a Service, an IngressClass or a ConfigMap in a place. After a panic the write is allowed with a warning.
    ///
    /// # Errors
    /// If the bytes are not an `admission.k8s.io/v1` `AdmissionReview` of such an object.
    ///
    /// # Panics
    /// As [`Reviewer::review_in`].
    pub async fn review_impact_in(&self, place: Place, body: &[u8]) -> Result<Reviewed, Rejection> {
        let mut reviewed = or_failed(self.evaluate_impact(place, body), body).await?;
        if reviewed.record.panicked {
            reviewed.record.kind = Request::of_other(body, &KINDS).map_or(Kind::Service, |(kind, _)| kind);
        }
        Ok(reviewed)
    }

    async fn evaluate_impact(&self, place: Place, body: &[u8]) -> Result<Reviewed, Rejection> {
        let (kind, request) = Request::of_other(body, &KINDS)?;
        let Some(write) = write(kind, &request)? else {
            let record = Record { kind, ..Record::new(&request, Outcome::Pass) };
            return Ok(Reviewed { body: render::allow(&request.uid.0), record, exceeded_allowance: false, steps: 0 });
        };
        let allowance = Allowance { deadline: Some(Instant::now() + DEADLINE), ..place.allowance() };
        let rules = self.rules.load();
        let mut impact = self.impact(&write, &rules, &allowance);
        // An Ingress may have been deleted or changed just before.
        if let Some(cluster) = self.cluster.as_ref().filter(|_| !impact.findings.is_empty() && !impact.exhausted) {
            cluster.catch_up(Kind::Ingress.into()).await;
            impact = self.impact(&write, &rules, &allowance);
        }
        let verdict = self.verdict_of(&write, &rules, impact.findings);
        let (body, _) = render::verdict(&request.uid.0, write.key(), &verdict, &[], None);
        let record = Record { kind, ..Record::decided(&request, &verdict) };
        Ok(Reviewed { body, record, exceeded_allowance: impact.exhausted, steps: impact.spent })
    }

    fn impact(&self, write: &Write, rules: &Rules, allowance: &Allowance) -> Impact {
        let (store, live_reads) = (self.inventory.load(), LiveReads::default());
        let known = ClusterState { store: &store, live_reads: &live_reads, now: (self.clock)() };
        Impact::of(write, &rules.engine, known, allowance)
    }

    /// Gives each finding the level of its check in the namespace of the object, a warning at most.
    fn verdict_of(&self, write: &Write, rules: &Rules, findings: Vec<Finding>) -> Verdict {
        let store = self.inventory.load();
        let namespace = &write.key().namespace;
        let decided = findings.into_iter().filter_map(|finding| {
            let check = checks::find(finding.code)?;
            let level = rules.policy.level_in(namespace, store.namespace_labels(namespace), check).min(Level::Warn);
            (level > Level::Off).then_some(Decision { finding, level, downgraded: None, waived: None })
        });
        Verdict { decisions: decided.collect(), ..Verdict::default() }
    }
}

/// Returns the write to evaluate; `None`: no Ingress can lose by it.
fn write(kind: Kind, request: &Request<'_, &RawValue>) -> Result<Option<Write>, Rejection> {
    let (old, new) = (("request.oldObject", request.old_object), ("request.object", request.object));
    Ok(match (kind, request.operation()) {
        (Kind::Service, Operation::Delete) => Some(Write::Service { stored: read(old)?, replacement: None }),
        (Kind::Service, Operation::Update) => {
            let (stored, replacement): (Service, Service) = (read(old)?, read(new)?);
            (stored != replacement).then_some(Write::Service { stored, replacement: Some(replacement) })
        }
        (Kind::IngressClass, Operation::Delete) => Some(Write::ClassDeletion(read(old)?)),
        (Kind::ConfigMap, Operation::Update) => Some(Write::ConfigMap(read(new)?)),
        _ => None,
    })
}

fn read<'a, T: Deserialize<'a>>((field, object): (&str, Option<&'a RawValue>)) -> Result<T, Rejection> {
    serde_json::from_str(present(field, object.as_ref())?.get()).map_err(|error| malformed(field, &error))
}
