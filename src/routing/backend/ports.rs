//! Which port of a Service a backend refers to, and at which address the controller connects to it: sections 4.1 and 4.5.

use crate::model::{Ingress, PortRef, Service, ServicePort, ServiceType};
use crate::routing::annotations::NginxAnnotations;
use crate::routing::controller::{Controller, ControllerFamily};

/// The port name with which the AWS Load Balancer Controller takes the action from an annotation; there is no Service.
const ACTION_PORT: &str = "use-annotation";

impl Controller<'_> {
    /// Returns whether the controller is known to match ports by the Service's ports only.
    #[must_use]
    pub fn wants_service_port(&self) -> bool {
        self.dialect.family == ControllerFamily::Traefik
            || (self.is_known() && self.known.is_some_and(|known| known.wants_service_port))
    }

    /// Returns the ports of a Service that a backend's port refers to: by number or name, and by targetPort where the
    /// controller matches it.
    pub fn meant_ports<'s>(&self, service: &'s Service, wanted: &PortRef) -> impl Iterator<Item = &'s ServicePort> {
        let by_target = !self.wants_service_port();
        service.ports.iter().filter(move |port| port.answers_to(wanted) || (by_target && port.targets(wanted)))
    }

    /// Returns whether a backend with this port is an action of the AWS Load Balancer Controller. Controllers that read
    /// nginx annotations read it as a port name, like any other.
    #[must_use]
    pub fn means_action(&self, port: &PortRef) -> bool {
        !self.dialect.family.reads_nginx_annotations() && matches!(port, PortRef::Name(name) if &**name == ACTION_PORT)
    }

    /// Returns whether requests go to the Service's own address and not to its endpoints: `service-upstream` on
    /// ingress-nginx, at the number that the backend names. A port name must be one of the Service's, and the Service needs
    /// an address; otherwise its endpoints are used (section 4.5).
    #[must_use]
    pub fn dials_address(&self, ingress: &Ingress, service: &Service, port: &PortRef) -> bool {
        self.dialect.family == ControllerFamily::Nginx
            && self.dialect.uses_service_address(NginxAnnotations::of(ingress))
            && service.kind == ServiceType::Cluster
            && (matches!(port, PortRef::Number(_)) || service.ports.iter().any(|it| it.answers_to(port)))
    }
}
