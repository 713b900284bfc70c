//! Confirmation: every object that a denial depends on is read live. A denial that cannot be confirmed becomes a warning.

use std::collections::HashSet;
use std::time::{self, Duration};

use tokio::time::{Instant, sleep};

use super::{Case, Reviewer};
use crate::checks;
use crate::cluster::{Author, Live, LiveRead, LiveReads, READ_TIME, ReadableNamespaces, Watches};
use crate::finding::{Evidence, Finding, Level};
use crate::model::{Ingress, Key, Kind, Kinds};
use crate::policy::{Confirmed, Unconfirmed, Verdict};
use crate::routing::{NginxAnnotations, referenced_by};

/// The maximum number of confirmation rounds of one review. A read can lead to new findings: once a class is found, the rules of
/// its controller apply.
const ROUNDS: usize = 2;
/// The time limit of the reads before the first evaluation, which leaves the rest of [`READ_TIME`] to the rounds.
const FETCH_TIME: Duration = Duration::from_millis(400);
/// The time in which the watches can deliver changes that precede this write.
const CATCH_UP: Duration = Duration::from_millis(100);
/// The time limit for the publication of these changes. It takes 10 ms unless the machine is overloaded.
const PUBLICATION: Duration = Duration::from_millis(100);

/// Access to the live cluster behind an inventory.
#[derive(Debug)]
pub struct LiveCluster {
    /// Reads single objects.
    pub live: Live,
    /// The state of the watches.
    pub watches: Watches,
    /// The kinds that are not watched: their objects are read when an Ingress references them.
    pub on_demand: Kinds,
    /// The namespaces in which these are read.
    pub readable: ReadableNamespaces,
}

/// The live reads of one review.
struct Reads<'a> {
    cluster: &'a LiveCluster,
    author: Author<'a>,
    started: Instant,
    /// The objects that take precedence over the inventory.
    known: LiveReads,
    /// The evidence that was asked for, and whether it is certain.
    confirmed: Confirmed,
    /// The kind and the result of each read.
    results: Vec<(Kind, &'static str)>,
}

/// A verdict that denies only for confirmed evidence.
pub(super) struct ConfirmedVerdict {
    pub(super) verdict: Verdict,
    /// The kind and the result of each live read, for metrics.
    pub(super) results: Vec<(Kind, &'static str)>,
    /// The absent objects in words, if the denial is gone once they exist.
    pub(super) absent: Option<String>,
    /// The objects that were read.
    pub(super) live_reads: LiveReads,
    /// The evidence as the last decision got it.
    pub(super) confirmed: Option<Confirmed>,
}

impl Reviewer {
    /// Decides on a write. If the verdict denies because of other objects, reads these objects and decides again: the
    /// inventory may lag behind a port that was added, an Ingress that was deleted or a Service that was created just before.
    pub(super) async fn confirmed_verdict(&self, case: &Case<'_>) -> ConfirmedVerdict {
        let Some(cluster) = &self.cluster else {
            return ConfirmedVerdict {
                verdict: self.evaluate_and_decide(case, &LiveReads::default(), None),
                results: Vec::new(),
                absent: None,
                live_reads: LiveReads::default(),
                confirmed: None,
            };
        };
        let author = Author { namespace: &case.ingress.meta.key.namespace, user: case.request.user() };
        let mut reads = Reads::of(cluster, author);
        reads.fetch_referenced(case.ingress).await;
        let mut verdict = self.evaluate_and_decide(case, &reads.known, None);
        let mut is_confirmed = false;
        let mut wanted = reads.unread(most_important_first(verdict.at(Level::Deny)));
        for _ in 0..ROUNDS {
            if wanted.is_empty() || case.ends_early() {
                break;
            }
            reads.confirm(&wanted).await;
            is_confirmed = true;
            verdict = self.evaluate_and_decide(case, &reads.known, Some(&reads.confirmed));
            let unconfirmed = verdict.decisions.iter().filter(|decision| decision.unconfirmed().is_some());
            wanted = reads.unread(most_important_first(unconfirmed.map(|decision| &decision.finding)));
        }
        cluster.forget(verdict.at(Level::Deny).chain(verdict.at(Level::Warn)));
        let absent = reads.absent(&verdict);
        let confirmed = is_confirmed.then_some(reads.confirmed);
        ConfirmedVerdict { verdict, results: reads.results, absent, live_reads: reads.known, confirmed }
    }
}

impl LiveCluster {
    /// Waits until the changes of these kinds that precede a write have arrived. Returns whether those that the watches received
    /// are published.
    pub(super) async fn catch_up(&self, kinds: Kinds) -> bool {
        if kinds.is_empty() {
            return true;
        }
        self.watches.wake(kinds);
        sleep(CATCH_UP).await;
        self.watches.published(kinds, PUBLICATION).await
    }

    /// After a reported object is fixed, the next review must not see its old state.
    fn forget<'f>(&self, findings: impl Iterator<Item = &'f Finding>) {
        for evidence in findings.flat_map(|finding| &finding.rests_on) {
            if let Evidence::Object(kind, key) = evidence
                && self.on_demand.contains(*kind)
            {
                self.live.forget(*kind, key);
            }
        }
    }
}

