//! The object store (in kube's terms, the cache). Watches, manifest files and tests fill it. Indexes answer the questions of
//! checks, so that the cost of a review does not depend on the size of the cluster.

mod api_callers;
mod contents;
mod ingresses;
mod namespaced;
mod object;
mod overlay;
mod referrers;
mod workloads;

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt as _, HashSet};

use crate::cluster::Lookup;
use crate::model::{
    ApiCaller, CertManagerCertificate, ClassRef, ConfigMap, EndpointSlice, Host, Ingress, IngressClass, Key, Kind,
    Labels, Namespace, Node, Pod, Secret, Service, Workload,
};
use api_callers::ApiCallers;
use ingresses::Ingresses;
use namespaced::{Namespaced, SmallSet, unlink};
pub use object::Object;
pub(crate) use object::Source;
use referrers::Referrers;
use workloads::Workloads;

/// How much the inventory knows of a kind, or of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Everything: an object that it does not hold does not exist.
    Complete,
    /// A part, e.g. files that are not the whole cluster: an object that it does not hold may exist.
    Partial,
    /// Nothing certain: the first list has not completed.
    NotSynced,
    /// Nothing certain: RBAC forbids reading it.
    Forbidden,
    /// Nothing certain: the configuration disables reading it.
    Disabled,
    /// Nothing certain: only files are read, and objects of this kind are not written in files.
    NotProvided,
    /// Nothing certain: only audits read it, and it was not listed.
    NotWatched,
    /// Objects are fetched by name as Ingresses reference them; others are unknown.
    FetchedByName,
    /// Nothing certain of one object: reading it failed.
    Unreadable,
    /// Nothing certain: the check has not declared that it reads this kind, which is a bug of the check.
    Undeclared,
}

/// Everything known of the cluster.
#[derive(Debug, Clone)]
pub struct Inventory {
    coverage: [Coverage; Kind::ALL.len()],
    /// Of single objects that are followed by themselves.
    coverage_of: BTreeMap<(Kind, Key), Coverage>,
    api_callers: ApiCallers,
    /// By the Secret that they are issued into.
    certificates: Referrers<CertManagerCertificate>,
    /// By their Service.
    endpoint_slices: Referrers<EndpointSlice>,
    classes: BTreeMap<Box<str>, IngressClass>,
    config_maps: BTreeMap<Key, ConfigMap>,
    namespaces: HashMap<Box<str>, Namespace>,
    ingresses: Ingresses,
    secrets: Namespaced<Secret>,
    services: Namespaced<Service>,
    /// Service name → the namespaces that have one of that name.
    service_namespaces: HashMap<Box<str>, SmallSet<Box<str>>>,
    workloads: Workloads,
    /// Kind and namespace → the objects that exist and could not be read: nothing is known of them, least of all that
    /// they are absent.
    unreadable: BTreeMap<(Kind, Box<str>), BTreeSet<Box<str>>>,
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            coverage: Kind::ALL.map(|kind| if kind.is_watched() { Coverage::NotSynced } else { Coverage::NotWatched }),
            coverage_of: BTreeMap::new(),
            api_callers: ApiCallers::default(),
            certificates: Referrers::default(),
            endpoint_slices: Referrers::default(),
            classes: BTreeMap::new(),
            config_maps: BTreeMap::new(),
            namespaces: HashMap::new(),
            ingresses: Ingresses::default(),
            secrets: Namespaced::default(),
            services: Namespaced::default(),
            service_namespaces: HashMap::new(),
            workloads: Workloads::default(),
            unreadable: BTreeMap::new(),
        }
    }
}

impl Inventory {
    /// Sets the coverage of a kind.
    pub fn cover(&mut self, kind: Kind, coverage: Coverage) {
        self.coverage[kind as usize] = coverage;
    }

    /// Returns the coverage of a kind.
    #[must_use]
    pub fn coverage(&self, kind: Kind) -> Coverage {
        self.coverage[kind as usize]
    }

    /// Sets the coverage of one object, which takes precedence over that of its kind. For EndpointSlices, the key is that of
    /// their Service.
    pub fn cover_one(&mut self, kind: Kind, key: &Key, coverage: Coverage) {
        self.coverage_of.insert((kind, key.clone()), coverage);
    }

