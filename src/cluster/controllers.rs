//! The workloads and pods of ingress controllers, as far as the view shows them.

use std::any::Any;
use std::sync::Arc;

use super::view::{ClusterState, ClusterView};
use super::{Coverage, Inventory, LiveRead, LiveReads, OF_CONTROLLERS, Object};
use crate::model::{Key, Kind, Namespace, Pod, PodState, Workload};

/// The workloads and pods that run an ingress controller.
#[derive(Debug, Default)]
pub struct ControllerPods<'a> {
    /// The workloads with their kinds, by kind and key.
    pub workloads: Vec<(Kind, &'a Workload)>,
    /// The pods that are ready.
    pub ready_pods: Vec<&'a Pod>,
}

impl<'a> ClusterView<'a> {
    /// Returns the workloads and pods that run an ingress controller. Reads workloads and pods.
    #[must_use]
    pub fn controller_pods(&self) -> ControllerPods<'a> {
        let mut pods = ControllerPods::default();
        for (kind, key) in self.store.controllers() {
            let coverage = self.controller_coverage(*kind, &key.namespace);
            if !coverage.is_readable() || !self.declares(*kind) {
                continue;
            }
            let live = self.live_reads.get(*kind, &key.namespace, &key.name);
            if *kind == Kind::Pod {
                pods.ready_pods.extend(self.pod(live, key).filter(|pod| pod.state == PodState::Ready));
            } else {
                pods.workloads.extend(self.workload(live, *kind, key).map(|workload| (*kind, workload)));
            }
        }
        pods
    }

    /// Returns a value that `derive` computes from the objects that describe controllers, once for each state of these: there may be a
    /// pod on each Node. `None`: the view does not show these objects, one of them was fetched by name, or the state has a value of
    /// another type.
    #[must_use]
    pub fn of_controllers<T: Any + Send + Sync>(&self, derive: impl FnOnce(&ClusterView<'_>) -> T) -> Option<Arc<T>> {
        let is_shown = OF_CONTROLLERS.iter().all(|kind| self.declares(kind));
        // ConfigMaps are fetched for the annotations of many Ingresses: the caller looks for its own.
        let is_fetched = OF_CONTROLLERS.iter().any(|kind| kind != Kind::ConfigMap && self.live_reads.contains(kind));
        if !is_shown || is_fetched {
            return None;
        }
        self.store.derived(|| {
            let live_reads = LiveReads::default();
            let state = ClusterState { store: self.store, live_reads: &live_reads, now: self.now() };
            derive(&ClusterView::unrestricted(state))
        })
    }

    /// Returns whether an object was fetched by name.
    #[must_use]
    pub fn is_fetched(&self, kind: Kind, key: &Key) -> bool {
        self.live_reads.get(kind, &key.namespace, &key.name).is_some()
    }

    /// Returns the Namespaces that the view shows, in no particular order. Reads Namespaces.
    pub fn namespaces(&self) -> impl Iterator<Item = &'a Namespace> {
        self.readable(Kind::Namespace).into_iter().flat_map(Inventory::namespaces)
    }

    /// Returns whether every pod of the controllers of a namespace is known.
    #[must_use]
    pub fn knows_controller_pods(&self, namespace: &str) -> bool {
        self.declares(Kind::Pod)
            && self.controller_coverage(Kind::Pod, namespace) == Coverage::Complete
            && !self.store.has_unreadable(Kind::Pod, namespace)
    }

    /// Returns whether the workloads of the controllers of a namespace are read.
    #[must_use]
    pub fn reads_controllers(&self, namespace: &str) -> bool {
        self.declares(Kind::Deployment) && self.controller_coverage(Kind::Deployment, namespace).is_readable()
    }

    /// Returns the coverage of the controllers of a namespace: an empty name stands for them.
    fn controller_coverage(&self, kind: Kind, namespace: &str) -> Coverage {
        self.store.coverage_of(kind, namespace, "")
    }

    fn pod(&self, live: Option<&'a LiveRead>, key: &Key) -> Option<&'a Pod> {
        match live {
            Some(LiveRead::Found(object)) => Object::pod(object),
            Some(_) => None,
            None => self.store.pod(key),
        }
    }

    fn workload(&self, live: Option<&'a LiveRead>, kind: Kind, key: &Key) -> Option<&'a Workload> {
        match live {
            Some(LiveRead::Found(object)) => Object::workload(object),
            Some(_) => None,
            None => self.store.workload(kind, key),
        }
    }
}
