//! IG409: a certificate that an older Ingress keeps from being used.

use crate::checks::{Applies, Check, Context, Findings, ROUTES};
use crate::finding::{Level, Levels};
use crate::model::{Host, Ingress, Kinds};
use crate::routing::{NginxAnnotations, TlsEntries, When};

pub(crate) static TLS_HOST_OWNED_ELSEWHERE: Check = Check {
    code: "IG409",
    name: "tls-host-owned-elsewhere",
    summary: "an older Ingress decides the host's certificate already",
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
        let whose =
            if cx.may_name(&elder.meta.key.namespace) { format!(" ({})", elder.meta.key) } else { String::new() };
        let message = format!("an older Ingress{whose} decides the certificate of {host}: visitors never see this one");
        let finding = out.add(super::secret_field(mine.index), format!("{host} certificate"), message);
        finding.rests_on_index("hosts").help("change it there, or remove TLS there");
    }
}

/// Both name the same Secret for the host.
fn is_the_same(cx: &Context<'_>, elder: &Ingress, host: &Host, secret: Option<&str>) -> bool {
    let theirs = TlsEntries::of(&elder.tls).meant_for(host).and_then(|meant| meant.entry.secret_name.as_deref());
    *elder.meta.key.namespace == *cx.namespace() && theirs == secret
}
