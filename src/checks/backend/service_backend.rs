//! The Service backends of an Ingress and the effects of a broken one. The checks on backends share them.

use serde_json::json;

use crate::checks::{Context, effects};
use crate::finding::{Finding, Patch};
use crate::model::{Backend, BackendRef, FieldPath, Key, Kind, Path, PathType, PortRef, Rule, Service, ServiceType};
use crate::routing::{self, ControllerFamily, FallbackAnswer, OptionalBackend, ResolvedBackend};

/// A backend that names a Service and one of its ports, and that requests can reach.
pub(super) struct ServiceBackend<'a> {
    pub(super) at: BackendRef<'a>,
    pub(super) name: &'a str,
    pub(super) port: &'a PortRef,
    /// Why requests may not depend on it.
    pub(super) doubt: Option<OptionalBackend>,
}

impl ServiceBackend<'_> {
    pub(super) fn name_field(&self) -> FieldPath {
        self.at.field().field("service").field("name")
    }

    pub(super) fn port_field(&self) -> FieldPath {
        let port = self.at.field().field("service").field("port");
        match self.port {
            PortRef::Name(_) => port.field("name"),
            PortRef::Number(_) => port.field("number"),
        }
    }

    /// Returns the patch that replaces the port by this number. Every port has a number, but not every port has a name.
    pub(super) fn fix(&self, number: i32) -> Patch {
        let port = self.at.field().field("service").field("port");
        let asked = match self.port {
            PortRef::Name(name) => json!({ "name": name }),
            PortRef::Number(number) => json!({ "number": number }),
        };
        Patch::on(&port, asked).replace(&port, json!({ "number": number }))
    }

    /// Identifies the backend without list indexes, for findings that are independent of the port.
    pub(super) fn service_subject(&self) -> String {
        format!("{} service={}", self.at.subject(), self.name)
    }

    /// Identifies the backend and its port without list indexes.
    pub(super) fn subject(&self) -> String {
        format!("{} port={}", self.service_subject(), self.port)
    }
}

/// Returns the backends that must have a Service. Omitted are the backends of an Ingress that redirects every request,
/// actions of the AWS controller, and a default backend that no request can reach.
pub(super) fn service_backends<'a>(cx: &Context<'a>) -> impl Iterator<Item = ServiceBackend<'a>> {
    let ingress = cx.ingress;
    let (redirects, doubt) = *cx.memo.every_backend.get_or_init(|| {
        // An unknown controller may apply the redirect, and a guess is not reported.
        let may_redirect = cx.dialect().family.reads_nginx_annotations() || cx.is_unowned();
        let redirects = may_redirect && cx.nginx().redirects_everything();
        (redirects, OptionalBackend::of_every_backend(ingress, &cx.controller))
    });
    let fallback = OptionalBackend::of_default_backend(ingress, cx.view, &cx.controller);
    // An unknown controller may do the same, and a guess is not reported.
    let may_be_fallback = cx.dialect().family == ControllerFamily::Nginx || cx.is_unowned();
    let shadowed_default = may_be_fallback && takes_every_path_itself(&ingress.rules);
    ingress.backends().filter(move |at| !redirects && (at.path.is_some() || !shadowed_default)).filter_map(move |at| {
        let Backend::Service { name, port: Some(port) } = at.backend else { return None };
        let doubt = doubt.or(fallback.filter(|_| at.path.is_none()));
        (!cx.controller.means_action(port)).then_some(ServiceBackend { at, name, port, doubt })
    })
}

/// On ingress-nginx the default backend of an Ingress with rules is only the fallback of those rules' hosts, and a
/// Prefix path `/` replaces that fallback (sections 2.3 and 2.4).
fn takes_every_path_itself(rules: &[Rule]) -> bool {
    // A resource backend makes no location (section 2.4).
    let is_root = |path: &Path| {
        path.routed() == "/" && path.path_type != PathType::Exact && matches!(*path.backend, Backend::Service { .. })
    };
    !rules.is_empty() && rules.iter().all(|rule| rule.paths.iter().any(is_root))
}

/// Returns the effect of a backend that does not exist.
fn without_backend<'a>(cx: &Context<'a>, backend: &ServiceBackend<'a>) -> &'static str {
    match backend.doubt {
        Some(OptionalBackend::Canary) if !backend.at.path.is_some_and(|at| cx.locates(at)) => effects::CANARY_UNUSED,
        _ if cx.dialect().intercepts(503, cx.nginx()) => effects::INTERCEPTED,
        _ => effects::without_backend(cx.dialect()),
    }
}

/// Returns the Service of a backend if it exists.
pub(super) fn service<'a>(cx: &Context<'a>, backend: &ServiceBackend<'_>) -> Option<&'a Service> {
    cx.service(backend.name).found()
}

/// Resolves a backend to its Service, port and endpoints.
pub(super) fn resolved<'a>(cx: &Context<'a>, backend: &ServiceBackend<'_>) -> ResolvedBackend<'a> {
    ResolvedBackend::of(cx.ingress, backend.at.backend, &cx.controller, cx.view)
}

/// The fallback Service of the Ingress: it answers for a Service without endpoints (annotation `default-backend`).
pub(super) struct Fallback<'a> {
    fallback: Option<routing::FallbackService<'a>>,
}

impl<'a> Fallback<'a> {
    pub(super) fn of(cx: &Context<'a>) -> Self {
        Self { fallback: routing::FallbackService::of(cx.ingress, &cx.controller, cx.view) }
    }

    /// Returns whether the fallback Service may answer for a backend: it has endpoints, or that is unknown.
    pub(super) fn may_answer(&self, cx: &Context<'a>, backend: &ServiceBackend<'_>) -> bool {
        let may = |(_, answer)| matches!(answer, FallbackAnswer::Served | FallbackAnswer::Unknown);
        self.answer(cx, backend).is_some_and(may)
    }

    fn answer(&self, cx: &Context<'a>, backend: &ServiceBackend<'_>) -> Option<(&'a str, FallbackAnswer)> {
        let fallback = self.fallback.as_ref()?;
        let is_external = service(cx, backend).is_some_and(|service| service.kind == ServiceType::ExternalName);
        Some((fallback.name, fallback.answer(is_external, &cx.controller, cx.view)))
    }

    /// Returns the effect of a backend without endpoints.
    pub(super) fn consequence(&self, cx: &Context<'a>, backend: &ServiceBackend<'a>) -> String {
        match self.answer(cx, backend) {
            Some((name, FallbackAnswer::Served | FallbackAnswer::Unknown)) => effects::with_fallback(name),
            Some((name, FallbackAnswer::Unresolved)) => effects::with_external_fallback(name),
            Some((_, FallbackAnswer::Unused)) | None => without_backend(cx, backend).to_owned(),
        }
    }

    /// Returns the effect of a Service that exists and does not answer on this port. If the controller connects to the
    /// address of the Service, it reads no endpoints and never uses the fallback.
    pub(super) fn consequence_of_port(&self, cx: &Context<'a>, backend: &ServiceBackend<'a>, of: &Service) -> String {
        if cx.controller.dials_address(cx.ingress, of, backend.port) {
            return effects::UNREACHABLE.to_owned();
        }
        self.consequence(cx, backend)
    }

    /// Makes a finding depend on the fallback Service and its endpoints.
    pub(super) fn add_evidence(&self, cx: &Context<'_>, finding: &mut Finding) {
        if let Some(fallback) = &self.fallback {
            finding.rests_on(Kind::Service, Key::new(cx.namespace(), fallback.name));
            finding.rests_on_index_of(Kind::EndpointSlice, "endpoints");
        }
    }
}
