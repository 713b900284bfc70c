//! The workloads and pods of ingress controllers, as far as the view shows them.

use super::view::{ClusterView, LOOKUP};
use super::{Coverage, LiveRead, Object};
use crate::model::{Key, Kind, Pod, PodState, Workload};

/// The workloads and pods that run an ingress controller.
#[derive(Debug, Default)]
pub struct ControllerPods<'a> {
    /// The workloads with their kinds, by kind and key.
    pub workloads: Vec<(Kind, &'a Workload)>,
    /// The pods that are ready.
    pub ready_pods: Vec<&'a Pod>,
    /// Whether every pod is known.
    pub knows_pods: bool,
}

impl<'a> ClusterView<'a> {
    /// Returns the workloads and pods that run an ingress controller. Reads Deployments, StatefulSets, DaemonSets and Pods.
    #[must_use]
    pub fn controller_pods(&self) -> ControllerPods<'a> {
        let mut pods = ControllerPods { knows_pods: self.knows_every_pod(), ..ControllerPods::default() };
        for (kind, key) in self.store.controllers() {
            if !self.sees(*kind) || !self.affords(LOOKUP) {
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

    fn knows_every_pod(&self) -> bool {
        self.sees(Kind::Pod)
            && self.store.coverage(Kind::Pod) == Coverage::Complete
            && !self.store.has_any_unreadable(Kind::Pod)
    }
}
