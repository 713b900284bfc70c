//! The heart: one file and one page per check. A check is pure: it looks at one Ingress and asks the
//! [`World`](crate::cluster::World); it never logs, waits, or decides what becomes of its findings.

mod annotation;
mod backend;
mod class;
mod context;
mod ourselves;
mod path;
mod tls;

use crate::finding::Levels;
use crate::model::Kinds;
use crate::routing::Engine;

pub use context::{Context, Findings, Settings};
pub use ourselves::{CHECK_FAILED, CHECK_NOT_EVALUATED, WAIVER_INVALID};

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
    /// The kinds without which it cannot judge. They decide what is watched, when the webhook is ready and what RBAC
    /// grants.
    pub needs: Kinds,
    /// The kinds that it reads only for better words.
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
    /// Whether it has anything to say where the rules of this family hold.
    #[must_use]
    pub fn holds_for(self, engine: Engine) -> bool {
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
    &class::CLASS_ANNOTATION_LEGACY,
    &class::CLASS_ANNOTATION_UNMATCHED,
    &class::CLASS_FIELD_ON_GCE,
    &backend::SERVICE_NOT_FOUND,
    &backend::SERVICE_PORT_NOT_FOUND,
    &backend::SERVICE_TARGET_PORT_USED,
    &backend::SERVICE_PORT_NOT_TCP,
    &path::PATH_EXACT_ROOT_ONLY,
    &path::REWRITE_CAPTURE_MISSING,
    &path::REWRITE_VARIABLE_UNKNOWN,
    &path::REWRITE_VALUE_IGNORED,
    &path::PATH_CONTROL_CHARACTER,
    &tls::TLS_SECRET_NOT_FOUND,
    &tls::TLS_SECRET_UNUSABLE,
    &tls::TLS_CERTIFICATE_HOST_MISMATCH,
    &tls::TLS_CERTIFICATE_EXPIRED,
    &tls::TLS_RULE_HOST_UNCOVERED,
    &tls::TLS_HOST_UNROUTED,
    &annotation::ANNOTATION_UNKNOWN,
    &annotation::ANNOTATION_FOR_OTHER_CONTROLLER,
    &annotation::ANNOTATION_VALUE_INVALID,
    &annotation::ANNOTATION_REFERENCE_MISSING,
    &annotation::CANARY_NEVER_CHOSEN,
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
