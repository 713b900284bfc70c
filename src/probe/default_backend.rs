//! The answers of default backends: what a controller answers for a host that no Ingress has. They are observed, because an operator
//! may replace the default backend.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::observation::{Observation, Response};
use crate::routing::Scheme;

/// A host that no Ingress has: the domain `invalid` is reserved (RFC 2606).
pub const UNUSED_HOST: &str = "ingress-guard-probe.invalid";

/// The body of the image `defaultbackend`.
const OF_IMAGE: &[u8] = b"default backend - 404";
/// The end of the pages that nginx itself creates. It names the version unless `server_tokens` is off, as ingress-nginx sets it.
const OF_NGINX: &[u8] = b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
const OF_NGINX_WITH_VERSION: &[u8] = b"<hr><center>nginx/";

/// How far a response is that of a default backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// It certainly is.
    Same,
    /// It is the answer for a host that no Ingress has. An application that is itself nginx may send it as well.
    Alike,
    /// It is a page of nginx, and the answer for a host that no Ingress has is not known.
    Possible,
    /// It is not.
    Other,
}

/// The observed answers for a host that no Ingress has, by address and scheme.
#[derive(Debug, Default)]
pub struct DefaultBackends(HashMap<(SocketAddr, bool), Response>);

impl DefaultBackends {
    /// Records the answer for [`UNUSED_HOST`], if it is predicted to come from the default backend.
    pub fn add(&mut self, scheme: Scheme, observation: &Observation) {
        if let (Some(address), Ok(response)) = (observation.address, &observation.answer)
            && response.body.as_ref().is_some_and(|body| !body.is_empty())
        {
            self.0.insert((address, scheme == Scheme::Https), response.clone());
        }
    }

    /// Returns whether a response is that of the default backend.
    #[must_use]
    pub fn likeness(&self, scheme: Scheme, address: Option<SocketAddr>, response: &Response) -> Likeness {
        let observed = address.and_then(|address| self.0.get(&(address, scheme == Scheme::Https)));
        let Some(body) = response.body.as_deref() else { return Likeness::Other };
        match observed {
            Some(observed) if (observed.status, observed.body.as_deref()) != (response.status, Some(body)) => {
                Likeness::Other
            }
            _ if response.status == 404 && body == OF_IMAGE => Likeness::Same,
            Some(_) if is_page_of_nginx(body) => Likeness::Alike,
            // The page of the operator.
            Some(_) => Likeness::Same,
            None if response.status == 404 && body.ends_with(OF_NGINX) => Likeness::Possible,
            None => Likeness::Other,
        }
    }
}

/// Returns whether nginx itself has created a page: that of the controller, or that of an application.
#[must_use]
pub(super) fn is_page_of_nginx(body: &[u8]) -> bool {
    body.ends_with(OF_NGINX) || is_page_of_other_nginx(body)
}

/// Returns whether the page is that of an nginx that names its version, as ingress-nginx does not.
#[must_use]
pub(super) fn is_page_of_other_nginx(body: &[u8]) -> bool {
    body.windows(OF_NGINX_WITH_VERSION.len()).any(|part| part == OF_NGINX_WITH_VERSION)
}
