//! Which Secret a host's certificate comes from: sections 5.1, 5.2 and 5.4.

use super::nginx::NginxAnnotations;
use super::routes::{Routes, When};
use crate::cluster::{Lookup, World};
use crate::model::{Host, Ingress, Secret, TlsFacts};

/// Where the certificate of a host comes from.
#[derive(Debug, Clone, Copy)]
pub enum CertificateOf<'a> {
    /// No Ingress of the host has `spec.tls`: whatever the controller has for hosts without.
    Nobody,
    /// The oldest Ingress of the host with `spec.tls` decides.
    Ingress {
        /// That Ingress.
        ingress: &'a Ingress,
        /// The name of the Secret, in its namespace; `None`: no entry gives one, so it is the controller's default
        /// certificate.
        secret: Option<&'a str>,
    },
    /// It depends on a Secret that cannot be seen.
    Unknown(&'a Ingress),
}

impl<'a> Routes<'a> {
    /// Where ingress-nginx takes the certificate of a host from. Reads Ingresses, IngressClasses and, through `world`,
    /// Secrets.
    #[must_use]
    pub fn certificate(&self, host: &Host, world: &World<'a>, when: When) -> CertificateOf<'a> {
        // Its own entry, else that of the wildcard over it (section 5.4). Rules without a host have none (section 5.2).
        let hosts = [Some(host.clone()), host.wildcard()].into_iter().flatten().filter(|host| *host != Host::Any);
        for host in hosts {
            let claims = self.claims(&host, when).found().unwrap_or_default();
            let mut main = claims.iter().map(|claim| claim.ingress).filter(|it| !NginxAnnotations::of(it).is_canary());
            if let Some(ingress) = main.find(|ingress| !ingress.tls.is_empty()) {
                return chosen(ingress, &host, world);
            }
        }
        CertificateOf::Nobody
    }
}

/// The entry that names the host decides; where none does, any whose certificate is for it (section 5.1).
fn chosen<'a>(ingress: &'a Ingress, host: &Host, world: &World<'a>) -> CertificateOf<'a> {
    if let Some(entry) = ingress.tls.iter().find(|entry| entry.hosts.contains(host)) {
        return CertificateOf::Ingress { ingress, secret: entry.secret_name.as_deref() };
    }
    for name in ingress.tls.iter().filter_map(|entry| entry.secret_name.as_deref()) {
        match world.secret(&ingress.meta.key.namespace, name) {
            Lookup::Found(Secret { tls: TlsFacts::Pair { certificate, .. }, .. }) if certificate.covers(host) => {
                return CertificateOf::Ingress { ingress, secret: Some(name) };
            }
            Lookup::Found(_) | Lookup::Absent => {}
            Lookup::Unknown => return CertificateOf::Unknown(ingress),
        }
    }
    CertificateOf::Ingress { ingress, secret: None }
}
