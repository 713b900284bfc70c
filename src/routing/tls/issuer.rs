//! The issuer of a certificate: cert-manager, by an annotation of the Ingress or by a Certificate.

use crate::cluster::{ClusterView, Lookup};
use crate::model::Ingress;

/// The annotations by which cert-manager's ingress-shim finds an issuer.
const ISSUERS: [&str; 2] = ["cert-manager.io/cluster-issuer", "cert-manager.io/issuer"];
/// Their names before cert-manager 0.11, which ignores them since.
const OUTDATED: [&str; 2] = ["certmanager.k8s.io/cluster-issuer", "certmanager.k8s.io/issuer"];
/// kube-lego's annotation, which cert-manager reads if it has a default issuer, and other controllers read too.
const TLS_ACME: &str = "kubernetes.io/tls-acme";

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
        if Self::annotation(ingress).is_some() {
            return Self::Known;
        }
        match view.certificate_for(&ingress.meta.key.namespace, secret) {
            Lookup::Found(_) => Self::Known,
            Lookup::Unknown => Self::Unknown,
            Lookup::Absent => Self::None,
        }
    }

    /// Returns the annotation of an Ingress that requests certificates for its `spec.tls`.
    #[must_use]
    pub fn annotation(ingress: &Ingress) -> Option<&'static str> {
        let annotations = &ingress.meta.annotations;
        let has_issuer = |key: &&str| annotations.get(key).is_some_and(|value| !value.is_empty());
        let by_acme = || Some(TLS_ACME).filter(|key| annotations.get(key) == Some("true"));
        ISSUERS.into_iter().find(has_issuer).or_else(by_acme)
    }

    /// Returns whether an Ingress names its issuer by an annotation that cert-manager ignores since 0.11.
    #[must_use]
    pub fn has_outdated_annotation(ingress: &Ingress) -> bool {
        OUTDATED.iter().any(|key| ingress.meta.annotations.get(key).is_some())
    }
}
