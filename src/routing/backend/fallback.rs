//! The fallback Service of an Ingress: annotation `default-backend`. Section 4.6.

use super::readiness::BackendReadiness;
use crate::cluster::{ClusterView, Lookup};
use crate::model::{Ingress, Service, ServiceType};
use crate::routing::annotations::NginxAnnotations;
use crate::routing::controller::Controller;

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

    /// Returns whether it may serve requests: it is not certain that it does not exist, and its endpoints may change.
    #[must_use]
    pub fn may_answer(&self) -> bool {
        !self.service.is_absent()
    }

    /// Returns whether its first port has a ready endpoint; `None`: unknown. Reads what [`BackendReadiness::of`] reads.
    #[must_use]
    pub fn answers(&self, controller: &Controller<'_>, view: &ClusterView<'a>) -> Option<bool> {
        let service = match self.service {
            Lookup::Found(service) => service,
            Lookup::Absent => return Some(false),
            Lookup::Unknown => return None,
        };
        if service.kind == ServiceType::ExternalName {
            return controller.external_name_fault(&service.external_name).map(|_| false);
        }
        let Some(first) = service.ports.first() else { return Some(false) };
        match BackendReadiness::of(view, service, &[first], |slice| controller.sees(slice, service)) {
            BackendReadiness::Ready(_) => Some(true),
            BackendReadiness::NotReady(_) => Some(false),
            BackendReadiness::Unknown => None,
        }
    }
}
