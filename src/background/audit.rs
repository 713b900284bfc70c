//! The audit of all stored Ingresses, followed from one state of the cluster to the next. Decisions only: no clock, no I/O.

use std::sync::Arc;

use foldhash::HashMap;
use jiff::{SignedDuration, Timestamp};

use super::affected::{Affected, affected, affected_by};
use super::evaluation::evaluate;
use super::queue::Queue;
use super::reads::Reads;
use super::references::{References, service_of_url};
use super::timetable::{Cause, Timetable, next_midnight, next_of_certificate};
use super::verdicts::{StoredVerdict, Verdicts};
use crate::admission::Rules;
use crate::checks::SERVICE_IS_YOUNG;
use crate::cluster::{Changes, ClusterState, ClusterView, Coverage, Inventory, LiveRead, LiveReads};
use crate::model::{Key, Kind, Kinds, Secret, WAIVER_ANNOTATION};
use crate::routing::{Dialects, ReloadBlock, ReloadBlocks};

/// What verdicts depend on.
#[derive(Debug, Clone)]
pub struct World {
    /// The state of the cluster.
    pub state: Arc<Inventory>,
    /// The rules of reviews.
    pub rules: Arc<Rules>,
    /// The Ingresses that stop their controllers.
    pub blocks: Arc<ReloadBlocks>,
}

/// The audit of all stored Ingresses.
#[derive(Debug)]
pub struct Audit {
    world: World,
    /// What is known of the controllers. If it changes, every Ingress is evaluated again.
    dialects: Option<Arc<Dialects>>,
    references: References,
    reads: Reads,
    times: Timetable,
    queue: Queue,
    verdicts: HashMap<Key, Arc<StoredVerdict>>,
    /// Whether each Ingress has been evaluated.
    is_complete: bool,
    /// The time between two passes over all Ingresses.
    interval: SignedDuration,
    pass: Pass,
    /// Whether something has changed that concerns every Ingress: the next pass begins when the last one has ended, so that frequent
    /// changes do not keep a pass from its end.
    is_pass_wanted: bool,
    evaluated: usize,
}

/// The passes over all Ingresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// The beginning of the last one; `None`: none has begun.
    pub begun: Option<Timestamp>,
    /// The end of the last one that is complete.
    pub ended: Option<Timestamp>,
    /// The duration of the last one that is complete.
    pub took: SignedDuration,
}

impl Audit {
    /// Creates an audit that has seen nothing. Objects of the kinds `on_demand` are read by name.
    #[must_use]
    pub fn new(world: World, on_demand: Kinds, interval: SignedDuration) -> Self {
        let world = World { state: Arc::default(), ..world };
        Self {
            world,
            dialects: None,
            references: References::default(),
            reads: Reads::of(on_demand),
            times: Timetable::default(),
            queue: Queue::default(),
            verdicts: HashMap::default(),
            is_complete: false,
            interval,
            pass: Pass::default(),
            is_pass_wanted: false,
            evaluated: 0,
        }
    }

    /// Notes what is to be evaluated: because of changes since the last state, of the time, and as a pass over all Ingresses.
    pub fn note(&mut self, world: &World, now: Timestamp) {
        let before = std::mem::replace(&mut self.world, world.clone());
        let mut all = false;
        if !Arc::ptr_eq(&before.state, &world.state) {
            let changes = world.state.changes_since(&before.state);
            self.follow(&changes, now);
            if self.pass.begun.is_some() {
                let affected = affected(&changes, &before.state, &world.state, &self.references);
                self.add(affected);
            }
            let dialects = Some(world.dialects(now));
            all |=
                self.dialects != dialects || dialects.as_ref().is_some_and(|dialects| serves_all(dialects, &changes));
            self.dialects = dialects;
        }
        if !Arc::ptr_eq(&before.rules, &world.rules) || self.pass.begun.is_none() {
            self.times.set(Cause::Configuration, next_of_configuration(&world.rules, now));
            all = true;
        }
        all |= !is_same_block(&before.blocks, &world.blocks);
        while let Some(cause) = self.times.pop(now) {
            all |= self.note_time(cause, now);
        }
        let is_due = |begun: Timestamp| now.duration_since(begun) >= self.interval;
        self.is_pass_wanted |= all || self.pass.begun.is_none_or(is_due);
        if self.is_pass_wanted && self.queue.is_pass_complete() {
            self.is_pass_wanted = false;
            self.pass.begun = Some(now);
            self.queue.begin_pass(self.world.state.ingresses().map(|ingress| ingress.meta.key.clone()));
        }
    }

