//! The workloads and pods that run an ingress controller.

use std::collections::BTreeSet;

use crate::cluster::Inventory;
use crate::model::{Key, Kind, Pod, Workload};

impl Inventory {
    /// Returns the keys of the workloads and pods that run an ingress controller. They are few, whatever the size of the cluster.
    #[must_use]
    pub fn controllers(&self) -> &BTreeSet<(Kind, Key)> {
        self.workloads.controllers()
    }

    /// Returns a workload.
    #[must_use]
    pub fn workload(&self, kind: Kind, key: &Key) -> Option<&Workload> {
        self.workloads.workload(kind, key)
    }

    /// Returns a pod.
    #[must_use]
    pub fn pod(&self, key: &Key) -> Option<&Pod> {
        self.workloads.pod(key)
    }
}
