//! The issuer of a certificate: cert-manager, by an annotation of the Ingress or by a Certificate.

use crate::cluster::{ClusterView, Lookup};
use crate::model::Ingress;

/// Whether a certificate is issued into a Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// cert-manager, or a controller that reads kube-lego's annotation.
    Known,
    /// Unknown: cert-manager's Certificates cannot be read.
    Unknown,
    /// No issuer.
    None,
}

impl Issuer {
    /// Returns the issuer of a Secret that an Ingress references. Reads Certificates.
    #[must_use]
    pub fn of(ingress: &Ingress, view: &ClusterView<'_>, secret: &str) -> Self {
        // The annotations of cert-manager's ingress-shim, with the names before 0.11.
        const ISSUERS: [&str; 4] = [
            "cert-manager.io/issuer",
            "cert-manager.io/cluster-issuer",
            "certmanager.k8s.io/issuer",
            "certmanager.k8s.io/cluster-issuer",
        ];
        let annotations = &ingress.meta.annotations;
        let is_annotated = annotations.get("kubernetes.io/tls-acme") == Some("true")
            || ISSUERS.iter().any(|key| annotations.get(key).is_some());
        if is_annotated {
            return Self::Known;
        }
        match view.certificate_for(&ingress.meta.key.namespace, secret) {
            Lookup::Found(_) => Self::Known,
            Lookup::Unknown => Self::Unknown,
            Lookup::Absent => Self::None,
        }
    }
}
