//! Whether the API server can have Ingresses reviewed by this process: its registration, its Service, and the CA that the API server
//! trusts. `ingress-guard doctor` checks the other links.

use std::fmt;

use jiff::Timestamp;

use super::{Coverage, Inventory, Lookup};
use crate::model::{ApiCaller, CalledService, Distrust, IngressWebhook, Key, Kind, REVIEW_PATH, TrustBundle};

/// The reason why the API server cannot have Ingresses reviewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationFault {
    /// No registration selects Ingresses and calls this Service.
    NotRegistered(Key),
    /// The Service does not exist.
    ServiceMissing(Key),
    /// The Service does not have the port that the registration of this name calls.
    PortMissing(Box<str>, CalledService),
    /// The registration of this name calls another path.
    OtherPath(Box<str>, Box<str>),
    /// The registration of this name selects no namespace.
    NothingSelected(Box<str>),
    /// The registration of this name does not trust the served certificate.
    Untrusted(Box<str>, Distrust),
}

impl RegistrationFault {
    /// The values of the label `reason`.
    pub const REASONS: [&str; 6] =
        ["not_registered", "service_missing", "port_missing", "other_path", "nothing_selected", "untrusted"];

    /// Returns the value of the label `reason`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        let [not_registered, service_missing, port_missing, other_path, nothing_selected, untrusted] = Self::REASONS;
        match self {
            Self::NotRegistered(_) => not_registered,
            Self::ServiceMissing(_) => service_missing,
            Self::PortMissing(..) => port_missing,
            Self::OtherPath(..) => other_path,
            Self::NothingSelected(_) => nothing_selected,
            Self::Untrusted(..) => untrusted,
        }
    }
}

impl fmt::Display for RegistrationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIND: &str = "ValidatingWebhookConfiguration";
        match self {
            Self::NotRegistered(service) => {
                write!(
                    f,
                    "no {KIND} for CREATE and UPDATE of Ingresses calls Service {service}: Ingresses are stored without review"
                )
            }
            Self::ServiceMissing(service) => {
                write!(f, "Service {service} does not exist: the API server cannot reach the webhook")
            }
            Self::PortMissing(name, CalledService { key, port }) => {
                write!(f, "Service {key} has no port {port}, which {KIND} {name} calls: no Ingress is reviewed")
            }
            Self::OtherPath(name, path) => {
                write!(f, "{KIND} {name} calls the path {path:?} instead of {REVIEW_PATH}: no Ingress is reviewed")
            }
            Self::NothingSelected(name) => {
                write!(
                    f,
                    "the namespaceSelector of {KIND} {name} selects no namespace: Ingresses are stored without review"
                )
            }
            Self::Untrusted(name, reason) => {
                write!(f, "caBundle of {KIND} {name}: {reason}: the API server rejects the webhook")
            }
        }
    }
}

/// A part of a registration that excludes writes of Ingresses from reviews. It may be intended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationLimit {
    /// Match conditions with these names in the registration of the first name.
    Conditions(Box<str>, Vec<Box<str>>),
    /// The object selector of the registration of this name.
    Labels(Box<str>),
}

impl RegistrationLimit {
    /// The values of the label `by`.
    pub const KINDS: [&str; 2] = ["conditions", "labels"];

    /// Returns the value of the label `by`.
    #[must_use]
    pub fn by(&self) -> &'static str {
        let [conditions, labels] = Self::KINDS;
        match self {
            Self::Conditions(..) => conditions,
            Self::Labels(_) => labels,
        }
    }
}

impl fmt::Display for RegistrationLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conditions(name, conditions) => write!(
                f,
                "ValidatingWebhookConfiguration {name}: writes that these matchConditions exclude are not reviewed: {}",
                conditions.join(", ")
            ),
            Self::Labels(name) => write!(
                f,
                "ValidatingWebhookConfiguration {name}: Ingresses that its objectSelector does not select are not reviewed"
            ),
        }
    }
}

