//! The task that audits the stored Ingresses in the background, apart from reviews and watches.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::admission::SharedRules;
use crate::background::{
    Audit, Leadership, Outage, SharedVerdicts, Unreviewed, Verdicts, World, figures, misdated, unreviewed,
};
use crate::cluster::{Inventory, Live, LiveRead, ReadableNamespaces, SharedInventory};
use crate::config::{Background, StoredSeries};
use crate::model::{Key, Kind, Kinds};
use crate::routing::SharedReloadBlocks;
use crate::telemetry::{Metrics, StoredFigures};

/// The pause while nothing changes.
const PAUSE: Duration = Duration::from_millis(100);
/// The time after which a batch of evaluations ends. One evaluation takes about 0.1 ms, and at most about 110 ms.
const BATCH: Duration = Duration::from_millis(10);
/// The time between two publications while many Ingresses wait.
const PUBLICATION: Duration = Duration::from_secs(1);
/// The time between two reads of Secrets and ConfigMaps.
const READS: Duration = Duration::from_millis(200);
/// The most log lines about Ingresses without a review.
const LINES: usize = 100;
/// Percent of a core.
const WHOLE: u32 = 100;

/// What the audit follows, and where it shows what it finds.
#[derive(Clone)]
pub struct Followed {
    /// The states of the cluster.
    pub inventory: SharedInventory,
    /// The rules of reviews.
    pub rules: SharedRules,
    /// The Ingresses that stop their controllers.
    pub blocks: SharedReloadBlocks,
    /// Whether this replica is the one that audits.
    pub leadership: Leadership,
    /// The reads of Secrets and ConfigMaps by name; `None` over files.
    pub reads: Option<Arc<ReadsByName>>,
    /// The Service that the API server calls for reviews, if it is known.
    pub service: Option<Key>,
    /// The metrics that count Ingresses without a review.
    pub metrics: Arc<Metrics>,
    /// What the audit finds.
    pub found: Found,
    /// Questions about the audit.
    pub visits: Visits,
}

/// A question about the audit, such as its page. It is dropped if this replica does not audit.
pub type Visit = Box<dyn FnOnce(&Audit) + Send>;

/// The question that waits for an answer. A later one replaces it.
#[derive(Clone, Default)]
pub struct Visits(Arc<Mutex<Option<Visit>>>);

impl Visits {
    /// Asks a question.
    pub(super) fn ask(&self, visit: Visit) {
        *self.0.lock() = Some(visit);
    }

    fn take(&self) -> Option<Visit> {
        self.0.lock().take()
    }
}

/// How Secrets and ConfigMaps are read that Ingresses name.
pub struct ReadsByName {
    /// The API server. Its reads wait for no others, and no others for them.
    pub live: Live,
    /// The kinds that are not watched.
    pub on_demand: Kinds,
    /// The namespaces in which they are read.
    pub readable: ReadableNamespaces,
}

/// What the audit has found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The verdicts.
    pub verdicts: SharedVerdicts,
    /// The verdicts in numbers; empty until each Ingress has been evaluated.
    pub figures: SharedFigures,
}

/// The latest figures.
#[derive(Debug, Clone, Default)]
pub struct SharedFigures(Arc<ArcSwapOption<StoredFigures>>);

impl SharedFigures {
    /// Returns the latest figures, if each Ingress has been evaluated.
    #[must_use]
    pub fn load(&self) -> Option<Arc<StoredFigures>> {
        self.0.load_full()
    }
}

/// The work between two looks at the cluster.
struct Batch {
    audit: Audit,
    /// Whether something was evaluated.
    has_worked: bool,
    published: Option<Instant>,
}

/// Audits the stored Ingresses while this replica is the holder, until the future is dropped. Evaluations run in short batches on
/// threads for blocking work, and rest in proportion.
///
/// # Panics
/// If an evaluation panics outside of the checks.
pub async fn follow_stored_ingresses(followed: Followed, settings: Background) {
    let Followed { inventory, rules, blocks, leadership, reads, service, metrics, found, visits } = followed;
    // Findings are stored in the namespaces of their Ingresses.
    let rules = rules.discreet();
    let on_demand = reads.as_ref().map_or(Kinds::NONE, |reads| reads.on_demand);
    let (ask, asked) = mpsc::channel(1);
    let (answer, mut answers) = mpsc::channel(16);
    let _reading = AbortOnDropHandle::new(tokio::spawn(read(reads, asked, answer)));
    let world = || World { state: inventory.load(), rules: rules.load(), blocks: blocks.load() };
    let new = || Batch { audit: Audit::new(world(), on_demand, settings.interval), has_worked: false, published: None };
    let mut batch = new();
    loop {
        if !leadership.is_holder() {
            batch = discard(batch, &found, new);
            drop(visits.take());
            sleep(PAUSE).await;
            continue;
        }
        let world = world();
        if !world.is_synced() {
            sleep(PAUSE).await;
            continue;
        }
        if let Some(visit) = visits.take() {
            batch = visited(batch, visit).await.unwrap_or_else(new);
        }
        while let Ok((kind, key, read)) = answers.try_recv() {
            batch.audit.note_read(kind, key, read, Timestamp::now());
        }
        if let Ok(place) = ask.try_reserve()
            && let Some(next) = batch.audit.next_read(Timestamp::now())
        {
            place.send(next);
        }
        let started = Instant::now();
        let (found_by_batch, series) = (found.clone(), settings.metrics);
        let done = spawn_blocking(move || {
            batch.work(&world, &found_by_batch, series);
            batch
        });
        batch = match done.await {
            Ok(worked) => worked,
            Err(error) => {
                // Another audit begins after a pause, because the same state may cause the same panic.
                discard(new(), &found, new);
                match error.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    // The runtime ends.
                    Err(_) => return,
                }
            }
        };
        report_unreviewed(&inventory.load(), &found, &leadership, service.as_ref(), &metrics);
        let rest = started.elapsed() * (WHOLE / settings.percent.clamp(1, WHOLE) - 1);
        sleep(if batch.audit.is_idle() { PAUSE.max(rest) } else { rest }).await;
    }
}

