//! The behaviour of controllers: which controller handles it, its dialect, and the meaning of annotations and
//! paths. Checks query this module; no rule of a controller is written down anywhere else.
//!
//! Section numbers in comments refer to the fact sheet `docs/ingress-nginx.md`.

pub mod annotations;
mod answer;
mod authentication;
mod backend;
mod controller;
mod diff;
mod exploits;
mod hosts;
mod loading;
mod location;
mod map;
mod path_matching;
mod redirect;
mod reload;
mod routes;
mod server_name;
mod tls;
mod version;

pub use annotations::{AnnotatedRedirect, NginxAnnotations, Refusal, referenced_by};
pub use answer::{Answer, Outcome, OwnedBy, Redirect, Scheme};
pub use authentication::ExternalAuth;
pub use backend::{
    AuthServiceFault, AuthUrl, BackendReadiness, Cause, Endpoints, ExternalNameFault, FallbackAnswer, FallbackService,
    LinkStatus, NamedTemplate, OptionalBackend, ResolvedBackend, Shortage, Stuck, is_named_for, pod_templates,
    selects_no_workload, service_of_name, slice_prefix,
};
pub use controller::{
    AnnotationClass, Basis, ClassRules, Classless, Controller, ControllerFamily, ControllerFlags, ControllerGroup,
    ControllerId, ControllerSettings, Controllers, DescribedSetting, Dialect, DialectMatch, DialectRule, Dialects,
    Discovered, Discovery, DiscoveryMode, FamilySource, Instance, KnownController, ObservedController, Release,
    SecretSource, Unsettled, WatchedNamespaces,
};
pub use diff::{RouteChange, RouteChanges};
pub use exploits::{ADVISORIES, Advisory, Exploit, exploits};
pub use loading::{AnnotationFault, FaultReason, Loading, reference_faults, value_faults};
pub use location::{
    Claim, Condition, ConfigError, Dropped, DroppedBecause, HostWinner, Located, Location, Modifier, Pattern,
    PatternError, Piece, Rewritten, SLASH_GROUPS, Server, Unknown, alternatives_at_the_top, by_age, claims, escaped,
    host_name, is_nginx_variable, is_plainly_regex, literal_prefix, matches_only_root, nests_repetitions, normalized,
    path_samples, pattern_samples, pieces, plain_samples, redirects_alike, runaway, sample_host, unknown_variables,
    variable_names,
};
pub use map::{HostRoutes, Route, RouteMap, RouteOutcome, RoutesOf, routes_of};
pub use path_matching::PathMeaning;
pub use redirect::Received;
pub use reload::{
    Certainty, Evaluated, ReloadBlock, ReloadBlocks, ReloadFault, ReloadIndex, SharedReloadBlocks, VariableFault,
};
pub use routes::{Routes, When};
pub use server_name::ServerName;
pub use tls::{CertificateState, HostCertificate, Issuer, MeantFor, TlsEntries};
pub use version::{NotAVersion, Version};
