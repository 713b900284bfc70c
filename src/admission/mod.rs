//! From the bytes of an `AdmissionReview` to the bytes of its answer: pass, judge, lower, render. No socket, no log line,
//! no metric: the caller gets a [`Record`] of what happened and does those.

mod render;
mod review;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::RwLock;

pub use review::Operation;
use review::{Request, Text};

use crate::checks::CHECK_FAILED;
use crate::cluster::{Coverage, Inventory, Lookup};
use crate::engine::{Engine, Evaluation};
use crate::finding::{Finding, Level};
use crate::model::{Ingress, Kind};
use crate::policy::{Circumstances, Held, Policy, Verdict};

/// After this time no further check is begun and the write is allowed. The API server itself waits three seconds.
const DEADLINE: Duration = Duration::from_secs(1);

/// Judges reviews against one inventory with one policy.
#[derive(Debug)]
pub struct Reviewer {
    inventory: Arc<RwLock<Inventory>>,
    engine: Engine,
    policy: Policy,
    clock: fn() -> Timestamp,
}

/// What one review came to: the answer for the API server and the record for log and metrics.
#[derive(Debug)]
pub struct Reviewed {
    /// The `AdmissionReview` answer as JSON.
    pub body: Vec<u8>,
    /// What happened.
    pub record: Record,
}

/// One line about one review.
#[derive(Debug, Default)]
pub struct Record {
    /// `request.uid`.
    pub uid: String,
    /// Namespace of the Ingress.
    pub namespace: String,
    /// Name of the Ingress; empty for a `deletecollection`.
    pub name: String,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: &'static str,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// `userInfo.username`.
    pub user: String,
    /// `options.fieldManager`.
    pub field_manager: String,
    /// `pass`, `allow`, `warn` or `deny`.
    pub verdict: &'static str,
    /// Code and effective level (`audit`, `warn`, `deny`) of each finding.
    pub findings: Vec<(&'static str, &'static str)>,
    /// Codes that a ceiling or the profile kept from denying.
    pub would_deny: Vec<&'static str>,
}

/// Why a body is no review that can be judged. The HTTP status says it to the API server, which then follows its
/// `failurePolicy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status: 400.
    pub status: u16,
    /// One word for metrics and clients, e.g. `MalformedReview`, `WrongKind`, `WrongVersion`, `MissingUid`.
    pub reason: &'static str,
    /// What is wrong, for a human.
    pub message: String,
}

impl Rejection {
    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, reason, message: message.into() }
    }
}

impl Reviewer {
    /// A reviewer over an inventory that somebody else keeps filled.
    #[must_use]
    pub fn new(inventory: Arc<RwLock<Inventory>>, engine: Engine, policy: Policy, clock: fn() -> Timestamp) -> Self {
        Self { inventory, engine, policy, clock }
    }

    /// Judge one body.
    ///
    /// # Errors
    /// When the bytes are no `admission.k8s.io/v1` `AdmissionReview` of an Ingress.
    pub fn review(self: &Arc<Self>, body: &[u8]) -> Result<Reviewed, Rejection> {
        let request = Request::read(body)?;
        let mut record = record(&request);
        let Some(mut ingress) = request.to_judge()? else {
            record.verdict = "pass";
            return Ok(Reviewed { body: render::allow(&request.uid.0), record });
        };
        // The request knows best: a dry run of a `generateName` object has its namespace nowhere else.
        if ingress.meta.key.namespace.is_empty() {
            ingress.meta.key.namespace = record.namespace.as_str().into();
        }
        let verdict = self.judge(&request, &ingress, &record)?;
        record.verdict = match () {
            () if verdict.denies() => "deny",
            () if verdict.at(Level::Warn).next().is_some() => "warn",
            () => "allow",
        };
        record.findings = verdict.rulings.iter().map(|ruling| (ruling.finding.code, ruling.level.name())).collect();
        let spared = verdict.rulings.iter().filter(|ruling| ruling.spared.is_some());
        record.would_deny = spared.map(|ruling| ruling.finding.code).collect();
        Ok(Reviewed { body: render::verdict(&request.uid.0, &ingress.meta.key, &verdict), record })
    }