    /// Returns the coverage of one object: its own, else that of its kind.
    #[must_use]
    pub fn coverage_of(&self, kind: Kind, namespace: &str, name: &str) -> Coverage {
        // There are few: a lookup should not allocate a key.
        let single = (self.coverage_of.iter())
            .find(|((of, key), _)| *of == kind && *key.namespace == *namespace && *key.name == *name);
        single.map_or_else(|| self.coverage(kind), |(_, coverage)| *coverage)
    }

    /// Adds or replaces an object.
    pub fn apply(&mut self, object: Object) {
        if !self.unreadable.is_empty() {
            self.forget_unreadable(object.kind(), &object.key());
        }
        match object {
            Object::ApiCaller(kind, caller) => self.api_callers.apply(kind, caller),
            Object::Certificate(certificate) => self.certificates.apply(certificate),
            Object::ConfigMap(config_map) => {
                self.config_maps.insert(config_map.key.clone(), config_map);
            }
            Object::EndpointSlice(slice) => self.endpoint_slices.apply(slice),
            Object::Ingress(ingress) => self.ingresses.apply(*ingress),
            Object::IngressClass(class) => {
                self.classes.insert(class.meta.key.name.clone(), class);
            }
            Object::Namespace(namespace) => {
                self.namespaces.insert(namespace.name.clone(), namespace);
            }
            Object::Node(node) => self.workloads.apply_node(node),
            Object::Pod(pod) => self.workloads.apply_pod(pod),
            Object::Secret(secret) => {
                self.secrets.insert(secret);
            }
            Object::Service(service) => {
                let Key { namespace, name } = service.meta.key.clone();
                if self.services.insert(service).is_none() {
                    self.service_namespaces.entry(name).or_default().insert(namespace);
                }
            }
            Object::Workload(kind, workload) => self.workloads.apply(kind, workload),
        }
    }

    /// Remember that an object exists of which nothing can be read.
    pub fn apply_unreadable(&mut self, kind: Kind, key: Key) {
        self.delete(kind, &key);
        self.unreadable.entry((kind, key.namespace)).or_default().insert(key.name);
    }

    /// Whether an object exists of which nothing can be read.
    #[must_use]
    pub fn is_unreadable(&self, kind: Kind, namespace: &str, name: &str) -> bool {
        !self.unreadable.is_empty()
            && self.unreadable.get(&(kind, namespace.into())).is_some_and(|names| names.contains(name))
    }

    /// Whether a namespace has an object of which nothing can be read, not even to what it refers.
    #[must_use]
    pub fn has_unreadable(&self, kind: Kind, namespace: &str) -> bool {
        !self.unreadable.is_empty() && self.unreadable.contains_key(&(kind, namespace.into()))
    }

    /// Whether there is an object of a kind anywhere of which nothing can be read.
    #[must_use]
    pub fn has_any_unreadable(&self, kind: Kind) -> bool {
        self.unreadable.keys().any(|(of, _)| *of == kind)
    }

    fn forget_unreadable(&mut self, kind: Kind, key: &Key) {
        let of = (kind, key.namespace.clone());
        let Some(names) = self.unreadable.get_mut(&of) else { return };
        names.remove(&key.name);
        if names.is_empty() {
            self.unreadable.remove(&of);
        }
    }

    /// Forget an object.
    pub fn delete(&mut self, kind: Kind, key: &Key) {
        if !self.unreadable.is_empty() {
            self.forget_unreadable(kind, key);
        }
        match kind {
            Kind::ApiService | Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => {
                self.api_callers.delete(kind, key);
            }
            Kind::Certificate => self.certificates.delete(key),
            Kind::ConfigMap => {
                self.config_maps.remove(key);
            }
            Kind::DaemonSet | Kind::Deployment | Kind::Node | Kind::Pod | Kind::StatefulSet => {
                self.workloads.delete(kind, key);
            }
            Kind::EndpointSlice => self.endpoint_slices.delete(key),
            Kind::Ingress => self.ingresses.delete(key),
            Kind::IngressClass => {
                self.classes.remove(&key.name);
            }
            Kind::Namespace => {
                self.namespaces.remove(&key.name);
            }
            Kind::Secret => {
                self.secrets.remove(key);
            }
            Kind::Service => {
                if self.services.remove(key).is_some() {
                    unlink(&mut self.service_namespaces, &key.name, &key.namespace);
                }
            }
        }
    }

