//! Traces a URL from its host to the endpoints, or every path of an Ingress. The routing module decides:
//! [`Routes::answer`](crate::routing::Routes::answer) the response, [`ResolvedBackend`](crate::routing::ResolvedBackend) and
//! [`HostCertificate`](crate::routing::HostCertificate) the objects it depends on.

mod backend;
mod canary;
mod certificate;
mod check;
mod found;
mod ingress;
mod markdown;
mod near;
mod path;
mod redirect;
mod reload;
mod request;
mod text;
mod trail;
mod unhandled;
mod unloaded;
mod url;

pub use check::explain_check;
pub use found::add_findings;
pub use ingress::{IngressExplanation, NotEvaluatedCheck, PathExplanation, explain_ingress, sample_requests};
pub use near::NearMiss;
pub use request::{RequestUrl, RequestUrlError};
pub use text::{Style, write_step};
pub use trail::{Explanation, Found, ReadyBackend, RequestOutcome, ServedCertificate, Step, kubectl};
pub use url::{NoSuchClass, explain_each, explain_url};
