//! What makes it doubtful that a visitor ever depends on a backend: then it may be missing without harm.

use crate::cluster::ClusterView;
use crate::model::{Host, Ingress};
use crate::routing::annotations::NginxAnnotations;
use crate::routing::controller::ControllerFamily;
use crate::routing::controller::{Controller, ControllerId};

/// Why a backend may be missing without harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionalBackend {
    /// Nobody is known to take the Ingress.
    Unowned,
    /// A canary that cannot answer gets no traffic; the main Ingress answers (section 7.1).
    Canary,
    /// A snippet may answer first, if the controller allows it.
    Snippet,
    /// Another Ingress of the host may be the older one, whose fallback counts (section 2.3).
    Fallback,
}

impl OptionalBackend {
    /// What makes every backend of an Ingress doubtful.
    #[must_use]
    pub fn of_every_backend(ingress: &Ingress, controller: &Controller<'_>) -> Option<Self> {
        let annotations = NginxAnnotations::of(ingress);
        let is_nginx = controller.dialect.family.reads_nginx_annotations();
        match controller.id {
            ControllerId::None | ControllerId::Unknown => Some(Self::Unowned),
            _ if is_nginx && annotations.is_canary() => Some(Self::Canary),
            _ if is_nginx && annotations.may_answer_by_snippet() => Some(Self::Snippet),
            _ => None,
        }
    }

    /// What makes the default backend doubtful: on ingress-nginx that of the oldest Ingress of a host is its fallback,
    /// and no other.
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
