//! IG403: the certificate does not cover the host.

use std::cell::LazyCell;

use super::{Covered, certificate, is_decided_elsewhere, secret_field, without_certificate};
use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Host, Key, Kind, Kinds};
use crate::routing::{ControllerFamily, MeantFor, TlsEntries};

pub(crate) static TLS_CERTIFICATE_HOST_MISMATCH: Check = Check {
    code: "IG403",
    name: "tls-certificate-host-mismatch",
    summary: "the certificate does not cover the host of a rule",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Ingress, Kind::IngressClass]),
    page: include_str!("tls_certificate_host_mismatch.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if !cx.controller.reads_secrets() {
        return;
    }
    let entries = TlsEntries::of(&cx.ingress.tls);
    let covered = LazyCell::new(|| Covered::by(cx));
    for (_, host) in cx.ingress.hosts() {
        let Some(MeantFor { index, entry, by_name }) = entries.meant_for(host).filter(|_| *host != Host::Any) else {
            continue;
        };
        let Some(name) = entry.secret_name.as_deref() else { continue };
        let Lookup::Found(own) = certificate(cx, entry) else { continue };
        // ingress-nginx uses the entry that names the host. If only a wildcard covers the host, it uses any entry whose
        // certificate fits (section 5.1). Other controllers select a certificate by SNI.
        let only_this = by_name && cx.dialect().family == ControllerFamily::Nginx;
        if own.covers(host) || (!only_this && covered.may_hold(host)) || is_decided_elsewhere(cx, host) {
            continue;
        }
        let message =
            format!("certificate in Secret {} is not valid for {host}: {}", Quoted(name), without_certificate(cx));
        let finding = out.add(secret_field(index), format!("{host} secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name));
        finding.help("reissue the certificate for this host");
        // The oldest Ingress with TLS sets the certificate of the host (section 5.2).
        if !cx.view.other_on(host, |other| !other.tls.is_empty()).is_absent() {
            finding.at_most(WARN);
        }
    }
}
