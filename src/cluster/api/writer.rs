//! The only writer of the inventory: it applies the changes of all watches in the order of their arrival and publishes the
//! result, so that no review waits for a watch and no watch for a review.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::watch_status::WatchHandle;
use crate::cluster::{Change, Coverage, Inventory, SharedInventory};
use crate::model::Kind;

/// The shortest time between two publications, and the longest from the arrival of a change to its publication. Each publication
/// copies what changed since the last one.
const INTERVAL: Duration = Duration::from_millis(10);

/// The number of batches that wait for the writer. Each watch prepares one more, then waits itself.
const QUEUE: usize = 8;

/// Changes of one watch that become visible together.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) from: Arc<WatchHandle>,
    /// The number of the receipt, see [`WatchHandle::receive`].
    pub(crate) receipt: u64,
    pub(crate) kind: Kind,
    pub(crate) changes: Vec<Change>,
}

/// The task that applies changes to the inventory.
pub(crate) struct Writer {
    /// The next state.
    next: Inventory,
    shared: SharedInventory,
    queue: mpsc::Receiver<Batch>,
    /// The watches whose changes are not published yet, with their receipts.
    applied: Vec<(Arc<WatchHandle>, u64)>,
    is_changed: bool,
}

impl Writer {
    /// Creates the writer of an inventory, and the queue for the changes.
    pub(crate) fn new(shared: &SharedInventory) -> (Self, mpsc::Sender<Batch>) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let next = Inventory::clone(&shared.load());
        (Self { next, shared: shared.clone(), queue, applied: Vec::new(), is_changed: false }, sender)
    }

    /// Applies and publishes changes until the last watch has ended.
    pub(crate) async fn run(mut self) {
        let mut due = Instant::now();
        while let Some(batch) = self.queue.recv().await {
            self.apply(batch);
            // After a pause, the first change is published at once.
            while Instant::now() < due
                && let Ok(Some(batch)) = timeout_at(due, self.queue.recv()).await
            {
                self.apply(batch);
            }
            self.publish();
            due = Instant::now() + INTERVAL;
        }
    }

    fn apply(&mut self, batch: Batch) {
        let Batch { from, receipt, kind, changes } = batch;
        let is_empty = changes.is_empty();
        let covers = changes.iter().any(|change| matches!(change, Change::Cover(..)));
        for change in changes {
            self.next.change(kind, change);
        }
        // Before its first list is complete, nothing of a kind counts as known: to publish its pages would only copy them again and
        // again.
        self.is_changed |= covers || (!is_empty && self.next.coverage(kind) != Coverage::NotSynced);
        self.applied.push((from, receipt));
    }

    fn publish(&mut self) {
        if std::mem::take(&mut self.is_changed) {
            self.shared.publish(self.next.clone());
        }
        for (watch, receipt) in self.applied.drain(..) {
            watch.publish(receipt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Object;
    use crate::cluster::api::watch_status::WatchStatus;
    use crate::model::Key;

    fn handle() -> Arc<WatchHandle> {
        let (kind, only, trouble) = (Kind::Service, None, None);
        let status = WatchStatus { kind, only, last_event: None, restarts: 0, skipped: 0, trouble, idle_since: None };
        Arc::new(WatchHandle::new(status))
    }

    fn service(name: &str) -> Change {
        let text = serde_json::json!({"metadata": {"name": name, "namespace": "shop"}});
        Change::Apply(Object::Service(serde_json::from_value(text).unwrap()))
    }

    fn batch(from: &Arc<WatchHandle>, receipt: u64, changes: Vec<Change>) -> Batch {
        Batch { from: Arc::clone(from), receipt, kind: Kind::Service, changes }
    }

    #[tokio::test]
    async fn a_receipt_counts_as_published_once_its_changes_are_visible() {
        let mut listed = Inventory::default();
        listed.cover(Kind::Service, Coverage::Complete);
        let shared = SharedInventory::new(listed);
        let (writer, changes) = Writer::new(&shared);
        let handle = handle();
        handle.published().await;
        let receipt = handle.receive();
        let published = handle.published();
        changes.send(batch(&handle, receipt, vec![service("a"), service("b")])).await.unwrap();
        // Received and queued is not visible.
        let waits = timeout_at(Instant::now() + Duration::from_millis(50), handle.published()).await;
        assert!(waits.is_err());
        assert_eq!(shared.load().count(Kind::Service), 0);
        tokio::spawn(writer.run());
        published.await;
        assert_eq!(shared.load().count(Kind::Service), 2);
        // A receipt without changes counts as well, in its order.
        let receipt = handle.receive();
        changes.send(batch(&handle, receipt, Vec::new())).await.unwrap();
        handle.published().await;
    }

    #[tokio::test]
    async fn changes_are_applied_in_order_and_published_together() {
        let shared = SharedInventory::new(Inventory::default());
        let (writer, changes) = Writer::new(&shared);
        let running = tokio::spawn(writer.run());
        let handle = handle();
        let started = std::time::Instant::now();
        let mut states = vec![shared.load()];
        let key = Key::new("shop", "a");
        for _ in 0..200 {
            let added = vec![service("a"), Change::Cover(None, Coverage::Complete)];
            changes.send(batch(&handle, handle.receive(), added)).await.unwrap();
            let removed = vec![Change::Delete(key.clone()), Change::Cover(None, Coverage::Forbidden)];
            changes.send(batch(&handle, handle.receive(), removed)).await.unwrap();
            if !Arc::ptr_eq(states.last().unwrap(), &shared.load()) {
                states.push(shared.load());
            }
        }
        drop(changes);
        running.await.unwrap();
        states.push(shared.load());
        let most = started.elapsed().as_millis() / INTERVAL.as_millis() + 3;
        assert!(states.len() as u128 <= most, "{} states, at most {most} expected", states.len());
        for state in &states[1..] {
            let is_there = state.service("shop", "a").is_some();
            assert_eq!(is_there, state.coverage(Kind::Service) == Coverage::Complete, "a part of a batch");
        }
        assert_eq!(states.last().unwrap().coverage(Kind::Service), Coverage::Forbidden);
    }

    #[tokio::test]
    async fn the_pages_of_a_first_list_are_published_at_its_end() {
        let shared = SharedInventory::new(Inventory::default());
        let (writer, changes) = Writer::new(&shared);
        tokio::spawn(writer.run());
        let handle = handle();
        let first = shared.load();
        changes.send(batch(&handle, handle.receive(), vec![service("a")])).await.unwrap();
        handle.published().await;
        assert!(Arc::ptr_eq(&first, &shared.load()), "nothing of it is known yet");
        let last = vec![service("b"), Change::Cover(None, Coverage::Complete)];
        changes.send(batch(&handle, handle.receive(), last)).await.unwrap();
        handle.published().await;
        assert_eq!(shared.load().count(Kind::Service), 2);
    }
}
