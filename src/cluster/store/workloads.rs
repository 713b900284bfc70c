//! The pods behind Services, their workloads, and their Nodes. They are looked up by a Service's selector among the pods of
//! one namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::index::Index;
use super::namespaced::Namespaced;
use crate::cluster::Object;
use crate::model::{Key, Kind, Labels, Node, Pod, Workload};

/// Pods, workloads and Nodes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Workloads {
    makers: BTreeMap<Kind, Makers>,
    nodes: Arc<BTreeMap<Box<str>, Node>>,
    pods: Namespaced<Pod>,
    /// The workloads and pods that run an ingress controller, which are few.
    controllers: Arc<BTreeSet<(Kind, Key)>>,
}

/// The workloads of one kind. Selectors look them up by label, because a namespace can have thousands.
#[derive(Debug, Clone, Default)]
struct Makers {
    all: Namespaced<Workload>,
    /// By namespace and one label of the pod template ([`labelled`]).
    by_label: Index<str, Workload>,
}

impl Makers {
    fn insert(&mut self, workload: Workload) {
        let workload = Arc::new(workload);
        if let Some(replaced) = self.all.insert(Arc::clone(&workload)) {
            self.forget_labels(&replaced);
        }
        for label in workload.template.labels.iter() {
            self.by_label.insert(&labelled(&workload.key.namespace, label), &workload);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(removed) = self.all.remove(key) {
            self.forget_labels(&removed);
        }
    }

    fn forget_labels(&mut self, workload: &Workload) {
        for label in workload.template.labels.iter() {
            self.by_label.remove(&labelled(&workload.key.namespace, label), workload);
        }
    }

    /// Returns the workloads of a namespace whose pods a selector matches, by name: those with the rarest of its labels that have
    /// the other ones too.
    fn selected(&self, namespace: &str, selector: &Labels) -> impl Iterator<Item = &Workload> {
        let candidates = selector.iter().map(|label| self.by_label.members(&labelled(namespace, label)));
        let candidates = candidates.min_by_key(|members| members.len()).unwrap_or_default();
        candidates.iter().map(|maker| &**maker).filter(move |maker| {
            // Other values can have the same hash.
            *maker.key.namespace == *namespace && selector.select(&maker.template.labels)
        })
    }
}

/// A label of a namespace as the index has it. Neither part can contain a zero byte.
fn labelled(namespace: &str, (name, value): (&str, &str)) -> String {
    [namespace, name, value].join("\0")
}

impl Workloads {
    /// Adds or replaces a Deployment, StatefulSet or DaemonSet.
    pub(crate) fn apply(&mut self, kind: Kind, workload: Workload) {
        self.note_controller(kind, &workload.key, workload.template.controller.is_some());
        self.makers.entry(kind).or_default().insert(workload);
    }

    /// Adds or replaces a Node.
    pub(crate) fn apply_node(&mut self, node: Node) {
        Arc::make_mut(&mut self.nodes).insert(node.name.clone(), node);
    }

    /// Adds or replaces a Pod.
    pub(crate) fn apply_pod(&mut self, pod: Pod) {
        self.note_controller(Kind::Pod, &pod.key, pod.template.controller.is_some());
        self.pods.insert(Arc::new(pod));
    }

    /// Removes an object.
    pub(crate) fn delete(&mut self, kind: Kind, key: &Key) {
        self.note_controller(kind, key, false);
        match kind {
            Kind::Node => {
                Arc::make_mut(&mut self.nodes).remove(&key.name);
            }
            Kind::Pod => {
                self.pods.remove(key);
            }
            _ => {
                if let Some(makers) = self.makers.get_mut(&kind) {
                    makers.remove(key);
                }
            }
        }
    }

    /// Records whether an object runs an ingress controller.
    fn note_controller(&mut self, kind: Kind, key: &Key, runs_one: bool) {
        if !runs_one && self.controllers.is_empty() {
            return;
        }
        let of = (kind, key.clone());
        if runs_one != self.controllers.contains(&of) {
            let controllers = Arc::make_mut(&mut self.controllers);
            if runs_one {
                controllers.insert(of)
            } else {
                controllers.remove(&of)
            };
        }
    }

