//! The certificates of the TLS entries of an Ingress, and the hosts that they cover.

use foldhash::{HashSet, HashSetExt as _};

use crate::checks::Context;
use crate::cluster::Lookup;
use crate::model::{Certificate, Host, Secret, TlsEntry, TlsFacts};

/// The hosts that the certificates of an Ingress cover, collected once.
pub(super) struct Covered<'a> {
    names: HashSet<&'a Host>,
    /// A certificate is unknown and may cover any host.
    has_unknown: bool,
}

impl<'a> Covered<'a> {
    pub(super) fn by(cx: &Context<'a>) -> Self {
        let mut covered = Self { names: HashSet::new(), has_unknown: false };
        let mut seen = HashSet::new();
        for entry in cx.ingress.tls.iter().filter(|entry| seen.insert(&entry.secret_name)) {
            match certificate(cx, entry) {
                Lookup::Found(certificate) => covered.names.extend(&certificate.names),
                Lookup::Absent => {}
                Lookup::Unknown => covered.has_unknown = true,
            }
        }
        covered
    }

    pub(super) fn may_hold(&self, host: &Host) -> bool {
        self.has_unknown
            || self.names.contains(host)
            || host.wildcard().is_some_and(|wildcard| self.names.contains(&wildcard))
    }
}

/// Returns the certificate in the Secret of an entry. Absent if no controller can serve it or the entry has no Secret.
pub(super) fn certificate<'a>(cx: &Context<'a>, entry: &TlsEntry) -> Lookup<&'a Certificate> {
    let Some(name) = entry.secret_name.as_deref() else { return Lookup::Absent };
    match cx.view.secret(cx.namespace(), name) {
        Lookup::Found(Secret { tls: TlsFacts::Pair { certificate, .. }, .. }) => Lookup::Found(certificate),
        Lookup::Found(_) | Lookup::Absent => Lookup::Absent,
        Lookup::Unknown => Lookup::Unknown,
    }
}
