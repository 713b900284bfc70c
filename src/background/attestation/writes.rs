//! The writes of Ingresses that one replica has seen: what it states on each, and what the holder decides. No clock and no I/O.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::conditions::Conditions;
use super::statement::{Statement, Statements, WriteId};
use crate::admission::AllowedWrites;
use crate::background::unreviewed::{Unreviewed, would_deny};
use crate::background::verdicts::Verdicts;
use crate::cluster::{Coverage, Inventory};
use crate::model::{Ingress, Key, Kind};

/// The time within which the review of a write precedes its arrival by watch. The longest timeout of webhooks is 30 s, and a write that
/// arrives later than [`LATEST`] counts as unknown.
const PRECEDING: Duration = Duration::from_mins(1);
/// The longest time between a write and its arrival by watch, by the clock of the API server.
const LATEST: SignedDuration = SignedDuration::from_secs(20);
/// The clock of the API server is known to a second, and its machines may differ a little.
const EARLIEST: SignedDuration = SignedDuration::from_secs(-5);
/// The time in which the other replicas state what they know, before the holder decides.
const WAIT: Duration = Duration::from_secs(15);
/// The time after which a write without a decision is unknown.
const LIMIT: Duration = Duration::from_mins(1);
/// The time for which writes are kept.
const KEPT: Duration = Duration::from_mins(2);
/// The most writes that are kept.
const MOST: usize = 500;

/// One look at the cluster.
#[derive(Debug)]
pub struct Moment<'a> {
    /// Its time.
    pub now: Instant,
    /// The time of the API server. `None`: it is not known.
    pub server_time: Option<Timestamp>,
    /// The state of the cluster.
    pub state: Arc<Inventory>,
    /// Whether the watches work.
    pub is_current: bool,
    /// The contents that this replica has allowed.
    pub allowed: &'a AllowedWrites,
    /// Whether this replica is the holder of the Lease.
    pub is_holder: bool,
    /// The verdicts on the stored Ingresses, which the holder has.
    pub verdicts: &'a Verdicts,
    /// The statements of all replicas.
    pub statements: &'a Statements,
}

/// What the holder has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// The write was stored without a review.
    Unreviewed(Unreviewed),
    /// It is not known whether the write was reviewed.
    Unknown,
}

/// The latest writes that one replica has seen.
#[derive(Debug)]
pub struct StoredWrites {
    replica: String,
    conditions: Conditions,
    state: Option<Arc<Inventory>>,
    /// By time.
    writes: VecDeque<Write>,
}

#[derive(Debug)]
struct Write {
    id: WriteId,
    ingress: Key,
    seen: Instant,
    /// Whether this replica has reviewed it. `None`: it is not certain.
    is_reviewed: Option<bool>,
    progress: Progress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Nothing is decided.
    Open,
    /// It was not reviewed. It counts once the Lease says so, so that no other holder counts it again.
    Counting { would_deny: bool },
    /// This replica has counted it.
    Counted,
    /// It was reviewed, is unknown, or another replica has counted it.
    Closed,
}

impl StoredWrites {
    /// Creates the list of the replica with this name in the Lease, which gets reviews through a Service.
    #[must_use]
    pub fn new(replica: String, service: Key, now: Instant) -> Self {
        Self { replica, conditions: Conditions::new(service, now), state: None, writes: VecDeque::new() }
    }

    /// Notes the writes since the last look at the cluster. Returns what is decided, which only the holder does.
    #[must_use]
    pub fn note(&mut self, moment: &Moment<'_>) -> Vec<Decided> {
        let (now, state) = (moment.now, &moment.state);
        let before = self.state.replace(Arc::clone(state));
        self.conditions.note(now, before.as_deref(), state, moment.is_current);
        let mut decided = Vec::new();
        if let Some(before) = before.filter(|before| before.coverage(Kind::Ingress) == Coverage::Complete) {
            self.note_changes(&before, moment, &mut decided);
        }
        self.decide(moment, &mut decided);
        while self.writes.front().is_some_and(|write| now.saturating_duration_since(write.seen) > KEPT) {
            self.forget_first(moment, &mut decided);
        }
        decided
    }

    /// Returns what this replica states now.
    #[must_use]
    pub fn statement(&self, is_holder: bool) -> Statement {
        let ids = |is_it: &dyn Fn(&Write) -> bool| -> Vec<WriteId> {
            self.writes.iter().filter(|write| is_it(write)).map(|write| write.id).collect()
        };
        let is_counted = |write: &Write| match write.progress {
            Progress::Counted => true,
            Progress::Counting { .. } => is_holder,
            Progress::Open | Progress::Closed => false,
        };
        Statement {
            at: 0,
            reviewed: ids(&|write| write.is_reviewed == Some(true)),
            unreviewed: ids(&|write| write.is_reviewed == Some(false)),
            counted: ids(&is_counted),
        }
    }

