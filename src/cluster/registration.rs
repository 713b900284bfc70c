//! Whether the API server can have Ingresses reviewed by this process: its registration, its Service, and the CA that the API server
//! trusts. `ingress-guard doctor` checks the other links.

use std::fmt;

use jiff::Timestamp;

use super::{Coverage, Inventory};
use crate::model::{ApiCaller, Distrust, IngressWebhook, Key, Kind, TrustBundle};

/// The reason why the API server cannot have Ingresses reviewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationFault {
    /// No registration selects Ingresses and calls this Service.
    NotRegistered(Key),
    /// The Service does not exist.
    ServiceMissing(Key),
    /// The registration of this name does not trust the served certificate.
    Untrusted(Box<str>, Distrust),
}

impl RegistrationFault {
    /// The values of the label `reason`.
    pub const REASONS: [&str; 3] = ["not_registered", "service_missing", "untrusted"];

    /// Returns the value of the label `reason`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        let [not_registered, service_missing, untrusted] = Self::REASONS;
        match self {
            Self::NotRegistered(_) => not_registered,
            Self::ServiceMissing(_) => service_missing,
            Self::Untrusted(..) => untrusted,
        }
    }
}

impl fmt::Display for RegistrationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegistered(service) => {
                write!(
                    f,
                    "no ValidatingWebhookConfiguration for CREATE and UPDATE of Ingresses calls Service {service}: Ingresses are \
                     stored without review"
                )
            }
            Self::ServiceMissing(service) => {
                write!(f, "Service {service} does not exist: the API server cannot reach the webhook")
            }
            Self::Untrusted(name, reason) => {
                write!(
                    f,
                    "caBundle of ValidatingWebhookConfiguration {name}: {reason}: the API server rejects the webhook"
                )
            }
        }
    }
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
    // A registration that calls a URL is one of this installation if it comes from the chart.
    let is_own = |caller: &ApiCaller, webhook: &IngressWebhook| match &webhook.service {
        Some(called) => called.key == *service,
        None => caller.is_of_chart,
    };
    let callers = store.api_callers(Kind::ValidatingWebhookConfiguration);
    let own = callers.flat_map(|caller| caller.ingress_webhooks.iter().map(move |webhook| (caller, webhook)));
    let own: Vec<_> = own.filter(|(caller, webhook)| is_own(caller, webhook)).collect();
    if own.is_empty() {
        return Some(Err(RegistrationFault::NotRegistered(service.clone())));
    }
    if own.iter().any(|(_, webhook)| webhook.service.is_none()) {
        return Some(Ok(()));
    }
    if is_known(Kind::Service) && store.service(&service.namespace, &service.name).is_none() {
        return Some(Err(RegistrationFault::ServiceMissing(service.clone())));
    }
    let name = service.service_dns_name();
    let rejections = own.iter().map(|(caller, webhook)| {
        let rejection = TrustBundle::from_pem(&webhook.ca_bundle).rejection(chain, &name, now);
        rejection
            .filter(Distrust::is_certain)
            .map(|reason| RegistrationFault::Untrusted(caller.key.name.clone(), reason))
    });
    // Reviews arrive through any registration that trusts the certificate.
    let rejections: Option<Vec<RegistrationFault>> = rejections.collect();
    Some(rejections.and_then(|all| all.into_iter().next()).map_or(Ok(()), Err))
}
