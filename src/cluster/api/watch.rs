//! The task of one watch: a paginated list, then a watch, until the process ends. Every failure is retried, and known objects
//! are kept meanwhile. Only a refusal that lasts and that the API server confirms changes what is known: a kind that RBAC
//! forbids is then marked as forbidden, and an optional kind that the cluster no longer has is empty.

use std::hash::BuildHasher as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::HashSet;
use foldhash::fast::RandomState;
use futures::{AsyncBufReadExt as _, StreamExt as _};
use kube::Client;
use kube::api::WatchParams;
use kube::core::Request;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::access_review::{Right, Verb};
use super::discovery;
use super::pages::{self, ApiError, Head, HeadMeta, Pages, Selection, Unreadable};
use super::rights::Rights;
use super::watch_status::{Outage, Pace, WatchHandle, without_digits};
use super::writer::Batch;
use crate::cluster::{Change, Coverage, Object, SharedInventory};
use crate::model::{Key, Kind};

/// The watch of one kind, or of one object of it.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) kind: Kind,
    /// The only object that is watched, or with an empty name the controllers of a namespace; `None`: every object of the kind.
    pub(crate) only: Option<Key>,
    /// The label selector of the controllers of a namespace.
    pub(crate) labels: Option<String>,
    /// Whether a check requires it; otherwise it is optional.
    pub(crate) is_needed: bool,
    pub(crate) client: Client,
    pub(crate) inventory: SharedInventory,
    /// The queue of the writer.
    pub(crate) changes: mpsc::Sender<Batch>,
    pub(crate) handle: Arc<WatchHandle>,
    pub(crate) rights: Rights,
    pub(crate) outage: Arc<Outage>,
    pub(crate) pace: Pace,
    /// The resourceVersion to watch from; `None`: a list comes first.
    pub(crate) version: Option<String>,
    /// Whether the API server has returned the objects at least once, or 404 for the kind.
    pub(crate) was_answered: bool,
    /// The status of the refusals since the last other result, and the time from which the API server has confirmed them.
    pub(crate) refused: Option<(u16, Instant)>,
    /// Whether the last attempt did not reach the API server.
    pub(crate) is_cut_off: bool,
}

/// A line of a watch.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct EventStatus {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    message: String,
}

impl Watch {
    pub(crate) async fn follow(mut self) {
        let mut pause = self.pace.first_pause;
        // The time of the first error response in a row.
        let mut refusing = None;
        loop {
            let begun = Instant::now();
            let outcome = match self.version.clone() {
                None => self.list().await,
                Some(version) => match self.watch(&version).await {
                    Ok(()) if begun.elapsed() < self.pace.shortest_watch => Err(ApiError::Cut),
                    outcome => outcome,
                },
            };
            let Err(error) = outcome else {
                self.was_answered = true;
                (pause, refusing) = (self.pace.first_pause, None);
                (self.refused, self.is_cut_off) = (None, false);
                continue;
            };
            let is_certain = self.is_certain(&error).await;
            if is_certain && !self.is_needed && self.rest(&error).await.is_ok() {
                (pause, refusing) = (self.pace.first_pause, None);
                self.idle(self.pace.idle.mul_f64(jitter())).await;
                continue;
            }
            if is_certain {
                // If the writer has stopped, the next attempt fails and says so.
                let _ = self.send(self.handle.receive(), vec![self.covered(Coverage::Forbidden)]).await;
            }
            self.fail(&error);
            // The API server has answered for a while, so the next attempt needs no long pause.
            if error.code() == Some(410) || begun.elapsed() > self.pace.longest_pause {
                pause = self.pace.first_pause;
            }
            refusing = error.code().map(|_| refusing.unwrap_or(begun));
            if refusing.is_some_and(|since: Instant| since.elapsed() < self.pace.certain) {
                pause = pause.min(self.pace.refused_pause);
            }
            // Limits the requests to the API server, however often reviews wake the watch.
            let floor = self.pace.first_pause.min(pause);
            sleep(floor).await;
            self.idle(pause.mul_f64(jitter()).saturating_sub(floor)).await;
            pause = (pause * 2).min(self.pace.longest_pause);
        }
    }

    /// Waits for this time, until a review wakes the idle watch (see [`Watches::wake`](super::Watches::wake)), or until another
    /// watch has reached the API server again.
    async fn idle(&self, time: Duration) {
        tokio::select! {
            () = sleep(time) => {}
            () = self.outage.ended.notified() => {}
            () = self.handle.wake.notified() => {}
        }
    }

