//! The heart: one file and one page per check. A check is pure: it looks at one Ingress and asks the
//! [`World`](crate::cluster::World); it never logs, waits, or decides what becomes of its findings.

mod annotation;
mod backend;
mod backends;
mod class;
mod collision;
mod context;
mod findings;
mod ourselves;
mod path;
mod routed;
mod settings;
mod tls;

use crate::finding::Levels;
use crate::model::Kinds;
use crate::routing::Engine;

pub use context::Context;
pub use findings::Findings;
pub use ourselves::{CHECK_FAILED, CHECK_NOT_EVALUATED, WAIVER_INVALID};
use routed::ROUTES;
pub use settings::{HostOwnership, NamespaceClasses, Settings};

/// One rule about Ingresses.
#[derive(Debug)]
pub struct Check {
    /// Stable for ever and never reused, e.g. `IG202`.
    pub code: &'static str,
    /// Names the fault; reads after "allow", e.g. `service-port-not-found`.
    pub name: &'static str,
    /// One line for the catalogue.
    pub summary: &'static str,
    /// What becomes of its findings where nothing else is said.
    pub levels: Levels,
    /// Where it has anything to say.
    pub applies: Applies,
    /// Whether an annotation on the object can waive it.
    pub waivable: bool,
    /// The kinds without which it cannot judge. They decide what is watched, granted and waited for.
    pub needs: Kinds,
    /// The kinds that it can do without: for better words, or to be surer. Where they are forbidden, that is no news.
    pub hints: Kinds,
    /// Its page, which is its test as well.
    pub page: &'static str,
    /// Look at one Ingress.
    pub run: fn(&Context<'_>, &mut Findings),
}

/// Where a check has anything to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// On every controller.
    Everywhere,
    /// Where nginx annotations are read: ingress-nginx, its forks, and what imitates it.
    NginxDialect,
    /// Where they become an nginx configuration: ingress-nginx and its forks.
    NginxConfiguration,
}

impl Applies {
    /// Whether this is so where an engine's rules hold.
    #[must_use]
    pub fn to(self, engine: Engine) -> bool {
        match self {
            Self::Everywhere => true,
            Self::NginxDialect => engine.reads_nginx_annotations(),
            Self::NginxConfiguration => engine == Engine::Nginx,
        }
    }
}

/// Every check in the order of the codes.
pub static ALL: &[&Check] = &[
    &class::CLASS_NOT_FOUND,
    &class::CLASS_MISSING,
    &class::CLASS_UNSERVED,
    &class::CLASS_ANNOTATION_LEGACY,
    &class::CLASS_ANNOTATION_UNMATCHED,
    &class::NAMESPACE_UNWATCHED,
    &class::CLASS_NOT_ALLOWED,
    &class::CLASS_FIELD_ON_GCE,
    &backend::SERVICE_NOT_FOUND,
    &backend::SERVICE_PORT_NOT_FOUND,
    &backend::SERVICE_TARGET_PORT_USED,
    &backend::SERVICE_WITHOUT_READY_ENDPOINTS,
    &backend::SERVICE_PORT_NOT_TCP,
    &backend::EXTERNAL_NAME_UNUSABLE,
    &backend::RESOURCE_BACKEND_UNSERVED,
    &backend::RULE_WITHOUT_PATHS,
    &backend::DEFAULT_BACKEND_IGNORED,
    &backend::ENDPOINT_SLICE_UNSEEN,
    &backend::PODS_WITHOUT_READINESS_PROBE,
    &backend::BACKEND_EXPOSES_ADMISSION_WEBHOOK,
    &path::PATH_REGEX_LITERAL,
    &path::PATH_REGEX_INVALID,
    &path::PATH_TYPE_STRICT,
    &path::PATH_EXACT_ROOT_UNREACHABLE,
    &path::PATH_EXACT_ROOT_ONLY,
    &path::PATH_SHADOWED,
    &path::PATH_TRAILING_SLASH,
    &path::REGEX_SPILLOVER,
    &path::REGEX_HOST_INHERITED,
    &path::REWRITE_CAPTURE_MISSING,
    &path::REWRITE_DROPS_SUBPATH,
    &path::REWRITE_VARIABLE_UNKNOWN,
    &path::REWRITE_VALUE_IGNORED,
    &path::LOCATION_DUPLICATED,
    &path::PATH_CONTROL_CHARACTER,
    &path::REGEX_OVERREACHING,
    &path::REGEX_BACKTRACKING,
    &tls::TLS_SECRET_NOT_FOUND,
    &tls::TLS_SECRET_UNUSABLE,
    &tls::TLS_CERTIFICATE_HOST_MISMATCH,
    &tls::TLS_CERTIFICATE_EXPIRED,
    &tls::TLS_CERTIFICATE_EXPIRING,
    &tls::TLS_RULE_HOST_UNCOVERED,
    &tls::TLS_HOST_UNROUTED,
    &tls::TLS_ON_HOSTLESS_RULE,
    &tls::TLS_HOST_OWNED_ELSEWHERE,
    &tls::TLS_SECRET_WRONG_TYPE,
    &tls::TLS_REQUIRED,
    &tls::TLS_SECRET_SHARED,
    &collision::HOST_PATH_DUPLICATED,
    &collision::HOST_NOT_OWNED,
    &collision::WILDCARD_GAP,
    &collision::SERVER_ALIAS_DROPPED,
    &collision::CATCH_ALL_HOST,
    &annotation::ANNOTATION_UNKNOWN,
    &annotation::ANNOTATION_FOR_OTHER_CONTROLLER,
    &annotation::ANNOTATION_VALUE_INVALID,
    &annotation::ANNOTATION_REFERENCE_MISSING,
    &annotation::CANARY_WITHOUT_MAIN,
    &annotation::CANARY_NEVER_CHOSEN,
    &annotation::CANARY_STEALS_UPSTREAM,
    &annotation::AUTH_SILENTLY_OPEN,
    &annotation::SNIPPET_REFUSED,
    &annotation::ANNOTATION_REMOVED,
    &CHECK_FAILED,
    &CHECK_NOT_EVALUATED,
    &WAIVER_INVALID,
];

/// The check with this code, in any case, or with this name.
#[must_use]
pub fn find(code_or_name: &str) -> Option<&'static Check> {
    let same = |check: &&&Check| check.code.eq_ignore_ascii_case(code_or_name) || check.name == code_or_name;
    ALL.iter().find(same).copied()
}
