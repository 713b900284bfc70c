//! The address of each request: one that the user names, one of the status of the Ingress that is not refused, or that of the Service
//! that the controller publishes.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::lookup_host;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::config::{Endpoint, Via};
use crate::probe::{ClusterAddresses, Planned, refusal};

/// The time limit of the resolution of a name.
const PATIENCE: Duration = Duration::from_secs(5);

/// The address of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// The address.
    pub address: SocketAddr,
    /// The connection begins with the PROXY protocol.
    pub has_proxy_protocol: bool,
}

/// The addresses to which requests are sent.
#[derive(Debug)]
pub enum AddressSource {
    /// Those that the user names.
    Named(Via),
    /// Those in the status of the Ingress of a path, unless they are refused.
    Ingress(ClusterAddresses),
    /// Those in the status of the Ingresses of a class, unless they are refused.
    Class(Vec<String>, ClusterAddresses),
    /// Those of the Service that the controller publishes.
    Published,
}

/// What the resolution of a name has given.
type Resolved = Result<Vec<IpAddr>, String>;

/// Finds the addresses of requests. Each name is resolved once, and connections go to the resolved address.
#[derive(Debug)]
pub struct Addresses {
    source: AddressSource,
    /// Whether connections begin with the PROXY protocol. `None`: if the controller expects it, except in front of the addresses of
    /// Ingresses, where a load balancer adds it.
    proxy_protocol: Option<bool>,
    resolved: Mutex<HashMap<Endpoint, Arc<OnceCell<Resolved>>>>,
}

impl Addresses {
    /// Creates them.
    #[must_use]
    pub fn new(source: AddressSource, proxy_protocol: Option<bool>) -> Self {
        Self { source, proxy_protocol, resolved: Mutex::default() }
    }

    /// Returns the address of a request.
    ///
    /// # Errors
    /// If there is none: the reason.
    pub(super) async fn of(&self, planned: &Planned) -> Result<Target, String> {
        let scheme = planned.request.scheme;
        let mut is_direct = true;
        let address = match &self.source {
            AddressSource::Named(via) => {
                let named = via.endpoint(scheme).ok_or_else(|| format!("no address is named for {}", scheme.name()))?;
                let first = self.resolve(named).await?.first().copied();
                SocketAddr::new(first.ok_or_else(|| format!("{} has no address", named.0))?, named.1)
            }
            AddressSource::Published => planned.published(scheme)?,
            AddressSource::Ingress(cluster) => {
                is_direct = false;
                let none = "the Ingress has no address in its status; name one with --via";
                self.usable(planned, (&planned.addresses, none), cluster).await?
            }
            AddressSource::Class(addresses, cluster) => {
                is_direct = false;
                let none = "no Ingress of the class has an address in its status; name one with --via-a or --via-b";
                self.usable(planned, (addresses, none), cluster).await?
            }
        };
        let has_proxy_protocol = self.proxy_protocol.unwrap_or(is_direct && planned.has_proxy_protocol);
        Ok(Target { address, has_proxy_protocol })
    }

    /// Returns the first address that is not refused.
    async fn usable(
        &self,
        planned: &Planned,
        (addresses, none): (&[String], &str),
        cluster: &ClusterAddresses,
    ) -> Result<SocketAddr, String> {
        let mut reason = none.to_owned();
        for text in addresses {
            let found = match self.resolve(&(text.clone(), planned.port())).await {
                Ok(found) => found,
                Err(why) => {
                    reason = why;
                    continue;
                }
            };
            for ip in found {
                match refusal(ip, cluster) {
                    None => return Ok(SocketAddr::new(ip, planned.port())),
                    Some(why) if ip.to_string() == *text => reason = format!("{text} is {why}; name it with --via"),
                    Some(why) => reason = format!("{text} is {ip}, {why}; name it with --via"),
                }
            }
        }
        Err(reason)
    }

    async fn resolve(&self, endpoint: &Endpoint) -> Resolved {
        if let Ok(ip) = endpoint.0.parse() {
            return Ok(vec![ip]);
        }
        let cell = Arc::clone(self.resolved.lock().entry(endpoint.clone()).or_default());
        let resolving = async {
            let looking = timeout(PATIENCE, lookup_host((&*endpoint.0, endpoint.1)));
            let found = looking.await.unwrap_or_else(|late| Err(late.into()));
            let found = found.map(|addresses| addresses.map(|address| address.ip()).collect());
            found.map_err(|error| format!("{} cannot be resolved: {error}", endpoint.0))
        };
        cell.get_or_init(|| resolving).await.clone()
    }
}
