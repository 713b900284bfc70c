//! IG209: a default backend that is ignored because of an older Ingress of the host.

use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release, effects, findings};
use crate::finding::{Level, Levels};
use crate::model::{Backend, FieldPath, Host, Ingress, Kinds};
use crate::routing::{Location, Server, When};

pub(crate) static DEFAULT_BACKEND_IGNORED: Check = Check {
    code: "IG209",
    name: "default-backend-ignored",
    summary: "the default backend is ignored, because an older Ingress sets the fallback of the host",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("default_backend_ignored.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let has_default = matches!(cx.ingress.default_backend, Some(Backend::Service { .. }));
    if !has_default || cx.nginx().is_canary() {
        return;
    }
    let mut hosts: Vec<&Host> = cx.ingress.hosts().into_iter().map(|(_, host)| host).collect();
    if hosts.is_empty() {
        hosts.push(&Host::Any);
    }
    for host in hosts {
        let Some(server) = cx.server(host, When::After).found() else { continue };
        let Some(fallback) = server.locations.iter().find(|location| location.at.is_none()) else { continue };
        let Some(elder) = older(cx, &server, fallback) else { continue };
        let elder = findings::older(cx, &elder.meta.key);
        let effect = if fallback.backend.is_some() {
            "unmatched paths go to its default backend"
        } else {
            effects::UNMATCHED_NOT_FOUND
        };
        let name = if *host == Host::Any { "hosts without a rule".to_owned() } else { host.to_string() };
        let message = format!("ignored for {name}: {elder} sets the fallback there, {effect}");
        let finding = out.add(FieldPath::spec().field("defaultBackend"), format!("{host} defaultBackend"), message);
        finding.rests_on_index("hosts").help("add path \"/\" with pathType: Prefix");
    }
}

/// Returns the other Ingress that sets the fallback of this server (section 2.3).
fn older<'a>(cx: &Context<'a>, server: &Server<'a>, fallback: &Location<'a>) -> Option<&'a Ingress> {
    // Rules without a host share the server `_`. Only an Ingress without rules sets its fallback.
    let has_rules = !cx.ingress.rules.is_empty();
    fallback.ingress.filter(|it| it.meta.key != cx.ingress.meta.key && !(server.host == Host::Any && has_rules))
}
