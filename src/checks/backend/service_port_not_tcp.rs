//! IG205: the port of the backend is UDP or SCTP only.

use super::{Fallback, service, service_backends};
use crate::checks::findings::{WARN, list};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels};
use crate::model::{Key, Kind, Kinds, Protocol, ServiceType};

pub(crate) static SERVICE_PORT_NOT_TCP: Check = Check {
    code: "IG205",
    name: "service-port-not-tcp",
    summary: "the port of the backend is UDP or SCTP, not TCP",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Service]),
    hints: Kinds::of(&[Kind::EndpointSlice, Kind::Ingress, Kind::IngressClass]),
    page: include_str!("service_port_not_tcp.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let fallback = Fallback::of(cx);
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend) else { continue };
        if service.kind == ServiceType::ExternalName {
            continue;
        }
        // If the controller does not accept a targetPort, IG202 reports it.
        let meant = || cx.controller.meant_ports(service, backend.port);
        let Some(first) = meant().next() else { continue };
        if meant().any(|port| port.protocol == Protocol::Tcp) {
            continue;
        }
        let message = format!(
            "port {} of Service {:?} is {}, Ingress backends need TCP: {}",
            backend.port,
            backend.name,
            first.protocol,
            fallback.consequence_of_port(cx, &backend, service)
        );
        let finding = out.add(backend.port_field(), backend.subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
        fallback.add_evidence(cx, finding);
        let tcp: Vec<_> = service.ports.iter().filter(|port| port.protocol == Protocol::Tcp).collect();
        match &tcp[..] {
            [] => finding.help("add a TCP port to the Service"),
            [only] => finding.help(format!("use port {only}")),
            ports => finding.help(format!("use one of its TCP ports: {}", list(ports))),
        };
        if backend.doubt.is_some() || fallback.may_answer(cx, &backend) {
            finding.at_most(WARN);
        }
    }
}