    /// Keeps what is collected about the objects.
    fn follow(&mut self, changes: &Changes<'_>, now: Timestamp) {
        let references = self.references.follow(changes, &self.world.state);
        for of in references.unnamed {
            self.times.set(Cause::Secret(of.1.clone()), None);
            self.reads.forget(&of);
        }
        for of in references.named {
            self.reads.want(of, now);
        }
        for (before, current) in &changes.ingresses {
            if let (Some(before), None) = (before, current) {
                self.times.set(Cause::Ingress(before.meta.key.clone()), None);
            }
        }
        for key in &changes.secrets {
            self.reads.hurry(&(Kind::Secret, key.clone()), now);
            self.set_time_of_secret(key, now);
        }
        for key in &changes.services {
            let service = self.world.state.service(&key.namespace, &key.name);
            let old = service.and_then(|service| service.meta.created?.checked_add(SERVICE_IS_YOUNG).ok());
            // The age is compared with whole nanoseconds.
            let old =
                old.and_then(|time| time.checked_add(SignedDuration::from_secs(1)).ok()).filter(|time| *time > now);
            self.times.set(Cause::Service(key.clone()), old);
        }
    }

    fn add(&mut self, affected: Affected) {
        self.is_pass_wanted |= affected.all;
        self.queue.add(affected.ingresses);
    }

    /// Notes that a time has come. Returns whether it concerns every Ingress.
    fn note_time(&mut self, cause: Cause, now: Timestamp) -> bool {
        match cause {
            Cause::Configuration => {
                self.times.set(Cause::Configuration, next_of_configuration(&self.world.rules, now));
                return true;
            }
            Cause::Ingress(key) => {
                self.queue.add([key]);
            }
            Cause::Secret(key) => {
                self.set_time_of_secret(&key, now);
                let affected = affected_by(Kind::Secret, &key, &self.world.state, &self.references);
                self.add(affected);
            }
            Cause::Service(key) => {
                let keys = self.world.state.ingresses_using(&key).map(|ingress| ingress.meta.key.clone());
                self.queue.add(keys);
            }
        }
        false
    }

    fn set_time_of_secret(&mut self, key: &Key, now: Timestamp) {
        let days = self.world.rules.engine.settings().expiry_warning_days;
        let of_facts = self.secret(key).and_then(|secret| next_of_certificate(secret, days, now));
        let certificates = self.world.state.certificates_for(&key.namespace, &key.name);
        let of_manager = certificates.filter_map(|it| it.not_after).filter(|end| *end > now).min();
        self.times.set(Cause::Secret(key.clone()), of_facts.into_iter().chain(of_manager).min());
    }

    /// Returns the state of the cluster that was noted last.
    #[must_use]
    pub fn state(&self) -> &Inventory {
        &self.world.state
    }

