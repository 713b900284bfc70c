//! IG204: the Service has no ready endpoint on the port of the backend.

use foldhash::{HashMap, HashMapExt as _};
use jiff::SignedDuration;

use super::{Fallback, ServiceBackend, resolved, service, service_backends};
use crate::checks::findings::{AUDIT, list};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, PortRef, Service};
use crate::routing::{BackendReadiness, Cause, ResolvedBackend, Shortage, selects_no_workload};

pub(crate) static SERVICE_WITHOUT_READY_ENDPOINTS: Check = Check {
    code: "IG204",
    name: "service-without-ready-endpoints",
    summary: "the Service has no ready endpoint on this port",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::EndpointSlice, Kind::Service]),
    hints: Kinds::of(&[
        Kind::DaemonSet,
        Kind::Deployment,
        Kind::Ingress,
        Kind::IngressClass,
        Kind::Node,
        Kind::Pod,
        Kind::StatefulSet,
    ]),
    page: include_str!("service_without_ready_endpoints.md"),
    run,
};

/// Missing endpoints of a younger Service are expected: Helm, Flux and Argo CD create it together with its pods.
pub(crate) const SERVICE_IS_YOUNG: SignedDuration = SignedDuration::from_mins(5);

fn run(cx: &Context<'_>, out: &mut Findings) {
    let fallback = Fallback::of(cx);
    // Thousands of paths may share a Service.
    let mut known: HashMap<(&str, &PortRef), ResolvedBackend<'_>> = HashMap::new();
    for backend in service_backends(cx) {
        let Some(service) = service(cx, &backend) else { continue };
        let resolved = known.entry((backend.name, backend.port)).or_insert_with(|| resolved(cx, &backend));
        let ResolvedBackend::Port { readiness, .. } = resolved else { continue };
        let shortage = match readiness {
            BackendReadiness::NotReady(shortage) => shortage,
            BackendReadiness::Unknown => {
                without_workload(cx, &backend, service, &fallback, out);
                continue;
            }
            BackendReadiness::Ready(_) => continue,
        };
        // IG210 reports it.
        if matches!(shortage.cause, Cause::Overlooked(_)) {
            continue;
        }
        let is_old =
            service.meta.created.is_some_and(|created| cx.view.now().duration_since(created) > SERVICE_IS_YOUNG);
        let is_early = shortage.is_total() && !is_old;
        let yet = if is_early { " yet" } else { "" };
        let consequence = fallback.consequence_of_port(cx, &backend, service);
        let message = format!("Service {:?} {shortage}{yet}: {consequence}", backend.name);
        let finding = out.add(backend.name_field(), backend.subject(), message);
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
        finding.rests_on_index_of(Kind::EndpointSlice, "endpoints").help(help(cx, service, shortage));
        fallback.add_evidence(cx, finding);
        if is_early || backend.doubt.is_some() || fallback.may_answer(cx, &backend) {
            finding.at_most(AUDIT);
        }
    }
}

/// Returns the fix, or the namespace of EndpointSlices that were created in the wrong one.
fn help(cx: &Context<'_>, service: &Service, shortage: &Shortage<'_>) -> String {
    let is_unexplained = matches!(shortage.cause, Cause::NoSelector | Cause::NothingSelected | Cause::Unexplained);
    if is_unexplained && cx.settings.reveal_other_namespaces && cx.takes_hint() {
        let mut elsewhere: Vec<&str> = cx.view.stray_endpoint_slices(&service.meta.key.name).collect();
        elsewhere.sort_unstable();
        if !elsewhere.is_empty() {
            return format!("move its EndpointSlice from namespace {}", list(elsewhere));
        }
    }
    shortage.help()
}

/// Reports a selector that no workload of the files matches. Something else may create the pods, so it is a note.
fn without_workload<'a>(
    cx: &Context<'a>,
    backend: &ServiceBackend<'a>,
    service: &Service,
    fallback: &Fallback<'a>,
    out: &mut Findings,
) {
    if !selects_no_workload(cx.view, service) {
        return;
    }
    let selector = service.selector.to_string();
    let consequence = fallback.consequence_of_port(cx, backend, service);
    let message = format!(
        "Service {:?} has selector {}, which matches no workload: {consequence}",
        backend.name,
        Quoted(&selector)
    );
    let finding = out.add(backend.name_field(), backend.subject(), message);
    finding.rests_on(Kind::Service, Key::new(cx.namespace(), backend.name));
    finding.help("fix the selector, or the labels of the pod template").at_most(AUDIT);
}
