//! What stands behind one backend: the links after the location, from the Service to its endpoints. Sections 4.1 to 4.5.

use std::fmt;

use super::class::Taker;
use super::endpoints::{Endpoints, ExternalNameFault};
use crate::cluster::{Lookup, World};
use crate::model::{Backend, Kind, PortRef, Protocol, ServiceType};

/// AWS Load Balancer Controller: the port says that an annotation holds the action; there is no Service.
pub(crate) const ACTION_PORT: &str = "use-annotation";

/// What stands behind a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind<'a> {
    /// So many endpoints take requests, so many others do not; the first is not 0.
    Ready(u32, u32),
    /// So many endpoints, and none takes requests.
    NotReady(u32),
    /// The Service has endpoints, but none with this port.
    WithoutPort,
    /// The Service has no endpoints.
    Empty,
    /// There is no such Service.
    NoService,
    /// The Service has no such port.
    NoPort,
    /// The port is not TCP.
    NotTcp,
    /// A DNS name outside the cluster.
    External(&'a str),
    /// An external name that cannot be used.
    ExternalUnusable(&'a str),
    /// No Service: a resource, or an action that an annotation describes.
    NoServiceMeant,
    /// Nobody can tell, for want of a look at this kind.
    Unseen(Kind),
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
    /// What stands behind a backend of an Ingress of this namespace, which `taker` takes. Reads Services and
    /// EndpointSlices.
    #[must_use]
    pub fn of(backend: &Backend, namespace: &str, taker: &Taker<'_>, world: &World<'a>) -> Self {
        let Backend::Service { name, port: Some(wanted) } = backend else { return Self::NoServiceMeant };
        if matches!(wanted, PortRef::Name(port) if &**port == ACTION_PORT) {
            return Self::NoServiceMeant;
        }
        let service = match world.service(namespace, name) {
            Lookup::Found(service) => service,
            Lookup::Absent => return Self::NoService,
            Lookup::Unknown => return Self::Unseen(Kind::Service),
        };
        if service.kind == ServiceType::ExternalName {
            let is_unusable = taker.dialect.engine.reads_nginx_annotations()
                && (ExternalNameFault::of(&service.external_name).is_some() || taker.dialect.refuses_external_names());
            let name = &*service.external_name;
            return if is_unusable { Self::ExternalUnusable(name) } else { Self::External(name) };
        }
        if taker.meant_ports(service, wanted).next().is_none() {
            return Self::NoPort;
        }
        let tcp = || taker.meant_ports(service, wanted).filter(|port| port.protocol == Protocol::Tcp);
        let Some(port) = tcp().next() else { return Self::NotTcp };
        let Lookup::Found(slices) = world.endpoint_slices(namespace, name) else {
            return Self::Unseen(Kind::EndpointSlice);
        };
        let best = tcp().map(|port| Endpoints::behind(port, &slices)).max_by_key(|behind| behind.ready);
        match best.filter(|best| best.ready > 0).unwrap_or_else(|| Endpoints::behind(port, &slices)) {
            Endpoints { ready: 0, not_ready: 0, without_port: 0 } => Self::Empty,
            Endpoints { ready: 0, not_ready: 0, .. } => Self::WithoutPort,
            Endpoints { ready: 0, not_ready, .. } => Self::NotReady(not_ready),
            Endpoints { ready, not_ready, .. } => Self::Ready(ready, not_ready),
        }
    }

    /// Whether a request that comes so far is answered.
    #[must_use]
    pub const fn standing(self) -> Standing {
        match self {
            Self::Ready(..) | Self::External(_) => Standing::Holds,
            Self::NoServiceMeant | Self::Unseen(_) => Standing::Unseen,
            Self::NotReady(_)
            | Self::WithoutPort
            | Self::Empty
            | Self::NoService
            | Self::NoPort
            | Self::NotTcp
            | Self::ExternalUnusable(_) => Standing::Broken,
        }
    }
}

impl fmt::Display for Behind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(ready, 0) => write!(f, "{ready} ready"),
            Self::Ready(ready, not_ready) => write!(f, "{ready} ready, {not_ready} not"),
            Self::NotReady(1) => f.write_str("its only endpoint is not ready"),
            Self::NotReady(some) => write!(f, "none of {some} endpoints is ready"),
            Self::WithoutPort => f.write_str("no endpoint has this port"),
            Self::Empty => f.write_str("no endpoints"),
            Self::NoService => f.write_str("the Service does not exist"),
            Self::NoPort => f.write_str("the Service has no such port"),
            Self::NotTcp => f.write_str("the port is not TCP"),
            Self::External(name) => write!(f, "outside: {name}"),
            Self::ExternalUnusable(name) => write!(f, "outside, and cannot be used: {name}"),
            Self::NoServiceMeant => f.write_str("no Service is meant"),
            Self::Unseen(kind) => write!(f, "not known: {kind} objects cannot be seen"),
        }
    }
}