/// Returns the webhooks of this installation with their registrations.
fn own<'s>(store: &'s Inventory, service: &Key) -> Vec<(&'s ApiCaller, &'s IngressWebhook)> {
    // A registration that calls a URL is one of this installation if it comes from the chart.
    let is_own = |caller: &ApiCaller, webhook: &IngressWebhook| match &webhook.service {
        Some(called) => called.key == *service,
        None => caller.is_of_chart,
    };
    let callers = store.api_callers(Kind::ValidatingWebhookConfiguration);
    let webhooks = callers.flat_map(|caller| caller.ingress_webhooks.iter().map(move |webhook| (caller, webhook)));
    webhooks.filter(|(caller, webhook)| is_own(caller, webhook)).collect()
}

/// Returns the webhooks through which the API server has Ingresses reviewed by the process behind a Service.
#[must_use]
pub fn own_webhooks<'s>(store: &'s Inventory, service: &Key) -> Vec<&'s IngressWebhook> {
    own(store, service).into_iter().map(|(_, webhook)| webhook).collect()
}

/// Returns whether every new Ingress of a namespace is certainly reviewed, as far as the registration decides. `None`: the namespace or
/// the registration is not known.
#[must_use]
pub fn is_reviewed(store: &Inventory, service: &Key, namespace: &str) -> Option<bool> {
    let Lookup::Found(labels) = store.namespace_labels(namespace) else { return None };
    let is_known = store.coverage(Kind::ValidatingWebhookConfiguration) == Coverage::Complete;
    is_known.then(|| {
        own(store, service).into_iter().any(|(_, webhook)| {
            let is_selected = webhook.namespaces.as_ref().is_some_and(|selector| selector.selects(labels));
            is_selected && !webhook.selects_labels && webhook.conditions.is_empty()
        })
    })
}

/// Returns what excludes writes from the reviews of the process behind a Service.
#[must_use]
pub fn registration_limits(store: &Inventory, service: &Key) -> Vec<RegistrationLimit> {
    let limits = own(store, service).into_iter().flat_map(|(caller, webhook)| {
        let name = &caller.key.name;
        let conditions = (!webhook.conditions.is_empty())
            .then(|| RegistrationLimit::Conditions(name.clone(), webhook.conditions.to_vec()));
        let labels = webhook.selects_labels.then(|| RegistrationLimit::Labels(name.clone()));
        conditions.into_iter().chain(labels)
    });
    limits.collect()
}

/// Returns why the API server cannot have Ingresses reviewed by the process behind a Service that serves this chain (DER).
/// `None`: registrations are not known.
#[must_use]
pub fn registration_fault(
    store: &Inventory,
    service: &Key,
    chain: &[Vec<u8>],
    now: Timestamp,
) -> Option<Result<(), RegistrationFault>> {
    let is_known = |kind: Kind| store.coverage(kind) == Coverage::Complete;
    is_known(Kind::ValidatingWebhookConfiguration).then_some(())?;
    let own = own(store, service);
    if own.is_empty() {
        return Some(Err(RegistrationFault::NotRegistered(service.clone())));
    }
    let is_of_service = |(_, webhook): &(&ApiCaller, &IngressWebhook)| webhook.service.is_some();
    let stored = store.service(&service.namespace, &service.name);
    if own.iter().all(is_of_service) && is_known(Kind::Service) && stored.is_none() {
        return Some(Err(RegistrationFault::ServiceMissing(service.clone())));
    }
    let dns_name = service.service_dns_name();
    let faults = own.iter().map(|(caller, webhook)| {
        let name = || caller.key.name.clone();
        if let Some(selector) = &webhook.namespaces
            && is_known(Kind::Namespace)
            && !store.namespaces().any(|namespace| selector.selects(&namespace.labels))
        {
            return Some(RegistrationFault::NothingSelected(name()));
        }
        let called = webhook.service.as_ref()?;
        if *webhook.path != *REVIEW_PATH {
            return Some(RegistrationFault::OtherPath(name(), webhook.path.clone()));
        }
        if stored.is_some_and(|stored| stored.ports.iter().all(|port| port.number != called.port)) {
            return Some(RegistrationFault::PortMissing(name(), called.clone()));
        }
        let rejection = TrustBundle::from_pem(&webhook.ca_bundle).rejection(chain, &dns_name, now);
        rejection.filter(Distrust::is_certain).map(|reason| RegistrationFault::Untrusted(name(), reason))
    });
    // Reviews arrive through any registration without a fault.
    let faults: Option<Vec<RegistrationFault>> = faults.collect();
    Some(faults.and_then(|all| all.into_iter().next()).map_or(Ok(()), Err))
}