    /// Forget these objects.
    #[expect(clippy::iter_over_hash_type, reason = "in whatever order, they are gone")]
    pub fn delete_all(&mut self, kind: Kind, keys: &HashSet<Key>) {
        for key in keys {
            self.delete(kind, key);
        }
    }

    /// The objects of a kind that make the API server call this Service.
    pub fn api_callers_of(&self, kind: Kind, service: &Key) -> impl Iterator<Item = &ApiCaller> {
        self.api_callers.of(kind, service)
    }

    /// The Certificates of cert-manager that are issued into this Secret.
    pub fn certificates_for(&self, namespace: &str, secret: &str) -> impl Iterator<Item = &CertManagerCertificate> {
        self.certificates.of(namespace, secret)
    }

    /// The EndpointSlices of a Service.
    pub fn endpoint_slices_of(&self, namespace: &str, service: &str) -> impl Iterator<Item = &EndpointSlice> {
        self.endpoint_slices.of(namespace, service)
    }

    /// One IngressClass.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&IngressClass> {
        self.classes.get(name)
    }

    /// Every IngressClass by name: there are few.
    pub fn classes(&self) -> impl Iterator<Item = &IngressClass> {
        self.classes.values()
    }

    /// One ConfigMap.
    #[must_use]
    pub fn config_map(&self, key: &Key) -> Option<&ConfigMap> {
        self.config_maps.get(key)
    }

    /// One Namespace.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.get(name)
    }

    /// The labels of a Namespace.
    #[must_use]
    pub fn namespace_labels(&self, name: &str) -> Lookup<&BTreeMap<Box<str>, Box<str>>> {
        if self.coverage(Kind::Namespace) != Coverage::Complete {
            return Lookup::Unknown;
        }
        self.namespace(name).map_or(Lookup::Absent, |namespace| Lookup::Found(&namespace.labels))
    }

    /// One Ingress.
    #[must_use]
    pub fn ingress(&self, namespace: &str, name: &str) -> Option<&Ingress> {
        self.ingresses.objects().get(namespace, name)
    }

    /// Every Ingress, by no particular namespace order.
    pub fn ingresses(&self) -> impl Iterator<Item = &Ingress> {
        self.ingresses.objects().iter()
    }

    /// One Node.
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

    /// One Secret.
    #[must_use]
    pub fn secret(&self, namespace: &str, name: &str) -> Option<&Secret> {
        self.secrets.get(namespace, name)
    }

    /// One Service.
    #[must_use]
    pub fn service(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.services.get(namespace, name)
    }

    /// Names of the Services of a namespace.
    pub fn service_names(&self, namespace: &str) -> impl Iterator<Item = &str> {
        self.services.within(namespace).map(|service| &*service.meta.key.name)
    }

    /// The namespaces that have a Service of this name.
    pub fn service_namespaces(&self, name: &str) -> impl Iterator<Item = &str> {
        self.service_namespaces.get(name).into_iter().flat_map(SmallSet::iter).map(|namespace| &**namespace)
    }

    /// The Ingresses with a rule or an alias for exactly this host.
    pub fn ingresses_on(&self, host: &Host) -> impl Iterator<Item = &Ingress> {
        self.ingresses.on(host)
    }

    /// The Ingresses that send requests to this Service.
    pub fn ingresses_using(&self, service: &Key) -> impl Iterator<Item = &Ingress> {
        self.ingresses.using(service)
    }

    /// The Ingresses whose regexes have a group of this name, which is in lower case.
    pub fn ingresses_naming(&self, group: &str) -> impl Iterator<Item = &Ingress> {
        self.ingresses.naming(group)
    }

    /// Returns whether any stored Ingress of this class has an address: a controller handles the class then.
    #[must_use]
    pub fn is_served(&self, class: ClassRef<'_>) -> bool {
        self.ingresses.is_served(class)
    }
}
