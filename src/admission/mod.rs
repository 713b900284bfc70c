//! From the bytes of an `AdmissionReview` to the bytes of its answer: pass, judge, lower, render. No socket, no log line,
//! no metric: the caller gets a [`Record`] of what happened and does those.

mod confirm;
mod render;
mod review;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::RwLock;

pub use confirm::Cluster;
pub use review::Operation;
use review::{Request, Text};

use crate::analysis::{identity, preexisting};
use crate::checks::CHECK_NOT_EVALUATED;
use crate::cluster::{ClusterState, Coverage, Inventory, LiveReads, WatchStatus};
use crate::engine::{Engine, Evaluation, NotEvaluatedReason};
use crate::finding::{Evidence, Level};
use crate::model::{Ingress, Kind, Kinds};
use crate::policy::{Ceiling, Circumstances, Policy, Verdict};

/// After this time no further check is begun and the write is allowed. The API server itself waits three seconds.
const DEADLINE: Duration = Duration::from_secs(1);

/// A review of so many bytes is large: what it says can take many times as much memory, and milliseconds.
pub const LARGE: usize = 64 * 1024;

/// So often at most is read what a denial rests on, before it is spoken.
const CONFIRMATIONS: usize = 2;

/// Judges reviews against one inventory with one policy.
#[derive(Debug)]
pub struct Reviewer {
    inventory: Arc<RwLock<Inventory>>,
    engine: Engine,
    policy: Policy,
    clock: fn() -> Timestamp,
    cluster: Option<Cluster>,
}

