//! Bounded GETs of single objects: the evidence of a denial is confirmed, and referenced objects are fetched by name.

use std::time::{Duration, Instant};

use foldhash::HashMap;
use futures::future::join_all;
use futures::{StreamExt as _, stream};
use kube::Client;
use kube::api::GetParams;
use kube::core::Request;
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio::time::{timeout, timeout_at};

use super::pages::path;
use crate::cluster::live_reads::LiveRead;
use crate::cluster::{LiveReads, Object};
use crate::model::{Key, Kind, TlsFacts};

/// The time limit for all reads of one review.
const TIME: Duration = Duration::from_millis(300);
/// The number of objects that are read for one review; others stay unconfirmed.
pub const MOST: usize = 8;
/// The number of concurrent reads of all reviews.
const AT_ONCE: usize = 32;
/// The time limit of one read if many objects are read.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time for which a usable object stays cached.
const KEPT: Duration = Duration::from_secs(30);
/// The maximum number of cached objects.
const KEPT_MOST: usize = 1000;

/// The API server, for reads of single objects.
#[derive(Debug)]
pub struct Live {
    client: DebugClient,
    places: Semaphore,
    /// The cache of usable objects, so that an update of an Ingress does not read them again. It contains metadata only: see
    /// [`crate::model::Secret`].
    good: Mutex<HashMap<(Kind, Key), (Instant, Object)>>,
}

struct DebugClient(Client);

impl std::fmt::Debug for DebugClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Live {
    /// Creates a reader that uses this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client: DebugClient(client), places: Semaphore::new(AT_ONCE), good: Mutex::default() }
    }

    /// Reads at most [`MOST`] objects concurrently. An object that is not read in time is [`LiveRead::Failed`].
    pub async fn read(&self, wanted: impl IntoIterator<Item = (Kind, Key)>) -> LiveReads {
        let deadline = tokio::time::Instant::now() + TIME;
        let reads = wanted.into_iter().take(MOST).map(|(kind, key)| async move {
            let fact = timeout_at(deadline, self.get(kind, &key)).await.unwrap_or(LiveRead::Failed);
            ((kind, key), fact)
        });
        let mut live_reads = LiveReads::default();
        live_reads.extend(join_all(reads).await);
        live_reads
    }

    /// Reads the objects that an Ingress references, or returns those that were read a moment ago.
    pub async fn fetch_referenced(&self, wanted: impl IntoIterator<Item = (Kind, Key)>) -> LiveReads {
        let mut live_reads = LiveReads::default();
        let mut unknown = Vec::new();
        for of in wanted {
            match self.kept(&of) {
                Some(object) => live_reads.insert(of.0, of.1, LiveRead::Found(Box::new(object))),
                None => unknown.push(of),
            }
        }
        let read = self.read(unknown.iter().cloned()).await;
        for (kind, key) in unknown {
            let Some(fact) = read.get(kind, &key.namespace, &key.name) else { continue };
            // Only usable objects are cached: a Secret that was just fixed must not be reported again.
            if let LiveRead::Found(object) = fact
                && is_good(object)
            {
                self.keep((kind, key.clone()), object);
            }
            live_reads.insert(kind, key, fact.clone());
        }
        live_reads
    }

    /// Removes an object from the cache, because a finding depends on it.
    pub fn forget(&self, kind: Kind, key: &Key) {
        self.good.lock().remove(&(kind, key.clone()));
    }

    /// Reads any number of objects, a few at a time, and waits for each.
    pub async fn read_all(&self, wanted: impl IntoIterator<Item = (Kind, Key)>) -> LiveReads {
        let reads = stream::iter(wanted).map(|(kind, key)| async move {
            let fact = timeout(PATIENCE, self.get(kind, &key)).await.unwrap_or(LiveRead::Failed);
            ((kind, key), fact)
        });
        let mut live_reads = LiveReads::default();
        let mut reads = reads.buffer_unordered(AT_ONCE);
        while let Some(((kind, key), fact)) = reads.next().await {
            live_reads.insert(kind, key, fact);
        }
        live_reads
    }

    async fn get(&self, kind: Kind, key: &Key) -> LiveRead {
        // A name becomes part of a URL: only valid object names are requested.
        if !key.can_name(kind) {
            return LiveRead::Failed;
        }
        let Ok(_place) = self.places.acquire().await else { return LiveRead::Failed };
        let namespace = kind.is_namespaced().then_some(&*key.namespace);
        // Without a resourceVersion the answer comes from etcd, not from a cache.
        let Ok(request) = Request::new(path(kind, namespace)).get(&key.name, &GetParams::default()) else {
            return LiveRead::Failed;
        };
        // As text: the client would log a response that it cannot parse, including Secrets.
        match self.client.0.request_text(request).await {
            Ok(text) => match serde_json::from_str::<&RawValue>(&text).and_then(|raw| Object::read(kind, raw)) {
                Ok(object) => LiveRead::Found(Box::new(object)),
                Err(_) => LiveRead::Failed,
            },
            Err(kube::Error::Api(status)) if status.code == 404 => LiveRead::Absent,
            Err(kube::Error::Api(status)) if status.code == 403 => LiveRead::Forbidden,
            Err(_) => LiveRead::Failed,
        }
    }

    fn kept(&self, of: &(Kind, Key)) -> Option<Object> {
        let good = self.good.lock();
        good.get(of).filter(|(read, _)| read.elapsed() < KEPT).map(|(_, object)| object.clone())
    }

    fn keep(&self, of: (Kind, Key), object: &Object) {
        let mut good = self.good.lock();
        if good.len() >= KEPT_MOST {
            good.retain(|_, (read, _)| read.elapsed() < KEPT);
        }
        if good.len() < KEPT_MOST {
            good.insert(of, (Instant::now(), object.clone()));
        }
    }
}

/// Whether an object that annotations reference is usable. A ConfigMap always is: checks need only its existence.
fn is_good(object: &Object) -> bool {
    match object {
        Object::Secret(secret) => matches!(secret.tls, TlsFacts::Pair { .. }),
        other => other.kind() == Kind::ConfigMap,
    }
}
