//! The metrics of the registration in the API server.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::ReasonLabel;
use crate::cluster::{RegistrationFault, RegistrationLimit};

/// Whether the API server can have Ingresses reviewed, and which writes it does not send.
#[derive(Debug, Default)]
pub(crate) struct RegistrationMetrics {
    fault: Family<ReasonLabel, Gauge>,
    limited: Family<LimitLabel, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabel {
    by: &'static str,
}

impl RegistrationMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "registration_fault",
            "1 while the API server cannot have Ingresses reviewed, by reason",
            self.fault.clone(),
        );
        registry.register(
            "registration_limited",
            "1 while the registration excludes writes of Ingresses from reviews",
            self.limited.clone(),
        );
    }

    /// Sets why the API server cannot have Ingresses reviewed. While that is not known, there is no sample.
    pub(crate) fn show_fault(&self, registration: Option<&Result<(), RegistrationFault>>) {
        self.fault.clear();
        let Some(registration) = registration else { return };
        let fault = registration.as_ref().err().map(RegistrationFault::reason);
        for reason in RegistrationFault::REASONS {
            let label = ReasonLabel { reason };
            self.fault.get_or_create(&label).set(i64::from(fault == Some(reason)));
        }
    }

    /// Sets what excludes writes from reviews.
    pub(crate) fn show_limits(&self, limits: &[RegistrationLimit]) {
        for by in RegistrationLimit::KINDS {
            let is_limited = limits.iter().any(|limit| limit.by() == by);
            self.limited.get_or_create(&LimitLabel { by }).set(i64::from(is_limited));
        }
    }
}
