//! Why a visitor gets what a visitor gets: one URL followed from its host to the endpoints behind it, or one Ingress path by
//! path. Nothing is decided here: [`Routes::answer`](crate::routing::Routes::answer) says what happens,
//! [`ResolvedBackend`](crate::routing::Behind) and [`HostCertificate`](crate::routing::HostCertificate) what is there.

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
pub use request::{RequestUrl, VisitError};
pub use text::Style;
pub use trail::{Ends, Explanation, ReadyBackend, ServedCertificate, Step};
pub use url::{NoSuchClass, explain_url};
