//! The object store (in kube's terms, the cache). Watches, manifest files and tests fill it. Indexes answer the questions of
//! checks, so that the cost of a review does not depend on the size of the cluster.

mod api_callers;
mod change;
mod changes;
mod contents;
mod controllers;
mod coverage;
mod derived;
mod difference;
mod doubts;
mod index;
mod ingresses;
mod namespaced;
mod namespaces;
mod object;
mod outside;
mod overlay;
mod persistent;
mod referrers;
mod shared;
mod suggestions;
mod workloads;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::HashSet;

use crate::model::{
    ApiCaller, CertManagerCertificate, ClassRef, ConfigMap, EndpointSlice, Host, Ingress, IngressClass, Key, Kind,
    Labels, Namespace, Node, Pod, Secret, Service, Workload,
};
use api_callers::ApiCallers;
pub(crate) use change::Change;
pub use changes::Changes;
pub use coverage::Coverage;
use derived::Derived;
pub(crate) use derived::OF_CONTROLLERS;
use index::Index;
use ingresses::Ingresses;
use namespaced::Namespaced;
pub use object::Object;
pub(crate) use object::Source;
use outside::Outside;
pub use outside::{Doubt, Maker};
use persistent::PersistentMap;
use referrers::Referrers;
pub use shared::SharedInventory;
use workloads::Workloads;

/// Kind and namespace → the names of unreadable objects.
type Unreadable = BTreeMap<(Kind, Box<str>), BTreeSet<Box<str>>>;

/// The cache of all known objects of a cluster. A clone shares its memory with the original and costs some reference counts;
/// a change copies what it touches. A state that a review evaluates therefore never changes.
#[derive(Debug, Clone)]
pub struct Inventory {
    coverage: [Coverage; Kind::ALL.len()],
    /// The coverage of objects that have a watch of their own.
    coverage_of: Arc<BTreeMap<(Kind, Key), Coverage>>,
    api_callers: Arc<ApiCallers>,
    /// Indexed by the Secret that they are issued into.
    certificates: Referrers<CertManagerCertificate>,
    /// Indexed by their Service.
    endpoint_slices: Referrers<EndpointSlice>,
    classes: Arc<BTreeMap<Box<str>, IngressClass>>,
    config_maps: Arc<BTreeMap<Key, ConfigMap>>,
    namespaces: PersistentMap<Box<str>, Arc<Namespace>>,
    ingresses: Ingresses,
    secrets: Namespaced<Secret>,
    services: Namespaced<Service>,
    /// By name: the Services of this name in every namespace.
    services_named: Index<str, Service>,
    workloads: Workloads,
    /// The objects that exist and could not be parsed. Their contents are unknown, and they never count as absent.
    unreadable: Arc<Unreadable>,
    outside: Arc<Outside>,
    derived: Derived,
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            coverage: Kind::ALL.map(|kind| if kind.is_watched() { Coverage::NotSynced } else { Coverage::NotWatched }),
            coverage_of: Arc::default(),
            api_callers: Arc::default(),
            certificates: Referrers::default(),
            endpoint_slices: Referrers::default(),
            classes: Arc::default(),
            config_maps: Arc::default(),
            namespaces: PersistentMap::default(),
            ingresses: Ingresses::default(),
            secrets: Namespaced::default(),
            services: Namespaced::default(),
            services_named: Index::default(),
            workloads: Workloads::default(),
            unreadable: Arc::default(),
            outside: Arc::default(),
            derived: Derived::default(),
        }
    }
}

impl Inventory {
    /// Sets the coverage of a kind.
    pub fn cover(&mut self, kind: Kind, coverage: Coverage) {
        self.note_change(kind);
        self.coverage[kind as usize] = coverage;
    }

    /// Returns the coverage of a kind.
    #[must_use]
    pub fn coverage(&self, kind: Kind) -> Coverage {
        self.coverage[kind as usize]
    }

    /// Sets the coverage of one object, which takes precedence over that of its kind unless the object is not watched. For
    /// EndpointSlices, the key is that of their Service.
    pub fn cover_one(&mut self, kind: Kind, key: &Key, coverage: Coverage) {
        self.note_change(kind);
        let single = Arc::make_mut(&mut self.coverage_of);
        if coverage == Coverage::NotWatched {
            single.remove(&(kind, key.clone()));
        } else {
            single.insert((kind, key.clone()), coverage);
        }
    }