    /// Returns what is known of the cluster.
    #[must_use]
    pub fn known(&self, now: Timestamp) -> ClusterState<'_> {
        ClusterState { store: &self.world.state, live_reads: self.reads.facts(), now }
    }

    /// Returns what verdicts depend on.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Returns what is known of a Secret.
    #[must_use]
    pub fn secret(&self, key: &Key) -> Option<&Secret> {
        match self.reads.facts().get(Kind::Secret, &key.namespace, &key.name) {
            Some(LiveRead::Found(object)) => object.secret(),
            Some(_) => None,
            None => self.world.state.secret(&key.namespace, &key.name),
        }
    }

    /// Returns the next object to read by name.
    pub fn next_read(&mut self, now: Timestamp) -> Option<(Kind, Key)> {
        self.reads.next(now)
    }

    /// Notes the result of a read.
    pub fn note_read(&mut self, kind: Kind, key: Key, read: LiveRead, now: Timestamp) {
        let of = (kind, key);
        if self.reads.note(&of, read, now) {
            if of.0 == Kind::Secret {
                self.set_time_of_secret(&of.1, now);
            }
            let affected = affected_by(of.0, &of.1, &self.world.state, &self.references);
            self.add(affected);
        }
    }

    /// Evaluates the next Ingress. Returns false if none waits.
    pub fn evaluate_next(&mut self, now: Timestamp) -> bool {
        let next = self.queue.next();
        if let Some(key) = &next {
            self.evaluate(key, now);
        }
        if self.queue.is_pass_complete()
            && let Some(begun) = self.pass.begun.filter(|begun| self.pass.ended.is_none_or(|ended| ended < *begun))
        {
            self.is_complete = true;
            self.pass.ended = Some(now.max(begun));
            self.pass.took = now.duration_since(begun).max(SignedDuration::ZERO);
        }
        next.is_some()
    }

    fn evaluate(&mut self, key: &Key, now: Timestamp) {
        let World { state, rules, blocks } = &self.world;
        let Some(ingress) = state.ingress(&key.namespace, &key.name) else {
            self.verdicts.remove(key);
            return;
        };
        self.evaluated += 1;
        let known = self.known(now);
        let verdict = evaluate(ingress, known, rules, blocks, self.reads.kinds());
        let waivers = ingress.meta.annotations.get(WAIVER_ANNOTATION);
        self.times.set(Cause::Ingress(key.clone()), waivers.and_then(|_| next_midnight(now)));
        match self.verdicts.get_mut(key) {
            Some(before) if **before == verdict => {}
            Some(before) => *before = Arc::new(verdict),
            None => drop(self.verdicts.insert(key.clone(), Arc::new(verdict))),
        }
    }

    /// Returns the verdicts so far.
    #[must_use]
    pub fn verdicts(&self) -> Verdicts {
        Verdicts { by_ingress: self.verdicts.clone(), is_complete: self.is_complete }
    }

    /// Returns the number of Ingresses that wait for an evaluation.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Returns whether no Ingress waits.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns the passes over all Ingresses.
    #[must_use]
    pub const fn pass(&self) -> Pass {
        self.pass
    }

    /// Returns the number of evaluations so far.
    #[must_use]
    pub const fn evaluated(&self) -> usize {
        self.evaluated
    }

    /// Returns the number of objects that are to be read by name and were not yet.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.reads.unread()
    }
}

impl World {
    /// Returns whether every kind that a check requires has been listed. Before that, nothing is evaluated.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        let needs = (self.rules.engine.needs() | self.rules.policy.needs()).watched();
        needs.iter().all(|kind| self.state.coverage(kind) != Coverage::NotSynced)
    }

    /// Returns the dialects with what is observed of the controllers.
    fn dialects(&self, now: Timestamp) -> Arc<Dialects> {
        let live_reads = LiveReads::default();
        let view = ClusterView::unrestricted(ClusterState { store: &self.state, live_reads: &live_reads, now });
        self.rules.engine.settings().dialects.with_observed_settings(&view)
    }
}

/// Returns whether a changed Service answers for the external authentication of all Ingresses of a controller.
fn serves_all(dialects: &Dialects, changes: &Changes<'_>) -> bool {
    let services = &changes.services;
    !services.is_empty()
        && dialects.any(|dialect| {
            let service = dialect.global_auth_url().and_then(service_of_url);
            service.is_some_and(|service| services.contains(&service))
        })
}

/// Returns the next time at which an exception or an override may end.
fn next_of_configuration(rules: &Rules, now: Timestamp) -> Option<Timestamp> {
    let policy = &rules.policy;
    let midnight = if policy.exceptions.is_empty() { None } else { next_midnight(now) };
    let of_override = policy.override_at(now).map(|it| it.until);
    midnight.into_iter().chain(of_override).min()
}

fn is_same_block(before: &Arc<ReloadBlocks>, now: &Arc<ReloadBlocks>) -> bool {
    let names = |block: &ReloadBlock| block.ingress.clone();
    Arc::ptr_eq(before, now) || before.all().iter().map(names).eq(now.all().iter().map(names))
}
