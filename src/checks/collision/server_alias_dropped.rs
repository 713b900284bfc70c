//! IG504: a `server-alias` that has no effect.

use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release, effects};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Host, Ingress, Kinds, NGINX_PREFIX};
use crate::routing::{NginxAnnotations, When};

pub(crate) static SERVER_ALIAS_DROPPED: Check = Check {
    code: "IG504",
    name: "server-alias-dropped",
    summary: "a `server-alias` is ignored: it is the host of a rule, or an older Ingress sets the aliases of the host",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
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
        let older = main.find(|other| !NginxAnnotations::of(other).is_canary() && has_aliases(other));
        let Some(older) = older.filter(|older| older.meta.key != cx.ingress.meta.key) else { continue };
        let other = if cx.may_name(&older.meta.key.namespace) { format!(" {}", older.meta.key) } else { String::new() };
        let message = format!(
            "ignored because the older Ingress{other} sets the aliases of {host}: {} for {first}",
            effects::NOT_FOUND
        );
        let finding = out.add(field, format!("{host} aliases"), message);
        finding.rests_on_index("hosts").help("add a rule for each alias");
        return;
    }
    for alias in aliases {
        let host = Host::parse(alias);
        if let Lookup::Found(_) = cx.server(&host, When::After) {
            let message = format!(
                "{} is already the host of a rule: the alias is ignored, requests use the paths of that rule",
                Quoted(alias)
            );
            let finding = out.add(field.clone(), format!("{host} alias"), message);
            finding.rests_on_index("hosts").help("remove the alias or the rule");
        }
    }
}
