//! Backends that may be unused: a missing one does not certainly break requests.

use crate::cluster::ClusterView;
use crate::model::{Host, Ingress};
use crate::routing::annotations::NginxAnnotations;
use crate::routing::controller::ControllerFamily;
use crate::routing::controller::{Basis, Controller, ControllerId};

/// The reason why a backend may be unused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionalBackend {
    /// No controller is known to handle the Ingress, or only the name of its class suggests one.
    Unowned,
    /// A canary without a working backend gets no traffic; the main Ingress serves the requests (section 7.1).
    Canary,
    /// A snippet may answer first, if the controller allows it.
    Snippet,
    /// Another Ingress of the host may be older: its default backend is used (section 2.3).
    Fallback,
}

impl OptionalBackend {
    /// Returns why every backend of an Ingress may be unused.
    #[must_use]
    pub fn of_every_backend(ingress: &Ingress, controller: &Controller<'_>) -> Option<Self> {
        let annotations = NginxAnnotations::of(ingress);
        let is_nginx = controller.dialect.family.reads_nginx_annotations();
        match controller.id {
            ControllerId::None | ControllerId::Unknown => Some(Self::Unowned),
            _ if controller.basis == Basis::ClassName => Some(Self::Unowned),
            _ if is_nginx && annotations.is_canary() => Some(Self::Canary),
            _ if is_nginx && annotations.may_answer_by_snippet() => Some(Self::Snippet),
            _ => None,
        }
    }

    /// Returns why the default backend may be unused: ingress-nginx uses only that of the oldest Ingress of a host.
    #[must_use]
    pub fn of_default_backend(ingress: &Ingress, view: &ClusterView<'_>, controller: &Controller<'_>) -> Option<Self> {
        if ingress.default_backend.is_none() || controller.dialect.family != ControllerFamily::Nginx {
            return None;
        }
        let others = |host: &Host| !view.other_on(host, |_| true).is_absent();
        let mut hosts = ingress.hosts().into_iter().map(|(_, host)| host);
        let shared = if ingress.rules.is_empty() { others(&Host::Any) } else { hosts.any(others) };
        shared.then_some(Self::Fallback)
    }
}