    /// Brings the inventory up to date with a paginated list. Its pages are published as they arrive, and known objects stay
    /// known; objects that the list does not contain are removed at its end.
    async fn list(&mut self) -> Result<(), ApiError> {
        // Hashes, because the keys of a large cluster would take several MiB. The seed is random: no name can collide on purpose.
        let mut in_list: HashSet<u64> = HashSet::default();
        let hasher = RandomState::default();
        let mut listed = 0;
        let mut pages = Pages::of(&self.client, self.kind, self.selection(), self.pace.page, self.pace.list);
        while let Some(objects) = pages.next().await? {
            let receipt = self.receive();
            let changes: Vec<Change> = objects.into_iter().filter_map(|object| self.change(object)).collect();
            listed += changes.len();
            in_list.extend(changes.iter().filter_map(Change::key).map(|key| hasher.hash_one(&key)));
            self.send(receipt, changes).await?;
        }
        self.version = Some(pages.version()?);
        let gone = self.followed(|key| !in_list.contains(&hasher.hash_one(key))).await?;
        let gone = gone.into_iter().map(Change::Delete);
        self.send(self.handle.receive(), gone.chain([self.covered(Coverage::Complete)]).collect()).await?;
        self.handle.status.lock().idle_since = None;
        tracing::info!(kind = self.kind.name(), objects = listed, "listed");
        Ok(())
    }

    /// Applies changes until the watch request ends.
    async fn watch(&mut self, version: &str) -> Result<(), ApiError> {
        const BATCH: usize = 256;
        let Selection { path, fields, labels } = self.selection();
        let params = WatchParams { field_selector: fields, label_selector: labels, ..WatchParams::default() };
        let params = params.timeout(self.pace.watch_seconds);
        let request = Request::new(path).watch(&params, version)?;
        let patience = Duration::from_secs(u64::from(self.pace.watch_seconds) + 5);
        // Lines of text: the event type of the client cannot borrow JSON, and depends on the order of its fields.
        let stream = timeout(patience, self.client.request_stream(request)).await;
        let mut lines = pin!(stream.map_err(|_| ApiError::Silence)??.lines().ready_chunks(BATCH));
        // No event was missed: the watch continues from the last resourceVersion.
        let receipt = self.receive();
        self.send(receipt, vec![self.covered(Coverage::Complete)]).await?;
        while let Some(batch) = timeout(patience, lines.next()).await.map_err(|_| ApiError::Silence)? {
            let receipt = self.receive();
            let mut changes = Vec::with_capacity(batch.len());
            let outcome = batch.into_iter().try_for_each(|line| self.event(&line?, &mut changes));
            self.send(receipt, changes).await?;
            outcome?;
        }
        Ok(())
    }

    /// Reads one event and moves the resourceVersion to watch from.
    fn event(&mut self, line: &str, changes: &mut Vec<Change>) -> Result<(), ApiError> {
        if line.is_empty() {
            return Ok(());
        }
        let Event { kind, object } = serde_json::from_str(line)?;
        if kind == "ERROR" {
            let status: EventStatus = serde_json::from_str(object.get())?;
            return Err(ApiError::Status(status.code, status.message));
        }
        if let Ok(Head { metadata: HeadMeta { resource_version: Some(version), .. } }) =
            serde_json::from_str(object.get())
        {
            self.version = Some(version);
        }
        match kind {
            "ADDED" | "MODIFIED" => changes.extend(self.change(pages::read(self.kind, object))),
            "DELETED" => {
                let gone = self.change(pages::read(self.kind, object));
                changes.extend(gone.and_then(|change| change.key()).map(Change::Delete));
            }
            // A bookmark carries the resourceVersion only.
            _ => {}
        }
        Ok(())
    }

    /// Returns the change for an object that was read.
    fn change(&self, read: Result<Object, Unreadable>) -> Option<Change> {
        let Unreadable { key, error } = match read {
            Ok(object) => return Some(Change::Apply(object)),
            Err(unreadable) => unreadable,
        };
        self.handle.status.lock().skipped += 1;
        let named = key.as_ref().map(ToString::to_string).unwrap_or_default();
        tracing::warn!(kind = self.kind.name(), object = named, %error, "cannot parse an object; it counts as unknown");
        key.map(Change::Unreadable)
    }

    /// Sends the changes of a receipt to the writer. Waits while its queue is full.
    async fn send(&self, receipt: u64, changes: Vec<Change>) -> Result<(), ApiError> {
        let batch = Batch { from: Arc::clone(&self.handle), receipt, kind: self.kind, changes };
        self.changes.send(batch).await.map_err(|_| ApiError::Stopped)
    }

    /// Returns the wanted keys among those of the watched objects in the inventory, after all changes that were sent.
    async fn followed(&self, is_wanted: impl Fn(&Key) -> bool) -> Result<Vec<Key>, ApiError> {
        if let Some(key) = self.only.as_ref().filter(|key| !key.name.is_empty()) {
            return Ok(Vec::from_iter(Some(key.clone()).filter(is_wanted)));
        }
        // The pages of a first list are not published yet: a change of the coverage publishes them.
        if self.inventory.load().coverage(self.kind) == Coverage::NotSynced {
            self.send(self.handle.receive(), vec![self.covered(Coverage::NotSynced)]).await?;
        }
        tokio::select! {
            () = self.handle.published() => {}
            () = self.changes.closed() => return Err(ApiError::Stopped),
        }
        let mut wanted = Vec::new();
        let is_watched = |key: &Key| self.only.as_ref().is_none_or(|only| key.namespace == only.namespace);
        let is_wanted = |key: &Key| is_watched(key) && is_wanted(key);
        self.inventory.load().each_key(self.kind, |key| wanted.extend(is_wanted(key).then(|| key.clone())));
        Ok(wanted)
    }