/// Counts and logs the Ingresses that were stored while no replica ran, once each Ingress has been evaluated.
fn report_unreviewed(
    state: &Inventory,
    found: &Found,
    leadership: &Leadership,
    service: Option<&Key>,
    metrics: &Metrics,
) {
    let verdicts = found.verdicts.load();
    let Some(outage) = verdicts.is_complete.then(|| leadership.take_outage()).flatten() else { return };
    let Some(service) = service else { return };
    let Some(all) = unreviewed(state, &verdicts, outage, service) else {
        // The lists may arrive after the first pass.
        leadership.set_outage(Some(outage));
        return;
    };
    let Outage { from, until } = outage;
    for Unreviewed { ingress, would_deny } in all.iter().take(LINES) {
        tracing::warn!(%ingress, would_deny, %from, %until, "an Ingress was stored without a review, because no replica ran");
    }
    if all.len() > LINES {
        tracing::warn!(more = all.len() - LINES, "more Ingresses were stored without a review");
    }
    for it in &all {
        metrics.stored.unreviewed(it.would_deny);
    }
    metrics.stored.review_unknown.inc_by(misdated(state, outage, service) as u64);
}

/// Answers a question about the audit. `None`: the thread could not be used.
async fn visited(batch: Batch, visit: Visit) -> Option<Batch> {
    let answered = spawn_blocking(move || {
        if catch_unwind(AssertUnwindSafe(|| visit(&batch.audit))).is_err() {
            tracing::error!("a question about the background audit failed with an internal error");
        }
        batch
    });
    answered.await.ok()
}

/// Drops what is known, because another replica follows the cluster now. Returns a new audit.
fn discard(batch: Batch, found: &Found, new: impl Fn() -> Batch) -> Batch {
    if found.figures.load().is_some() || !found.verdicts.load().by_ingress.is_empty() {
        found.figures.0.store(None);
        found.verdicts.publish(Verdicts::default());
    }
    if batch.audit.pass().begun.is_some() { new() } else { batch }
}

impl Batch {
    fn work(&mut self, world: &World, found: &Found, series: StoredSeries) {
        let started = Instant::now();
        self.audit.note(world, Timestamp::now());
        while self.audit.evaluate_next(Timestamp::now()) {
            self.has_worked = true;
            if started.elapsed() >= BATCH {
                break;
            }
        }
        let is_due = self.published.is_none_or(|published| published.elapsed() >= PUBLICATION);
        let is_news = self.has_worked || self.published.is_none();
        if is_news && (is_due || self.audit.is_idle()) {
            let verdicts = self.audit.verdicts();
            if verdicts.is_complete {
                found.figures.0.store(Some(Arc::new(figures(&self.audit, &verdicts, series))));
            }
            found.verdicts.publish(verdicts);
            self.published = Some(Instant::now());
            self.has_worked = false;
        }
    }
}

/// Reads objects by name, one at a time and at most five in a second.
async fn read(
    reads: Option<Arc<ReadsByName>>,
    mut asked: mpsc::Receiver<(Kind, Key)>,
    answer: mpsc::Sender<(Kind, Key, LiveRead)>,
) {
    let Some(reads) = reads else { return };
    let ReadsByName { live, readable, .. } = &*reads;
    let mut ticks = interval(READS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while let Some((kind, key)) = asked.recv().await {
        let read = if readable.contains(&key.namespace) {
            ticks.tick().await;
            let read = live.read_all([(kind, key.clone())]).await;
            read.get(kind, &key.namespace, &key.name).cloned()
        } else {
            Some(LiveRead::Excluded)
        };
        let Some(read) = read else { continue };
        if answer.send((kind, key, read)).await.is_err() {
            return;
        }
    }
}
