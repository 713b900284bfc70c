//! What a controller does with an Ingress: whose rules hold (dialect), who takes it (class), what its annotations
//! and paths mean. Checks query this; no rule of a controller is written down anywhere else.
//!
//! Section numbers in comments are those of the fact sheet that `docs/ingress-nginx.md` has.

pub mod annotations;
mod answer;
mod backend;
mod controller;
mod hosts;
mod location;
mod map;
mod refusal;
mod routes;
mod tls;
mod version;

pub use annotations::{NginxAnnotations, named_by};
pub use answer::{Answer, Outcome, OwnedBy, Redirect, Scheme};
pub use backend::{
    Backing, Cause, Endpoints, ExternalNameFault, FallbackService, LinkStatus, NamedTemplate, OptionalBackend,
    ResolvedBackend, Shortage, Stuck, is_named_for, pod_templates, slice_prefix,
};
pub use controller::{
    ClassRules, Classless, Controller, ControllerFamily, ControllerId, ControllerSettings, Dialect, DialectMatch,
    DialectRule, Dialects,
};
pub use location::{
    Budget, BudgetExceeded, Claim, Dropped, DroppedBecause, Fault, Located, Location, Modifier, Pattern, PatternError,
    Piece, Rewritten, Server, Unknown, alternatives_at_the_top, by_age, claims, host_name, is_plainly_regex,
    literal_prefix, nests_repetitions, normalized, path_samples, pattern_samples, pieces, plain_samples, runaway,
    sample_host, unknown_variables, variable_names,
};
pub use map::{HostRoutes, Route, RouteMap, RouteOutcome};
pub use refusal::Refusal;
pub use routes::{Routes, When};
pub use tls::{CertificateState, HostCertificate, Issuer, MeantFor, TlsEntries};
pub use version::{NotAVersion, Version};
