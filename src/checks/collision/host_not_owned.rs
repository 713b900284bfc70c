//! IG502: the namespace may not use this host.

use crate::checks::findings::{WARN, list};
use crate::checks::{Applies, Check, Context, Findings, Foreign, Overlap, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Host, Kinds, NGINX_PREFIX};
use crate::routing::ServerName;

pub(crate) static HOST_NOT_OWNED: Check = Check {
    code: "IG502",
    name: "host-not-owned",
    summary: "policy: `hostOwnership` assigns the host to other namespaces; denies once it is set",
    levels: Levels::both(Level::Off),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("host_not_owned.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for (at, host) in cx.ingress.hosts() {
        let field = FieldPath::spec().field("rules").index(at).field("host");
        check(cx, field, &host.to_string(), &[ServerName::Rule(host.clone())], out);
    }
    if cx.ingress.rules.is_empty() && cx.ingress.default_backend.is_some() {
        let field = FieldPath::spec().field("defaultBackend");
        check(cx, field, &Host::Any.to_string(), &[ServerName::Rule(Host::Any)], out);
    }
    if !cx.dialect().family.reads_nginx_annotations() {
        return;
    }
    for alias in cx.nginx().server_aliases() {
        let Some(names) = cx.weighed_own(|budget| ServerName::of_alias(alias, budget)) else { continue };
        check(cx, FieldPath::annotation(&format!("{NGINX_PREFIX}server-alias")), alias, &names, out);
    }
}

/// Reports a host or an alias, which `names` describe, if one of them belongs to another namespace.
fn check(cx: &Context<'_>, field: FieldPath, text: &str, names: &[ServerName], out: &mut Findings) {
    let mut undecided = None;
    for name in names {
        match cx.weighed_own(|budget| cx.settings.host_ownership.foreign(name, cx.namespace(), budget)) {
            Some(Some(foreign)) if foreign.overlap != Overlap::Undecided => {
                return report(cx, field, text, &foreign, out);
            }
            Some(Some(foreign)) => undecided = undecided.or(Some(foreign)),
            Some(None) | None => {}
        }
    }
    if let Some(foreign) = undecided {
        report(cx, field, text, &foreign, out);
    }
}

fn report(cx: &Context<'_>, field: FieldPath, text: &str, foreign: &Foreign<'_>, out: &mut Findings) {
    let owners =
        if cx.settings.reveal_other_namespaces { list(foreign.namespaces) } else { "other namespaces".to_owned() };
    let (namespace, name, host) = (cx.namespace(), Quoted(text), foreign.host);
    let message = match foreign.overlap {
        Overlap::Whole => {
            format!("namespace {namespace:?} may not use host {name}: hostOwnership assigns it to {owners}")
        }
        Overlap::Part => {
            format!("namespace {namespace:?} may not use host {name}: hostOwnership assigns {host} to {owners}")
        }
        Overlap::Undecided => format!("{name} may match hosts of {host}: hostOwnership assigns them to {owners}"),
    };
    let finding = out.add(field, text, message);
    if foreign.overlap == Overlap::Undecided {
        finding.help("end the regex in your own domain").at_most(WARN);
    } else {
        finding.help("request access or use another host");
    }
}
