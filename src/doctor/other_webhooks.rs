//! Other webhooks that change Ingresses before they are reviewed.

use k8s_openapi::api::admissionregistration::v1::{MutatingWebhook, MutatingWebhookConfiguration};

use super::command::{holds, unknown};
use super::facts::Facts;
use super::selection::selects_operation;
use crate::explain::Step;

pub(super) fn links(facts: &Facts) -> Vec<Step> {
    const WHAT: &str = "others";
    let all = match &facts.mutating {
        Err(reason) => return vec![unknown(WHAT, reason)],
        Ok(all) => all,
    };
    let changing: Vec<&str> = all.iter().flat_map(changing).collect();
    vec![if changing.is_empty() {
        holds(WHAT, "no MutatingWebhookConfiguration selects Ingresses")
    } else {
        holds(WHAT, format!("change Ingresses before the review: {}", changing.join(", ")))
    }]
}

/// The names of the webhooks that select Ingresses.
fn changing(configuration: &MutatingWebhookConfiguration) -> impl Iterator<Item = &str> {
    let is_changing = |webhook: &&MutatingWebhook| {
        let mut rules = webhook.rules.iter().flatten();
        rules.any(|rule| ["CREATE", "UPDATE"].iter().any(|operation| selects_operation(rule, operation, "ingresses")))
    };
    configuration.webhooks.iter().flatten().filter(is_changing).map(|webhook| webhook.name.as_str())
}
