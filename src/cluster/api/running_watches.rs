//! The watches that run, and how each is started.

use std::sync::Arc;

use kube::Client;
use parking_lot::RwLock;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::rights::Rights;
use super::watch::Watch;
use super::watch_status::{Outage, Pace, WatchHandle, WatchStatus};
use super::writer::Batch;
use crate::cluster::SharedInventory;
use crate::model::{Key, Kind};
use crate::tasks::Tasks;

/// The watches that run.
#[derive(Debug, Clone, Default)]
pub(super) struct RunningWatches(Arc<RwLock<Vec<Arc<WatchHandle>>>>);

impl RunningWatches {
    /// Adds a watch that has started.
    pub(super) fn add(&self, watch: Arc<WatchHandle>) {
        self.0.write().push(watch);
    }

    /// Removes a watch that ends.
    pub(super) fn remove(&self, watch: &Arc<WatchHandle>) {
        self.0.write().retain(|other| !Arc::ptr_eq(other, watch));
    }

    /// Returns the watches at this moment.
    pub(super) fn handles(&self) -> Vec<Arc<WatchHandle>> {
        self.0.read().clone()
    }
}

/// What every watch of a process shares.
#[derive(Clone)]
pub(super) struct Starter {
    pub(super) client: Client,
    pub(super) inventory: SharedInventory,
    /// The queue of the writer.
    pub(super) changes: mpsc::Sender<Batch>,
    pub(super) rights: Rights,
    pub(super) outage: Arc<Outage>,
    pub(super) pace: Pace,
    pub(super) tasks: Tasks,
}

impl Starter {
    /// Starts a watch. `labels` is the selector where `only` has an empty name.
    pub(super) fn start(
        &self,
        kind: Kind,
        only: Option<Key>,
        labels: Option<String>,
        is_needed: bool,
    ) -> (Arc<WatchHandle>, JoinHandle<()>) {
        let handle = Arc::new(WatchHandle::new(WatchStatus::new(kind, only.clone())));
        let watch = Watch {
            kind,
            is_needed,
            only,
            labels,
            client: self.client.clone(),
            inventory: self.inventory.clone(),
            changes: self.changes.clone(),
            handle: Arc::clone(&handle),
            rights: self.rights.clone(),
            outage: Arc::clone(&self.outage),
            pace: self.pace.clone(),
            version: None,
            was_answered: false,
            refused: None,
            is_cut_off: false,
        };
        (handle, self.tasks.keep("watch", move || watch.clone().follow()))
    }
}
