//! IG206: an ExternalName that the controller cannot use.

use super::{Fallback, ServiceBackend, service, service_backends};
use crate::checks::findings::{AUDIT, WARN};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, ServiceType};
use crate::routing::{ExternalNameFault, service_of_name};

pub(crate) static EXTERNAL_NAME_UNUSABLE: Check = Check {
    code: "IG206",
    name: "external-name-unusable",
    summary: "the Service is an ExternalName that the controller cannot resolve",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::of(&[Kind::Service]),
    hints: Kinds::of(&[Kind::EndpointSlice, Kind::Ingress, Kind::IngressClass]),
    page: include_str!("external_name_unusable.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let fallback = Fallback::of(cx);
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend).filter(|service| service.kind == ServiceType::ExternalName) else {
            continue;
        };
        let name = Quoted(&service.external_name);
        if cx.controller.external_name_fault(&service.external_name, cx.view).is_none() {
            if cx.controller.dials_port_zero(service, backend.port) {
                without_port(cx, &backend, out);
            }
            continue;
        }
        let (what, help) = match cx.controller.external_name_fault(&service.external_name, cx.view) {
            Some(ExternalNameFault::Loopback) => {
                (format!("has externalName {name}, a loopback address"), "set externalName to another host")
            }
            Some(ExternalNameFault::Address) => (
                format!("has externalName {name}, an IP address instead of a DNS name"),
                "create an EndpointSlice with this address",
            ),
            Some(ExternalNameFault::NoName) => {
                (format!("has externalName {name}, not a valid DNS name"), "set externalName to a host name")
            }
            Some(ExternalNameFault::NoService) => {
                (format!("has externalName {name}, a Service that does not exist"), "create this Service first")
            }
            Some(ExternalNameFault::Refused) => (
                "is an ExternalName, which disable-svc-external-name forbids".to_owned(),
                "use a Service with an EndpointSlice",
            ),
            None => continue,
        };
        let consequence = fallback.consequence(cx, &backend);
        let message = format!("Service {:?} {what}: {consequence}", backend.name);
        let finding = out.add(backend.name_field(), backend.service_subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name)).help(help).at_most(WARN);
        if let Some((namespace, target)) = service_of_name(&service.external_name) {
            finding.rests_on(Kind::Service, Key::new(namespace, target));
        }
        fallback.add_evidence(cx, finding);
        if backend.doubt.is_some() || fallback.may_answer(cx, &backend) {
            finding.at_most(AUDIT);
        }
    }
}

/// Reports a port that is not a number: the fallback Service is not used then.
fn without_port(cx: &Context<'_>, backend: &ServiceBackend<'_>, out: &mut Findings) {
    let (name, port) = (backend.name, backend.port);
    let message =
        format!("port {port} of ExternalName Service {name:?} has no numeric targetPort: {}", effects::PORT_ZERO);
    let finding = out.add(backend.port_field(), backend.subject(), message);
    finding.rests_on(Kind::Service, Key::new(cx.namespace(), name)).help("set targetPort to a number").at_most(WARN);
    if backend.doubt.is_some() {
        finding.at_most(AUDIT);
    }
}
