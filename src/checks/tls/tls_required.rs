//! IG411: a host without TLS.

use foldhash::HashSet;

use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Host, Kinds};
use crate::routing::TlsEntries;

pub(crate) static TLS_REQUIRED: Check = Check {
    code: "IG411",
    name: "tls-required",
    summary: "policy: a host without TLS",
    levels: Levels::both(Level::Off),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("tls_required.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let entries = TlsEntries::of(&cx.ingress.tls);
    // An entry without hosts applies to all hosts.
    if cx.ingress.tls.iter().any(|entry| entry.hosts.is_empty()) {
        return;
    }
    // The ACME server sends the requests of a challenge without TLS (RFC 8555, section 8.3).
    let serves_more = cx.ingress.rules.iter().filter(|rule| !rule.serves_only_acme_challenges());
    let serves_more: HashSet<&Host> = serves_more.map(|rule| &rule.host).collect();
    for (at, host) in cx.ingress.hosts() {
        if serves_more.contains(host) && entries.meant_for(host).is_none() {
            let field = FieldPath::spec().field("rules").index(at).field("host");
            let name = if *host == Host::Any { "rules without a host".to_owned() } else { host.to_string() };
            let message =
                format!("no spec.tls entry for {name}, required by check tls-required: requests are not encrypted");
            out.add(field, host.to_string(), message).help("add a spec.tls entry with hosts and secretName");
        }
    }
}
