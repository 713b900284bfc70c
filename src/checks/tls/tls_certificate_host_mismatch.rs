//! IG403: the certificate is for other hosts.

use super::{Entries, certificate, reads_secrets, secret_field, without_certificate};
use crate::checks::{Applies, Check, Context, Findings};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Host, Key, Kind, Kinds, TlsEntry};
use crate::routing::Engine;

pub(crate) static TLS_CERTIFICATE_HOST_MISMATCH: Check = Check {
    code: "IG403",
    name: "tls-certificate-host-mismatch",
    summary: "the certificate does not cover the host of a rule",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::NONE,
    page: include_str!("tls_certificate_host_mismatch.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if !reads_secrets(cx) {
        return;
    }
    let entries = Entries::of(&cx.ingress.tls);
    for (_, host) in cx.ingress.hosts() {
        let Some((index, entry)) = entries.meant_for(host).filter(|_| *host != Host::Any) else { continue };
        let Some(name) = entry.secret_name.as_deref() else { continue };
        let Lookup::Found(own) = certificate(cx, entry) else { continue };
        if own.covers(host) || another_may_serve(cx, entry, host) {
            continue;
        }
        let message =
            format!("the certificate in secret {} does not cover {host}: {}", Quoted(name), without_certificate(cx));
        let finding = out.add(secret_field(index), format!("{host} secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name));
        finding.help("reissue it for this host too");
    }
}

/// ingress-nginx takes the entry that names the host and no other; where only a wildcard covers it, it takes any
/// entry whose certificate fits (section 5.1). Other controllers choose among all certificates by SNI.
fn another_may_serve(cx: &Context<'_>, entry: &TlsEntry, host: &Host) -> bool {
    if cx.dialect().engine == Engine::Nginx && entry.hosts.contains(host) {
        return false;
    }
    cx.ingress.tls.iter().any(|other| match certificate(cx, other) {
        Lookup::Found(certificate) => certificate.covers(host),
        Lookup::Absent => false,
        Lookup::Unknown => true,
    })
}
