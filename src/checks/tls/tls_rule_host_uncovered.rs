//! IG406: a host that the TLS section omits.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use super::{Covered, without_certificate};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Host, Ingress, Key, Kind, Kinds};
use crate::routing::TlsEntries;

pub(crate) static TLS_RULE_HOST_UNCOVERED: Check = Check {
    code: "IG406",
    name: "tls-rule-host-uncovered",
    summary: "the Ingress has TLS, but neither an entry nor a certificate for this host",
    levels: Levels::new(Level::Warn, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: Kinds::of(&[Kind::Ingress, Kind::Secret]),
    hints: Kinds::NONE,
    page: include_str!("tls_rule_host_uncovered.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let tls = &cx.ingress.tls;
    let asks_for_default = tls.iter().any(|entry| entry.hosts.is_empty() && entry.secret_name.is_none());
    if tls.is_empty() || asks_for_default || cx.dialect().default_certificate {
        return;
    }
    let entries = TlsEntries::of(tls);
    let covered = LazyCell::new(|| Covered::by(cx));
    let secrets: BTreeSet<&str> = tls.iter().filter_map(|entry| entry.secret_name.as_deref()).collect();
    for (rule, host) in cx.ingress.hosts() {
        if *host == Host::Any || entries.meant_for(host).is_some() {
            continue;
        }
        // The oldest Ingress with TLS sets the certificate of the host (section 5.2), and that may be another one.
        let brings = |other: &Ingress| other.tls.iter().flat_map(|entry| &entry.hosts).any(|named| named.covers(host));
        // Any certificate that covers the host is used (section 5.1). An unknown one may cover it.
        if covered.may_hold(host) || !cx.view.other_on(host, brings).is_absent() {
            continue;
        }
        let message = format!("no spec.tls entry for {host}: {}", without_certificate(cx));
        let field = FieldPath::spec().field("rules").index(rule).field("host");
        let finding = out.add(field, host.to_string(), message);
        finding.rests_on_index("hosts");
        finding.help("add the host to spec.tls, or move its rule to an Ingress without TLS");
        // The finding never denies, so a few Secrets are enough as evidence.
        for name in secrets.iter().take(4) {
            finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name));
        }
    }
}
