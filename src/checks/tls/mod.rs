//! IG4xx: which certificate, which redirect?

mod tls_certificate_expired;
mod tls_certificate_host_mismatch;
mod tls_host_unrouted;
mod tls_rule_host_uncovered;
mod tls_secret_not_found;
mod tls_secret_unusable;

pub(super) use tls_certificate_expired::TLS_CERTIFICATE_EXPIRED;
pub(super) use tls_certificate_host_mismatch::TLS_CERTIFICATE_HOST_MISMATCH;
pub(super) use tls_host_unrouted::TLS_HOST_UNROUTED;
pub(super) use tls_rule_host_uncovered::TLS_RULE_HOST_UNCOVERED;
pub(super) use tls_secret_not_found::TLS_SECRET_NOT_FOUND;
pub(super) use tls_secret_unusable::TLS_SECRET_UNUSABLE;

use std::collections::{HashMap, HashSet};

use super::Context;
use crate::cluster::Lookup;
use crate::model::{Certificate, FieldPath, Host, Secret, TlsEntry, TlsFacts};
use crate::routing::{Engine, Owner};

/// The AWS controller takes certificates from ACM by host name and never looks at the Secrets of TLS entries
/// (kubernetes-sigs/aws-load-balancer-controller#3178).
fn reads_secrets(cx: &Context<'_>) -> bool {
    cx.taker.owner != Owner::Controller("ingress.k8s.aws/alb")
}

/// The distinct Secrets that the TLS entries name, each with the first entry that names it; none where the controller
/// does not read them.
fn secrets<'a>(cx: &Context<'a>) -> impl Iterator<Item = (usize, &'a str, Lookup<&'a Secret>)> {
    let mut seen = HashSet::new();
    let entries = if reads_secrets(cx) { &cx.ingress.tls[..] } else { &[] };
    entries.iter().enumerate().filter_map(move |(index, entry)| {
        let name = entry.secret_name.as_deref()?;
        seen.insert(name).then(|| (index, name, cx.world.secret(cx.namespace(), name)))
    })
}

/// The certificate that an entry's Secret holds. Absent where nobody can serve it, or the entry names none.
fn certificate<'a>(cx: &Context<'a>, entry: &TlsEntry) -> Lookup<&'a Certificate> {
    let Some(name) = entry.secret_name.as_deref() else { return Lookup::Absent };
    match cx.world.secret(cx.namespace(), name) {
        Lookup::Found(Secret { tls: TlsFacts::Pair { certificate, .. }, .. }) => Lookup::Found(certificate),
        Lookup::Found(_) | Lookup::Absent => Lookup::Absent,
        Lookup::Unknown => Lookup::Unknown,
    }
}

fn secret_field(entry: usize) -> FieldPath {
    FieldPath::spec().field("tls").index(entry).field("secretName")
}

/// Which entry is meant for which host. An Ingress can have thousands of both.
struct Entries<'a> {
    tls: &'a [TlsEntry],
    first_with: HashMap<&'a Host, usize>,
}

impl<'a> Entries<'a> {
    fn of(tls: &'a [TlsEntry]) -> Self {
        let mut first_with = HashMap::new();
        for (index, entry) in tls.iter().enumerate() {
            entry.hosts.iter().for_each(|host| {
                first_with.entry(host).or_insert(index);
            });
        }
        Self { tls, first_with }
    }

    /// The first entry that names the host, else the first with a wildcard over it.
    fn meant_for(&self, host: &Host) -> Option<(usize, &'a TlsEntry)> {
        let covering = || host.wildcard().and_then(|wildcard| self.first_with.get(&wildcard));
        let at = *self.first_with.get(host).or_else(covering)?;
        self.tls.get(at).map(|entry| (at, entry))
    }
}

/// Somebody has been asked to issue the certificate: cert-manager's ingress-shim, or what reads kube-lego's
/// annotation. The Secret will come.
fn is_issued_for_it(cx: &Context<'_>) -> bool {
    const ISSUERS: [&str; 4] = [
        "cert-manager.io/issuer",
        "cert-manager.io/cluster-issuer",
        "certmanager.k8s.io/issuer",
        "certmanager.k8s.io/cluster-issuer",
    ];
    let annotations = &cx.ingress.meta.annotations;
    annotations.get("kubernetes.io/tls-acme") == Some("true")
        || ISSUERS.iter().any(|key| annotations.get(key).is_some())
}

/// What visitors get while the certificate cannot be served. On ingress-nginx even then HTTP is redirected (308) to
/// the default certificate (section 5.5).
fn without_certificate(cx: &Context<'_>) -> String {
    let consequence = cx.dialect().without_certificate();
    if cx.dialect().engine == Engine::Nginx && cx.nginx().redirects_to_https() {
        format!("{consequence}, and HTTP redirects to it")
    } else {
        consequence.to_owned()
    }
}
