//! The set of watches: the watched kinds and objects, the status of each watch, and whether its kind is up to date.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use kube::Client;
use tokio::time::timeout;

use super::get::ObjectClient;
use super::rights::Rights;
use super::running_watches::{RunningWatches, Starter};
use super::wanted::{ControllerPlace, Wanted};
use super::watch_status::{Pace, WatchStatus};
use super::writer::Writer;
use super::{config_maps, controller_watches};
use crate::cluster::{Coverage, Inventory, SharedInventory};
use crate::model::{Key, Kind, Kinds};
use crate::tasks::Tasks;

/// The watches of all wanted kinds and objects.
#[derive(Debug, Clone, Default)]
pub struct Watches(RunningWatches);

impl Watches {
    /// Starts the watches and the writer of their changes. They end with the tokio runtime, within which this must be called.
    #[must_use]
    pub fn start(
        client: &Client,
        wanted: Wanted,
        inventory: &SharedInventory,
        rights: &Rights,
        pace: &Pace,
        tasks: &Tasks,
    ) -> Self {
        let Wanted { needs, hints, config_maps, controllers, controllers_of_classes, running_config_maps, .. } = wanted;
        let mut first = Inventory::clone(&inventory.load());
        for key in &config_maps {
            first.cover_one(Kind::ConfigMap, key, Coverage::NotSynced);
        }
        for (kind, namespace) in controllers.iter().flat_map(ControllerPlace::watched) {
            first.cover_one(kind, &namespace, Coverage::NotSynced);
        }
        inventory.publish(first);
        let (writer, changes) = Writer::new(inventory);
        tokio::spawn(writer.run());
        if let Some(find) = running_config_maps {
            let client = ObjectClient::new(client.clone(), Some(rights.clone()));
            let (inventory, changes, pause) = (inventory.clone(), changes.clone(), pace.following);
            tasks.keep("config_maps", move || {
                config_maps::follow(client.clone(), inventory.clone(), changes.clone(), find.clone(), pause)
            });
        }
        let starter = Starter {
            client: client.clone(),
            inventory: inventory.clone(),
            changes,
            rights: rights.clone(),
            outage: Arc::default(),
            pace: pace.clone(),
            tasks: tasks.clone(),
        };
        let watches = RunningWatches::default();
        for kind in (needs | hints).iter() {
            watches.add(starter.start(kind, None, None, needs.contains(kind)).0);
        }
        for key in config_maps {
            watches.add(starter.start(Kind::ConfigMap, Some(key), None, true).0);
        }
        for place in controllers {
            for (kind, namespace) in place.watched() {
                watches.add(starter.start(kind, Some(namespace), Some(place.labels.clone()), false).0);
            }
        }
        if let Some(find) = controllers_of_classes {
            let (watches, running, pause) = (watches.clone(), Arc::default(), pace.following);
            tasks.keep("controllers", move || {
                controller_watches::follow(starter.clone(), watches.clone(), Arc::clone(&running), find.clone(), pause)
            });
        }
        Self(watches)
    }

    /// Returns the status of each watch.
    #[must_use]
    pub fn states(&self) -> Vec<WatchStatus> {
        self.0.handles().iter().map(|watch| watch.status.lock().clone()).collect()
    }

    /// Returns whether a kind is up to date, as far as it is [published](Self::published): its watch works, or the API server
    /// has said since `since` that there is nothing to watch.
    #[must_use]
    pub fn is_current(&self, kind: Kind, since: Instant) -> bool {
        self.0.handles().iter().any(|watch| {
            let status = watch.status.lock();
            status.kind == kind
                && status.trouble.is_none()
                && status.last_event.is_some()
                && status.idle_since.is_none_or(|asked| asked >= since)
        })
    }

    /// Waits until all changes that the watches of these kinds have received before this call are published, at most this
    /// long. Returns whether they are.
    pub async fn published(&self, kinds: Kinds, within: Duration) -> bool {
        let mut watches = self.0.handles();
        watches.retain(|watch| kinds.contains(watch.status.lock().kind));
        timeout(within, join_all(watches.iter().map(|watch| watch.published()))).await.is_ok()
    }

    /// Returns whether an object is watched.
    #[must_use]
    pub fn covers(&self, kind: Kind, key: &Key) -> bool {
        self.0.handles().iter().any(|watch| {
            let status = watch.status.lock();
            let covers = |only: &Key| only == key || (only.name.is_empty() && only.namespace == key.namespace);
            status.kind == kind && status.only.as_ref().is_none_or(covers)
        })
    }

    /// Makes the idle watches of these kinds retry at once.
    pub fn wake(&self, kinds: Kinds) {
        for watch in &self.0.handles() {
            let status = watch.status.lock();
            if kinds.contains(status.kind) && status.idle_since.is_some() {
                watch.wake.notify_one();
            }
        }
    }
}
