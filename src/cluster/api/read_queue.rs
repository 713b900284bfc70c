//! Live reads of all reviews: a limited number of places, fairness, and one request for equal reads.
//!
//! A review joins a read of another one only while that read has not been sent. A result is therefore never older than the
//! review: an object that was created before the Ingress is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use super::get::ObjectClient;
use crate::cluster::LiveReads;
use crate::cluster::live_reads::{LiveRead, ReadFailure};
use crate::fair_queue::FairQueue;
use crate::model::{Key, Kind, Kinds};

/// If more objects of one kind and namespace wait, one page of the namespace is read instead.
pub(super) const FEW: usize = 8;

/// The kinds of which a page of a namespace is read. Secrets and ConfigMaps are large and often may not be listed.
const LISTED: Kinds = Kinds::of(&[Kind::Ingress, Kind::Service]);

/// The author of a review: places are shared between namespaces first, then between the users of one.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// The namespace of the Ingress.
    pub namespace: &'a str,
    /// The name of the user.
    pub user: &'a str,
}

/// Whether one page of a namespace may answer for single objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum By {
    /// Each object is read by its name.
    Name,
    /// More than [`FEW`] objects are read as a page, which may leave some out.
    NameOrPage,
}

/// The queue of reads for one purpose, with places of its own.
#[derive(Debug)]
pub(super) struct ReadQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: ObjectClient,
    /// The runtime on which requests run. Reviews can have another one.
    runtime: Handle,
    places: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of workers. Each has one place and sends one request at a time.
    workers: usize,
    turns: FairQueue<Waiting>,
    /// The reads that have not been sent.
    unsent: HashMap<Batch, BTreeMap<Box<str>, Vec<Reply>>>,
}

/// Reads that one page of a namespace can answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Batch {
    kind: Kind,
    namespace: Box<str>,
    by: By,
}

/// The turn of one review for one object. The read may have been sent before, in the turn of another review.
#[derive(Debug)]
struct Waiting {
    batch: Batch,
    name: Box<str>,
}

/// A review that waits for a result.
type Reply = UnboundedSender<(Kind, Key, LiveRead)>;

/// A request to send, with the reviews that wait for it.
enum Request {
    Object { kind: Kind, key: Key, replies: Vec<Reply> },
    Page { kind: Kind, namespace: Box<str>, replies: BTreeMap<Box<str>, Vec<Reply>> },
}

/// A worker: its place becomes free even if it panics or its runtime ends.
struct Worker {
    queue: Arc<Shared>,
    has_place: bool,
}

impl ReadQueue {
    /// Creates a queue whose requests run on this runtime.
    pub(super) fn new(client: ObjectClient, runtime: Handle, places: usize) -> Self {
        Self(Arc::new(Shared { client, runtime, places, state: Mutex::default() }))
    }

    /// Reads objects for a review in this order. Those that are not read until `deadline` are [`ReadFailure::Overdue`].
    pub(super) async fn read(
        &self,
        author: Author<'_>,
        wanted: &[(Kind, Key)],
        by: By,
        deadline: Instant,
    ) -> LiveReads {
        let mut live_reads = LiveReads::default();
        live_reads.extend(wanted.iter().map(|of| (of.clone(), LiveRead::Failed(ReadFailure::Overdue))));
        let (reply, mut replies) = unbounded_channel();
        self.start(author, wanted, by, &reply);
        drop(reply);
        // The channel closes with the last reply.
        while let Ok(Some((kind, key, read))) = timeout_at(deadline, replies.recv()).await {
            live_reads.insert(kind, key, read);
        }
        live_reads
    }

    /// Adds reads to the queue and starts workers for them.
    fn start(&self, author: Author<'_>, wanted: &[(Kind, Key)], by: By, reply: &Reply) {
        let mut state = self.0.state.lock();
        for (kind, Key { namespace, name }) in wanted {
            let batch = Batch { kind: *kind, namespace: namespace.clone(), by };
            let waiting = Waiting { batch: batch.clone(), name: name.clone() };
            state.turns.push(author.namespace, author.user, waiting);
            state.unsent.entry(batch).or_default().entry(name.clone()).or_default().push(reply.clone());
        }
        let started = wanted.len().min(self.0.places - state.workers);
        state.workers += started;
        drop(state);
        for _ in 0..started {
            let worker = Worker { queue: Arc::clone(&self.0), has_place: true };
            self.0.runtime.spawn(worker.run());
        }
    }
}

impl Worker {
    /// Sends requests until none waits.
    async fn run(mut self) {
        while let Some(request) = self.next() {
            match request {
                Request::Object { kind, key, replies } => {
                    let read = self.queue.client.get(kind, &key).await;
                    send(&replies, kind, &key, &read);
                }
                Request::Page { kind, namespace, replies } => {
                    let page = self.queue.client.page(kind, &namespace).await;
                    for (name, replies) in &replies {
                        send(replies, kind, &Key::new(&namespace, name), &page.read(name));
                    }
                }
            }
        }
    }

    /// Returns the next request; gives the place back if none waits.
    fn next(&mut self) -> Option<Request> {
        let mut state = self.queue.state.lock();
        let State { turns, unsent, workers } = &mut *state;
        let next = turns.find_map(|waiting| request(unsent, &waiting));
        if next.is_none() {
            *workers -= 1;
            self.has_place = false;
        }
        next
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.has_place {
            self.queue.state.lock().workers -= 1;
        }
    }
}

/// Takes the reads for the next request out of those that were not sent; `None`: it was sent, or no review waits for it.
fn request(unsent: &mut HashMap<Batch, BTreeMap<Box<str>, Vec<Reply>>>, waiting: &Waiting) -> Option<Request> {
    let Waiting { batch, name } = waiting;
    let names = unsent.get_mut(batch)?;
    let is_awaited = |replies: &mut Vec<Reply>| {
        replies.retain(|reply| !reply.is_closed());
        !replies.is_empty()
    };
    if batch.by == By::NameOrPage && LISTED.contains(batch.kind) && names.len() > FEW {
        names.retain(|_, replies| is_awaited(replies));
        if names.len() > FEW {
            let replies = unsent.remove(batch)?;
            return Some(Request::Page { kind: batch.kind, namespace: batch.namespace.clone(), replies });
        }
    }
    let replies = names.remove(name);
    if names.is_empty() {
        unsent.remove(batch);
    }
    let replies = replies.map(|mut replies| is_awaited(&mut replies).then_some(replies))??;
    Some(Request::Object { kind: batch.kind, key: Key::new(&batch.namespace, name), replies })
}

fn send(replies: &[Reply], kind: Kind, key: &Key, read: &LiveRead) {
    for reply in replies {
        // A review that has ended does not read its replies.
        let _ = reply.send((kind, key.clone(), read.clone()));
    }
}
