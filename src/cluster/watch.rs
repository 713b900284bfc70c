//! Watches as feeders of the inventory: list in pages, then watch, for as long as the process lives. Whatever goes wrong
//! is tried again; what nobody may read is said to be forbidden, never to be absent.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{AsyncBufReadExt as _, StreamExt as _};
use kube::Client;
use kube::api::{ListParams, WatchParams};
use kube::core::Request;
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{sleep, timeout};

use super::feeds::{Line, Pace};
use super::{Coverage, Inventory, Object};
use crate::model::{Key, Kind};

/// The watch of one kind, or of one object of it.
pub(super) struct Watch {
    pub(super) kind: Kind,
    /// The only object that is followed.
    pub(super) only: Option<Key>,
    /// Some verdict depends on it.
    pub(super) is_needed: bool,
    pub(super) client: Client,
    pub(super) inventory: Arc<RwLock<Inventory>>,
    pub(super) lines: Arc<[Line]>,
    pub(super) at: usize,
    pub(super) pace: Pace,
    /// Where to go on; nothing: with a list.
    pub(super) version: Option<String>,
}

/// Why a list or watch ended early.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error(transparent)]
    Api(#[from] kube::Error),
    #[error("the answer cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
    #[error("{1} ({0})")]
    Status(u16, String),
    #[error("the request cannot be made: {0}")]
    Request(#[from] kube::core::request::Error),
    #[error("the API server does not answer")]
    Silence,
    #[error("the watch was closed at once")]
    Cut,
    #[error("the list has no resourceVersion")]
    NoVersion,
}

impl WatchError {
    fn code(&self) -> Option<u16> {
        match self {
            Self::Api(kube::Error::Api(status)) => Some(status.code),
            Self::Status(code, _) => Some(*code),
            _ => None,
        }
    }
}

/// A change to the inventory, read before the lock is taken.
enum Change {
    Apply(Object),
    Unreadable(Key),
    Delete(Key),
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageMeta {
    resource_version: Option<String>,
    #[serde(rename = "continue")]
    next: Option<String>,
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

/// What every object has, however broken the rest of it is.
#[derive(Deserialize)]
struct Head {
    metadata: HeadMeta,
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct HeadMeta {
    name: Box<str>,
    namespace: Box<str>,
    resource_version: Option<String>,
}

impl Watch {
    pub(super) async fn follow(mut self) {
        let mut pause = self.pace.first_pause;
        loop {
            let begun = Instant::now();
            let outcome = match self.version.clone() {
                None => self.list().await,
                Some(version) => match self.watch(&version).await {
                    Ok(()) if begun.elapsed() < self.pace.shortest_watch => Err(WatchError::Cut),
                    outcome => outcome,
                },
            };
            match outcome {
                Ok(()) => pause = self.pace.first_pause,
                Err(error) if self.is_nothing_to_follow(&error) => {
                    pause = self.pace.first_pause;
                    tokio::select! {
                        () = sleep(self.pace.rest.mul_f64(jitter())) => {}
                        () = self.lines[self.at].wake.notified() => {}
                    }
                }
                Err(error) => {
                    self.fail(&error);
                    // It answers, or did for a while: pauses are for those that do not.
                    if error.code() == Some(410) || begun.elapsed() > self.pace.longest_pause {
                        pause = self.pace.first_pause;
                    }
                    sleep(pause.mul_f64(jitter())).await;
                    pause = (pause * 2).min(self.pace.longest_pause);
                }
            }
        }
    }

    /// Bring the inventory to what the API server holds. It is changed in place, so that reviews go on meanwhile; what
    /// the list did not hold goes at its end.
    async fn list(&mut self) -> Result<(), WatchError> {
        // At the first list nothing is known, and nothing is kept of what is listed.
        let mut gone = self.followed();
        let mut listed = 0;
        let mut params = ListParams { field_selector: self.fields(), ..ListParams::default() }.limit(self.pace.page);
        loop {
            let request = Request::new(self.path()).list(&params)?;
            // As text: the client would log an answer that it cannot read, Secrets and all.
            let text = timeout(self.pace.list, self.client.request_text(request)).await;
            let text = text.map_err(|_| WatchError::Silence)??;
            let page: Page<'_> = serde_json::from_str(&text)?;
            let changes: Vec<Change> = page.items.iter().flatten().filter_map(|item| self.read(item)).collect();
            listed += changes.len();
            if !gone.is_empty() {
                for change in &changes {
                    gone.remove(&change.key());
                }
            }
            self.apply(changes);
            self.heard();
            if let Some(next) = page.metadata.next.filter(|next| !next.is_empty()) {
                params = params.continue_token(&next);
            } else {
                let version = page.metadata.resource_version.filter(|version| !version.is_empty());
                self.version = Some(version.ok_or(WatchError::NoVersion)?);
                break;
            }
        }
        self.inventory.write().delete_all(self.kind, &gone);
        self.cover(Coverage::Complete);
        self.lines[self.at].feed.lock().resting = None;
        tracing::info!(kind = self.kind.name(), objects = listed, "listed");
        Ok(())
    }

    /// Follow changes until the request's time is over.
    async fn watch(&mut self, version: &str) -> Result<(), WatchError> {
        const BATCH: usize = 256;
        let params = WatchParams { field_selector: self.fields(), ..WatchParams::default() };
        let params = params.timeout(self.pace.watch_seconds);
        let request = Request::new(self.path()).watch(&params, version)?;
        let patience = Duration::from_secs(u64::from(self.pace.watch_seconds) + 5);
        // Lines of text, not the client's own events: those cannot hold a slice of JSON, and depend on its order.
        let stream = timeout(patience, self.client.request_stream(request)).await;
        let mut lines = pin!(stream.map_err(|_| WatchError::Silence)??.lines().ready_chunks(BATCH));
        self.heard();
        // Nothing was missed: the watch goes on from where the last one was.
        self.cover(Coverage::Complete);
        while let Some(batch) = timeout(patience, lines.next()).await.map_err(|_| WatchError::Silence)? {
            self.heard();
            let mut changes = Vec::with_capacity(batch.len());
            let outcome = batch.into_iter().try_for_each(|line| self.event(&line?, &mut changes));
            self.apply(changes);
            outcome?;
        }
        Ok(())
    }

    /// Read one event, and go on after it.
    fn event(&mut self, line: &str, changes: &mut Vec<Change>) -> Result<(), WatchError> {
        if line.is_empty() {
            return Ok(());
        }
        let Event { kind, object } = serde_json::from_str(line)?;
        if kind == "ERROR" {
            let status: EventStatus = serde_json::from_str(object.get())?;
            return Err(WatchError::Status(status.code, status.message));
        }
        if let Ok(Head { metadata: HeadMeta { resource_version: Some(version), .. } }) =
            serde_json::from_str(object.get())
        {
            self.version = Some(version);
        }
        match kind {
            "ADDED" | "MODIFIED" => changes.extend(self.read(object)),
            "DELETED" => changes.extend(self.read(object).map(|change| Change::Delete(change.key()))),
            // A bookmark says how far the watch is, and nothing else.
            _ => {}
        }
        Ok(())
    }

    /// Read an object; one that cannot be read is known to exist and nothing else.
    fn read(&self, item: &RawValue) -> Option<Change> {
        let error = match Object::read(self.kind, item) {
            Ok(object) => return Some(Change::Apply(object)),
            Err(error) => error,
        };
        self.lines[self.at].feed.lock().skipped += 1;
        let key = serde_json::from_str::<Head>(item.get())
            .ok()
            .map(|head| Key { namespace: head.metadata.namespace, name: head.metadata.name });
        let named = key.as_ref().map(ToString::to_string).unwrap_or_default();
        tracing::warn!(kind = self.kind.name(), object = named, %error, "an object cannot be read; it counts as unknown");
        key.map(Change::Unreadable)
    }

    fn apply(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut inventory = self.inventory.write();
        for change in changes {
            match change {
                Change::Apply(object) => inventory.apply(object),
                Change::Unreadable(key) => inventory.apply_unreadable(self.kind, key),
                Change::Delete(key) => inventory.delete(self.kind, &key),
            }
        }
    }

    /// What the inventory holds of what is followed.
    fn followed(&self) -> HashSet<Key> {
        match &self.only {
            Some(key) => HashSet::from([key.clone()]),
            None => self.inventory.read().keys(self.kind),
        }
    }

    /// Say how much of what is followed the inventory holds.
    fn cover(&self, coverage: Coverage) {
        let mut inventory = self.inventory.write();
        match &self.only {
            Some(key) => inventory.cover_one(self.kind, key, coverage),
            None => inventory.cover(self.kind, coverage),
        }
    }

    fn path(&self) -> String {
        path(self.kind, self.only.as_ref().map(|key| &*key.namespace))
    }

    /// Which objects are asked for at all: releases of Helm are Secrets of up to a megabyte each, and no controller takes
    /// one for a certificate (section 5.2).
    fn fields(&self) -> Option<String> {
        let helm = || (self.kind == Kind::Secret).then(|| "type!=helm.sh/release.v1".to_owned());
        self.only.as_ref().map(|key| format!("metadata.name={}", key.name)).or_else(helm)
    }

    fn heard(&self) {
        let mut feed = self.lines[self.at].feed.lock();
        feed.last_heard = Some(Instant::now());
        if feed.trouble.take().is_some() {
            tracing::info!(kind = self.kind.name(), "following again");
        }
    }

    /// Whether that is no failure: the cluster does not have the kind, so there are no objects of it, or nobody lets us
    /// see what no verdict depends on.
    fn is_nothing_to_follow(&mut self, error: &WatchError) -> bool {
        let answered = Instant::now();
        let coverage = match error.code() {
            Some(404) if !self.is_needed => Coverage::Complete,
            Some(403) if !self.is_needed => Coverage::Forbidden,
            _ => return false,
        };
        let is_missing = coverage == Coverage::Complete;
        if is_missing {
            let known = self.followed();
            self.inventory.write().delete_all(self.kind, &known);
        }
        self.cover(coverage);
        self.version = None;
        let mut feed = self.lines[self.at].feed.lock();
        feed.trouble = None;
        feed.last_heard = is_missing.then_some(answered);
        if feed.resting.replace(answered).is_none() {
            tracing::info!(kind = self.kind.name(), reason = %error, "nothing to follow; looking again now and then");
        }
        true
    }

    fn fail(&mut self, error: &WatchError) {
        match error.code() {
            // What was kept is too old to go on from: begin with a list.
            Some(410) => self.version = None,
            Some(403) => self.cover(Coverage::Forbidden),
            _ => {}
        }
        let mut feed = self.lines[self.at].feed.lock();
        feed.restarts += 1;
        let text = error.to_string();
        // Said once, not at every attempt.
        if feed.trouble.as_ref() != Some(&text) {
            tracing::warn!(kind = self.kind.name(), error = text, "cannot follow; trying again");
        }
        feed.trouble = Some(text);
    }
}

impl Change {
    fn key(&self) -> Key {
        match self {
            Self::Apply(object) => object.key(),
            Self::Unreadable(key) | Self::Delete(key) => key.clone(),
        }
    }
}

/// The URL path of a kind, in one namespace or in all.
pub(super) fn path(kind: Kind, namespace: Option<&str>) -> String {
    let root = match kind.group() {
        "" => format!("/api/{}", kind.version()),
        group => format!("/apis/{group}/{}", kind.version()),
    };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{}", kind.plural()),
        None => format!("{root}/{}", kind.plural()),
    }
}

/// Between 0.75 and 1.25, so that many watches do not come back at one moment. The clock's nanoseconds are random enough.
fn jitter() -> f64 {
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    0.75 + f64::from(nanos % 1000) / 2000.0
}