    /// Returns the change of the coverage of the watched objects.
    fn covered(&self, coverage: Coverage) -> Change {
        Change::Cover(self.only.clone(), coverage)
    }

    fn selection(&self) -> Selection {
        match &self.only {
            Some(key) => Selection { labels: self.labels.clone(), ..Selection::only(self.kind, key) },
            None => Selection::all(self.kind, None),
        }
    }

    /// Numbers a receipt and records that the API server answers.
    fn receive(&self) -> u64 {
        let receipt = self.handle.receive();
        let mut status = self.handle.status.lock();
        status.last_event = Some(Instant::now());
        if status.trouble.take().is_some() {
            tracing::info!(kind = self.kind.name(), "watch recovered");
            self.note_reached();
            self.rights.note_recovery();
        }
        receipt
    }

    /// Ends the outage if this watch was cut off. A watch that always worked says nothing about the others.
    fn note_reached(&self) {
        if self.is_cut_off && self.outage.note_end() {
            tracing::info!("API server reached again");
        }
    }

    /// Returns whether the API server certainly refuses the kind: RBAC forbids it (403), or an optional kind does not exist (404).
    /// An API server that has just started also answers so, and then confirms nothing. Known objects are therefore given up only if
    /// it has confirmed each refusal for a while.
    async fn is_certain(&mut self, error: &ApiError) -> bool {
        let verb = if self.version.is_none() { Verb::List } else { Verb::Watch };
        let (code, is_confirmed, is_known) = match error.code() {
            Some(code @ 403) => {
                self.rights.is_refusal_confirmed(verb, self.kind, self.only.as_ref());
                let right = Right { kind: self.kind, only: self.only.clone(), verb };
                (code, right.is_denied(&self.client).await, self.was_answered)
            }
            Some(code @ 404) if !self.is_needed => (
                code,
                discovery::is_gone(&self.client, self.kind).await,
                self.followed(|_| true).await.map_or(true, |known| !known.is_empty()),
            ),
            _ => (0, false, true),
        };
        if !is_confirmed {
            self.refused = None;
            return false;
        }
        let now = Instant::now();
        let since = self.refused.filter(|(of, _)| *of == code).map_or(now, |(_, since)| since);
        self.refused = Some((code, since));
        !is_known || now - since >= self.pace.certain
    }

    /// Records that there is nothing to watch: an optional kind does not exist (404) or is forbidden (403). The watch is idle then.
    async fn rest(&mut self, error: &ApiError) -> Result<(), ApiError> {
        let answered = Instant::now();
        let is_missing = error.code() == Some(404);
        let known = if is_missing { self.followed(|_| true).await? } else { Vec::new() };
        let coverage = if is_missing { Coverage::Complete } else { Coverage::Forbidden };
        let changes = known.into_iter().map(Change::Delete).chain([self.covered(coverage)]);
        self.send(self.handle.receive(), changes.collect()).await?;
        self.handle.published().await;
        self.was_answered |= is_missing;
        self.version = None;
        let mut status = self.handle.status.lock();
        status.trouble = None;
        status.last_event = is_missing.then_some(answered);
        if status.idle_since.replace(answered).is_none() {
            let kind = self.kind.name();
            let namespace = self.only.as_ref().map(|key| &*key.namespace);
            tracing::info!(kind, namespace, reason = %error, "kind not available (404/403), watch idle; retrying every 5 minutes");
        }
        Ok(())
    }

    fn fail(&mut self, error: &ApiError) {
        // The resourceVersion is too old to continue from: list again.
        if error.code() == Some(410) {
            self.version = None;
        }
        let text = error.to_string();
        if error.is_of_connection() {
            self.is_cut_off = true;
            if self.outage.note_error(&text) {
                tracing::warn!(error = text, "API server not reached; retrying");
            }
        } else {
            self.note_reached();
            self.is_cut_off = false;
        }
        let mut status = self.handle.status.lock();
        status.restarts += 1;
        // Logged once, not at every attempt.
        let is_news = (status.trouble.as_ref()).is_none_or(|known| without_digits(known) != without_digits(&text));
        if is_news && !error.is_of_connection() {
            tracing::warn!(kind = self.kind.name(), error = text, "watch failed; retrying");
        }
        status.trouble = Some(text);
    }
}

/// Returns a factor between 0.75 and 1.25, so that watches do not retry at the same moment. The clock's nanoseconds are random
/// enough.
fn jitter() -> f64 {
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    0.75 + f64::from(nanos % 1000) / 2000.0
}
