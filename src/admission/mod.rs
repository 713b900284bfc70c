//! From the bytes of an `AdmissionReview` to the bytes of its response: pass, evaluate, decide, confirm, render. This module
//! writes no log line and no metric: the caller gets a [`Record`] and does both.

mod allowed;
mod blocked;
mod confirm;
mod impact;
mod preview;
mod recheck;
mod record;
mod recording;
mod render;
mod review;
mod rules;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::mpsc;

pub use allowed::AllowedWrites;
use confirm::ConfirmedVerdict;
pub use confirm::LiveCluster;
pub use preview::Preview;
pub use recheck::{Recheck, Rechecked};
pub use record::{Outcome, Record};
pub use recording::{Asked, Recording, Repetition, field_manager, findings};
pub use render::warning;
pub use review::Operation;
use review::Request;
pub use rules::{Rules, SharedRules};

use crate::analysis::{Previous, decide};
use crate::budget::Allowance;
use crate::checks::CHECK_FAILED;
use crate::cluster::{ClusterState, Inventory, LiveReads, SharedInventory};
use crate::engine::{Engine, Evaluation};
use crate::model::{DOCTOR_ANNOTATION, Ingress, Key, is_doctor_token};
use crate::policy::{Circumstances, Confirmed, Policy, Verdict};
use crate::routing::SharedReloadBlocks;

/// After this time an evaluation ends early: a backstop, because steps bound its work. The API server waits three seconds by
/// default.
const DEADLINE: Duration = Duration::from_secs(1);

/// Reviews of this many bytes or more are large: parsing one can take up to 100 times its size in memory and several
/// milliseconds.
pub const LARGE: usize = 64 * 1024;

/// Answers reviews from one inventory under the latest rules.
#[derive(Debug)]
pub struct Reviewer {
    inventory: SharedInventory,
    rules: SharedRules,
    clock: fn() -> Timestamp,
    cluster: Option<LiveCluster>,
    reload_blocks: SharedReloadBlocks,
    rechecks: Option<mpsc::Sender<Recheck>>,
    recorder: Option<SyncSender<Recording>>,
    allowed: Option<Arc<AllowedWrites>>,
}

/// The place of a review, which decides its allowance. The verdict does not depend on it.
#[derive(Debug, Clone)]
pub enum Place {
    /// A thread that also serves sockets: the allowance is small. A review that exceeds it ends early, without a valid verdict, and
    /// has to be repeated in a slow place.
    Fast,
    /// A thread for slow reviews. The review ends early if the flag is set, because no client waits for it.
    Slow(Arc<AtomicBool>),
}

/// One write to evaluate.
struct Case<'a> {
    /// The rules at the beginning of the review.
    rules: &'a Arc<Rules>,
    request: &'a Request<'a>,
    ingress: &'a Ingress,
    field_manager: Cow<'a, str>,
    place: Place,
    now: Timestamp,
    /// Whether an evaluation has exceeded the allowance.
    exceeded_allowance: AtomicBool,
    /// The steps of all evaluations.
    steps: AtomicU32,
    /// The state of the cluster for the last evaluation, if it is recorded.
    evaluated_state: Mutex<Option<Arc<Inventory>>>,
}

/// The result of one review: the response for the API server, and the record for log and metrics.
#[derive(Debug)]
pub struct Reviewed {
    /// The `AdmissionReview` response as JSON.
    pub body: Vec<u8>,
    /// The record of the review.
    pub record: Record,
    /// Whether the review has exceeded its allowance. In a fast place the verdict is not valid then.
    pub exceeded_allowance: bool,
    /// The steps of work that its evaluations needed.
    pub steps: u32,
}

/// The reason why a body cannot be reviewed. The API server gets it as an HTTP error and then follows its `failurePolicy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status: 400.
    pub status: u16,
    /// One word for metrics and clients: `MalformedReview`, `WrongKind`, `WrongVersion`, `MissingUid` and the like.
    pub reason: &'static str,
    /// The error in words.
    pub message: String,
}

impl Rejection {
    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, reason, message: message.into() }
    }
}

