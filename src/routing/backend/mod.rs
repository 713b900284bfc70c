//! What stands behind one backend: the links after the location, from the Service to its endpoints. Sections 4.1 to 4.6.

mod endpoints;
mod optional;
mod readiness;

pub use endpoints::{Endpoints, ExternalNameFault, is_named_for, slice_prefix};
pub use optional::OptionalBackend;
pub use readiness::{Backing, Cause, NamedTemplate, Shortage, Stuck, pod_templates};

use std::fmt;

use crate::cluster::{ClusterView, Lookup};
use crate::finding::Quoted;
use crate::model::{Backend, EndpointSlice, Ingress, PortRef, Protocol, Service, ServicePort, ServiceType};
use crate::routing::annotations::NginxAnnotations;
use crate::routing::controller::Controller;
use crate::routing::controller::ControllerFamily;

/// AWS Load Balancer Controller: the port says that an annotation holds the action; there is no Service.
const ACTION_PORT: &str = "use-annotation";

/// What stands behind a backend, as far as the chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedBackend<'a> {
    /// The Service has the port.
    Port {
        /// The port, which is TCP.
        port: &'a ServicePort,
        /// Requests go to the Service's own address: see [`Controller::dials_address`].
        by_address: bool,
        /// What takes them.
        backing: Backing<'a>,
    },
    /// There is no such Service.
    NoService,
    /// The Service has no such port.
    NoPort {
        /// Those that it has.
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
    /// A DNS name outside the cluster: somebody there answers, or nobody.
    External {
        /// The name.
        name: &'a str,
        /// Why the controller certainly finds nobody behind it.
        fault: Option<ExternalNameFault>,
    },
    /// No Service: a resource, or an action that an annotation describes.
    NotMeant,
    /// Nobody can tell, for want of a look at Services.
    Unseen,
}

/// Whether a link of the chain from host to endpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkStatus {
    /// It holds.
    Holds,
    /// Nobody can tell.
    Unseen,
    /// It is broken: the visitor does not get what the Ingress says.
    Broken,
}

impl Controller<'_> {
    /// Whether a backend with this port is an action of the AWS controller. Those that read nginx annotations take it for
    /// the name of a port, like any other.
    #[must_use]
    pub fn means_action(&self, port: &PortRef) -> bool {
        !self.dialect.family.reads_nginx_annotations() && matches!(port, PortRef::Name(name) if &**name == ACTION_PORT)
    }

    /// Whether requests go to the Service's own address, not to its endpoints: `service-upstream` on ingress-nginx, at the
    /// very number that the backend names. A name has to be that of one of the Service's ports, and the Service needs an
    /// address; else its endpoints count after all (section 4.5).
    #[must_use]
    pub fn dials_address(&self, ingress: &Ingress, service: &Service, port: &PortRef) -> bool {
        self.dialect.family == ControllerFamily::Nginx
            && NginxAnnotations::of(ingress).service_upstream()
            && service.kind == ServiceType::Cluster
            && (matches!(port, PortRef::Number(_)) || service.ports.iter().any(|it| it.answers_to(port)))
    }

    /// Why the controller certainly finds nobody behind the name of an ExternalName. Only ingress-nginx is known to refuse any
    /// (section 4.4).
    #[must_use]
    pub fn external_name_fault(&self, name: &str) -> Option<ExternalNameFault> {
        let refuses = || self.dialect.refuses_external_names().then_some(ExternalNameFault::Refused);
        (self.dialect.family == ControllerFamily::Nginx).then(|| ExternalNameFault::of(name).or_else(refuses)).flatten()
    }

    /// Whether the controller looks at an EndpointSlice of a Service. Others go by its label alone (section 4.3).
    fn sees(&self, slice: &EndpointSlice, service: &Service) -> bool {
        self.dialect.family != ControllerFamily::Nginx || is_named_for(slice, &service.meta.key.name)
    }
}

