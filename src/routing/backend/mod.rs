//! What stands behind one backend: the links after the location, from the Service to its endpoints. Sections 4.1 to 4.6.

mod endpoints;
mod external_name;
mod fallback;
mod optional;
mod ports;
mod readiness;

pub use endpoints::{Endpoints, is_named_for, slice_prefix};
pub use external_name::ExternalNameFault;
pub use fallback::FallbackService;
pub use optional::OptionalBackend;
pub use readiness::{Backing, Cause, NamedTemplate, Shortage, Stuck, pod_templates};

use std::fmt;

use crate::cluster::{ClusterView, Lookup};
use crate::finding::Quoted;
use crate::model::{Backend, Ingress, Protocol, ServicePort, ServiceType};
use crate::routing::controller::Controller;

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
