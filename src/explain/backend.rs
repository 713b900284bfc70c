//! The steps behind a path: Service, port, endpoints.

use super::trail::{Explanation, ReadyBackend, RequestOutcome, kubectl};
use crate::cluster::ClusterView;
use crate::finding::Quoted;
use crate::model::{Backend, Ingress, PortRef, suggest};
use crate::routing::{
    BackendReadiness, ControllerFamily, ExternalNameFault, FallbackAnswer, FallbackService, LinkStatus,
    NginxAnnotations, ResolvedBackend, Routes,
};

/// Adds the steps from a backend to its endpoints.
pub(super) fn backend<'a>(
    explanation: &mut Explanation,
    routes: &Routes<'_>,
    ingress: &'a Ingress,
    backend: &Backend,
    view: &ClusterView<'a>,
) {
    let Backend::Service { name, port } = backend else {
        return explanation.unknown("service", "resource backend: support of the controller is unknown");
    };
    let resolved = ResolvedBackend::of(ingress, backend, routes.controller(), view);
    let namespace = &*ingress.meta.key.namespace;
    explanation.backend = Some(ReadyBackend {
        namespace: namespace.to_owned(),
        service: name.to_string(),
        port: port.as_ref().map(PortRef::plain),
        ready_endpoints: match &resolved {
            ResolvedBackend::Port { readiness: BackendReadiness::Ready(endpoints), .. } => Some(endpoints.ready),
            ResolvedBackend::Port { readiness: BackendReadiness::NotReady(_), .. } => Some(0),
            _ => None,
        },
    });
    let outcome = if resolved == ResolvedBackend::NotMeant { RequestOutcome::Unknown } else { RequestOutcome::Service };
    explanation.ends(outcome, None);
    links(explanation, &resolved, (namespace, name), port.as_ref(), view);
    if resolved.status() == LinkStatus::Broken {
        let is_nginx = routes.controller().dialect.family == ControllerFamily::Nginx;
        let status = match resolved {
            ResolvedBackend::ExternalWithoutPort { .. } => Some(502),
            _ => (is_nginx && !resolved.by_address()).then_some(503),
        };
        explanation.ends(RequestOutcome::Unavailable, status);
        if !resolved.by_address() {
            fallback(explanation, routes, ingress, resolved.is_external(), view);
        }
        let annotations = NginxAnnotations::of(ingress);
        if explanation.status == Some(503) && routes.controller().dialect.intercepts(503, annotations) {
            let by_annotation = annotations.intercepts(503).is_some();
            let what =
                if by_annotation { "annotation custom-http-errors" } else { "custom-http-errors of the ConfigMap" };
            explanation.holds("errors", format!("{what} has 503: the default backend answers instead"));
            explanation.ends(RequestOutcome::DefaultBackend, 404);
        }
    }
}

