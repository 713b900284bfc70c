//! Objects of files overlaid on the stored ones, as if applied to the cluster.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::cluster::Object;
use crate::cluster::{Coverage, Inventory};
use crate::model::{Key, Kind, Service};

impl Inventory {
    /// Overlays objects on the stored ones. Fields that only the API server and controllers write stay as they are stored: an
    /// Ingress keeps its creation timestamp, by which controllers resolve path conflicts, and a new one is the youngest. The
    /// endpoints of a Service whose pods change are unknown.
    pub fn overlay(&mut self, objects: impl IntoIterator<Item = Object>, now: Timestamp) {
        let mut workloads: BTreeSet<(Kind, Key)> = BTreeSet::new();
        for object in objects {
            if let Object::Workload(kind, workload) = &object {
                workloads.insert((*kind, workload.key.clone()));
            }
            if let Object::Service(service) = &object
                && !self.selects_alike(service)
            {
                self.cover_one(Kind::EndpointSlice, &service.meta.key, Coverage::NotProvided);
            }
            if let Some(object) = self.kept(object, now) {
                self.apply(object);
            }
        }
        let namespaces: BTreeSet<&str> = workloads.iter().map(|(_, key)| &*key.namespace).collect();
        let stirred = |service: &&Service| {
            let makers = Kind::WORKLOADS.iter().flat_map(|kind| {
                let selected = self.workloads_selected(*kind, &service.meta.key.namespace, &service.selector);
                selected.map(|workload| (*kind, workload.key.clone()))
            });
            makers.into_iter().any(|maker| workloads.contains(&maker))
        };
        let services = namespaces.iter().flat_map(|namespace| self.services.within(namespace)).filter(stirred);
        let stirred: Vec<Key> = services.map(|service| service.meta.key.clone()).collect();
        for key in &stirred {
            self.cover_one(Kind::EndpointSlice, key, Coverage::NotProvided);
        }
    }

    /// Returns whether a stored Service has the same pods and ports.
    fn selects_alike(&self, service: &Service) -> bool {
        let stored = self.service(&service.meta.key.namespace, &service.meta.key.name);
        stored.is_some_and(|stored| {
            stored.kind == service.kind
                && stored.selector == service.selector
                && stored.ports == service.ports
                && stored.publishes_not_ready == service.publishes_not_ready
        })
    }

    /// Returns an object with the stored fields that cannot be applied; `None`: it has no other fields.
    fn kept(&self, object: Object, now: Timestamp) -> Option<Object> {
        Some(match object {
            Object::Ingress(mut ingress) => {
                let stored = self.ingress(&ingress.meta.key.namespace, &ingress.meta.key.name);
                ingress.meta.created = stored.and_then(|stored| stored.meta.created);
                ingress.meta.deleting = stored.is_some_and(|stored| stored.meta.deleting);
                ingress.addresses = stored.map(|stored| stored.addresses.clone()).unwrap_or_default();
                Object::Ingress(ingress)
            }
            Object::IngressClass(mut class) => {
                // The newest of several default classes applies.
                class.meta.created = self.class(&class.meta.key.name).map_or(Some(now), |stored| stored.meta.created);
                Object::IngressClass(class)
            }
            Object::Service(mut service) => {
                let stored = self.service(&service.meta.key.namespace, &service.meta.key.name);
                service.meta.created = stored.and_then(|stored| stored.meta.created);
                Object::Service(service)
            }
            Object::Namespace(mut namespace) => {
                // Labels by other writers stay, such as the label with the name, which the API server sets.
                for (label, value) in self.namespace(&namespace.name).iter().flat_map(|stored| &stored.labels) {
                    namespace.labels.entry(label.clone()).or_insert_with(|| value.clone());
                }
                Object::Namespace(namespace)
            }
            // Checks read their status.
            Object::Node(_) | Object::Pod(_) | Object::EndpointSlice(_) if self.holds(&object) => return None,
            object => object,
        })
    }

    /// Returns whether an object with a status that checks read is stored.
    fn holds(&self, object: &Object) -> bool {
        match object {
            Object::Node(node) => self.workloads.node(&node.name).is_some(),
            Object::Pod(pod) => self.workloads.pod(&pod.key).is_some(),
            Object::EndpointSlice(slice) => {
                self.endpoint_slices.objects().get(&slice.key.namespace, &slice.key.name).is_some()
            }
            _ => false,
        }
    }
}