    fn note_changes(&mut self, before: &Inventory, moment: &Moment<'_>, decided: &mut Vec<Decided>) {
        for (then, now) in moment.state.changed_ingresses(before) {
            // One that is being deleted is reviewed and served as well.
            let Some(ingress) = now else { continue };
            let fingerprint = ingress.fingerprint();
            let is_content_same = then.is_some_and(|then| then.fingerprint() == fingerprint);
            let selection = self.conditions.select(&moment.state, &ingress.meta.key.namespace);
            if is_content_same || selection == Some(false) {
                continue;
            }
            let Some(id) = ingress.write_fingerprint().map(WriteId) else { continue };
            let is_reviewed = if moment.allowed.contains(fingerprint) {
                Some(true)
            } else {
                (selection.is_some() && self.is_certain(ingress, moment)).then_some(false)
            };
            let (key, seen, progress) = (ingress.meta.key.clone(), moment.now, Progress::Open);
            self.writes.push_back(Write { id, ingress: key, seen, is_reviewed, progress });
            if self.writes.len() > MOST {
                self.forget_first(moment, decided);
            }
        }
    }

    /// Removes the oldest write. One that is not decided yet is unknown.
    fn forget_first(&mut self, moment: &Moment<'_>, decided: &mut Vec<Decided>) {
        if let Some(Write { progress: Progress::Open | Progress::Counting { .. }, .. }) = self.writes.pop_front()
            && moment.is_holder
        {
            decided.push(Decided::Unknown);
        }
    }

    /// Returns whether this replica would know a review of a write that has arrived now.
    fn is_certain(&self, ingress: &Ingress, moment: &Moment<'_>) -> bool {
        let delay = ingress.last_write.zip(moment.server_time).map(|(written, now)| now.duration_since(written));
        let is_timely = delay.is_some_and(|delay| EARLIEST <= delay && delay <= LATEST);
        let Some(since) = moment.now.checked_sub(PRECEDING) else { return false };
        is_timely && moment.allowed.complete_since(moment.now) <= since && self.conditions.hold_since(since)
    }

    fn decide(&mut self, moment: &Moment<'_>, decided: &mut Vec<Decided>) {
        let Self { replica, conditions, writes, .. } = self;
        let own = moment.statements.0.get(replica);
        for write in writes.iter_mut() {
            let age = moment.now.saturating_duration_since(write.seen);
            match write.progress {
                Progress::Counting { would_deny } => {
                    if own.is_some_and(|own| own.counted.contains(&write.id)) {
                        write.progress = Progress::Counted;
                        let ingress = write.ingress.clone();
                        decided.push(Decided::Unreviewed(Unreviewed { ingress, would_deny }));
                    } else if moment.statements.0.values().any(|of| of.counted.contains(&write.id)) {
                        write.progress = Progress::Closed;
                    }
                }
                // Another holder decides, or has decided.
                Progress::Open if !moment.is_holder && age > LIMIT => write.progress = Progress::Closed,
                Progress::Open if moment.is_holder && age >= WAIT => {
                    write.progress = write.decided(replica, conditions, moment);
                    if write.progress == Progress::Open && age >= LIMIT {
                        write.progress = Progress::Closed;
                        decided.push(Decided::Unknown);
                    }
                }
                Progress::Open | Progress::Counted | Progress::Closed => {}
            }
        }
    }
}

impl Write {
    /// Returns the progress by the statements of all replicas.
    fn decided(&self, replica: &str, conditions: &Conditions, moment: &Moment<'_>) -> Progress {
        let Moment { state, verdicts, statements, .. } = moment;
        let says = |of: fn(&Statement) -> &Vec<WriteId>| statements.0.values().any(|it| of(it).contains(&self.id));
        if self.is_reviewed == Some(true) || says(|it| &it.reviewed) || says(|it| &it.counted) {
            return Progress::Closed;
        }
        let others = statements.0.iter().filter(|(name, _)| **name != *replica);
        let others = others.filter(|(_, statement)| statement.unreviewed.contains(&self.id)).count();
        let all = others + usize::from(self.is_reviewed == Some(false));
        let Some(since) = self.seen.checked_sub(PRECEDING) else { return Progress::Open };
        let namespace = &*self.ingress.namespace;
        let is_certain = conditions.hold_since(since)
            && conditions.keep(namespace, since)
            && conditions.select(state, namespace) == Some(true);
        let is_by_all = all > 0 && u32::try_from(all).is_ok_and(|all| all >= conditions.most_endpoints(since));
        let stored = state.ingress(namespace, &self.ingress.name);
        let is_stored = stored.and_then(Ingress::write_fingerprint) == Some(self.id.0);
        let would_deny = would_deny(verdicts, &self.ingress).filter(|_| verdicts.is_complete);
        match would_deny {
            Some(would_deny) if is_certain && is_by_all && is_stored => Progress::Counting { would_deny },
            _ => Progress::Open,
        }
    }
}
