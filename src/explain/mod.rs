//! Why a visitor gets what a visitor gets: one URL followed from its host to the endpoints behind it, or one Ingress path by
//! path. Nothing is decided here: [`Routes::answer`](crate::routing::Routes::answer) says what happens,
//! [`ResolvedBackend`](crate::routing::ResolvedBackend) and [`HostCertificate`](crate::routing::HostCertificate) what is there.

mod backend;
mod certificate;
mod check;
mod ingress;
mod markdown;
mod near;
mod path;
mod request;
mod text;
mod trail;
mod unhandled;
mod url;

pub use check::explain_check;
pub use ingress::{Found, IngressExplanation, NotEvaluatedCheck, PathExplanation, explain_ingress};
pub use near::NearMiss;
pub use request::{RequestUrl, RequestUrlError};
pub use text::Style;
pub use trail::{Explanation, ReadyBackend, RequestOutcome, ServedCertificate, Step};
pub use url::{NoSuchClass, explain_url};
