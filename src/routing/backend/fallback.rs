//! The fallback Service of an Ingress: annotation `default-backend`. Section 4.6.

use super::readiness::has_ready_endpoint;
use crate::cluster::{ClusterView, Lookup};
use crate::model::{Ingress, Service, ServiceType};
use crate::routing::annotations::NginxAnnotations;
use crate::routing::controller::{Controller, ControllerFamily};

/// The answer of a fallback Service to requests for a Service without endpoints (section 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackAnswer {
    /// It serves them.
    Served,
    /// It is ignored, because its first port has no endpoint either: 503.
    Unused,
    /// 502: it is an ExternalName, whose name the controller does not resolve here.
    Unresolved,
    /// Unknown.
    Unknown,
}

/// The Service that the annotation `default-backend` names: it serves requests in place of a Service without endpoints
/// (section 4.6).
#[derive(Debug, Clone, Copy)]
pub struct FallbackService<'a> {
    /// The name.
    pub name: &'a str,
    service: Lookup<&'a Service>,
}

impl<'a> FallbackService<'a> {
    /// Returns the fallback Service of an Ingress that `controller` handles. Reads Services.
    #[must_use]
    pub fn of(ingress: &'a Ingress, controller: &Controller<'_>, view: &ClusterView<'a>) -> Option<Self> {
        let reads = controller.dialect.family.reads_nginx_annotations();
        let name = NginxAnnotations::of(ingress).default_backend().filter(|_| reads)?;
        Some(Self { name, service: view.service(&ingress.meta.key.namespace, name) })
    }

    /// Returns the answer to requests for a Service without endpoints. `is_external`: that is an ExternalName Service; the
    /// controller resolves the name of a fallback Service only then. Reads EndpointSlices.
    #[must_use]
    pub fn answer(&self, is_external: bool, controller: &Controller<'_>, view: &ClusterView<'a>) -> FallbackAnswer {
        let service = match self.service {
            Lookup::Found(service) => service,
            Lookup::Absent => return FallbackAnswer::Unused,
            Lookup::Unknown => return FallbackAnswer::Unknown,
        };
        let Some(first) = service.ports.first() else { return FallbackAnswer::Unused };
        if service.kind == ServiceType::ExternalName {
            return match controller.external_name_fault(&service.external_name, view) {
                Some(_) => FallbackAnswer::Unused,
                None if controller.dialect.family != ControllerFamily::Nginx => FallbackAnswer::Unknown,
                None if is_external => FallbackAnswer::Served,
                None => FallbackAnswer::Unresolved,
            };
        }
        match has_ready_endpoint(view, service, first, |slice| controller.sees(slice, service)) {
            Some(true) => FallbackAnswer::Served,
            Some(false) => FallbackAnswer::Unused,
            None => FallbackAnswer::Unknown,
        }
    }
}
