//! The backends that need a Service, and how to speak of one that does not answer: what the checks on them share.

use serde_json::json;

use crate::checks::{Context, effects};
use crate::finding::{Finding, Patch};
use crate::model::{Backend, BackendRef, FieldPath, Key, Kind, Path, PathType, PortRef, Rule, Service};
use crate::routing::{self, ControllerFamily, OptionalBackend, ResolvedBackend};

/// A backend that names a Service and one of its ports, and that some visitor can reach.
pub(super) struct ServiceBackend<'a> {
    pub(super) at: BackendRef<'a>,
    pub(super) name: &'a str,
    pub(super) port: &'a PortRef,
    /// Why nobody can be sure that a visitor ever depends on it.
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

    /// Ask for this port by its number in the place of the one that is asked for now: every port has a number.
    pub(super) fn fix(&self, number: i32) -> Patch {
        let port = self.at.field().field("service").field("port");
        let asked = match self.port {
            PortRef::Name(name) => json!({ "name": name }),
            PortRef::Number(number) => json!({ "number": number }),
        };
        Patch::on(&port, asked).replace(&port, json!({ "number": number }))
    }

    /// Tells backends apart without their place in the list, where the port does not matter.
    pub(super) fn service_subject(&self) -> String {
        format!("{} service={}", self.at.subject(), self.name)
    }

    /// As that, where the port matters.
    pub(super) fn subject(&self) -> String {
        format!("{} port={}", self.service_subject(), self.port)
    }
}

/// The backends that must have a Service: none where every request is redirected first, none behind an action of the
/// AWS controller, and not a default backend that nothing can reach.
pub(super) fn service_backends<'a>(cx: &Context<'a>) -> impl Iterator<Item = ServiceBackend<'a>> {
    let ingress = cx.ingress;
    // Where the controller is unknown, the redirect may be in force: nobody is accused on a guess.
    let redirects =
        cx.nginx().redirects_everything() && (cx.dialect().family.reads_nginx_annotations() || cx.is_unowned());
    let doubt = OptionalBackend::of_every_backend(ingress, &cx.controller);
    let fallback = OptionalBackend::of_default_backend(ingress, cx.view, &cx.controller);
    // Where the controller is unknown, it may be so: nobody is accused on a guess.
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
        path.routed() == "/" && path.path_type != PathType::Exact && matches!(path.backend, Backend::Service { .. })
    };
    !rules.is_empty() && rules.iter().all(|rule| rule.paths.iter().any(is_root))
}

/// What a visitor gets from a backend that is not there.
fn without_backend(cx: &Context<'_>, backend: &ServiceBackend<'_>) -> &'static str {
    backend.doubt.and_then(OptionalBackend::consequence).unwrap_or_else(|| effects::without_backend(cx.dialect()))
}

/// The Service of a backend, where there is one.
pub(super) fn service<'a>(cx: &Context<'a>, backend: &ServiceBackend<'_>) -> Option<&'a Service> {
    cx.service(backend.name).found()
}

/// What stands behind a backend.
pub(super) fn resolved<'a>(cx: &Context<'a>, backend: &ServiceBackend<'_>) -> ResolvedBackend<'a> {
    ResolvedBackend::of(cx.ingress, backend.at.backend, &cx.controller, cx.view)
}

/// The Service that answers in the place of one without endpoints, if the Ingress names any.
pub(super) struct StandIn<'a> {
    name: Option<&'a str>,
    /// It is not certain that there is none.
    pub(super) may_answer: bool,
}

impl<'a> StandIn<'a> {
    pub(super) fn of(cx: &Context<'a>) -> Self {
        let stand_in = routing::FallbackService::of(cx.ingress, &cx.controller, cx.view);
        Self { name: stand_in.map(|it| it.name), may_answer: stand_in.is_some_and(|it| it.may_answer()) }
    }

    /// What a visitor gets from a backend that is empty.
    pub(super) fn consequence(&self, cx: &Context<'_>, backend: &ServiceBackend<'_>) -> String {
        match self.name.filter(|_| self.may_answer) {
            Some(name) => format!("visitors get service {name:?} of the default-backend annotation"),
            None => without_backend(cx, backend).to_owned(),
        }
    }

    /// What a visitor gets from a Service that is there and does not answer on this port. Where its own address is dialled,
    /// nobody looks for endpoints, so nothing stands in.
    pub(super) fn consequence_of_port(&self, cx: &Context<'_>, backend: &ServiceBackend<'_>, of: &Service) -> String {
        if cx.controller.dials_address(cx.ingress, of, backend.port) {
            return "visitors get 502 or 504".to_owned();
        }
        self.consequence(cx, backend)
    }

    pub(super) fn rest(&self, cx: &Context<'_>, finding: &mut Finding) {
        if let Some(name) = self.name {
            finding.rests_on(Kind::Service, Key::new(cx.namespace(), name));
        }
    }
}
