//! IG502: the namespace may not use this host.

use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Host, Kinds, NGINX_PREFIX};

pub(crate) static HOST_NOT_OWNED: Check = Check {
    code: "IG502",
    name: "host-not-owned",
    summary: "policy: `hostOwnership` assigns the host to other namespaces; denies once it is set",
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
    let is_alias_read = cx.dialect().family.reads_nginx_annotations();
    for (field, host) in rules.chain(aliases.filter(|_| is_alias_read)) {
        let Some(owners) = cx.settings.owners(&host) else { continue };
        if owners.iter().any(|owner| owner == cx.namespace()) {
            continue;
        }
        let owners =
            if cx.settings.reveal_other_namespaces { owners.join(", ") } else { "other namespaces".to_owned() };
        let name = host.to_string();
        let message = format!(
            "namespace {:?} may not use host {}: hostOwnership assigns it to {owners}",
            cx.namespace(),
            Quoted(&name)
        );
        out.add(field, name, message).help("request access or use another host");
    }
}
