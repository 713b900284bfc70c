//! Decides which Events are written, and when. It has neither clock nor I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::announcement::{Announcement, Earlier, Outcome, Regarding};
use super::queue::{Place, Queue};
use super::rate::{MINUTE, MOST, Rate};
use super::state::{Announced, Origin, Wanted};
use super::states::States;
use super::summaries::Summaries;
use crate::background::problem::Problem;
use crate::background::verdicts::{StoredVerdict, Verdicts};
use crate::model::{Key, Kind};

/// Those that only changes may use, so that they do not wait behind what the first verdicts of a process find, and repetitions.
const RESERVED: usize = 5;
/// Problems beyond the rate are counted together once no further one has appeared for this time.
const QUIET: SignedDuration = SignedDuration::from_secs(15);

/// What an announcer needs to know of the cluster.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The class that an Ingress names.
    pub class_of: &'a dyn Fn(&Key) -> Option<Box<str>>,
    /// Whether a namespace is being deleted.
    pub is_terminating: &'a dyn Fn(&str) -> bool,
}

/// The problems of all Ingresses, and what Events have said about them.
#[derive(Debug, Default)]
pub struct Announcer {
    /// The last complete verdicts; `None` before the first ones.
    seen: Option<Arc<Verdicts>>,
    states: States,
    /// The next Event of each problem.
    queue: Queue,
    /// When a problem appeared or went last.
    changed: Timestamp,
    summaries: Summaries,
    /// When problems were counted together last, or no number of them shared an object.
    summarised: Timestamp,
    rate: Rate,
}

impl Announcer {
    /// Takes over the Events of earlier holders of the Lease, before the first verdicts.
    pub fn recover(&mut self, events: impl IntoIterator<Item = Earlier>) {
        for Earlier { regarding, code, change, at } in events {
            match regarding {
                Regarding::Ingress(key) => {
                    self.states.entry(&key, code).recovered(change, at);
                }
                regarding => self.summaries.recover(regarding, code, change, at),
            }
        }
    }

    /// Compares verdicts with the last ones. Nothing is concluded from incomplete ones.
    pub fn observe(&mut self, verdicts: &Arc<Verdicts>, surroundings: Surroundings<'_>, now: Timestamp) {
        if !verdicts.is_complete {
            return;
        }
        let seen = self.seen.replace(Arc::clone(verdicts));
        let before = |key: &Key| seen.as_ref().and_then(|seen| seen.by_ingress.get(key));
        let is_changed = |(key, verdict): &(&Key, &Arc<StoredVerdict>)| {
            before(key).is_none_or(|before| !Arc::ptr_eq(before, verdict))
        };
        let mut changed: Vec<_> = verdicts.by_ingress.iter().filter(is_changed).collect();
        changed.sort_unstable_by_key(|(key, _)| *key);
        for (key, verdict) in changed {
            let origin = match (&seen, before(key)) {
                (None, _) => Origin::First,
                (_, None) => Origin::New,
                _ => Origin::Changed,
            };
            self.update(key, verdict, origin, now);
            if seen.is_none() {
                self.join_recovered(key, verdict, surroundings);
            }
        }
        let mut gone: Vec<Key> =
            self.states.ingresses().filter(|key| !verdicts.by_ingress.contains_key(*key)).cloned().collect();
        gone.sort_unstable();
        for key in gone {
            self.forget(&key, now);
        }
        if seen.is_none() {
            self.summaries.settle(now);
        }
    }

    /// Returns the Events that are due, as many as may be written now. Each must be followed by [`Self::done`].
    pub fn due(&mut self, surroundings: Surroundings<'_>, now: Timestamp) -> Vec<Announcement> {
        let free = self.rate.free(now);
        let mut ready = Vec::new();
        self.take(true, free, &mut ready, surroundings, now);
        self.take(false, free.saturating_sub(RESERVED), &mut ready, surroundings, now);
        let mut announcements: Vec<_> = ready.iter().filter_map(|(key, code)| self.announcement(key, code)).collect();
        if self.summaries.may_announce(now) && self.is_quiet(now) {
            self.summarise(surroundings, now);
        }
        announcements.extend(self.summaries.due(now));
        announcements
    }

    /// Records the result of a write.
    pub fn done(&mut self, announcement: &Announcement, outcome: Outcome, now: Timestamp) {
        let Announcement { regarding, code, change, .. } = announcement;
        let Regarding::Ingress(key) = regarding else {
            self.summaries.done(regarding, code, *change, outcome, now);
            return;
        };
        self.rate.count(&key.namespace, now);
        let Some(state) = self.states.get_mut(key, code) else { return };
        match outcome {
            Outcome::Written => state.written(*change, now),
            Outcome::Unwanted => {
                state.announced = Announced::Nothing;
                state.settle();
            }
            Outcome::Failed => state.failed(now),
        }
        self.enqueue(key, code);
    }

    /// Takes over the verdict on one Ingress.
    fn update(&mut self, key: &Key, verdict: &StoredVerdict, origin: Origin, now: Timestamp) {
        let problems = Problem::all(verdict);
        let codes: BTreeSet<&'static str> =
            self.states.codes(key).chain(problems.iter().map(|problem| problem.code)).collect();
        for code in codes {
            let problem = problems.iter().find(|problem| problem.code == code);
            if problem.is_none() && verdict.not_evaluated.contains(&code) {
                continue;
            }
            let state = self.states.entry(key, code);
            let was_broken = state.is_broken();
            state.update(problem, origin, now);
            if was_broken != state.is_broken() {
                self.changed = now;
            }
            if let (false, Announced::Together(object)) = (state.is_broken(), &state.announced) {
                self.summaries.leave(object, code, true, now);
                state.announced = Announced::Nothing;
            }
            self.enqueue(key, code);
        }
    }

