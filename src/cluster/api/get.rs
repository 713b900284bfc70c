//! Single requests: GET of one object, and one page of the objects of a namespace.

use std::time::Duration;

use foldhash::HashMap;
use futures::{StreamExt as _, stream};
use kube::Client;
use kube::api::GetParams;
use kube::core::Request;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::access_review::Verb;
use super::pages::{ApiError, Pages, Selection, Unreadable, path};
use super::rights::Rights;
use crate::cluster::live_reads::{ANSWER_TIME, LiveRead, ReadFailure};
use crate::cluster::{LiveReads, Object};
use crate::model::{Key, Kind};

/// The maximum number of objects in a page, as for the lists of watches.
const PAGE: u32 = 500;
/// The time limit of one read of [`ObjectClient::get_all`].
const PATIENCE: Duration = Duration::from_secs(10);
/// The number of concurrent reads of [`ObjectClient::get_all`].
const AT_ONCE: usize = 32;

/// A client that reads objects from etcd, never from a cache of the API server.
#[derive(Clone)]
pub(super) struct ObjectClient {
    client: Client,
    /// The rights of `serve`; `None` in commands, which believe a 403.
    rights: Option<Rights>,
}

/// The first page of the objects of one kind in one namespace.
pub(super) struct NamespacePage {
    objects: HashMap<Box<str>, LiveRead>,
    /// The result for other objects.
    others: LiveRead,
}

impl std::fmt::Debug for ObjectClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ObjectClient")
    }
}

impl ObjectClient {
    /// Creates a client. With rights, refused reads count as forbidden only if these confirm it.
    pub(super) fn new(client: Client, rights: Option<Rights>) -> Self {
        Self { client, rights }
    }

    /// Reads one object within [`ANSWER_TIME`].
    pub(super) async fn get(&self, kind: Kind, key: &Key) -> LiveRead {
        let timed_out = LiveRead::Failed(ReadFailure::Timeout);
        timeout(ANSWER_TIME, self.answer(kind, key)).await.unwrap_or(timed_out)
    }

    /// Reads any number of objects, a few at a time, and waits for each.
    pub(super) async fn get_all(&self, wanted: impl IntoIterator<Item = (Kind, Key)>) -> LiveReads {
        let reads = stream::iter(wanted).map(|(kind, key)| async move {
            let answer = timeout(PATIENCE, self.answer(kind, &key)).await;
            ((kind, key), answer.unwrap_or(LiveRead::Failed(ReadFailure::Timeout)))
        });
        let mut live_reads = LiveReads::default();
        let mut reads = reads.buffer_unordered(AT_ONCE);
        while let Some(((kind, key), read)) = reads.next().await {
            live_reads.insert(kind, key, read);
        }
        live_reads
    }

    async fn answer(&self, kind: Kind, key: &Key) -> LiveRead {
        // A name becomes part of a URL: only valid object names are requested.
        if !key.can_name(kind) {
            return LiveRead::Failed(ReadFailure::Error);
        }
        let namespace = kind.is_namespaced().then_some(&*key.namespace);
        // Without a resourceVersion the answer comes from etcd, not from a cache.
        let Ok(request) = Request::new(path(kind, namespace)).get(&key.name, &GetParams::default()) else {
            return LiveRead::Failed(ReadFailure::Error);
        };
        // As text: the client would log a response that it cannot parse, including Secrets.
        let response = self.client.request_text(request).await;
        if let (Ok(_), Some(rights)) = (&response, &self.rights) {
            rights.note_read(kind);
        }
        match response {
            Ok(text) => match serde_json::from_str::<&RawValue>(&text).and_then(|raw| Object::read(kind, raw)) {
                Ok(object) => LiveRead::Found(Box::new(object)),
                Err(_) => LiveRead::Failed(ReadFailure::Error),
            },
            Err(kube::Error::Api(status)) if status.code == 404 => LiveRead::Absent,
            Err(kube::Error::Api(status)) if status.code == 403 && self.is_forbidden(kind, key) => LiveRead::Forbidden,
            Err(_) => LiveRead::Failed(ReadFailure::Error),
        }
    }

    fn is_forbidden(&self, kind: Kind, key: &Key) -> bool {
        self.rights.as_ref().is_none_or(|rights| rights.is_refusal_confirmed(Verb::Get, kind, Some(key)))
    }

    /// Reads the first page of a namespace within [`ANSWER_TIME`].
    pub(super) async fn page(&self, kind: Kind, namespace: &str) -> NamespacePage {
        let selection = Selection::all(kind, Some(namespace));
        let mut pages = Pages::of(&self.client, kind, selection, PAGE, ANSWER_TIME);
        match pages.next().await {
            Ok(page) => {
                let is_complete = pages.is_complete();
                let others = if is_complete { LiveRead::Absent } else { LiveRead::Failed(ReadFailure::LeftOut) };
                let mut page_read = NamespacePage { objects: HashMap::default(), others };
                page.into_iter().flatten().for_each(|object| page_read.insert(object));
                page_read
            }
            Err(error) => {
                let failure = match (&error, error.code()) {
                    (ApiError::Silence, _) => ReadFailure::Timeout,
                    // Objects can still be readable one by one.
                    (_, Some(403)) => ReadFailure::LeftOut,
                    _ => ReadFailure::Error,
                };
                NamespacePage { objects: HashMap::default(), others: LiveRead::Failed(failure) }
            }
        }
    }
}

impl NamespacePage {
    fn insert(&mut self, object: Result<Object, Unreadable>) {
        match object {
            Ok(object) => self.objects.insert(object.key().name, LiveRead::Found(Box::new(object))),
            Err(Unreadable { key: Some(key), .. }) => {
                self.objects.insert(key.name, LiveRead::Failed(ReadFailure::Error))
            }
            // It can have any name.
            Err(Unreadable { key: None, .. }) => {
                self.others = LiveRead::Failed(ReadFailure::Error);
                None
            }
        };
    }

    /// Returns the result for one object.
    pub(super) fn read(&self, name: &str) -> LiveRead {
        self.objects.get(name).unwrap_or(&self.others).clone()
    }
}
