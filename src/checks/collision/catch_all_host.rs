//! IG505: the Ingress receives requests for every host that no other Ingress defines.

use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Host, Kinds, NGINX_PREFIX};
use crate::routing::ServerName;

pub(crate) static CATCH_ALL_HOST: Check = Check {
    code: "IG505",
    name: "catch-all-host",
    summary: "policy: the Ingress receives requests for every host that no other Ingress defines",
    levels: Levels::both(Level::Off),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("catch_all_host.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let rules = FieldPath::spec().field("rules");
    let hosts = cx.ingress.hosts();
    if let Some((at, _)) = hosts.iter().find(|(_, host)| **host == Host::Any) {
        report(rules.clone().index(*at), "catch-all rule (no host)", "host", &format!("spec.rules[{at}].host"), out);
    } else if cx.ingress.rules.is_empty() && cx.ingress.default_backend.is_some() {
        let field = FieldPath::spec().field("defaultBackend");
        report(field, "catch-all Ingress (no rules)", "host", "spec.rules[].host", out);
    }
    for (at, host) in hosts {
        if let Some(domain) = ServerName::Rule(host.clone()).top_level_domain() {
            let what = format!("wildcard over top-level domain {domain}");
            report(rules.clone().index(at).field("host"), &what, &format!("host of {domain}"), "a host below it", out);
        }
    }
    if cx.dialect().family.reads_nginx_annotations() {
        aliases(cx, out);
    }
}

fn aliases(cx: &Context<'_>, out: &mut Findings) {
    let field = || FieldPath::annotation(&format!("{NGINX_PREFIX}server-alias"));
    for alias in cx.nginx().server_aliases() {
        let Some(names) = cx.weighed_own(|budget| ServerName::of_alias(alias, budget)) else { continue };
        for name in &names {
            let Some(is_catch_all) = cx.weighed_own(|budget| name.is_catch_all(budget)) else { continue };
            if is_catch_all {
                report(field(), &format!("catch-all alias {}", Quoted(alias)), "host", "host names", out);
            } else if let Some(domain) = name.top_level_domain() {
                let what = format!("wildcard over top-level domain {domain}");
                report(field(), &what, &format!("host of {domain}"), "a host below it", out);
            }
        }
    }
}

fn report(field: FieldPath, what: &str, hosts: &str, help: &str, out: &mut Findings) {
    let message = format!("{what}: receives requests for every {hosts} that no other Ingress defines");
    out.add(field, what, message).help(format!("set {help}"));
}
