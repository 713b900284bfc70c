//! IG504: an alias that has no effect.

use crate::checks::{Applies, Check, Context, Findings, ROUTES};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Host, Ingress, Kinds, NGINX_PREFIX};
use crate::routing::{NginxAnnotations, When};

pub(crate) static SERVER_ALIAS_DROPPED: Check = Check {
    code: "IG504",
    name: "server-alias-dropped",
    summary: "a `server-alias` is a host of its own already, or an older Ingress has set the host's aliases",
    levels: Levels::both(Level::Warn),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("server_alias_dropped.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.nginx().is_canary() {
        return;
    }
    let aliases: Vec<&str> = cx.nginx().server_aliases().collect();
    let Some(first) = aliases.first() else { return };
    let field = FieldPath::annotation(&format!("{NGINX_PREFIX}server-alias"));
    let has_aliases = |ingress: &Ingress| NginxAnnotations::of(ingress).server_aliases().next().is_some();
    for (_, host) in cx.ingress.hosts() {
        let Some(claims) = cx.claims(host, When::After).found() else { return };
        let mut main = claims.iter().map(|claim| claim.ingress);
        let elder = main.find(|other| !NginxAnnotations::of(other).is_canary() && has_aliases(other));
        let Some(elder) = elder.filter(|elder| elder.meta.key != cx.ingress.meta.key) else { continue };
        let whose = if cx.may_name(&elder.meta.key.namespace) { format!(" {}", elder.meta.key) } else { String::new() };
        let message = format!("the older Ingress{whose} sets the aliases of {host}: visitors of {first} get 404");
        let finding = out.add(field, format!("{host} aliases"), message);
        finding.rests_on_index("hosts").help("add a rule for each alias");
        return;
    }
    for alias in aliases {
        let host = Host::parse(alias);
        if let Lookup::Found(_) = cx.server(&host, When::After) {
            let message =
                format!("{} is the host of a rule, so it is no alias: visitors get that rule's paths", Quoted(alias));
            let finding = out.add(field.clone(), format!("{host} alias"), message);
            finding.rests_on_index("hosts").help("remove the alias, or the rule");
        }
    }
}
