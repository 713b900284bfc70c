//! IG202: the Service does not have the port of the backend.

use super::{Fallback, service, service_backends};
use crate::checks::findings::{WARN, list};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels};
use crate::model::{Key, Kind, Kinds, Protocol, ServiceType};

pub(crate) static SERVICE_PORT_NOT_FOUND: Check = Check {
    code: "IG202",
    name: "service-port-not-found",
    summary: "the backend Service has no port with that number or name",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Service]),
    hints: Kinds::of(&[Kind::EndpointSlice, Kind::Ingress, Kind::IngressClass]),
    page: include_str!("service_port_not_found.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let fallback = Fallback::of(cx);
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend) else { continue };
        // An ExternalName needs no ports (section 4.4); controllers differ in how they treat a port name there.
        if service.kind == ServiceType::ExternalName
            || cx.controller.meant_ports(service, backend.port).next().is_some()
        {
            continue;
        }
        let consequence = fallback.consequence_of_port(cx, &backend, service);
        let message = format!("Service {:?} has no port {}: {consequence}", backend.name, backend.port);
        let finding = out.add(backend.port_field(), backend.subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
        fallback.add_evidence(cx, finding);
        // Only a TCP port is suggested. If the controller requires the port of the Service, a matching targetPort shows
        // which port was intended.
        let tcp: Vec<_> = service.ports.iter().filter(|port| port.protocol == Protocol::Tcp).collect();
        let meant = tcp.iter().find(|port| port.targets(backend.port));
        match (meant, &tcp[..]) {
            (Some(port), _) => {
                finding.help(format!("use port {port}, which has this targetPort")).fix(backend.fix(port.number))
            }
            (None, []) => finding.help("add a TCP port to the Service"),
            (None, [only]) => finding
                .help(format!("use its only {}port {only}", if service.ports.len() > 1 { "TCP " } else { "" }))
                .fix(backend.fix(only.number)),
            (None, ports) => finding.help(format!("use one of its ports: {}", list(ports))),
        };
        if backend.doubt.is_some() || fallback.may_answer(cx, &backend) {
            finding.at_most(WARN);
        }
    }
}
