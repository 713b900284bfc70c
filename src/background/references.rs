//! The stored Ingresses by the objects and hosts that they name and that no index of the store has.

use std::collections::BTreeSet;

use foldhash::HashMap;

use crate::cluster::{Changes, Inventory};
use crate::model::{Host, Ingress, Key, Kind, Service};
use crate::routing::{AuthUrl, NginxAnnotations, referenced_by, service_of_name};

/// Object → the Ingresses that name it in an annotation or in `spec.tls`.
#[derive(Debug, Default)]
pub(super) struct References {
    referring: HashMap<(Kind, Key), BTreeSet<Key>>,
    /// Hosts of `spec.tls` that no rule of the same Ingress has.
    tls_hosts: HashMap<Host, BTreeSet<Key>>,
    /// Service → the Services of type ExternalName whose name is that of the Service.
    aliases: HashMap<Key, BTreeSet<Key>>,
    /// Service of type ExternalName → the Service that it names.
    alias_of: HashMap<Key, Key>,
}

/// The objects that are named now and were not before, and the reverse.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ReferenceChanges {
    /// They are named now.
    pub(super) named: BTreeSet<(Kind, Key)>,
    /// They are not named any more.
    pub(super) unnamed: BTreeSet<(Kind, Key)>,
}

impl References {
    /// Follows the changes up to a state.
    pub(super) fn follow(&mut self, changes: &Changes<'_>, now: &Inventory) -> ReferenceChanges {
        for key in &changes.services {
            self.follow_service(key, now.service(&key.namespace, &key.name));
        }
        let mut touched = BTreeSet::new();
        for (before, now) in &changes.ingresses {
            if let Some(before) = before {
                for of in objects(before) {
                    remove(&mut self.referring, &of, &before.meta.key);
                    touched.insert(of);
                }
                for host in unrouted(before) {
                    remove(&mut self.tls_hosts, host, &before.meta.key);
                }
            }
            if let Some(now) = now {
                for of in objects(now) {
                    touched.insert(of.clone());
                    self.referring.entry(of).or_default().insert(now.meta.key.clone());
                }
                for host in unrouted(now) {
                    self.tls_hosts.entry(host.clone()).or_default().insert(now.meta.key.clone());
                }
            }
        }
        let (named, unnamed) = touched.into_iter().partition(|of| self.referring.contains_key(of));
        ReferenceChanges { named, unnamed }
    }

    fn follow_service(&mut self, key: &Key, service: Option<&Service>) {
        if let Some(before) = self.alias_of.remove(key) {
            remove(&mut self.aliases, &before, key);
        }
        if let Some((namespace, name)) = service.and_then(|service| service_of_name(&service.external_name)) {
            let target = Key::new(namespace, name);
            self.aliases.entry(target.clone()).or_default().insert(key.clone());
            self.alias_of.insert(key.clone(), target);
        }
    }

    /// Returns the Services of type ExternalName that lead to a Service.
    pub(super) fn aliases_of(&self, service: &Key) -> impl Iterator<Item = &Key> {
        self.aliases.get(service).into_iter().flatten()
    }

    /// Returns the Ingresses that name an object.
    pub(super) fn to(&self, kind: Kind, key: &Key) -> impl Iterator<Item = &Key> {
        self.referring.get(&(kind, key.clone())).into_iter().flatten()
    }

    /// Returns the Ingresses with a host in `spec.tls` only.
    pub(super) fn with_tls_host(&self, host: &Host) -> impl Iterator<Item = &Key> {
        self.tls_hosts.get(host).into_iter().flatten()
    }
}

fn remove<T: Eq + std::hash::Hash>(index: &mut HashMap<T, BTreeSet<Key>>, of: &T, key: &Key) {
    if let Some(keys) = index.get_mut(of) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(of);
        }
    }
}

/// Returns the objects that an Ingress names in annotations and in `spec.tls`.
fn objects(ingress: &Ingress) -> BTreeSet<(Kind, Key)> {
    let namespace = &ingress.meta.key.namespace;
    let own = referenced_by(ingress).map(|(kind, name)| (kind, Key::new(namespace, name)));
    let auth = NginxAnnotations::of(ingress).accepted("auth-url").and_then(service_of_url);
    let auth = auth.map(|key| (Kind::Service, key));
    // No object can have another name.
    own.chain(auth).filter(|(kind, key)| key.can_name(*kind)).collect()
}

/// Returns the Service that the host of a URL of external authentication names.
pub(super) fn service_of_url(url: &str) -> Option<Key> {
    let (namespace, name) = service_of_name(AuthUrl::parse(url)?.host)?;
    Some(Key::new(namespace, name))
}

fn unrouted(ingress: &Ingress) -> impl Iterator<Item = &Host> {
    let hosts = ingress.tls.iter().flat_map(|entry| &entry.hosts);
    hosts.filter(|host| !ingress.rules.iter().any(|rule| rule.host == **host))
}
