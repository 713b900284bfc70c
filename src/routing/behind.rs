//! What stands behind one backend: the links after the location, from the Service to its endpoints. Sections 4.1 to 4.5.

use std::fmt;

use super::backing::Backing;
use super::class::Taker;
use super::endpoints::ExternalNameFault;
use crate::cluster::{Lookup, World};
use crate::model::{Backend, PortRef, Protocol, ServiceType};

/// AWS Load Balancer Controller: the port says that an annotation holds the action; there is no Service.
pub(crate) const ACTION_PORT: &str = "use-annotation";

/// What stands behind a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behind<'a> {
    /// The Service has the port.
    Service(Backing<'a>),
    /// There is no such Service.
    NoService,
    /// The Service has no such port.
    NoPort,
    /// The port is not TCP.
    NotTcp,
    /// A DNS name outside the cluster that the controller cannot use.
    ExternalUnusable(&'a str),
    /// No Service: a resource, or an action that an annotation describes.
    NotMeant,
    /// Nobody can tell, for want of a look at Services.
    Unseen,
}

/// Whether a link of the chain from host to endpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It holds.
    Holds,
    /// Nobody can tell.
    Unseen,
    /// It is broken: the visitor does not get what the Ingress says.
    Broken,
}

impl<'a> Behind<'a> {
    /// What stands behind a backend of an Ingress of this namespace, which `taker` takes. Reads Services and what
    /// [`Backing::of`] reads.
    #[must_use]
    pub fn of(backend: &Backend, namespace: &str, taker: &Taker<'_>, world: &World<'a>) -> Self {
        let Backend::Service { name, port: Some(wanted) } = backend else { return Self::NotMeant };
        if matches!(wanted, PortRef::Name(port) if &**port == ACTION_PORT) {
            return Self::NotMeant;
        }
        let service = match world.service(namespace, name) {
            Lookup::Found(service) => service,
            Lookup::Absent => return Self::NoService,
            Lookup::Unknown => return Self::Unseen,
        };
        let ports = || taker.meant_ports(service, wanted);
        let is_external = service.kind == ServiceType::ExternalName;
        let is_unusable = || {
            taker.dialect.engine.reads_nginx_annotations()
                && (ExternalNameFault::of(&service.external_name).is_some() || taker.dialect.refuses_external_names())
        };
        match () {
            () if is_external && is_unusable() => Self::ExternalUnusable(&service.external_name),
            () if is_external => Self::Service(Backing::of(world, service, [])),
            () if ports().next().is_none() => Self::NoPort,
            () if !ports().any(|port| port.protocol == Protocol::Tcp) => Self::NotTcp,
            () => Self::Service(Backing::of(world, service, ports())),
        }
    }

    /// Whether a request that comes so far is answered.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match self {
            Self::Service(Backing::Ready(_) | Backing::External(_)) => Standing::Holds,
            Self::Service(Backing::Unknown) | Self::NotMeant | Self::Unseen => Standing::Unseen,
            Self::Service(Backing::Lacking(_))
            | Self::NoService
            | Self::NoPort
            | Self::NotTcp
            | Self::ExternalUnusable(_) => Standing::Broken,
        }
    }
}

impl fmt::Display for Behind<'_> {
    /// In a few words, e.g. `2 ready`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(backing) => backing.fmt(f),
            Self::NoService => f.write_str("the Service does not exist"),
            Self::NoPort => f.write_str("the Service has no such port"),
            Self::NotTcp => f.write_str("the port is not TCP"),
            Self::ExternalUnusable(name) => write!(f, "outside, and cannot be used: {name}"),
            Self::NotMeant => f.write_str("no Service is meant"),
            Self::Unseen => f.write_str("not known: Services cannot be seen"),
        }
    }
}
