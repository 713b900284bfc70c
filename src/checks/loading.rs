//! What the controller does with the evaluated Ingress because of its annotations.

use super::Context;
use crate::cluster::Lookup;
use crate::model::{Host, Kind, PathRef};
use crate::routing::{AnnotationFault, Loading, Refusal, When, reference_faults};

/// How much of an Ingress is in the nginx configuration: sections 5.7 and 7.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rendered {
    /// Nothing: it is not loaded.
    Nothing,
    /// Nothing as long as this annotation has a fault: all its hosts return 403.
    Forbidden(&'static str),
    /// Locations that return 503, without the directives of annotations, as long as this annotation has a fault. `app-root`
    /// applies before them.
    Refused(&'static str),
    /// Everything.
    Whole,
}

impl<'a> Context<'a> {
    /// Returns the faults of references in annotations. Reads ConfigMaps, Secrets and Services.
    #[must_use]
    pub fn reference_faults(&self) -> Vec<AnnotationFault<'a>> {
        reference_faults(self.ingress, self.dialect(), self.view)
    }

    /// Returns what the controller does with the Ingress because of its annotations.
    #[must_use]
    pub fn loading(&self) -> Loading {
        self.routes().loading(self.ingress)
    }

    /// Returns whether a path of a canary certainly has a location of its own: a main rule was the first to use its Service and port
    /// (section 7.1). Reads Ingresses and IngressClasses.
    #[must_use]
    pub fn has_own_location(&self) -> bool {
        let is_located =
            |at: PathRef<'a>| self.server(&at.rule.host, When::After).found().is_some_and(|server| server.locates(at));
        self.view.knows(Kind::Ingress) && self.ingress.paths().any(is_located)
    }

    /// Returns whether a path of a canary certainly has a location, on its host or on every host without a rule: a main rule was the first
    /// to use its Service and port (sections 2.3 and 7.1). Reads Ingresses and IngressClasses.
    #[must_use]
    pub fn locates(&self, at: PathRef<'a>) -> bool {
        let is_known = self.view.knows(Kind::Ingress);
        match if is_known { self.server(&at.rule.host, When::After) } else { Lookup::Unknown } {
            Lookup::Found(server) => server.locates(at),
            Lookup::Absent => self.routes().has_upstream_of_main(self.ingress, &at.path.backend, When::After),
            Lookup::Unknown => false,
        }
    }

    /// Returns how much of the Ingress is in the nginx configuration.
    #[must_use]
    pub fn rendered(&self) -> Rendered {
        let loading = self.loading();
        if loading.not_loaded.is_some() {
            return Rendered::Nothing;
        }
        let forbids = |(_, host): (usize, &Host)| self.server(host, When::After).found()?.forbidden;
        let forbidden: Option<Vec<Refusal>> = self.ingress.hosts().into_iter().map(forbids).collect();
        match (forbidden.and_then(|all| all.first().copied()), loading.refusal) {
            (Some(refusal), _) => Rendered::Forbidden(refusal.annotation),
            (None, Some(refusal)) => Rendered::Refused(refusal.annotation),
            (None, None) => Rendered::Whole,
        }
    }
}
