//! IG204: nothing behind the Service's port takes requests.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::{StandIn, meant_ports, service, service_backends};
use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels};
use crate::model::{Key, Kind, Kinds, PortRef, Protocol, Service, ServicePort, ServiceType, TargetPort};
use crate::routing::Endpoints;

pub(crate) static SERVICE_WITHOUT_READY_ENDPOINTS: Check = Check {
    code: "IG204",
    name: "service-without-ready-endpoints",
    summary: "no endpoint behind the Service's port takes requests",
    levels: Levels::both(Level::Warn),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::EndpointSlice, Kind::Service]),
    hints: Kinds::of(&[Kind::Ingress]),
    page: include_str!("service_without_ready_endpoints.md"),
    run,
};

/// A Service may be so old before its endpoints are missed: Helm, Flux and Argo CD create it together with its pods.
const AGE: SignedDuration = SignedDuration::from_mins(5);

fn run(cx: &Context<'_>, out: &mut Findings) {
    let stand_in = StandIn::of(cx);
    // Thousands of paths may share a Service.
    let mut known: HashMap<(&str, &PortRef), Option<Shortage>> = HashMap::new();
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend) else { continue };
        let shortage = known.entry((backend.name, backend.port)).or_insert_with(|| shortage(cx, service, backend.port));
        let Some(Shortage { what, help, is_early }) = shortage else { continue };
        let consequence = stand_in.consequence_of_port(cx, &backend);
        let message = format!("service {:?} {what}: {consequence}", backend.name);
        let finding = out.add(backend.name_field(), backend.subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
        finding.rests_on_index_of(Kind::EndpointSlice, "endpoints").help(help.as_str());
        stand_in.rest(cx, finding);
        if *is_early || backend.doubt.is_some() || stand_in.may_answer {
            finding.at_most(AUDIT);
        }
    }
}

/// Why nothing behind a port takes requests.
struct Shortage {
    what: String,
    help: String,
    /// It may well be that the pods are on their way.
    is_early: bool,
}

fn shortage(cx: &Context<'_>, service: &Service, wanted: &PortRef) -> Option<Shortage> {
    if service.kind == ServiceType::ExternalName {
        return None;
    }
    let tcp = || meant_ports(cx, service, wanted).filter(|port| port.protocol == Protocol::Tcp);
    let port = tcp().next()?;
    let Lookup::Found(slices) = cx.world.endpoint_slices(cx.namespace(), &service.meta.key.name) else { return None };
    if tcp().any(|port| Endpoints::behind(port, &slices).ready > 0) {
        return None;
    }
    let (what, help) = match Endpoints::behind(port, &slices) {
        Endpoints { not_ready: 1, .. } => {
            (format!("has one endpoint on port {port}, which is not ready"), "see why".to_owned())
        }
        Endpoints { not_ready: some @ 2.., .. } => {
            (format!("has {some} endpoints on port {port}, none ready"), "see why".to_owned())
        }
        Endpoints { without_port: 1.., .. } => (format!("has endpoints, but none on port {port}"), name_the_port(port)),
        Endpoints { .. } => {
            let is_old = service.meta.created.is_some_and(|created| cx.world.now().duration_since(created) > AGE);
            let help = if service.has_selector {
                "see that its selector matches pods, and that some are running"
            } else {
                "it has no selector: make an EndpointSlice for it"
            };
            let yet = if is_old { "" } else { " yet" };
            return Some(Shortage { what: format!("has no endpoints{yet}"), help: help.to_owned(), is_early: !is_old });
        }
    };
    Some(Shortage { what, help, is_early: false })
}

fn name_the_port(port: &ServicePort) -> String {
    match &port.target {
        TargetPort::Name(name) => format!("give its pods a container port named {name:?}, which is its targetPort"),
        TargetPort::Number(_) => "give its EndpointSlices a TCP port".to_owned(),
    }
}
