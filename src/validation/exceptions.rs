//! Exceptions from validation for Ingresses that are stored already, and for older versions.

use super::names::{label, label_1035, path_text, port_name, subdomain};
use super::{ApiVersion, KubeVersion};
use crate::model::{Backend, Host, Ingress, PathType, PortRef, Rule};

/// What the API server does not validate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exceptions {
    /// Names of Secrets.
    pub(super) secret_names: bool,
    /// The paths of rules for wildcard hosts.
    pub(super) wildcard_rules: bool,
    /// That names of Services begin with a letter.
    pub(super) relaxed_service_names: bool,
}

impl Exceptions {
    /// Returns the exceptions for an object that replaces a stored one: what the stored one violates may be violated again.
    pub(super) fn of(stored: Option<&Ingress>, version: ApiVersion, kube: KubeVersion) -> Self {
        const V1BETA1_REMOVED: KubeVersion = KubeVersion::new(22);
        const SERVICE_NAMES_RELAXED: KubeVersion = KubeVersion::new(36);
        let is_of_beta = version.is_beta() && kube < V1BETA1_REMOVED;
        let any = |violates: fn(&Ingress) -> bool| stored.is_some_and(violates);
        Self {
            secret_names: is_of_beta || any(has_invalid_secret_name),
            wildcard_rules: is_of_beta || any(has_invalid_wildcard_rule),
            relaxed_service_names: kube >= SERVICE_NAMES_RELAXED || any(has_relaxed_service_name),
        }
    }
}

fn has_invalid_secret_name(stored: &Ingress) -> bool {
    stored.tls.iter().filter_map(|entry| entry.secret_name.as_deref()).any(|name| !subdomain(name).is_empty())
}

fn has_relaxed_service_name(stored: &Ingress) -> bool {
    let is_relaxed = |name: &str| label(name).is_empty() && !label_1035(name).is_empty();
    stored.backends().any(|of| matches!(of.backend, Backend::Service { name, .. } if is_relaxed(name)))
}

fn has_invalid_wildcard_rule(stored: &Ingress) -> bool {
    let is_wildcard = |host: &Host| !matches!(host, Host::Any) && host.to_string().contains('*');
    stored.rules.iter().any(|rule| is_wildcard(&rule.host) && is_invalid(rule))
}

/// Whether a stored rule has an invalid path. An empty list of paths is not visible here.
fn is_invalid(rule: &Rule) -> bool {
    let is_invalid_backend = |backend: &Backend| match backend {
        Backend::Resource => false,
        Backend::Service { name, port } => {
            let is_invalid_port = match port {
                None => true,
                Some(PortRef::Name(name)) => !port_name(name).is_empty(),
                Some(PortRef::Number(number)) => !(1..=65535).contains(number),
            };
            is_invalid_port || !label_1035(name).is_empty()
        }
    };
    rule.paths.iter().any(|path| {
        let is_strict = path.path_type != PathType::ImplementationSpecific;
        let problems = path_text(&path.path, is_strict);
        !problems.is_empty() || is_invalid_backend(&path.backend)
    })
}
