//! IG209: a default backend that an older Ingress of the host keeps from being used.

use crate::checks::{Applies, Check, Context, Findings, ROUTES};
use crate::finding::{Level, Levels};
use crate::model::{Backend, FieldPath, Host, Ingress, Kinds};
use crate::routing::{Location, Server, When};

pub(crate) static DEFAULT_BACKEND_IGNORED: Check = Check {
    code: "IG209",
    name: "default-backend-ignored",
    summary: "an older Ingress owns the host's fallback, so this default backend answers nothing there",
    levels: Levels::both(Level::Warn),
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
        let whose =
            if cx.may_name(&elder.meta.key.namespace) { format!(" ({})", elder.meta.key) } else { String::new() };
        let gets = if fallback.backend.is_some() { "that Ingress' default backend" } else { "404" };
        let name = if *host == Host::Any { "hosts that nobody has".to_owned() } else { host.to_string() };
        let message = format!("an older Ingress{whose} decides the fallback of {name}: what no path takes gets {gets}");
        let finding = out.add(FieldPath::spec().field("defaultBackend"), format!("{host} defaultBackend"), message);
        finding.rests_on_index("hosts").help("add a path / with pathType: Prefix");
    }
}

/// The other Ingress whose fallback counts (section 2.3).
fn older<'a>(cx: &Context<'a>, server: &Server<'a>, fallback: &Location<'a>) -> Option<&'a Ingress> {
    // Rules without a host share the server `_`, whose fallback is nobody's but a catch-all's.
    let has_rules = !cx.ingress.rules.is_empty();
    fallback.ingress.filter(|it| it.meta.key != cx.ingress.meta.key && !(server.host == Host::Any && has_rules))
}
