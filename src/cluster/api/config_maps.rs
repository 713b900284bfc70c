//! The ConfigMaps of the controllers that run in the cluster. Which these are changes with the controllers, so they are not watched:
//! each is read by name, every few seconds.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::get::ObjectClient;
use super::wanted::FindIn;
use super::watch_status::{WatchHandle, WatchStatus};
use super::writer::Batch;
use crate::cluster::{Change, Coverage, Inventory, LiveRead, Object, SharedInventory};
use crate::model::{Key, Kind};

/// Follows the ConfigMaps until the writer of the inventory stops.
pub(super) async fn follow(
    client: ObjectClient,
    inventory: SharedInventory,
    changes: mpsc::Sender<Batch>,
    find: FindIn<Key>,
    pause: Duration,
) {
    let handle = Arc::new(WatchHandle::new(WatchStatus::new(Kind::ConfigMap, None)));
    loop {
        let state = inventory.load();
        let wanted = find.find(&state).into_iter().map(|key| (Kind::ConfigMap, key));
        let reads = client.get_all(wanted).await;
        let news: Vec<Change> = reads.iter().flat_map(|(_, key, read)| news(&state, key, read)).collect();
        if !news.is_empty() {
            let batch =
                Batch { from: Arc::clone(&handle), receipt: handle.receive(), kind: Kind::ConfigMap, changes: news };
            if changes.send(batch).await.is_err() {
                return;
            }
        }
        sleep(pause).await;
    }
}

/// Returns the changes of an inventory that a read brings up. One that fails keeps what is known, as a watch does: an API server that
/// restarts makes no setting unknown.
fn news(state: &Inventory, key: &Key, read: &LiveRead) -> Vec<Change> {
    let known = state.coverage_of(Kind::ConfigMap, &key.namespace, &key.name);
    let stored = state.config_map(key);
    let (coverage, change) = match read {
        LiveRead::Found(object) if Object::config_map(object) != stored => {
            (Coverage::Complete, Some(Change::Apply((**object).clone())))
        }
        LiveRead::Absent if stored.is_some() => (Coverage::Complete, Some(Change::Delete(key.clone()))),
        LiveRead::Found(_) | LiveRead::Absent => (Coverage::Complete, None),
        LiveRead::Forbidden | LiveRead::Excluded => (Coverage::Forbidden, None),
        LiveRead::Failed(_) if known == Coverage::Complete => return Vec::new(),
        LiveRead::Failed(_) => (Coverage::ReadFailed, None),
    };
    let cover = (known != coverage).then(|| Change::Cover(Some(key.clone()), coverage));
    change.into_iter().chain(cover).collect()
}