/// Adds the steps of a resolved Service backend.
fn links(
    explanation: &mut Explanation,
    resolved: &ResolvedBackend<'_>,
    (namespace, name): (&str, &str),
    port: Option<&PortRef>,
    view: &ClusterView<'_>,
) {
    let service = format!("Service {namespace}/{name}");
    let wanted = port.map(ToString::to_string).unwrap_or_default();
    let get = || kubectl(&["get", "service", name, "--namespace", namespace]);
    match resolved {
        ResolvedBackend::NotMeant => {
            explanation.unknown("service", "the controller handles this backend itself, without a Service");
        }
        ResolvedBackend::Unseen => explanation.unknown("service", format!("the existence of {service} is unknown")),
        ResolvedBackend::NoService => {
            let all = kubectl(&["get", "services", "--namespace", namespace]);
            let hint = elsewhere(namespace, name, view);
            explanation.breaks("service", format!("{service} does not exist{hint}"), all);
        }
        ResolvedBackend::External { name: external, fault: None } => {
            explanation.holds("service", format!("{service} has ExternalName {}", Quoted(external)));
            explanation.unknown("endpoints", "DNS resolution of this name is not checked");
        }
        ResolvedBackend::External { name: external, fault: Some(fault) } => {
            let why = match fault {
                ExternalNameFault::Refused => "which this controller is configured to reject",
                ExternalNameFault::NoService => "which is the name of a Service that does not exist",
                ExternalNameFault::Loopback | ExternalNameFault::Address | ExternalNameFault::NoName => {
                    "which is not the name of another host"
                }
            };
            let edit = kubectl(&["edit", "service", name, "--namespace", namespace]);
            explanation.breaks("service", format!("{service} has ExternalName {}, {why}", Quoted(external)), edit);
        }
        ResolvedBackend::ExternalWithoutPort { name: external } => {
            explanation.holds("service", format!("{service} has ExternalName {}", Quoted(external)));
            let detail = format!("port {wanted} has no numeric targetPort: the controller connects to port 0");
            explanation.breaks("port", detail, get());
        }
        ResolvedBackend::NoPort { has, by_address } => {
            explanation.holds("service", service);
            let has: Vec<String> = has.iter().map(ToString::to_string).collect();
            let has = if has.is_empty() { "no port".to_owned() } else { format!("only {}", has.join(", ")) };
            let dialled = if *by_address {
                "; service-upstream connects to the Service address, which does not listen on it"
            } else {
                ""
            };
            explanation.breaks("port", format!("the Service has no port {wanted}, it has {has}{dialled}"), get());
        }
        ResolvedBackend::NotTcp { port, .. } => {
            explanation.holds("service", service);
            explanation.breaks("port", format!("port {port} is {}, not TCP", port.protocol), get());
        }
        ResolvedBackend::Port { port: found, by_address, readiness } => {
            explanation.holds("service", service);
            let by_target = port.is_some_and(|port| !found.answers_to(port));
            let how = match (by_address, by_target) {
                (true, _) => ", at the Service address (annotation service-upstream)".to_owned(),
                (false, true) => format!(", by its targetPort {wanted}"),
                (false, false) => String::new(),
            };
            explanation.holds("port", format!("{found}{how}"));
            endpoints(explanation, readiness, namespace, name);
        }
    }
}

/// Names where a missing Service is, or the one that is probably meant.
fn elsewhere(namespace: &str, name: &str, view: &ClusterView<'_>) -> String {
    let mut others: Vec<&str> = view.service_namespaces(name).filter(|other| *other != namespace).collect();
    others.sort_unstable();
    if let Some(first) = others.first() {
        return format!(
            "; namespace {first} has one of this name, but a backend must be in the namespace of its Ingress"
        );
    }
    let meant = suggest::did_you_mean(name, view.service_names(namespace));
    meant.map_or_else(String::new, |meant| format!("; {meant}"))
}

fn endpoints(explanation: &mut Explanation, readiness: &BackendReadiness<'_>, namespace: &str, service: &str) {
    match readiness {
        BackendReadiness::Ready(_) => explanation.holds("endpoints", readiness.to_string()),
        BackendReadiness::Unknown => explanation.unknown("endpoints", "EndpointSlices are unknown"),
        BackendReadiness::NotReady(shortage) => {
            let of = format!("kubernetes.io/service-name={service}");
            let show = if shortage.is_total() {
                kubectl(&["describe", "service", service, "--namespace", namespace])
            } else {
                kubectl(&["get", "endpointslices", "--namespace", namespace, "--selector", &of])
            };
            explanation.breaks("endpoints", format!("the Service {shortage}; {}", shortage.help()), show);
        }
    }
}

/// Adds the step for the fallback Service of the default-backend annotation (section 4.6).
fn fallback<'a>(
    explanation: &mut Explanation,
    routes: &Routes<'_>,
    ingress: &'a Ingress,
    is_external: bool,
    view: &ClusterView<'a>,
) {
    let Some(fallback) = FallbackService::of(ingress, routes.controller(), view) else { return };
    let service = format!("Service {}/{} of annotation default-backend", ingress.meta.key.namespace, fallback.name);
    match fallback.answer(is_external, routes.controller(), view) {
        FallbackAnswer::Served => {
            explanation.holds("fallback", format!("{service} answers instead"));
            explanation.ends(RequestOutcome::Service, None);
        }
        FallbackAnswer::Unused => {}
        FallbackAnswer::Unresolved => {
            let detail = format!("{service} is an ExternalName, which the controller does not resolve here");
            explanation.breaks("fallback", detail, None);
            explanation.ends(RequestOutcome::Unavailable, 502);
        }
        FallbackAnswer::Unknown => {
            explanation.unknown("fallback", format!("{service} answers if it has endpoints"));
            explanation.ends(RequestOutcome::Unknown, None);
        }
    }
}
