//! The heart: one file and one page per check. A check is pure: it looks at one Ingress and asks the
//! [`ClusterView`](crate::cluster::World); it never logs, waits, or decides what becomes of its findings.

mod annotation;
mod backend;
mod class;
mod collision;
mod context;
pub(crate) mod effects;
mod findings;
mod meta;
mod namespace_match;
mod nearest;
mod path;
mod registry;
mod routed_paths;
mod settings;
mod tls;

use crate::finding::Levels;
use crate::model::Kinds;
use crate::routing::ControllerFamily;

pub use context::Context;
pub use findings::Findings;
pub use meta::{CHECK_FAILED, CHECK_NOT_EVALUATED, WAIVER_INVALID};
pub use namespace_match::NamespaceMatch;
pub use registry::{ALL, find, listed};
use routed_paths::ROUTES;
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

impl Check {
    /// Returns the facts line of the check's page. Whether the check has a fix is known from its findings only.
    #[must_use]
    pub fn facts(&self, has_fix: bool) -> String {
        let Levels { guard, strict } = self.levels;
        let controllers = match self.applies {
            Applies::Everywhere => "all controllers",
            Applies::NginxDialect => "ingress-nginx and compatible controllers",
            Applies::NginxConfiguration => "ingress-nginx and its forks",
        };
        let waiver = if self.waivable { "can be waived" } else { "cannot be waived" };
        let fix = if has_fix { " · fix available" } else { "" };
        format!("Level: {guard} (guard), {strict} (strict) · {controllers} · {waiver}{fix}")
    }
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
    pub fn to(self, engine: ControllerFamily) -> bool {
        match self {
            Self::Everywhere => true,
            Self::NginxDialect => engine.reads_nginx_annotations(),
            Self::NginxConfiguration => engine == ControllerFamily::Nginx,
        }
    }
}