/// One write under judgement.
struct Case<'a> {
    request: &'a Request<'a>,
    ingress: &'a Ingress,
    record: &'a Record,
    /// Bytes of the whole review.
    size: usize,
    now: Timestamp,
    deadline: Instant,
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
        Self { inventory, engine, policy, clock, cluster: None }
    }

    /// Let denials be confirmed by live reads, and objects be read as Ingresses name them.
    #[must_use]
    pub fn with_cluster(mut self, cluster: Cluster) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// Judge one body.
    ///
    /// # Errors
    /// When the bytes are no `admission.k8s.io/v1` `AdmissionReview` of an Ingress.
    pub async fn review(&self, body: &[u8]) -> Result<Reviewed, Rejection> {
        let request = Request::read(body)?;
        let mut record = record(&request);
        if body.len() >= LARGE && request.is_too_large()? {
            record.verdict = "warn";
            record.findings = vec![(CHECK_NOT_EVALUATED.code, Level::Warn.name())];
            let why = "nothing was evaluated: the Ingress has more rules, paths and hosts than are judged; \
                       split it into several";
            return Ok(Reviewed { body: render::allow_unjudged(&request.uid.0, why), record });
        }
        let Some(mut ingress) = request.to_review()? else {
            record.verdict = "pass";
            return Ok(Reviewed { body: render::allow(&request.uid.0), record });
        };
        // The request knows best: a dry run of a `generateName` object has its namespace nowhere else.
        if ingress.meta.key.namespace.is_empty() {
            ingress.meta.key.namespace = record.namespace.as_str().into();
        }
        let deadline = Instant::now() + DEADLINE;
        let case = Case {
            request: &request,
            ingress: &ingress,
            record: &record,
            size: body.len(),
            now: (self.clock)(),
            deadline,
        };
        let verdict = self.verdict(&case).await;
        record.verdict = match () {
            () if verdict.denies() => "deny",
            () if verdict.at(Level::Warn).next().is_some() => "warn",
            () => "allow",
        };
        record.findings =
            verdict.decisions.iter().map(|decision| (decision.finding.code, decision.level.name())).collect();
        let downgraded = verdict.decisions.iter().filter(|decision| decision.downgraded.is_some());
        record.would_deny = downgraded.map(|decision| decision.finding.code).collect();
        Ok(Reviewed { body: render::verdict(&request.uid.0, &ingress.meta.key, &verdict), record })
    }

    /// Judge; where that would deny on what the inventory says of other objects, read them and judge once more. The
    /// inventory may lag: a port that was added, an Ingress that was deleted, a Service that was created just before.
    async fn verdict(&self, case: &Case<'_>) -> Verdict {
        let Some(cluster) = &self.cluster else { return self.evaluate(case, &LiveReads::default(), None) };
        let mut live_reads = cluster.fetch_referenced(case.ingress).await;
        let mut verdict = self.evaluate(case, &live_reads, None);
        let mut wanted: HashSet<Evidence> = verdict.at(Level::Deny).flat_map(|f| &f.rests_on).cloned().collect();
        let mut confirmed = HashSet::new();
        // What is read may bring up what was hidden: once a class is found, its rules hold.
        for _ in 0..CONFIRMATIONS {
            if wanted.is_empty() {
                break;
            }
            confirmed.extend(cluster.confirm(&wanted, &mut live_reads).await);
            verdict = self.evaluate(case, &live_reads, Some(&confirmed));
            let downgraded =
                verdict.decisions.iter().filter(|decision| decision.downgraded == Some(Ceiling::Unconfirmed));
            let doubtful: HashSet<Evidence> =
                downgraded.flat_map(|decision| &decision.finding.rests_on).cloned().collect();
            wanted = &doubtful - &wanted;
        }
        // Whoever mends what they are told of must not be told of it again.
        for finding in verdict.at(Level::Deny).chain(verdict.at(Level::Warn)) {
            for evidence in &finding.rests_on {
                if let Evidence::Object(kind, key) = evidence
                    && cluster.on_demand.contains(*kind)
                {
                    cluster.live.forget(*kind, key);
                }
            }
        }
        verdict
    }

    fn evaluate(&self, case: &Case<'_>, live_reads: &LiveReads, confirmed: Option<&HashSet<Evidence>>) -> Verdict {
        // Most take less than a tenth of a millisecond. Those that take long must not keep a thread from the others.
        if case.size < LARGE || !may_block() {
            return self.evaluate_here(case, live_reads, confirmed);
        }
        tokio::task::block_in_place(|| self.evaluate_here(case, live_reads, confirmed))
    }

    fn evaluate_here(&self, case: &Case<'_>, live_reads: &LiveReads, confirmed: Option<&HashSet<Evidence>>) -> Verdict {
        // One guard for the whole judgement: it sees one state of the cluster.
        let store = self.inventory.read();
        let known = ClusterState { store: &store, live_reads, now: case.now };
        let Evaluation { findings, not_evaluated } = self.engine.run(case.ingress, known, Some(case.deadline));
        let circumstances = Circumstances {
            ingress: case.ingress,
            namespace_labels: store.namespace_labels(&case.ingress.meta.key.namespace),
            dry_run: case.record.dry_run,
            user: &case.record.user,
            groups: case.request.groups(),
            preexisting: None,
            confirmed,
            out_of_time: not_evaluated.iter().any(|not| not.why == NotEvaluatedReason::Deadline),
            now: case.now,
        };
        let verdict = self.policy.decide(findings.clone(), &circumstances);
        if !verdict.denies() || case.request.operation() != Operation::Update {
            return verdict;
        }
        // A denial is pending: what the object had before this write may stay. Only the checks that deny look again.
        let preexisting = match case.request.stored() {
            Ok(mut old) => {
                old.meta.key = case.ingress.meta.key.clone();
                preexisting(&verdict, &findings, |is_denying| {
                    self.engine.run_only(is_denying, &old, known, Some(case.deadline))
                })
            }
            // Whatever it says now may be old where the old object cannot be read.
            Err(_) => findings.iter().map(identity).collect(),
        };
        self.policy.decide(findings, &Circumstances { preexisting: Some(&preexisting), ..circumstances })
    }

    /// Why reviews cannot be judged fully yet, one line each; empty when ready. What is forbidden is settled: see
    /// [`Reviewer::notes`].
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let troubles = self.feeds();
        let trouble = |kind| troubles.iter().find(|feed| feed.kind == kind)?.trouble.clone();
        // What is only good for better words is waited for as long as nothing speaks against it.
        let hints = self.engine.hints().iter().filter(|kind| trouble(*kind).is_none());
        let lines = self.covered(self.necessary() | hints.collect(), |coverage| coverage == Coverage::NotSynced);
        let reason = |trouble: Option<String>| trouble.unwrap_or_else(|| "the first list has not come yet".to_owned());
        let kinds = lines.into_iter().map(|kind| format!("{kind}: {}", reason(trouble(kind))));
        let single = self.single().into_iter().filter(|(_, coverage)| *coverage == Coverage::NotSynced);
        kinds.chain(single.map(|(feed, _)| format!("{feed}: {}", reason(feed.trouble.clone())))).collect()
    }

    /// What is not as it should be, and no reason to send reviews elsewhere.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let forbidden = self.covered(self.necessary(), |coverage| coverage == Coverage::Forbidden).into_iter();
        let mut notes: Vec<String> =
            forbidden.map(|kind| format!("{kind}: forbidden; what depends on it is not evaluated")).collect();
        let followed = self.covered(self.necessary(), |coverage| coverage == Coverage::Complete);
        for feed in self.feeds().into_iter().filter(|feed| followed.contains(&feed.kind)) {
            notes.extend(feed.trouble.map(|trouble| format!("{}: cannot follow changes: {trouble}", feed.kind)));
        }
        notes.extend(self.single().into_iter().filter_map(|(feed, coverage)| {
            let is_there = feed.only.as_ref().is_none_or(|key| self.inventory.read().config_map(key).is_some());
            match (coverage, &feed.trouble) {
                (Coverage::Forbidden, _) => Some(format!("{feed}: forbidden; what it says is not known")),
                (Coverage::Complete, Some(trouble)) => Some(format!("{feed}: cannot follow changes: {trouble}")),
                (Coverage::Complete, None) if !is_there => {
                    Some(format!("{feed}: does not exist; what it says is not known"))
                }
                _ => None,
            }
        }));
        notes
    }

    /// The single objects that are followed, and whether they are known.
    fn single(&self) -> Vec<(WatchStatus, Coverage)> {
        let store = self.inventory.read();
        let covered = |feed: WatchStatus| {
            let key = feed.only.clone()?;
            let coverage = store.coverage_of(feed.kind, &key.namespace, &key.name);
            Some((feed, coverage))
        };
        self.feeds().into_iter().filter_map(covered).collect()
    }

    /// How the watches are doing; none over manifests.
    #[must_use]
    pub fn feeds(&self) -> Vec<WatchStatus> {
        self.cluster.as_ref().map(|cluster| cluster.feeds.states()).unwrap_or_default()
    }

    fn necessary(&self) -> Kinds {
        self.engine.needs() | self.policy.needs()
    }

    fn covered(&self, kinds: Kinds, is_so: impl Fn(Coverage) -> bool) -> Vec<Kind> {
        let store = self.inventory.read();
        kinds.iter().filter(|kind| is_so(store.coverage(*kind))).collect()
    }

    /// Objects in the inventory by kind, for the metric.
    #[must_use]
    pub fn objects(&self) -> Vec<(&'static str, usize)> {
        let store = self.inventory.read();
        Kind::ALL.into_iter().filter(|kind| kind.is_watched()).map(|kind| (kind.name(), store.count(kind))).collect()
    }
}

/// Whether this thread is one of several of a runtime, which can take over its other work.
fn may_block() -> bool {
    let runtime = tokio::runtime::Handle::try_current();
    runtime.is_ok_and(|runtime| runtime.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread)
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