    fn judge(&self, request: &Request<'_>, ingress: &Ingress, record: &Record) -> Result<Verdict, Rejection> {
        let deadline = Some(Instant::now() + DEADLINE);
        let now = (self.clock)();
        // One guard for the whole judgement: it sees one state of the cluster.
        let store = self.inventory.read();
        let findings = self.engine.run(ingress, &store, now, deadline).findings;
        let circumstances = Circumstances {
            ingress,
            namespace_labels: namespace_labels(&store, &ingress.meta.key.namespace),
            dry_run: record.dry_run,
            user: &record.user,
            groups: request.groups(),
            held: None,
            now,
        };
        let verdict = self.policy.judge(findings.clone(), &circumstances);
        if !verdict.denies() || request.operation() != Operation::Update {
            return Ok(verdict);
        }
        // A denial is pending: what the object had before this write may stay. Only the checks that deny look again.
        let mut old = request.stored()?;
        old.meta.key = ingress.meta.key.clone();
        let denying: Vec<&str> = verdict.at(Level::Deny).map(|finding| finding.code).collect();
        let before = self.engine.run_only(|check| denying.contains(&check.code), &old, &store, now, deadline);
        let held = held(&before, &findings);
        Ok(self.policy.judge(findings, &Circumstances { held: Some(&held), ..circumstances }))
    }

    /// Why reviews cannot be judged fully yet, one line each; empty when ready.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let store = self.inventory.read();
        let needed = self.engine.needs() | self.policy.needs();
        let unsynced = needed.iter().filter(|kind| store.coverage(*kind) == Coverage::NotSynced);
        unsynced.map(|kind| format!("{kind}: the first list has not come yet")).collect()
    }

    /// Objects in the inventory by kind, for the metric.
    #[must_use]
    pub fn objects(&self) -> Vec<(&'static str, usize)> {
        let store = self.inventory.read();
        Kind::ALL.into_iter().map(|kind| (kind.name(), store.count(kind))).collect()
    }
}

/// What the object had before the write. Where a check could not look at the old object, whatever it says now may be
/// old.
fn held(before: &Evaluation, now: &[Finding]) -> Held {
    let identity = |finding: &Finding| (finding.code, finding.subject.clone());
    let unjudged = |code: &str| {
        before.not_evaluated.iter().any(|not| not.check.code == code)
            || before.findings.iter().any(|failed| failed.code == CHECK_FAILED.code && &*failed.subject == code)
    };
    let doubtful = now.iter().filter(|finding| unjudged(finding.code));
    before.findings.iter().chain(doubtful).map(identity).collect()
}

fn record(request: &Request<'_>) -> Record {
    let text = |text: &Option<Text<'_>>| text.as_ref().map(|text| text.0.to_string()).unwrap_or_default();
    Record {
        uid: request.uid.0.to_string(),
        namespace: text(&request.namespace),
        name: text(&request.name),
        operation: request.operation().name(),
        dry_run: request.dry_run.unwrap_or_default(),
        user: request.user_info.as_ref().map(|user| user.username.0.to_string()).unwrap_or_default(),
        field_manager: request.options.as_ref().map(|options| text(&options.field_manager)).unwrap_or_default(),
        verdict: "",
        findings: Vec::new(),
        would_deny: Vec::new(),
    }
}

fn namespace_labels<'a>(store: &'a Inventory, namespace: &str) -> Lookup<&'a BTreeMap<Box<str>, Box<str>>> {
    if store.coverage(Kind::Namespace) != Coverage::Complete {
        return Lookup::Unknown;
    }
    store.namespace(namespace).map_or(Lookup::Absent, |namespace| Lookup::Found(&namespace.labels))
}
