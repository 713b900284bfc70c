//! What a controller does with an Ingress: whose rules hold (dialect), who takes it (class), what its annotations
//! and paths mean. Checks query this; no rule of a controller is written down anywhere else.
//!
//! Section numbers in comments are those of the fact sheet that `docs/ingress-nginx.md` has.

pub mod annotation;
mod answer;
mod backing;
mod behind;
mod certificate;
mod claims;
mod class;
mod dialect;
mod doubt;
mod endpoints;
mod faults;
mod issuer;
mod locate;
mod map;
mod neutral;
mod nginx;
mod pattern;
mod request;
mod rewrite;
mod routes;
mod sample;
mod server;
mod settings;
mod tls;
mod variables;
mod version;

pub use answer::{Answer, Outcome, OwnedBy, Redirect, Refusal, Scheme};
pub use backing::{Backing, Cause, NamedTemplate, Shortage, Stuck, pod_templates};
pub use behind::{Behind, StandIn, Standing};
pub use certificate::{CertificateState, HostCertificate};
pub use claims::{Claim, by_age, claims};
pub use class::{ClassRules, Classless, Owner, Taker};
pub use dialect::{Dialect, DialectMatch, DialectRule, Dialects, Engine};
pub use doubt::Doubt;
pub use endpoints::{Endpoints, ExternalNameFault, is_named_for, slice_prefix};
pub use faults::Fault;
pub use issuer::Issuer;
pub use locate::Located;
pub use map::{Fate, HostRoutes, Route, RouteMap};
pub use nginx::{NginxAnnotations, named_by};
pub use pattern::{
    Effort, Exhausted, Pattern, PatternError, alternatives_at_the_top, is_plainly_regex, literal_prefix,
};
pub use request::{host_name, normalized};
pub use rewrite::{Piece, Rewritten, pieces};
pub use routes::{Routes, When};
pub use sample::{nests_repetitions, pattern_samples, plain_samples, runaway};
pub use server::{Dropped, DroppedBecause, Location, Modifier, Server};
pub use settings::ControllerSettings;
pub use tls::{MeantFor, TlsEntries};
pub use variables::{Unknown, unknown_variables, variable_names};
pub use version::{NotAVersion, Version};
