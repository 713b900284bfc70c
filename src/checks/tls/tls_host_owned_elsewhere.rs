//! IG409: a certificate that is ignored because of an older Ingress of the host.

use super::{decides, is_the_same, secret_of};
use crate::checks::findings::AUDIT;
use crate::checks::routed_paths::of_other;
use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release, findings};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels};
use crate::model::{Certificate, Host, Ingress, Kind, Kinds, Secret, TlsFacts};
use crate::routing::{Issuer, TlsEntries};

pub(crate) static TLS_HOST_OWNED_ELSEWHERE: Check = Check {
    code: "IG409",
    name: "tls-host-owned-elsewhere",
    summary: "the certificate is ignored, because an older Ingress sets the certificate of the host",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::of(&[Kind::Secret]),
    page: include_str!("tls_host_owned_elsewhere.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.ingress.tls.is_empty() || cx.nginx().is_canary() {
        return;
    }
    let own = TlsEntries::of(&cx.ingress.tls);
    for (_, host) in cx.ingress.hosts().into_iter().filter(|(_, host)| **host != Host::Any) {
        let Some(mine) = own.meant_for(host) else { continue };
        let Some(elder) = decides(cx, host).filter(|elder| elder.meta.key != cx.ingress.meta.key) else { continue };
        if is_the_same(cx, elder, host, mine.entry.secret_name.as_deref()) {
            continue;
        }
        let field = super::secret_field(mine.index);
        let subject = format!("{host} certificate");
        // Without ages, as in files, the controller's order is not known yet.
        if cx.ingress.meta.created.is_none() && elder.meta.created.is_none() {
            let other = of_other(cx, &elder.meta.key);
            let message = format!(
                "{host} has another Secret in spec.tls{other}: only the certificate of the older one is served"
            );
            let finding = out.add(field, subject, message);
            finding.rests_on_index("hosts").help("use the same secretName in both");
            if !differ(cx, elder, host, mine.entry.secret_name.as_deref()) {
                finding.at_most(AUDIT);
            }
            continue;
        }
        let older = findings::older(cx, &elder.meta.key);
        let message = format!("ignored for {host}: {older} sets the certificate of this host");
        let finding = out.add(field, subject, message);
        finding.rests_on_index("hosts").help("change secretName in the older Ingress, or remove spec.tls there");
    }
}

/// Whether both certificates are known, and only one of them covers the host at this time.
fn differ(cx: &Context<'_>, elder: &Ingress, host: &Host, secret: Option<&str>) -> bool {
    let is_good = |certificate: &Certificate| {
        let is_in_time = (certificate.not_before..=certificate.not_after).contains(&cx.view.now());
        is_in_time && certificate.covers(host)
    };
    let held = |of: &Ingress, name: Option<&str>| match cx.view.secret(&of.meta.key.namespace, name?) {
        Lookup::Found(Secret { tls: TlsFacts::Pair { certificate, .. }, .. }) => Some(is_good(certificate)),
        Lookup::Absent if Issuer::annotation(of).is_none() => Some(false),
        _ => None,
    };
    let [mine, theirs] = [held(cx.ingress, secret), held(elder, secret_of(elder, host))];
    mine.zip(theirs).is_some_and(|(mine, theirs)| mine != theirs)
}