impl Reviewer {
    /// Creates a reviewer over an inventory that watches or manifests fill.
    #[must_use]
    pub fn new(inventory: SharedInventory, engine: Engine, policy: Policy, clock: fn() -> Timestamp) -> Self {
        Self::with_rules(inventory, Rules { engine, policy, text: Arc::default() }, clock)
    }

    /// Creates a reviewer as [`Reviewer::new`] does, whose rules were read from a configuration.
    #[must_use]
    pub fn with_rules(inventory: SharedInventory, rules: Rules, clock: fn() -> Timestamp) -> Self {
        let (rules, reload_blocks) = (SharedRules::new(rules), SharedReloadBlocks::default());
        Self { inventory, rules, clock, cluster: None, reload_blocks, rechecks: None, recorder: None, allowed: None }
    }

    /// Returns the rules, through which they can be replaced.
    #[must_use]
    pub fn rules(&self) -> SharedRules {
        self.rules.clone()
    }

    /// Adds a live cluster, from which denials are confirmed and referenced objects are read.
    #[must_use]
    pub fn with_cluster(mut self, cluster: LiveCluster) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// Adds the Ingresses that stop their controllers, as they become known.
    #[must_use]
    pub fn with_reload_blocks(mut self, blocks: SharedReloadBlocks) -> Self {
        self.reload_blocks = blocks;
        self
    }

    /// Adds the list of contents that reviews allow.
    #[must_use]
    pub fn with_allowed_writes(mut self, allowed: Arc<AllowedWrites>) -> Self {
        self.allowed = Some(allowed);
        self
    }

    /// Reviews one body with the whole allowance.
    ///
    /// # Errors
    /// If the bytes are not an `admission.k8s.io/v1` `AdmissionReview` of an Ingress.
    pub async fn review(&self, body: &[u8]) -> Result<Reviewed, Rejection> {
        self.review_in(Place::Slow(Arc::default()), body).await
    }

    /// Reviews one body in a place. After a panic the write is allowed with a warning.
    ///
    /// # Errors
    /// If the bytes are not an `admission.k8s.io/v1` `AdmissionReview` of an Ingress.
    ///
    /// # Panics
    /// If the review panics and the body does not begin as the API server writes it, so that there is no uid to answer to.
    pub async fn review_in(&self, place: Place, body: &[u8]) -> Result<Reviewed, Rejection> {
        or_failed(self.evaluate(place, body), body).await
    }

    async fn evaluate(&self, place: Place, body_read: &[u8]) -> Result<Reviewed, Rejection> {
        let request = Request::read(body_read)?;
        let Some(ingress) = request.to_review()? else {
            let (body, record) = (render::allow(&request.uid.0), Record::new(&request, Outcome::Pass));
            return Ok(Reviewed { body, record, exceeded_allowance: false, steps: 0 });
        };
        let rules = self.rules.load();
        let case = Case::of(&rules, &request, &ingress, place, (self.clock)());
        let ConfirmedVerdict { verdict, results, absent, live_reads, confirmed } = self.confirmed_verdict(&case).await;
        if !verdict.denies() {
            self.note_allowed(&case);
        }
        let closing = case.closing(absent.as_deref());
        let token = ingress.meta.annotations.get(DOCTOR_ANNOTATION);
        let doctor = token.filter(|token| request.is_dry_run() && is_doctor_token(token));
        let (body, denial) = render::verdict(&request.uid.0, &ingress.meta.key, &verdict, &closing, doctor);
        let is_recheck_lost = self.queue_recheck(&case, &verdict);
        let is_recording_lost = self.record(&case, body_read, &verdict, live_reads, confirmed);
        let record = Record {
            live_reads: results,
            denial,
            field_manager: case.field_manager.to_string(),
            is_recheck_lost,
            is_recording_lost,
            ..Record::decided(&request, &verdict)
        };
        let (exceeded_allowance, steps) = (case.exceeded_allowance.into_inner(), case.steps.into_inner());
        Ok(Reviewed { body, record, exceeded_allowance, steps })
    }

