//! IG502: the namespace may not use this host.

use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Host, Kinds, NGINX_PREFIX};

pub(crate) static HOST_NOT_OWNED: Check = Check {
    code: "IG502",
    name: "host-not-owned",
    summary: "configuration gives the host to other namespaces; denies as soon as `hostOwnership` is set",
    levels: Levels::both(Level::Off),
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("host_not_owned.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let rules = cx.ingress.hosts().into_iter();
    let rules = rules.map(|(at, host)| (FieldPath::spec().field("rules").index(at).field("host"), host.clone()));
    let alias = FieldPath::annotation(&format!("{NGINX_PREFIX}server-alias"));
    let aliases = cx.nginx().server_aliases().map(|name| (alias.clone(), Host::parse(name)));
    let is_alias_read = cx.dialect().engine.reads_nginx_annotations();
    for (field, host) in rules.chain(aliases.filter(|_| is_alias_read)) {
        let Some(owners) = cx.settings.owners(&host) else { continue };
        if owners.iter().any(|owner| owner == cx.namespace()) {
            continue;
        }
        let message = format!("host {} does not belong to namespace {}", Quoted(&host.to_string()), cx.namespace());
        let finding = out.add(field, host.to_string(), message);
        finding.help(if cx.settings.reveal_other_namespaces {
            format!("it belongs to {}; ask for it, or use another", owners.join(", "))
        } else {
            "ask the platform team for it, or use another".to_owned()
        });
    }
}