    /// An Ingress is gone: nothing is said about its problems.
    fn forget(&mut self, key: &Key, now: Timestamp) {
        for (code, state) in self.states.take(key) {
            if let Some(place) = state.queued {
                self.queue.remove(place, key, code);
            }
            if let Announced::Together(object) = &state.announced {
                self.summaries.leave(object, code, false, now);
            }
        }
    }

    /// Adds the problems that no Event names to those that an earlier holder counted together.
    fn join_recovered(&mut self, key: &Key, verdict: &StoredVerdict, surroundings: Surroundings<'_>) {
        for problem in Problem::all(verdict) {
            let objects = shared_objects(key, &problem, surroundings);
            let Some(state) = self.states.get_mut(key, problem.code) else {
                continue;
            };
            if state.announced == Announced::Nothing
                && let Some(object) = objects.into_iter().find(|object| self.summaries.join(object, problem.code))
            {
                state.announced = Announced::Together(object);
                self.enqueue(key, problem.code);
            }
        }
    }

    /// Puts the next Event of a problem into the queue, and forgets the problem if there is none.
    fn enqueue(&mut self, key: &Key, code: &'static str) {
        let Some(state) = self.states.get(key, code) else { return };
        let (time, _) = state.wanted();
        self.put(time, key, code);
    }

    fn put(&mut self, time: Timestamp, key: &Key, code: &'static str) {
        let Some(state) = self.states.get_mut(key, code) else { return };
        if let Some(place) = state.queued.take() {
            self.queue.remove(place, key, code);
        }
        if time < Timestamp::MAX {
            let place = Place { time, is_change: state.wanted().1.is_change() };
            state.queued = Some(place);
            self.queue.insert(place, key, code);
        }
    }

    /// Takes problems whose time has come from the queue, until there are `most`.
    fn take(
        &mut self,
        is_change: bool,
        most: usize,
        taken: &mut Vec<(Key, &'static str)>,
        surroundings: Surroundings<'_>,
        now: Timestamp,
    ) {
        while taken.len() < most {
            let of = |namespace: &str| taken.iter().filter(|(key, _)| *key.namespace == *namespace).count();
            let events = |namespace: &str| self.rate.of(namespace) + of(namespace);
            let Some((key, code)) = self.queue.pop(is_change, events, now) else { return };
            let Some(state) = self.states.get_mut(&key, code) else { continue };
            state.queued = None;
            match state.wanted() {
                (_, Wanted::Nothing) => self.states.remove(&key, code),
                _ if (surroundings.is_terminating)(&key.namespace) => self.put(now + MINUTE, &key, code),
                _ => taken.push((key, code)),
            }
        }
    }

    /// Returns the next Event of a problem with its text.
    fn announcement(&self, key: &Key, code: &'static str) -> Option<Announcement> {
        let state = self.states.get(key, code)?;
        if !state.is_broken() {
            return Some(Announcement::healed(key, code));
        }
        let verdict = self.seen.as_ref()?.by_ingress.get(key)?;
        let problems = Problem::all(verdict);
        let problem = problems.iter().find(|problem| problem.code == code)?;
        Some(Announcement::broken(key, problem, state.next(problem)?))
    }

    /// Whether the problems that wait can be counted together: no further one has appeared for some time.
    fn is_quiet(&self, now: Timestamp) -> bool {
        let oldest = self.queue.first().unwrap_or(now);
        let is_quiet = now.duration_since(self.changed) >= QUIET || now.duration_since(oldest) >= MINUTE;
        is_quiet && now.duration_since(self.summarised) >= QUIET
    }

    /// Counts the most frequent of the problems that wait together, on the object that most of them share.
    fn summarise(&mut self, surroundings: Surroundings<'_>, now: Timestamp) {
        self.summarised = now;
        let mut groups: BTreeMap<(Regarding, &'static str), Vec<Key>> = BTreeMap::new();
        for (key, code) in self.queue.ready(now) {
            let state = self.states.get(key, code);
            let is_unsaid = state.is_some_and(|state| matches!(state.wanted().1, Wanted::Broken | Wanted::Found));
            let verdict = self.seen.as_ref().and_then(|seen| seen.by_ingress.get(key)).filter(|_| is_unsaid);
            let problems = verdict.map(|verdict| Problem::all(verdict)).unwrap_or_default();
            let Some(problem) = problems.iter().find(|problem| problem.code == code) else { continue };
            for object in shared_objects(key, problem, surroundings) {
                groups.entry((object, code)).or_default().push(key.clone());
            }
        }
        // Of equal groups the first: Services come before classes.
        let largest = groups.into_iter().rev().max_by_key(|(_, members)| members.len());
        let Some(((object, code), members)) = largest.filter(|(_, members)| members.len() > MOST) else { return };
        for key in &members {
            if let Some(state) = self.states.get_mut(key, code) {
                state.announced = Announced::Together(object.clone());
            }
            self.enqueue(key, code);
        }
        self.summaries.add(&object, code, members.len(), now);
    }
}

/// Returns the objects that a problem can share with others. An annotation can name what no object can have as its name.
fn shared_objects(key: &Key, problem: &Problem<'_>, surroundings: Surroundings<'_>) -> Vec<Regarding> {
    let service = problem.findings.iter().find_map(|finding| finding.service.as_deref());
    let service = service.map(|name| Key::new(&key.namespace, name)).filter(|key| key.can_name(Kind::Service));
    let class = (surroundings.class_of)(key).filter(|name| Key::new("", name).can_name(Kind::IngressClass));
    service.map(Regarding::Service).into_iter().chain(class.map(Regarding::IngressClass)).collect()
}
