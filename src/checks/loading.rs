//! What the controller does with the evaluated Ingress because of its annotations.

use super::Context;
use crate::model::Host;
use crate::routing::{AnnotationFault, Loading, When, reference_faults, value_faults};

/// How much of an Ingress is in the nginx configuration: sections 5.7 and 7.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rendered {
    /// Nothing: it is not loaded, or all its hosts return 403.
    Nothing,
    /// Locations that return 503, without the directives of annotations. `app-root` applies before them.
    Refused,
    /// Everything.
    Whole,
}

impl<'a> Context<'a> {
    /// Returns the faults of annotation values, and of annotations that the settings of the controller refuse.
    #[must_use]
    pub fn value_faults(&self) -> Vec<AnnotationFault<'a>> {
        value_faults(self.ingress, self.dialect())
    }

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

    /// Returns how much of the Ingress is in the nginx configuration.
    #[must_use]
    pub fn rendered(&self) -> Rendered {
        let loading = self.loading();
        let is_forbidden =
            |host: &Host| self.server(host, When::After).found().is_some_and(|it| it.forbidden.is_some());
        let mut hosts = self.ingress.hosts().into_iter().map(|(_, host)| host).peekable();
        if loading.not_loaded.is_some() || (hosts.peek().is_some() && hosts.all(is_forbidden)) {
            Rendered::Nothing
        } else if loading.refusal.is_some() {
            Rendered::Refused
        } else {
            Rendered::Whole
        }
    }
}
