//! IG204: the Service has no ready endpoint on the port of the backend.

use foldhash::{HashMap, HashMapExt as _};
use jiff::SignedDuration;

use super::{Fallback, resolved, service, service_backends};
use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{Key, Kind, Kinds, PortRef};
use crate::routing::{BackendReadiness, Cause, ResolvedBackend};

pub(crate) static SERVICE_WITHOUT_READY_ENDPOINTS: Check = Check {
    code: "IG204",
    name: "service-without-ready-endpoints",
    summary: "the Service has no ready endpoint on this port",
    levels: Levels::both(Level::Warn),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::EndpointSlice, Kind::Service]),
    hints: Kinds::of(&[Kind::DaemonSet, Kind::Deployment, Kind::Ingress, Kind::Node, Kind::Pod, Kind::StatefulSet]),
    page: include_str!("service_without_ready_endpoints.md"),
    run,
};

/// Missing endpoints of a younger Service are expected: Helm, Flux and Argo CD create it together with its pods.
const AGE: SignedDuration = SignedDuration::from_mins(5);

fn run(cx: &Context<'_>, out: &mut Findings) {
    let fallback = Fallback::of(cx);
    // Thousands of paths may share a Service.
    let mut known: HashMap<(&str, &PortRef), ResolvedBackend<'_>> = HashMap::new();
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend) else { continue };
        let resolved = known.entry((backend.name, backend.port)).or_insert_with(|| resolved(cx, &backend));
        let ResolvedBackend::Port { readiness: BackendReadiness::NotReady(shortage), .. } = resolved else { continue };
        // IG210 reports it.
        if matches!(shortage.cause, Cause::Overlooked(_)) {
            continue;
        }
        let is_old = service.meta.created.is_some_and(|created| cx.view.now().duration_since(created) > AGE);
        let is_early = shortage.is_total() && !is_old;
        let yet = if is_early { " yet" } else { "" };
        let consequence = fallback.consequence_of_port(cx, &backend, service);
        let message = format!("Service {:?} {shortage}{yet}: {consequence}", backend.name);
        let finding = out.add(backend.name_field(), backend.subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
        finding.rests_on_index_of(Kind::EndpointSlice, "endpoints").help(shortage.help());
        fallback.add_evidence(cx, finding);
        if is_early || backend.doubt.is_some() || fallback.may_answer(cx, &backend) {
            finding.at_most(AUDIT);
        }
    }
}
