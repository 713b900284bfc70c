//! Traces a URL from its host to the endpoints, or every path of an Ingress. The routing module decides:
//! [`Routes::answer`](crate::routing::Routes::answer) the response, [`ResolvedBackend`](crate::routing::ResolvedBackend) and
//! [`HostCertificate`](crate::routing::HostCertificate) the objects it depends on.

mod backend;
mod certificate;
mod changes;
mod check;
mod controllers;
mod ingress;
mod markdown;
mod near;
mod path;
mod request;
mod text;
mod trail;
mod url;

pub use changes::{RouteChange, RouteChanges, route_changes};
pub use check::explain_check;
pub use ingress::{Found, IngressExplanation, PathExplanation, Unjudged, explain_ingress};
pub use near::NearMiss;
pub use request::{RequestUrl, UrlError};
pub use text::Style;
pub use trail::{Ends, Explanation, ReadyBackend, ServedCertificate, Step};
pub use url::{NoSuchClass, explain_url};
