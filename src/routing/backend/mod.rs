//! The resolved backend of a location: its Service, port and endpoints. Sections 4.1 to 4.6.

mod auth_service;
mod cluster_name;
mod endpoints;
mod external_name;
mod fallback;
mod optional;
mod ports;
mod readiness;

pub use auth_service::{AuthServiceFault, AuthUrl};
pub use cluster_name::service_of_name;
pub use endpoints::{Endpoints, is_named_for, slice_prefix};
pub use external_name::ExternalNameFault;
pub use fallback::{FallbackAnswer, FallbackService};
pub use optional::OptionalBackend;
pub use readiness::{BackendReadiness, Cause, NamedTemplate, Shortage, Stuck, pod_templates, selects_no_workload};

use std::fmt;

use crate::cluster::{ClusterView, Lookup};
use crate::finding::Quoted;
use crate::model::{Backend, Ingress, Protocol, ServicePort, ServiceType};
use crate::routing::controller::Controller;

/// A backend, resolved as far as the chain from Service to endpoints holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedBackend<'a> {
    /// The Service has the port.
    Port {
        /// The port, which is TCP.
        port: &'a ServicePort,
        /// Requests go to the Service's own address: see [`Controller::dials_address`].
        by_address: bool,
        /// The readiness of its endpoints.
        readiness: BackendReadiness<'a>,
    },
    /// The Service does not exist.
    NoService,
    /// The Service has no such port.
    NoPort {
        /// The ports that it has.
        has: &'a [ServicePort],
        /// As in [`ResolvedBackend::Port`].
        by_address: bool,
    },
    /// The port is not TCP.
    NotTcp {
        /// The port.
        port: &'a ServicePort,
        /// As in [`ResolvedBackend::Port`].
        by_address: bool,
    },
    /// An ExternalName Service: whether the host outside the cluster answers is not checked.
    External {
        /// The name.
        name: &'a str,
        /// The reason why the controller certainly has no endpoint for it.
        fault: Option<ExternalNameFault>,
    },
    /// An ExternalName Service whose port is not a number: the controller connects to port 0 (section 4.4).
    ExternalWithoutPort {
        /// The name.
        name: &'a str,
    },
    /// Not a Service: a resource, or an action that an annotation defines.
    NotMeant,
    /// Unknown: Services cannot be read.
    Unseen,
}

/// The status of one link of the chain from host to endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkStatus {
    /// The link works.
    Ok,
    /// Unknown.
    Unknown,
    /// The link is broken: requests do not reach the backend that the Ingress defines.
    Broken,
}

impl<'a> ResolvedBackend<'a> {
    /// Resolves a backend of an Ingress that `controller` handles. Reads Services and what [`BackendReadiness::of`] reads.
    #[must_use]
    pub fn of(ingress: &Ingress, backend: &Backend, controller: &Controller<'_>, view: &ClusterView<'a>) -> Self {
        let Backend::Service { name, port: Some(wanted) } = backend else { return Self::NotMeant };
        if controller.means_action(wanted) {
            return Self::NotMeant;
        }
        let service = match view.service(&ingress.meta.key.namespace, name) {
            Lookup::Found(service) => service,
            Lookup::Absent => return Self::NoService,
            Lookup::Unknown => return Self::Unseen,
        };
        if service.kind == ServiceType::ExternalName {
            let name = &*service.external_name;
            return match controller.external_name_fault(name, view) {
                None if controller.dials_port_zero(service, wanted) => Self::ExternalWithoutPort { name },
                fault => Self::External { name, fault },
            };
        }
        let by_address = controller.dials_address(ingress, service, wanted);
        // Nothing listens at the Service's own address under a targetPort.
        let is_meant = |port: &&ServicePort| !by_address || port.answers_to(wanted);
        let meant: Vec<&'a ServicePort> = controller.meant_ports(service, wanted).filter(is_meant).collect();
        let Some(&first) = meant.first() else { return Self::NoPort { has: &service.ports, by_address } };
        let tcp: Vec<&'a ServicePort> = meant.into_iter().filter(|port| port.protocol == Protocol::Tcp).collect();
        let Some(&port) = tcp.first() else { return Self::NotTcp { port: first, by_address } };
        let readiness =
            BackendReadiness::of(view, service, &tcp, |slice| by_address || controller.sees(slice, service));
        Self::Port { port, by_address, readiness }
    }

    /// Returns the status of the chain from here on.
    #[must_use]
    pub const fn status(&self) -> LinkStatus {
        match self {
            Self::Port { readiness: BackendReadiness::Ready(_), .. } | Self::External { fault: None, .. } => {
                LinkStatus::Ok
            }
            Self::Port { readiness: BackendReadiness::Unknown, .. } | Self::NotMeant | Self::Unseen => {
                LinkStatus::Unknown
            }
            Self::Port { readiness: BackendReadiness::NotReady(_), .. }
            | Self::NoService
            | Self::NoPort { .. }
            | Self::NotTcp { .. }
            | Self::ExternalWithoutPort { .. }
            | Self::External { fault: Some(_), .. } => LinkStatus::Broken,
        }
    }

    /// Returns whether requests go to an address that does not depend on endpoints: that of the Service, or an external name.
    /// The fallback Service is not used then, and the error is 502 or 504.
    #[must_use]
    pub const fn by_address(&self) -> bool {
        matches!(
            self,
            Self::Port { by_address: true, .. }
                | Self::NoPort { by_address: true, .. }
                | Self::NotTcp { by_address: true, .. }
                | Self::ExternalWithoutPort { .. }
        )
    }

    /// Returns whether the Service is an ExternalName.
    #[must_use]
    pub const fn is_external(&self) -> bool {
        matches!(self, Self::External { .. } | Self::ExternalWithoutPort { .. })
    }
}

impl fmt::Display for ResolvedBackend<'_> {
    /// Writes the status in short, e.g. `2 ready`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { readiness, .. } => readiness.fmt(f),
            Self::NoService => f.write_str("the Service does not exist"),
            Self::NoPort { .. } => f.write_str("the Service has no such port"),
            Self::NotTcp { .. } => f.write_str("the port is not TCP"),
            Self::External { name, fault: None } => write!(f, "external name {}", Quoted(name)),
            Self::External { name, fault: Some(_) } => write!(f, "external name {} cannot be used", Quoted(name)),
            Self::ExternalWithoutPort { name } => write!(f, "external name {} without a port number", Quoted(name)),
            Self::NotMeant => f.write_str("no Service referenced"),
            Self::Unseen => f.write_str("unknown: Services cannot be read"),
        }
    }
}
