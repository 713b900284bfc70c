//! IG203: the backend uses a targetPort instead of the port of the Service.

use super::{service, service_backends};
use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{Key, Kind, Kinds, Protocol};
use crate::routing::ControllerFamily;

pub(crate) static SERVICE_TARGET_PORT_USED: Check = Check {
    code: "IG203",
    name: "service-target-port-used",
    summary: "the backend uses a `targetPort`, which only some controllers accept",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Service]),
    hints: Kinds::of(&[Kind::Ingress]),
    page: include_str!("service_target_port_used.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.controller.wants_service_port() {
        return;
    }
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend) else { continue };
        if service.ports.iter().any(|port| port.answers_to(backend.port)) {
            continue;
        }
        // If none of them is TCP, IG205 reports it.
        let meant: Vec<_> =
            service.ports.iter().filter(|port| port.targets(backend.port) && port.protocol == Protocol::Tcp).collect();
        let Some(first) = meant.first() else { continue };
        // The address of the Service does not listen on a targetPort.
        let consequence = if cx.controller.dials_address(cx.ingress, service, backend.port) {
            format!("{} with service-upstream", effects::UNREACHABLE)
        } else if cx.dialect().family == ControllerFamily::Nginx {
            format!("ingress-nginx accepts it, {} on most other controllers", effects::FAILS)
        } else {
            format!("{} on controllers other than ingress-nginx and HAProxy", effects::FAILS)
        };
        let message =
            format!("{} is a targetPort of Service {:?}, not a port: {consequence}", backend.port, backend.name);
        let finding = out.add(backend.port_field(), backend.subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
        finding.help(format!("use port {}", list(&meant)));
        finding.fix(backend.fix(first.number));
    }
}