    fn evaluate_and_decide(&self, case: &Case<'_>, live_reads: &LiveReads, confirmed: Option<&Confirmed>) -> Verdict {
        // One state of the cluster for the whole evaluation.
        let store = self.inventory.load();
        if self.recorder.is_some() {
            *case.evaluated_state.lock() = Some(Arc::clone(&store));
        }
        let known = ClusterState { store: &store, live_reads, now: case.now };
        let allowance = case.place.allowance();
        let mut evaluation = case.rules.engine.run(case.ingress, known, &allowance);
        case.count(&evaluation);
        evaluation.findings.extend(self.blocked(case, known));
        let circumstances = Circumstances {
            is_sample: false,
            ingress: case.ingress,
            namespace_labels: store.namespace_labels(&case.ingress.meta.key.namespace),
            creates: case.request.operation() == Operation::Create,
            dry_run: case.request.is_dry_run(),
            field_manager: &case.field_manager,
            user: case.request.user(),
            groups: case.request.groups(),
            preexisting: None,
            confirmed,
            now: case.now,
        };
        decide(&case.rules.policy, evaluation, &circumstances, |is_denying| {
            if case.request.operation() != Operation::Update || case.ends_early() {
                return Previous::None;
            }
            let Ok(mut stored) = case.request.stored() else { return Previous::Unreadable };
            stored.meta.key = case.ingress.meta.key.clone();
            let evaluation = case.rules.engine.run_only(is_denying, &stored, known, &allowance);
            case.count(&evaluation);
            Previous::Evaluated(evaluation)
        })
    }
}

impl Place {
    /// Returns the allowance of an evaluation that begins now. Its deadline does not include the time that the review has waited.
    fn allowance(&self) -> Allowance {
        let deadline = Some(Instant::now() + DEADLINE);
        match self {
            Self::Fast => Allowance { deadline, ..Allowance::fast() },
            Self::Slow(cancelled) => {
                Allowance { deadline, cancelled: Some(Arc::clone(cancelled)), ..Allowance::full() }
            }
        }
    }
}

impl<'a> Case<'a> {
    fn of(rules: &'a Arc<Rules>, request: &'a Request<'a>, ingress: &'a Ingress, place: Place, now: Timestamp) -> Self {
        Self {
            rules,
            request,
            ingress,
            field_manager: request.field_manager(),
            place,
            now,
            exceeded_allowance: AtomicBool::new(false),
            steps: AtomicU32::new(0),
            evaluated_state: Mutex::default(),
        }
    }

    /// Returns the lines of a denial after its findings.
    fn closing(&self, absent: Option<&str>) -> Vec<String> {
        let policy = &self.rules.policy;
        let absent = absent.map(|objects| format!("if {objects} comes later in the same apply, apply again"));
        let in_force = policy.override_at(self.now).map(|it| format!("an override is in force: {it}"));
        absent.into_iter().chain(in_force).chain(policy.support.clone()).collect()
    }

    /// Counts the work of an evaluation.
    fn count(&self, evaluation: &Evaluation) {
        self.exceeded_allowance.fetch_or(evaluation.exhausted, Ordering::Relaxed);
        self.steps.fetch_add(evaluation.spent, Ordering::Relaxed);
    }

    /// Whether the review has to be repeated in a slow place, so that live reads for it are of no use.
    fn ends_early(&self) -> bool {
        matches!(self.place, Place::Fast) && self.exceeded_allowance.load(Ordering::Relaxed)
    }
}

/// Returns the result of a review. After a panic the write is allowed with a warning.
async fn or_failed(
    review: impl Future<Output = Result<Reviewed, Rejection>>,
    body: &[u8],
) -> Result<Reviewed, Rejection> {
    // No state of the reviewer is changed halfway: the inventory is only read.
    match AssertUnwindSafe(review).catch_unwind().await {
        Ok(reviewed) => reviewed,
        Err(panic) => {
            let preview = Preview::of(body);
            if preview.uid.is_empty() {
                resume_unwind(panic);
            }
            Ok(failed(&preview))
        }
    }
}

/// The result of a review that panicked.
fn failed(preview: &Preview) -> Reviewed {
    let reason = "the review failed with an internal error: nothing was evaluated; report the object and the log of ingress-guard";
    let key = Key::new(&preview.namespace, &preview.name);
    let body = render::allow_not_evaluated(&preview.uid, &key, CHECK_FAILED.code, reason);
    Reviewed { body, record: Record::failed(preview), exceeded_allowance: false, steps: 0 }
}