    /// Adds or replaces an object.
    pub fn apply(&mut self, object: Object) {
        if let Object::Namespace(namespace) = &object
            && self.holds_namespace(namespace)
        {
            return;
        }
        self.note_change(object.kind());
        if !self.unreadable.is_empty() {
            self.forget_unreadable(object.kind(), &object.key());
        }
        match object {
            Object::ApiCaller(kind, caller) => Arc::make_mut(&mut self.api_callers).apply(kind, caller),
            Object::Certificate(certificate) => self.certificates.apply(certificate),
            Object::ConfigMap(config_map) => {
                Arc::make_mut(&mut self.config_maps).insert(config_map.key.clone(), config_map);
            }
            Object::EndpointSlice(slice) => self.apply_endpoint_slice(slice),
            Object::Ingress(ingress) => self.ingresses.apply(*ingress),
            Object::IngressClass(class) => {
                Arc::make_mut(&mut self.classes).insert(class.meta.key.name.clone(), class);
            }
            Object::Namespace(namespace) => {
                self.namespaces.insert(namespace.name.clone(), Arc::new(namespace));
            }
            Object::Node(node) => self.workloads.apply_node(node),
            Object::Pod(pod) => self.workloads.apply_pod(pod),
            Object::Secret(secret) => {
                self.secrets.insert(Arc::new(secret));
            }
            Object::Service(service) if self.services.holds(&service) => {}
            Object::Service(service) => {
                let service = Arc::new(service);
                self.services_named.insert(&service.meta.key.name, &service);
                self.services.insert(service);
            }
            Object::Workload(kind, workload) => self.workloads.apply(kind, workload),
        }
    }

    /// Drops what is derived from the controllers if a change may concern them.
    fn note_change(&mut self, kind: Kind) {
        if OF_CONTROLLERS.contains(kind) {
            self.derived.reset();
        }
    }

    /// Returns a value that is derived from the objects of [`OF_CONTROLLERS`]. The first caller for a state of these computes it;
    /// `None`: that was a value of another type.
    pub(crate) fn derived<T: Any + Send + Sync>(&self, init: impl FnOnce() -> T) -> Option<Arc<T>> {
        self.derived.get_or_init(init)
    }

    /// Shares the list of ports with another slice of the Service that has the same ports: they mostly do.
    fn apply_endpoint_slice(&mut self, mut slice: EndpointSlice) {
        let is_same = |other: &&EndpointSlice| other.ports == slice.ports;
        let same = self.endpoint_slices.of(&slice.key.namespace, &slice.service).find(is_same);
        if let Some(ports) = same.map(|other| Arc::clone(&other.ports)) {
            slice.ports = ports;
        }
        self.endpoint_slices.apply(slice);
    }

    /// Records an object that exists and is unreadable.
    pub fn apply_unreadable(&mut self, kind: Kind, key: Key) {
        self.delete(kind, &key);
        Arc::make_mut(&mut self.unreadable).entry((kind, key.namespace)).or_default().insert(key.name);
    }

    /// Returns whether an object exists and is unreadable.
    #[must_use]
    pub fn is_unreadable(&self, kind: Kind, namespace: &str, name: &str) -> bool {
        !self.unreadable.is_empty()
            && self.unreadable.get(&(kind, namespace.into())).is_some_and(|names| names.contains(name))
    }

    /// Returns whether a namespace has an unreadable object, whose references are unknown too.
    #[must_use]
    pub fn has_unreadable(&self, kind: Kind, namespace: &str) -> bool {
        !self.unreadable.is_empty() && self.unreadable.contains_key(&(kind, namespace.into()))
    }

    /// Returns whether any object of a kind is unreadable.
    #[must_use]
    pub fn has_any_unreadable(&self, kind: Kind) -> bool {
        self.unreadable.keys().any(|(of, _)| *of == kind)
    }

    fn forget_unreadable(&mut self, kind: Kind, key: &Key) {
        if !self.is_unreadable(kind, &key.namespace, &key.name) {
            return;
        }
        let of = (kind, key.namespace.clone());
        let unreadable = Arc::make_mut(&mut self.unreadable);
        let Some(names) = unreadable.get_mut(&of) else { return };
        names.remove(&key.name);
        if names.is_empty() {
            unreadable.remove(&of);
        }
    }

    /// Removes an object.
    pub fn delete(&mut self, kind: Kind, key: &Key) {
        self.note_change(kind);
        if !self.unreadable.is_empty() {
            self.forget_unreadable(kind, key);
        }
        match kind {
            Kind::ApiService | Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => {
                Arc::make_mut(&mut self.api_callers).delete(kind, key);
            }
            Kind::Certificate => self.certificates.delete(key),
            Kind::ConfigMap => {
                Arc::make_mut(&mut self.config_maps).remove(key);
            }
            Kind::DaemonSet | Kind::Deployment | Kind::Node | Kind::Pod | Kind::StatefulSet => {
                self.workloads.delete(kind, key);
            }
            Kind::EndpointSlice => self.endpoint_slices.delete(key),
            Kind::Ingress => self.ingresses.delete(key),
            Kind::IngressClass => {
                Arc::make_mut(&mut self.classes).remove(&key.name);
            }
            Kind::Namespace => {
                self.namespaces.remove(&key.name);
            }
            Kind::Secret => {
                self.secrets.remove(key);
            }
            Kind::Service => {
                if let Some(service) = self.services.remove(key) {
                    self.services_named.remove(&key.name, &service);
                }
            }
        }
    }

