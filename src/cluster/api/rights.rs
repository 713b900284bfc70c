//! The rights that `serve` needs and the API server denies, and the checks that cannot be evaluated without them.
//!
//! One task asks for every right at the start, when a request is refused, and regularly while a right is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures::{StreamExt as _, stream};
use kube::Client;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::access_review::{Right, Verb};
use super::pod_event::{Pod, PodEvent};
use super::wanted::Wanted;
use super::watch_status::Pace;
use crate::finding::ranges;
use crate::model::{Key, Kind, Kinds};
use crate::tasks::Tasks;

/// The number of concurrent questions.
const AT_ONCE: usize = 8;

/// What depends on rights.
#[derive(Debug, Default)]
pub struct Dependents {
    /// The checks by code, each with the kinds without which it is not evaluated.
    pub checks: Vec<(&'static str, Kinds)>,
    /// The kinds whose rights a process needs before it is ready for the first time.
    pub vital: Kinds,
    /// The pod that gets an Event when rights go missing.
    pub pod: Option<Pod>,
}

/// The rights of the service account, as far as the API server has reported them.
#[derive(Debug, Clone, Default)]
pub struct Rights(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    wanted: Vec<Right>,
    /// The kinds that a cluster may deny on purpose.
    optional: Kinds,
    vital: Kinds,
    checks: Mutex<Vec<(&'static str, Kinds)>>,
    /// Until this time, vital rights that are not known keep the process unready.
    patience: Option<Instant>,
    was_ready: AtomicBool,
    answers: Mutex<BTreeMap<Right, bool>>,
    ask: Notify,
}

impl Rights {
    /// Starts to ask for the rights that watches and reads of these kinds need. The task ends with the tokio runtime, within
    /// which this must be called.
    #[must_use]
    pub fn start(client: &Client, wanted: &Wanted, dependents: Dependents, pace: &Pace, tasks: &Tasks) -> Self {
        let Dependents { checks, vital, pod } = dependents;
        let rights = Self(Arc::new(Inner {
            wanted: wanted.rights(),
            optional: wanted.optional(),
            vital,
            checks: Mutex::new(checks),
            patience: Some(Instant::now() + pace.certain),
            ..Inner::default()
        }));
        let (followed, client, pace) = (rights.clone(), client.clone(), pace.clone());
        tasks.keep("permissions", move || followed.clone().follow(client.clone(), pod.clone(), pace.clone()));
        rights
    }

    /// Replaces the checks by code, each with the kinds without which it is not evaluated.
    pub fn replace_checks(&self, checks: Vec<(&'static str, Kinds)>) {
        *self.0.checks.lock() = checks;
    }

    /// Returns the rights that the API server denies. An optional kind without any right is a decision of the cluster; an
    /// optional kind with a part of its rights is a mistake. The same applies to the controllers of a namespace.
    #[must_use]
    pub fn missing(&self) -> Vec<Right> {
        missing(&self.0.answers.lock(), self.0.optional)
    }

    /// Returns each wanted right by kind and verb, and whether it is missing. Rights to single objects of a kind count together.
    #[must_use]
    pub fn by_verb(&self) -> Vec<(Kind, Verb, bool)> {
        let missing: BTreeSet<_> = self.missing().into_iter().map(|right| (right.kind, right.verb)).collect();
        let wanted: BTreeSet<_> = self.0.wanted.iter().map(|right| (right.kind, right.verb)).collect();
        wanted.into_iter().map(|(kind, verb)| (kind, verb, missing.contains(&(kind, verb)))).collect()
    }

    /// Returns the code of each check, and whether it is blind: a right that it needs is missing.
    #[must_use]
    pub fn blind(&self) -> Vec<(&'static str, bool)> {
        let lost: Kinds = self.missing().iter().filter(|right| right.is_of_kind()).map(|right| right.kind).collect();
        let checks = self.0.checks.lock();
        checks.iter().map(|(code, kinds)| (*code, kinds.iter().any(|kind| lost.contains(kind)))).collect()
    }

    /// Returns why the process is not ready for lack of rights, one line for each kind. After it was ready once, the result is
    /// empty: a process that serves does not become unready because of rights.
    #[must_use]
    pub fn withheld(&self) -> Vec<String> {
        if self.0.was_ready.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let is_vital = |right: &&Right| right.is_of_kind() && self.0.vital.contains(right.kind);
        let missing = self.missing();
        let answers = self.0.answers.lock();
        // A namespace that was deleted takes its RoleBinding with it. The others must not lose their reviews with it.
        let is_lost = |right: &&Right| {
            let is_alike = |of: &Right| of.is_of_kind() && of.kind == right.kind && of.verb == right.verb;
            is_vital(right) && !answers.iter().any(|(of, granted)| *granted && is_alike(of))
        };
        let vital = by_object(missing.iter().filter(is_lost)).into_iter();
        let mut lines: Vec<String> = vital.map(|((kind, only), verbs)| refusal(kind, only, &verbs)).collect();
        let is_unknown = self.0.wanted.iter().filter(is_vital).any(|right| !answers.contains_key(right));
        if is_unknown && self.0.patience.is_some_and(|end| Instant::now() < end) {
            lines.push("the permissions of the service account are not known yet".to_owned());
        }
        lines
    }

    /// Records that the process was ready; see [`Rights::withheld`].
    pub(crate) fn note_ready(&self) {
        self.0.was_ready.store(true, Ordering::Relaxed);
    }

    /// Returns the missing rights and their effect, one line for each kind or object.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let missing = self.missing();
        let effect = |kind, is_of_kind: bool| {
            if !is_of_kind {
                return "; its settings are unknown".to_owned();
            }
            let checks = self.0.checks.lock();
            let codes = ranges(&checks.iter().map(|(code, kinds)| (*code, kinds.contains(kind))).collect::<Vec<_>>());
            if codes.is_empty() { codes } else { format!("; blind: {codes}") }
        };
        let (whole, single): (Vec<_>, Vec<_>) = missing.iter().partition(|right| right.is_of_kind());
        let line = |rights: Vec<&Right>, is_of_kind| -> Vec<String> {
            let lines = by_object(rights.into_iter()).into_iter();
            lines.map(|((kind, only), verbs)| refusal(kind, only, &verbs) + &effect(kind, is_of_kind)).collect()
        };
        [line(whole, true), line(single, false)].concat()
    }

    /// Records that a request was refused with 403. Returns whether the API server has confirmed that the right is missing;
    /// otherwise the task asks for it. A 403 alone proves nothing: an API server that starts refuses everything.
    pub(crate) fn is_refusal_confirmed(&self, verb: Verb, kind: Kind, key: Option<&Key>) -> bool {
        let answers = self.0.answers.lock();
        let is_of = |right: &Right| right.verb == verb && right.kind == kind && right.covers(key);
        let is_confirmed = answers.iter().any(|(right, granted)| !granted && is_of(right));
        if !is_confirmed {
            self.0.ask.notify_one();
        }
        is_confirmed
    }

    /// Records that requests succeed again: if a right is missing, rights are asked for at once.
    pub(crate) fn note_recovery(&self) {
        if self.0.answers.lock().values().any(|granted| !granted) {
            self.0.ask.notify_one();
        }
    }

    /// Records that an object of a kind was read: the same if this right is missing.
    pub(crate) fn note_read(&self, kind: Kind) {
        let is_missing = |(right, granted): (&Right, &bool)| !granted && right.kind == kind && right.verb == Verb::Get;
        if self.0.answers.lock().iter().any(is_missing) {
            self.0.ask.notify_one();
        }
    }

    async fn follow(self, client: Client, pod: Option<Pod>, pace: Pace) {
        let mut pause = pace.first_pause;
        let mut reported = Vec::new();
        loop {
            let is_complete = self.ask_all(&client).await;
            let missing = self.missing();
            if missing != reported {
                self.report(&client, pod.as_ref()).await;
                reported = missing;
            }
            if is_complete && reported.is_empty() {
                pause = pace.first_pause;
                self.0.ask.notified().await;
            } else {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = self.0.ask.notified() => {}
                }
                pause = (pause * 2).min(pace.rights);
            }
            // Limits the questions, however many requests are refused.
            sleep(pace.first_pause).await;
        }
    }

    /// Asks for every wanted right. Returns whether each is known. An API server that refuses a question refuses all of them, so
    /// the first error ends the round.
    async fn ask_all(&self, client: &Client) -> bool {
        let questions = stream::iter(self.0.wanted.clone()).map(|right| async move {
            let answer = right.is_granted(client).await;
            (right, answer)
        });
        let mut answers = questions.buffer_unordered(AT_ONCE);
        let mut is_complete = true;
        while let Some((right, answer)) = answers.next().await {
            match answer {
                Ok(Some(granted)) => {
                    self.0.answers.lock().insert(right, granted);
                }
                Ok(None) => is_complete = false,
                Err(error) => {
                    tracing::debug!(%error, "cannot ask for permissions");
                    return false;
                }
            }
        }
        is_complete
    }

    /// Reports a change of the missing rights: a log line, and an Event on the pod.
    async fn report(&self, client: &Client, pod: Option<&Pod>) {
        let missing = self.notes().join(". ");
        let event = if missing.is_empty() {
            tracing::info!("no permission is missing any longer");
            PodEvent { reason: "ChecksEvaluated", is_warning: false, note: "no permission is missing any longer" }
        } else {
            tracing::warn!(missing, "permissions are missing; checks that need them are blind and deny nothing");
            PodEvent { reason: "ChecksBlind", is_warning: true, note: &missing }
        };
        if let Some(pod) = pod {
            pod.report(client, &event).await;
        }
    }
}

/// Returns the rights that are denied although they are needed; see [`Rights::missing`].
#[must_use]
pub fn missing(answers: &BTreeMap<Right, bool>, optional: Kinds) -> Vec<Right> {
    let granted: Kinds = answers.iter().filter(|(_, granted)| **granted).map(|(right, _)| right.kind).collect();
    let is_used = |right: &Right| answers.iter().any(|(other, granted)| *granted && other.only == right.only);
    let is_needed = |right: &Right| {
        if right.is_of_controllers() {
            is_used(right)
        } else {
            !optional.contains(right.kind) || granted.contains(right.kind)
        }
    };
    let denied = answers.iter().filter(|(right, granted)| !**granted && is_needed(right));
    denied.map(|(right, _)| right.clone()).collect()
}

/// The verbs of rights by kind and object: `get, list`.
fn by_object<'a>(rights: impl Iterator<Item = &'a Right>) -> BTreeMap<(Kind, Option<&'a Key>), String> {
    let mut verbs: BTreeMap<_, String> = BTreeMap::new();
    for Right { kind, only, verb } in rights {
        let verbs = verbs.entry((*kind, only.as_ref())).or_default();
        if !verbs.is_empty() {
            verbs.push_str(", ");
        }
        verbs.push_str(verb.name());
    }
    verbs
}

fn refusal(kind: Kind, only: Option<&Key>, verbs: &str) -> String {
    let object = match only {
        None => String::new(),
        Some(key) if key.name.is_empty() => format!(" of namespace {}", key.namespace),
        Some(key) => format!(" {key}"),
    };
    format!("{kind}{object}: no permission to {verbs}")
}
