//! IG215: the AWS Load Balancer Controller uses node ports, and the Service has none.

use super::{service, service_backends};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, ServiceType};

pub(crate) static SERVICE_WITHOUT_NODE_PORT: Check = Check {
    code: "IG215",
    name: "service-without-node-port",
    summary: "`target-type: instance` of the AWS Load Balancer Controller needs a Service with node ports",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Service]),
    hints: Kinds::NONE,
    page: include_str!("service_without_node_port.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if !cx.controller.is_known() {
        return;
    }
    let Some((annotation, wanted)) = cx.controller.known.and_then(|known| known.uses_node_ports_if) else { return };
    let of_ingress = cx.ingress.meta.annotations.get(annotation);
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend) else { continue };
        // The annotation of the Service takes precedence.
        let value = service.meta.annotations.get(annotation).or(of_ingress);
        if value != Some(wanted) || service.has_node_ports || service.kind == ServiceType::ExternalName {
            continue;
        }
        let message = format!(
            "Service {} has no node ports, which target-type {wanted} needs: no load balancer is created",
            Quoted(backend.name)
        );
        let finding = out.add(backend.name_field(), backend.service_subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
        finding.help("use type NodePort, or target-type ip");
    }
}
