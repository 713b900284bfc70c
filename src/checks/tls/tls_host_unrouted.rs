//! IG407: a TLS host without a rule.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use foldhash::HashSet;

use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Host, Ingress, Kind, Kinds};
use crate::routing::ControllerFamily;

pub(crate) static TLS_HOST_UNROUTED: Check = Check {
    code: "IG407",
    name: "tls-host-unrouted",
    summary: "a host of `spec.tls` has no rule",
    levels: Levels::new(Level::Warn, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("tls_host_unrouted.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // A default backend serves all other hosts; on ingress-nginx only in an Ingress without rules (section 2.3).
    let takes_the_rest = cx.ingress.default_backend.is_some() && cx.dialect().family != ControllerFamily::Nginx;
    if cx.ingress.tls.is_empty() || cx.ingress.rules.is_empty() || takes_the_rest {
        return;
    }
    let routed = own_hosts(cx);
    let parents: HashSet<Host> = routed.iter().filter_map(Host::wildcard).collect();
    let names = LazyCell::new(|| routed.iter().map(ToString::to_string).collect::<Vec<_>>());
    for (index, entry) in cx.ingress.tls.iter().enumerate() {
        for (position, host) in entry.hosts.iter().enumerate() {
            if is_among(&routed, &parents, host) || may_be_routed_elsewhere(cx, host) {
                continue;
            }
            let message = format!("no rule routes {host}: {}", effects::NOT_FOUND);
            let field = FieldPath::spec().field("tls").index(index).field("hosts").index(position);
            let finding = out.add(field, host.to_string(), message);
            finding.rests_on_index("hosts");
            match cx.nearest(&host.to_string(), names.iter().map(String::as_str)) {
                Some(near) => finding.help(format!("did you mean {near}?")),
                None => finding.help("add a rule for this host, or remove it from spec.tls"),
            };
        }
    }
}

/// Returns the hosts that this Ingress routes: its rules, their aliases, and their www variants if those are redirected.
fn own_hosts(cx: &Context<'_>) -> BTreeSet<Host> {
    let mut hosts: BTreeSet<Host> = cx.ingress.hosts().into_iter().map(|(_, host)| host.clone()).collect();
    if cx.nginx().redirects_www() {
        hosts.extend(hosts.iter().filter_map(Host::www_twin).collect::<Vec<_>>());
    }
    hosts.extend(cx.nginx().server_aliases().map(Host::parse));
    hosts
}

/// Returns whether one of these hosts equals the host, covers it or, if it is a wildcard, is covered by it.
fn is_among(routed: &BTreeSet<Host>, parents: &HashSet<Host>, host: &Host) -> bool {
    routed.contains(host)
        || routed.contains(&Host::Any)
        || host.wildcard().is_some_and(|wildcard| routed.contains(&wildcard))
        || parents.contains(host)
}

/// Returns whether another Ingress may route this host. Always true for a wildcard: the index lists no hosts below it.
fn may_be_routed_elsewhere(cx: &Context<'_>, host: &Host) -> bool {
    let Host::Exact(_) = host else { return true };
    let same_class = |other: &Ingress| other.class_ref() == cx.ingress.class_ref();
    let elsewhere = |host: &Host| !cx.view.other_on(host, |_| true).is_absent();
    elsewhere(host)
        || host.wildcard().is_some_and(|wildcard| elsewhere(&wildcard))
        || !cx.view.other_on(&Host::Any, same_class).is_absent()
}