    /// Removes these objects.
    #[expect(clippy::iter_over_hash_type, reason = "the order of removals does not matter")]
    pub fn delete_all(&mut self, kind: Kind, keys: &HashSet<Key>) {
        for key in keys {
            self.delete(kind, key);
        }
    }

    /// Returns all webhook configurations of a kind, or all APIServices.
    pub fn api_callers(&self, kind: Kind) -> impl Iterator<Item = &ApiCaller> {
        self.api_callers.all(kind)
    }

    /// Returns the objects of a kind that make the API server call this Service.
    pub fn api_callers_of(&self, kind: Kind, service: &Key) -> impl Iterator<Item = &ApiCaller> {
        self.api_callers.of(kind, service)
    }

    /// Returns the Certificates of cert-manager that are issued into this Secret.
    pub fn certificates_for(&self, namespace: &str, secret: &str) -> impl Iterator<Item = &CertManagerCertificate> {
        self.certificates.of(namespace, secret)
    }

    /// Returns the EndpointSlices of a Service.
    pub fn endpoint_slices_of(&self, namespace: &str, service: &str) -> impl Iterator<Item = &EndpointSlice> {
        self.endpoint_slices.of(namespace, service)
    }

    /// Returns an IngressClass.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&IngressClass> {
        self.classes.get(name)
    }

    /// Returns every IngressClass by name.
    pub fn classes(&self) -> impl Iterator<Item = &IngressClass> {
        self.classes.values()
    }

    /// Returns a ConfigMap.
    #[must_use]
    pub fn config_map(&self, key: &Key) -> Option<&ConfigMap> {
        self.config_maps.get(key)
    }

    /// Returns an Ingress.
    #[must_use]
    pub fn ingress(&self, namespace: &str, name: &str) -> Option<&Ingress> {
        self.ingresses.objects().get(namespace, name)
    }

    /// Returns every Ingress, without a particular order of namespaces.
    pub fn ingresses(&self) -> impl Iterator<Item = &Ingress> {
        self.ingresses.objects().iter()
    }

    /// Returns the Ingresses that were added, replaced or removed since an earlier state, each before and now.
    #[must_use]
    pub fn changed_ingresses<'s>(&'s self, before: &'s Self) -> Vec<(Option<&'s Ingress>, Option<&'s Ingress>)> {
        self.ingresses.objects().changed(before.ingresses.objects())
    }

    /// Returns a Node.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.workloads.node(name)
    }

    /// Returns the pods of a namespace that a selector matches, by name.
    pub fn pods_selected(&self, namespace: &str, selector: &Labels) -> impl Iterator<Item = &Pod> {
        self.workloads.selected(namespace, selector)
    }

    /// Returns the workloads of a kind and namespace whose pods a selector matches, by name.
    pub fn workloads_selected(
        &self,
        kind: Kind,
        namespace: &str,
        selector: &Labels,
    ) -> impl Iterator<Item = &Workload> {
        self.workloads.making(kind, namespace, selector)
    }

    /// Returns whether a namespace has a workload of this kind.
    #[must_use]
    pub fn has_workloads(&self, kind: Kind, namespace: &str) -> bool {
        self.workloads.has(kind, namespace)
    }

    /// Returns a Secret.
    #[must_use]
    pub fn secret(&self, namespace: &str, name: &str) -> Option<&Secret> {
        self.secrets.get(namespace, name)
    }

    /// Returns a Service.
    #[must_use]
    pub fn service(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.services.get(namespace, name)
    }

    /// Returns the Ingresses with a rule or an alias for exactly this host.
    pub fn ingresses_on(&self, host: &Host) -> impl Iterator<Item = &Ingress> {
        self.ingresses.on(host)
    }

    /// Returns the Ingresses that send requests to this Service.
    #[must_use]
    pub fn ingresses_using(&self, service: &Key) -> impl ExactSizeIterator<Item = &Ingress> {
        self.ingresses.using(service)
    }

    /// Returns the Ingresses whose regexes or snippets may define a variable of this name, which is in lower case.
    pub fn ingresses_defining(&self, variable: &str) -> impl Iterator<Item = &Ingress> {
        self.ingresses.defining(variable)
    }

    /// Returns the Ingresses with a regex as an alias.
    pub fn ingresses_with_regex_alias(&self) -> impl Iterator<Item = &Ingress> {
        self.ingresses.with_regex_alias()
    }

    /// Returns whether any stored Ingress of this class has an address: a controller handles the class then.
    #[must_use]
    pub fn is_served(&self, class: ClassRef<'_>) -> bool {
        self.ingresses.is_served(class)
    }
}
