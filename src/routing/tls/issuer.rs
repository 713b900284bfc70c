//! Who issues the certificate that a Secret is to hold: cert-manager, asked by annotation or by a Certificate.

use crate::cluster::{ClusterView, Lookup};
use crate::model::Ingress;

/// Whether somebody has been asked to issue a certificate into a Secret: then it will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// cert-manager, or what reads kube-lego's annotation.
    Somebody,
    /// Nobody can tell, for want of a look at cert-manager's Certificates.
    Unknown,
    /// Nobody.
    Nobody,
}

impl Issuer {
    /// Who issues into a Secret that an Ingress names. Reads Certificates.
    #[must_use]
    pub fn of(ingress: &Ingress, view: &ClusterView<'_>, secret: &str) -> Self {
        // What cert-manager's ingress-shim reads, under its names of today and of before 0.11.
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
            return Self::Somebody;
        }
        match view.certificate_for(&ingress.meta.key.namespace, secret) {
            Lookup::Found(_) => Self::Somebody,
            Lookup::Unknown => Self::Unknown,
            Lookup::Absent => Self::Nobody,
        }
    }
}
