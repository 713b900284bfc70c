//! The names that messages suggest for misspelt or misplaced references.

use super::Inventory;
use crate::model::{Secret, TlsFacts};

/// The most namespaces that a suggestion searches.
const MOST_NAMESPACES: usize = 1000;

impl Inventory {
    /// Returns the names of the Services of a namespace.
    pub fn service_names(&self, namespace: &str) -> impl Iterator<Item = &str> {
        self.services.within(namespace).map(|service| &*service.meta.key.name)
    }

    /// Returns the namespaces with a Service of this name.
    pub fn service_namespaces(&self, name: &str) -> impl Iterator<Item = &str> {
        self.services_named.of(name).map(|service| &*service.meta.key.namespace)
    }

    /// Returns the names of the TLS Secrets of a namespace. Those of other Secrets are not suggested.
    pub fn certificate_names(&self, namespace: &str) -> impl Iterator<Item = &str> {
        self.secrets.within(namespace).filter(|secret| is_certificate(secret)).map(|secret| &*secret.meta.key.name)
    }

    /// Returns the namespaces with a TLS Secret of this name, among the first 1000.
    pub fn secret_namespaces(&self, name: &str) -> impl Iterator<Item = &str> {
        let namespaces = self.secrets.namespaces().take(MOST_NAMESPACES);
        namespaces.filter(move |namespace| self.secret(namespace, name).is_some_and(is_certificate))
    }

    /// Returns the namespaces with EndpointSlices for a Service of this name that has no such Service, among the first 1000.
    pub fn stray_endpoint_slices(&self, service: &str) -> impl Iterator<Item = &str> {
        let namespaces = self.endpoint_slices.objects().namespaces().take(MOST_NAMESPACES);
        namespaces.filter(move |namespace| {
            self.service(namespace, service).is_none() && self.endpoint_slices_of(namespace, service).next().is_some()
        })
    }
}

fn is_certificate(secret: &Secret) -> bool {
    secret.is_of_tls_type && matches!(secret.tls, TlsFacts::Pair { .. })
}