    /// Returns the keys of the workloads and pods that run an ingress controller.
    pub(crate) fn controllers(&self) -> &BTreeSet<(Kind, Key)> {
        &self.controllers
    }

    /// Returns the Nodes by name.
    pub(crate) fn nodes(&self) -> &Arc<BTreeMap<Box<str>, Node>> {
        &self.nodes
    }

    /// Returns the pods.
    pub(crate) fn pods(&self) -> &Namespaced<Pod> {
        &self.pods
    }

    /// Returns the workloads of a kind that were added, replaced or removed since an earlier state, each before and now.
    pub(crate) fn changed<'w>(
        &'w self,
        kind: Kind,
        before: &'w Self,
    ) -> Vec<(Option<&'w Workload>, Option<&'w Workload>)> {
        match (self.makers.get(&kind), before.makers.get(&kind)) {
            (Some(now), Some(then)) => now.all.changed(&then.all),
            (now, then) => {
                let now = now.into_iter().flat_map(|makers| makers.all.iter()).map(|maker| (None, Some(maker)));
                let then = then.into_iter().flat_map(|makers| makers.all.iter()).map(|maker| (Some(maker), None));
                now.chain(then).collect()
            }
        }
    }

    /// Returns a workload.
    pub(crate) fn workload(&self, kind: Kind, key: &Key) -> Option<&Workload> {
        self.makers.get(&kind)?.all.get(&key.namespace, &key.name)
    }

    /// Returns a pod.
    pub(crate) fn pod(&self, key: &Key) -> Option<&Pod> {
        self.pods.get(&key.namespace, &key.name)
    }

    /// Returns the keys of a kind.
    pub(crate) fn keys(&self, kind: Kind) -> Box<dyn Iterator<Item = Key> + '_> {
        match kind {
            Kind::Node => Box::new(self.nodes.keys().map(|name| Key::new("", name))),
            Kind::Pod => Box::new(self.pods.iter().map(|pod| pod.key.clone())),
            _ => Box::new(self.makers(kind).map(|maker| maker.key.clone())),
        }
    }

    /// Returns the number of objects of a kind.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Node => self.nodes.len(),
            Kind::Pod => self.pods.count(),
            _ => self.makers.get(&kind).map_or(0, |makers| makers.all.count()),
        }
    }

    /// Returns all objects of a kind.
    pub(crate) fn objects(&self, kind: Kind) -> Vec<Object> {
        match kind {
            Kind::Node => self.nodes.values().cloned().map(Object::Node).collect(),
            Kind::Pod => self.pods.iter().cloned().map(Object::Pod).collect(),
            _ => self.makers(kind).cloned().map(|maker| Object::Workload(kind, maker)).collect(),
        }
    }

    /// Returns all workloads of a kind.
    fn makers(&self, kind: Kind) -> impl Iterator<Item = &Workload> {
        self.makers.get(&kind).into_iter().flat_map(|makers| makers.all.iter())
    }

    /// Returns a Node.
    pub(crate) fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name)
    }

    /// Returns the workloads of a kind whose pods a selector matches, by name.
    pub(crate) fn making(&self, kind: Kind, namespace: &str, selector: &Labels) -> impl Iterator<Item = &Workload> {
        self.makers.get(&kind).into_iter().flat_map(move |makers| makers.selected(namespace, selector))
    }

    /// Returns whether a namespace has a workload of a kind.
    pub(crate) fn has(&self, kind: Kind, namespace: &str) -> bool {
        self.makers.get(&kind).is_some_and(|makers| makers.all.within(namespace).next().is_some())
    }

    /// Returns the pods that a selector matches, by name.
    pub(crate) fn selected(&self, namespace: &str, selector: &Labels) -> impl Iterator<Item = &Pod> {
        self.pods.within(namespace).filter(move |pod| selector.select(&pod.template.labels))
    }
}
