//! The live reads of reviews: the evidence of denials is confirmed, and referenced objects are fetched by name.

use std::time::Duration;

use kube::Client;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::get::ObjectClient;
use super::read_queue::{Author, By, FEW, ReadQueue};
use super::recent::Recent;
use super::rights::Rights;
use crate::cluster::live_reads::{LiveRead, ReadFailure};
use crate::cluster::{LiveReads, Object};
use crate::model::{Key, Kind, TlsFacts};

/// The number of objects that are read for one review at once; others are left out.
const MOST: usize = 100;
/// The number of concurrent reads that denials depend on.
const CONFIRMATIONS: usize = 32;
/// The number of other concurrent reads.
const REFERENCES: usize = 16;
/// The time for which a usable object stays cached.
const USABLE: Duration = Duration::from_secs(30);
/// The time for which an absent object is read after others.
const ABSENT: Duration = Duration::from_secs(5);

/// The API server, for reads of single objects.
#[derive(Debug)]
pub struct Live {
    client: ObjectClient,
    /// These reads have places of their own, so that other reads do not delay a denial.
    confirmations: ReadQueue,
    references: ReadQueue,
    /// The cache of usable objects, so that an update of an Ingress does not read them again. It contains metadata only: see
    /// [`crate::model::Secret`].
    usable: Recent<Object>,
    /// Objects that did not exist. They only change the order of reads: an object can be created at any time.
    absent: Recent<()>,
}

/// The objects that an Ingress references.
#[derive(Debug, Default)]
pub struct Referenced {
    /// The objects that were read just now.
    pub read: LiveReads,
    /// The objects that were read a moment ago.
    pub cached: LiveReads,
}

impl Live {
    /// Creates a reader that uses this client, on the runtime within which it is called.
    ///
    /// # Panics
    /// If it is called outside a tokio runtime.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::of(ObjectClient::new(client, None))
    }

    /// Creates the same reader for `serve`: refused reads count as forbidden only if these rights confirm it.
    ///
    /// # Panics
    /// If it is called outside a tokio runtime.
    #[must_use]
    pub fn with_rights(client: Client, rights: Rights) -> Self {
        Self::of(ObjectClient::new(client, Some(rights)))
    }

    fn of(client: ObjectClient) -> Self {
        let queue = |places| ReadQueue::new(client.clone(), Handle::current(), places);
        Self {
            confirmations: queue(CONFIRMATIONS),
            references: queue(REFERENCES),
            client,
            usable: Recent::new(USABLE),
            absent: Recent::new(ABSENT),
        }
    }

    /// Reads objects that denials depend on, the most important first. The first 100 are read.
    pub async fn confirm(&self, author: Author<'_>, wanted: &[(Kind, Key)], deadline: Instant) -> LiveReads {
        let (wanted, others) = wanted.split_at(wanted.len().min(MOST));
        let mut live_reads = self.confirmations.read(author, wanted, By::NameOrPage, deadline).await;
        let is_left_out = |(kind, key): &&(Kind, Key)| {
            let read = live_reads.get(*kind, &key.namespace, &key.name);
            matches!(read, Some(LiveRead::Failed(ReadFailure::LeftOut)))
        };
        // One confirmed finding is enough for a denial, however large the namespace is.
        let again: Vec<(Kind, Key)> = wanted.iter().filter(is_left_out).take(FEW).cloned().collect();
        if !again.is_empty() {
            live_reads.merge(self.confirmations.read(author, &again, By::Name, deadline).await);
        }
        live_reads.extend(others.iter().map(|of| (of.clone(), LiveRead::Failed(ReadFailure::LeftOut))));
        live_reads
    }

    /// Reads the objects that an Ingress references, or returns those that were read a moment ago. `first` are those that
    /// findings of the default levels deny for. Of the others, the first 100 are read.
    pub async fn fetch_referenced(
        &self,
        author: Author<'_>,
        first: Vec<(Kind, Key)>,
        others: Vec<(Kind, Key)>,
        deadline: Instant,
    ) -> Referenced {
        let mut cached = LiveReads::default();
        let mut unknown = |mut wanted: Vec<(Kind, Key)>| {
            wanted.retain(|of| match self.usable.get(of) {
                Some(object) => {
                    cached.insert(of.0, of.1.clone(), LiveRead::Found(Box::new(object)));
                    false
                }
                None => true,
            });
            wanted
        };
        let (first, mut others) = (unknown(first), unknown(others));
        others.truncate(MOST);
        others.sort_by_key(|of| self.absent.get(of).is_some());
        let (mut read, of_others) = tokio::join!(
            self.confirmations.read(author, &first, By::Name, deadline),
            self.references.read(author, &others, By::Name, deadline)
        );
        read.merge(of_others);
        for (kind, key, read) in read.iter() {
            match read {
                // Only usable objects are cached: a Secret that was just fixed must not be reported again.
                LiveRead::Found(object) if is_usable(object) => {
                    self.usable.insert((kind, key.clone()), (**object).clone());
                }
                LiveRead::Absent => self.absent.insert((kind, key.clone()), ()),
                _ => {}
            }
        }
        Referenced { read, cached }
    }

    /// Removes an object from the cache, because a finding depends on it.
    pub fn forget(&self, kind: Kind, key: &Key) {
        self.usable.remove(&(kind, key.clone()));
    }

    /// Reads any number of objects, a few at a time, and waits for each.
    pub async fn read_all(&self, wanted: impl IntoIterator<Item = (Kind, Key)>) -> LiveReads {
        self.client.get_all(wanted).await
    }
}

/// Whether an object that annotations reference is usable. A ConfigMap always is: checks need only its existence.
fn is_usable(object: &Object) -> bool {
    match object {
        Object::Secret(secret) => matches!(secret.tls, TlsFacts::Pair { .. }),
        other => other.kind() == Kind::ConfigMap,
    }
}
