//! IG607: a canary that is the oldest user of a Service port, so that main rules with this port get no location.

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Backend, FieldPath, Key, Kinds, NGINX_PREFIX};
use crate::routing::{Dropped, DroppedBecause, NginxAnnotations, Server, When};

pub(crate) static CANARY_STEALS_UPSTREAM: Check = Check {
    code: "IG607",
    name: "canary-steals-upstream",
    summary: "the oldest Ingress that uses a Service port is a canary: main rules with this port return 404",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
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
        for Dropped { ingress, at, .. } in without_location(&after) {
            let Backend::Service { name, .. } = &*at.path.backend else { continue };
            if ingress.meta.key == *key && !cx.nginx().is_canary() {
                let message = format!(
                    "an older canary uses the same port of Service {}: {} for {}",
                    Quoted(name),
                    effects::NOT_FOUND,
                    Quoted(at.path.routed())
                );
                let finding = out.add(at.field().field("backend"), at.subject(), message);
                finding.rests_on_index("hosts");
                finding.help("use a separate Service for the canary, or recreate the canary after this Ingress");
            } else if ingress.meta.key != *key
                && cx.nginx().is_canary()
                && !was_dropped(before.as_deref(), &ingress.meta.key, at.path.routed())
            {
                let of_other = if cx.may_name(&ingress.meta.key.namespace) {
                    format!(" of Ingress {}", ingress.meta.key)
                } else {
                    String::new()
                };
                let field = FieldPath::annotation(&format!("{NGINX_PREFIX}canary"));
                let message = format!(
                    "this older canary and path {}{of_other} use the same port of Service {}: {} for the path",
                    Quoted(at.path.routed()),
                    Quoted(name),
                    effects::NOT_FOUND
                );
                let finding = out.add(field, format!("{host} {} service={name}", at.path.routed()), message);
                finding.rests_on_index("hosts").at_most(WARN);
                finding.help("use a separate Service");
            }
        }
    }
}

/// Returns the main paths that get no location, because a canary created the upstream.
fn without_location<'s, 'a>(server: &'s Server<'a>) -> impl Iterator<Item = &'s Dropped<'a>> {
    server.dropped.iter().filter(|dropped| {
        matches!(dropped.why, DroppedBecause::CanaryUpstream) && !NginxAnnotations::of(dropped.ingress).is_canary()
    })
}

/// Returns true if the path had no location before this change.
fn was_dropped(before: Option<&Server<'_>>, key: &Key, path: &str) -> bool {
    before.is_some_and(|before| {
        without_location(before).any(|it| it.ingress.meta.key == *key && it.at.path.routed() == path)
    })
}
