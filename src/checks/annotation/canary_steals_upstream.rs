//! IG607: a canary that was the first to use a Service and port, so that main rules with it vanish.

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, ROUTES};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Backend, FieldPath, Key, Kinds, NGINX_PREFIX};
use crate::routing::{Dropped, DroppedBecause, NginxAnnotations, Server, When};

pub(crate) static CANARY_STEALS_UPSTREAM: Check = Check {
    code: "IG607",
    name: "canary-steals-upstream",
    summary: "the oldest user of a Service and port is a canary: main rules with the same Service and port get no location",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("canary_steals_upstream.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let key = &cx.ingress.meta.key;
    for (_, host) in cx.ingress.hosts() {
        let Some(after) = cx.server(host, When::After).found() else { continue };
        let before = cx.server(host, When::Before).found();
        for Dropped { ingress, at, .. } in serverless(&after) {
            let Backend::Service { name, .. } = &at.path.backend else { continue };
            if ingress.meta.key == *key && !cx.nginx().is_canary() {
                let message = format!(
                    "a canary was the first user of this port of Service {}: visitors of {} get 404",
                    Quoted(name),
                    Quoted(at.path.routed())
                );
                let finding = out.add(at.field().field("backend"), at.subject(), message);
                finding.rests_on_index("hosts");
                finding.help("give the canary a Service of its own, or apply it anew after this");
            } else if ingress.meta.key != *key
                && cx.nginx().is_canary()
                && !had(before.as_deref(), &ingress.meta.key, at.path.routed())
            {
                let whose = if cx.may_name(&ingress.meta.key.namespace) {
                    format!(" of Ingress {}", ingress.meta.key)
                } else {
                    String::new()
                };
                let field = FieldPath::annotation(&format!("{NGINX_PREFIX}canary"));
                let message = format!(
                    "as an older canary it takes Service {} from path {}{whose}: visitors get 404",
                    Quoted(name),
                    Quoted(at.path.routed())
                );
                let finding = out.add(field, format!("{host} {} service={name}", at.path.routed()), message);
                finding.rests_on_index("hosts").at_most(WARN);
                finding.help("give the canary its own Service");
            }
        }
    }
}

fn serverless<'s, 'a>(server: &'s Server<'a>) -> impl Iterator<Item = &'s Dropped<'a>> {
    server.dropped.iter().filter(|dropped| {
        matches!(dropped.why, DroppedBecause::CanaryUpstream) && !NginxAnnotations::of(dropped.ingress).is_canary()
    })
}

/// Whether the path had no location before either.
fn had(before: Option<&Server<'_>>, key: &Key, path: &str) -> bool {
    before.is_some_and(|before| serverless(before).any(|it| it.ingress.meta.key == *key && it.at.path.routed() == path))
}
