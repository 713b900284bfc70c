//! The watches of the controllers in namespaces that IngressClasses name. They start and end with these IngressClasses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::running_watches::{RunningWatches, Starter};
use super::wanted::{ControllerPlace, FindIn};
use super::watch_status::{WatchHandle, WatchStatus};
use super::writer::Batch;
use crate::cluster::{Change, Coverage};
use crate::model::{Key, Kind};

/// The watches that run, by place. They outlive the task that starts them.
pub(super) type RunningByPlace = Arc<Mutex<BTreeMap<ControllerPlace, Vec<Running>>>>;

/// A watch that runs.
pub(super) struct Running {
    kind: Kind,
    key: Key,
    handle: Arc<WatchHandle>,
    task: JoinHandle<()>,
}

/// Follows the places until the writer of the inventory stops.
pub(super) async fn follow(
    starter: Starter,
    watches: RunningWatches,
    running: RunningByPlace,
    find: FindIn<ControllerPlace>,
    pause: Duration,
) {
    let mut running = running.lock().await;
    while !starter.changes.is_closed() {
        let wanted = find.find(&starter.inventory.load());
        let mut ended = Vec::new();
        running.retain(|place, of_place| {
            let stays = wanted.contains(place);
            if !stays {
                ended.append(of_place);
            }
            stays
        });
        for ended in ended {
            watches.remove(&ended.handle);
            end(&starter, ended).await;
        }
        for place in wanted {
            running.entry(place).or_insert_with_key(|place| {
                let start = |(kind, key): (Kind, Key)| {
                    let (handle, task) = starter.start(kind, Some(key.clone()), Some(place.labels.clone()), false);
                    watches.add(Arc::clone(&handle));
                    Running { kind, key, handle, task }
                };
                place.watched().map(start).into()
            });
        }
        sleep(pause).await;
    }
}

/// Ends a watch and removes its objects. Nothing is known of them first, so that no review sees a part of them.
async fn end(starter: &Starter, Running { kind, key, task, .. }: Running) {
    task.abort();
    let _ = task.await;
    // The receipts of an aborted watch may never be published.
    let handle = Arc::new(WatchHandle::new(WatchStatus::new(kind, Some(key.clone()))));
    let send = async |changes: Vec<Change>| {
        let batch = Batch { from: Arc::clone(&handle), receipt: handle.receive(), kind, changes };
        starter.changes.send(batch).await.is_ok()
    };
    if !send(vec![Change::Cover(Some(key.clone()), Coverage::NotWatched)]).await {
        return;
    }
    tokio::select! {
        () = handle.published() => {}
        () = starter.changes.closed() => return,
    }
    let mut gone = Vec::new();
    let mut note = |of: &Key| gone.extend((of.namespace == key.namespace).then(|| Change::Delete(of.clone())));
    starter.inventory.load().each_key(kind, &mut note);
    let _ = send(gone).await;
}
