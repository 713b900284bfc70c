//! The checks: one file and one page for each. A check is a pure function of one Ingress and the
//! [`ClusterView`](crate::cluster::ClusterView). It never logs or waits, and it does not decide whether a finding denies.

mod annotation;
mod backend;
mod bounds;
mod class;
mod collision;
mod context;
pub(crate) mod effects;
mod findings;
mod host_ownership;
mod impact;
mod loading;
mod manifest;
mod memo;
mod meta;
mod namespace_match;
mod nearest;
mod path;
mod registry;
mod release;
mod request;
mod routed_paths;
mod settings;
mod tls;
mod waiver_bounds;

use crate::finding::Levels;
use crate::model::Kinds;
use crate::routing::ControllerFamily;

pub(crate) use annotation::CANARY_WITHOUT_MAIN;
pub(crate) use backend::{SERVICE_IS_YOUNG, SERVICE_WITHOUT_READY_ENDPOINTS};
pub use context::Context;
pub use findings::Findings;
pub use host_ownership::{Foreign, HostOwnership, Overlap};
pub use impact::{CLASS_IN_USE, CONTROLLER_SETTING_IN_USE, SERVICE_IN_USE, SERVICE_PORT_IN_USE};
pub use loading::Rendered;
pub(crate) use manifest::REFUSED_BY_API_SERVER;
pub use memo::Memo;
pub use meta::{CHECK_FAILED, CHECK_NOT_EVALUATED, CONTROLLER_BLOCKED, WAIVER_INVALID};
pub use namespace_match::NamespaceMatch;
pub(crate) use path::{PATH_REGEX_LITERAL, REGEX_HOST_INHERITED, REGEX_ROOT_ONLY};
pub use registry::{ALL, find, listed, vital_kinds};
pub use release::{Raise, Release, UnknownRelease};
use routed_paths::ROUTES;
pub use settings::{NamespaceClasses, Oversized, Settings};
pub use waiver_bounds::{BeyondBounds, WaiverBounds};

/// One rule about Ingresses.
#[derive(Debug)]
pub struct Check {
    /// The code, e.g. `IG202`. It never changes and is never reused.
    pub code: &'static str,
    /// The name of the problem, e.g. `service-port-not-found`. It reads well after "allow".
    pub name: &'static str,
    /// The problem in one line, for lists of checks.
    pub summary: &'static str,
    /// The levels of its findings by default.
    pub levels: Levels,
    /// The release with which it came.
    pub since: Release,
    /// The raises of its levels after that release, in any order.
    pub raised: &'static [Raise],
    /// The controllers that it applies to.
    pub applies: Applies,
    /// True if an annotation on the Ingress can waive it.
    pub waivable: bool,
    /// The required kinds: without them the check is not evaluated. They determine which kinds are watched, which rights RBAC
    /// grants, and which caches must sync before the server is ready.
    pub needs: Kinds,
    /// The optional kinds, which improve messages or confirm a finding. No finding is reported if RBAC forbids them.
    pub hints: Kinds,
    /// The documentation page in Markdown. Its examples are tests.
    pub page: &'static str,
    /// Checks one Ingress and adds what it finds.
    pub run: fn(&Context<'_>, &mut Findings),
}

impl Check {
    /// Returns whether it reports writes of other objects than Ingresses, so that it does not run over an Ingress.
    #[must_use]
    pub fn is_of_other_writes(&self) -> bool {
        self.code.starts_with("IG8")
    }

    /// Returns the facts line of the documentation page. `has_fix` is an argument, because only findings show whether a check
    /// has a fix.
    #[must_use]
    pub fn facts(&self, has_fix: bool) -> String {
        let Levels { guard, strict } = self.levels;
        let controllers = match self.applies {
            Applies::Everywhere => "all controllers",
            Applies::NginxDialect => "ingress-nginx and compatible controllers",
            Applies::NginxConfiguration => "ingress-nginx and its forks",
            Applies::Manifests => "manifest files",
        };
        let waiver = if self.waivable { "can be waived" } else { "cannot be waived" };
        let fix = if has_fix { " · fix available" } else { "" };
        format!("Level: {guard} (guard), {strict} (strict) · {controllers} · {waiver}{fix}")
    }
}

/// The controllers that a check applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// All controllers.
    Everywhere,
    /// Controllers that read the annotations of ingress-nginx: ingress-nginx, its forks and compatible controllers.
    NginxDialect,
    /// Controllers that generate an nginx configuration from these annotations: ingress-nginx and its forks.
    NginxConfiguration,
    /// All controllers, for Ingresses that are to be applied from files.
    Manifests,
}

impl Applies {
    /// Returns true if the check depends on the family of the controller.
    #[must_use]
    pub fn depends_on_family(self) -> bool {
        matches!(self, Self::NginxDialect | Self::NginxConfiguration)
    }

    /// Returns true if the check applies to this controller family.
    #[must_use]
    pub fn to(self, engine: ControllerFamily) -> bool {
        match self {
            Self::Everywhere | Self::Manifests => true,
            Self::NginxDialect => engine.reads_nginx_annotations(),
            Self::NginxConfiguration => engine == ControllerFamily::Nginx,
        }
    }
}
