//! IG409: a certificate that is ignored because of an older Ingress of the host.

use crate::checks::{Applies, Check, Context, Findings, ROUTES, findings};
use crate::finding::{Level, Levels};
use crate::model::{Host, Ingress, Kinds};
use crate::routing::{NginxAnnotations, TlsEntries, When};

pub(crate) static TLS_HOST_OWNED_ELSEWHERE: Check = Check {
    code: "IG409",
    name: "tls-host-owned-elsewhere",
    summary: "the certificate is ignored, because an older Ingress sets the certificate of the host",
    levels: Levels::both(Level::Warn),
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
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
        let Some(claims) = cx.claims(host, When::After).found() else { return };
        let mut main = claims.iter().map(|claim| claim.ingress).filter(|it| !NginxAnnotations::of(it).is_canary());
        let decides = main.find(|ingress| !ingress.tls.is_empty());
        let Some(elder) = decides.filter(|elder| elder.meta.key != cx.ingress.meta.key) else { continue };
        if is_the_same(cx, elder, host, mine.entry.secret_name.as_deref()) {
            continue;
        }
        let older = findings::older(cx, &elder.meta.key);
        let message = format!("ignored for {host}: {older} sets the certificate of this host");
        let finding = out.add(super::secret_field(mine.index), format!("{host} certificate"), message);
        finding.rests_on_index("hosts").help("change secretName in the older Ingress, or remove spec.tls there");
    }
}

/// Returns whether both Ingresses name the same Secret for the host.
fn is_the_same(cx: &Context<'_>, elder: &Ingress, host: &Host, secret: Option<&str>) -> bool {
    let theirs = TlsEntries::of(&elder.tls).meant_for(host).and_then(|meant| meant.entry.secret_name.as_deref());
    *elder.meta.key.namespace == *cx.namespace() && theirs == secret
}