impl<'a> ResolvedBackend<'a> {
    /// What stands behind a backend of an Ingress, which `controller` takes. Reads Services and what [`Backing::of`] reads.
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
            return Self::External { name, fault: controller.external_name_fault(name) };
        }
        let by_address = controller.dials_address(ingress, service, wanted);
        // Nothing listens at the Service's own address under a targetPort.
        let is_meant = |port: &&ServicePort| !by_address || port.answers_to(wanted);
        let meant: Vec<&'a ServicePort> = controller.meant_ports(service, wanted).filter(is_meant).collect();
        let Some(&first) = meant.first() else { return Self::NoPort { has: &service.ports, by_address } };
        let tcp: Vec<&'a ServicePort> = meant.into_iter().filter(|port| port.protocol == Protocol::Tcp).collect();
        let Some(&port) = tcp.first() else { return Self::NotTcp { port: first, by_address } };
        let backing = Backing::of(view, service, &tcp, |slice| by_address || controller.sees(slice, service));
        Self::Port { port, by_address, backing }
    }

    /// Whether a request that comes so far is answered.
    #[must_use]
    pub const fn standing(&self) -> LinkStatus {
        match self {
            Self::Port { backing: Backing::Ready(_), .. } | Self::External { fault: None, .. } => LinkStatus::Holds,
            Self::Port { backing: Backing::Unknown, .. } | Self::NotMeant | Self::Unseen => LinkStatus::Unseen,
            Self::Port { backing: Backing::Lacking(_), .. }
            | Self::NoService
            | Self::NoPort { .. }
            | Self::NotTcp { .. }
            | Self::External { fault: Some(_), .. } => LinkStatus::Broken,
        }
    }

    /// Whether requests go to the Service's own address: then its stand-in is never asked, and whoever gets no answer gets
    /// another error.
    #[must_use]
    pub const fn by_address(&self) -> bool {
        matches!(
            self,
            Self::Port { by_address: true, .. }
                | Self::NoPort { by_address: true, .. }
                | Self::NotTcp { by_address: true, .. }
        )
    }
}

impl fmt::Display for ResolvedBackend<'_> {
    /// In a few words, e.g. `2 ready`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { backing, .. } => backing.fmt(f),
            Self::NoService => f.write_str("the Service does not exist"),
            Self::NoPort { .. } => f.write_str("the Service has no such port"),
            Self::NotTcp { .. } => f.write_str("the port is not TCP"),
            Self::External { name, fault: None } => write!(f, "answers by {}, which is outside", Quoted(name)),
            Self::External { name, fault: Some(_) } => write!(f, "outside, and cannot be used: {}", Quoted(name)),
            Self::NotMeant => f.write_str("no Service is meant"),
            Self::Unseen => f.write_str("not known: Services cannot be seen"),
        }
    }
}

/// The Service that the annotation `default-backend` names to answer in the place of one without endpoints: section 4.6.
#[derive(Debug, Clone, Copy)]
pub struct StandIn<'a> {
    /// Its name.
    pub name: &'a str,
    service: Lookup<&'a Service>,
}

impl<'a> StandIn<'a> {
    /// That of an Ingress, which `controller` takes. Reads Services.
    #[must_use]
    pub fn of(ingress: &'a Ingress, controller: &Controller<'_>, view: &ClusterView<'a>) -> Option<Self> {
        let reads = controller.dialect.family.reads_nginx_annotations();
        let name = NginxAnnotations::of(ingress).default_backend().filter(|_| reads)?;
        Some(Self { name, service: view.service(&ingress.meta.key.namespace, name) })
    }

    /// Whether it is not certain that there is none: its endpoints may come and go.
    #[must_use]
    pub fn may_answer(&self) -> bool {
        !self.service.is_absent()
    }

    /// Whether its first port has an endpoint that takes requests; `None`: nobody can tell. Reads what [`Backing::of`] reads.
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
        match Backing::of(view, service, &[first], |slice| controller.sees(slice, service)) {
            Backing::Ready(_) => Some(true),
            Backing::Lacking(_) => Some(false),
            Backing::Unknown => None,
        }
    }
}