impl<'a> Reads<'a> {
    fn of(cluster: &'a LiveCluster, author: Author<'a>) -> Self {
        Self {
            cluster,
            author,
            started: Instant::now(),
            known: LiveReads::default(),
            confirmed: Confirmed::new(),
            results: Vec::new(),
        }
    }

    /// Reads the Secrets and ConfigMaps that an Ingress references, before it is evaluated. Those of annotations come first,
    /// because findings about authentication, which cannot be waived, depend on them.
    async fn fetch_referenced(&mut self, ingress: &Ingress) {
        let namespace = &ingress.meta.key.namespace;
        let mut seen = HashSet::new();
        let mut distinct = |(kind, name)| {
            let is_new = self.cluster.on_demand.contains(kind) && seen.insert((kind, name));
            is_new.then(|| (kind, Key::new(namespace, name)))
        };
        let first: Vec<(Kind, Key)> =
            NginxAnnotations::of(ingress).references(namespace).filter_map(&mut distinct).collect();
        let others: Vec<(Kind, Key)> = referenced_by(ingress).filter_map(&mut distinct).collect();
        if first.is_empty() && others.is_empty() {
            return;
        }
        if !self.cluster.readable.contains(namespace) {
            self.known.extend(first.into_iter().chain(others).map(|of| (of, LiveRead::Excluded)));
            return;
        }
        let deadline = self.started + FETCH_TIME;
        let referenced = self.cluster.live.fetch_referenced(self.author, first, others, deadline).await;
        for (kind, key, read) in referenced.read.iter() {
            self.results.push((kind, read.result()));
            // What was read after the review began needs no second read.
            if Unconfirmed::of(kind, read).is_ok() {
                self.confirmed.insert(Evidence::Object(kind, key.clone()), Ok(()));
            }
        }
        self.known.merge(referenced.read);
        self.known.merge(referenced.cached);
    }

    /// Returns the evidence that was not asked for yet.
    fn unread(&self, mut wanted: Vec<Evidence>) -> Vec<Evidence> {
        wanted.retain(|evidence| !self.confirmed.contains_key(evidence));
        wanted
    }

    /// Reads evidence, the most important first.
    async fn confirm(&mut self, wanted: &[Evidence]) {
        let asked = time::Instant::now();
        let mut objects = Vec::new();
        let mut indexed = Kinds::NONE;
        for evidence in wanted {
            match evidence {
                Evidence::Object(kind, key) => objects.push((*kind, key.clone())),
                Evidence::Index(kind, _) => indexed = indexed | (*kind).into(),
            }
        }
        let deadline = self.started + READ_TIME;
        let read = self.cluster.live.confirm(self.author, &objects, deadline);
        let (read, is_published) = tokio::join!(read, self.cluster.catch_up(indexed));
        for (kind, key) in objects {
            let Some(read) = read.get(kind, &key.namespace, &key.name) else { continue };
            self.results.push((kind, read.result()));
            let certain = Unconfirmed::of(kind, read);
            // What the watches know stays known. An object that is read on demand is not known otherwise.
            if certain.is_ok() || !self.cluster.watches.covers(kind, &key) {
                self.known.insert(kind, key.clone(), read.clone());
            }
            self.confirmed.insert(Evidence::Object(kind, key), certain);
        }
        for evidence in wanted {
            if let Evidence::Index(kind, _) = evidence {
                let is_current = is_published && self.cluster.watches.is_current(*kind, asked);
                let certain = is_current.then_some(()).ok_or(Unconfirmed::NotReceived(*kind));
                self.confirmed.insert(evidence.clone(), certain);
            }
        }
    }
}

impl Reads<'_> {
    /// Returns the absent objects that every denying finding depends on, in words; `None` if a finding depends on none.
    fn absent(&self, verdict: &Verdict) -> Option<String> {
        let mut objects: Vec<(Kind, &Key)> = Vec::new();
        for finding in verdict.at(Level::Deny) {
            let before = objects.len();
            for evidence in &finding.rests_on {
                let Evidence::Object(kind, key) = evidence else { continue };
                let read = self.known.get(*kind, &key.namespace, &key.name);
                if matches!(read, Some(LiveRead::Absent)) {
                    objects.push((*kind, key));
                }
            }
            if objects.len() == before {
                return None;
            }
        }
        objects.sort();
        objects.dedup();
        match *objects.as_slice() {
            [] => None,
            [(kind, key)] => Some(format!("{kind} {key}")),
            [(kind, key), ..] => Some(format!("what is missing ({kind} {key} and {} more)", objects.len() - 1)),
        }
    }
}

/// Returns the distinct evidence of findings: first of those that cannot be waived, then in the order of the findings.
fn most_important_first<'f>(findings: impl Iterator<Item = &'f Finding>) -> Vec<Evidence> {
    let mut findings: Vec<&Finding> = findings.collect();
    findings.sort_by_key(|finding| checks::find(finding.code).is_none_or(|check| check.waivable));
    let mut seen = HashSet::new();
    let evidence = findings.into_iter().flat_map(|finding| &finding.rests_on);
    evidence.filter(|evidence| seen.insert(*evidence)).cloned().collect()
}
