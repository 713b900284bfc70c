//! The second webhook of a registration, for writes of objects that Ingresses depend on. It is optional and only warns.

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhook;

use super::command::{breaks, holds};
use super::facts::{Facts, Registration};
use crate::explain::{Step, kubectl};

const WHAT: &str = "impact";

/// The user name that its conditions have to exclude, so that the deletion of a namespace is not delayed.
const NAMESPACE_CONTROLLER: &str = "system:serviceaccount:kube-system:namespace-controller";

pub(super) fn links(facts: &Facts) -> Vec<Step> {
    let registration = facts.registration.as_ref().ok().and_then(Option::as_ref);
    registration.and_then(link).into_iter().collect()
}

fn link(registration: &Registration) -> Option<Step> {
    let (position, webhook) = registration.impact.as_ref()?;
    let (client, main) = (&webhook.client_config, &registration.webhook.client_config);
    let set = |field: &str, value: &str| {
        let patch = format!(r#"[{{"op":"add","path":"/webhooks/{position}/{field}","value":{value}}}]"#);
        let command = kubectl(&["patch", "validatingwebhookconfiguration", &registration.name, "--type", "json"]);
        command.map(|command| format!("{command} --patch '{patch}'"))
    };
    let conditions = || webhook.match_conditions.iter().flatten();
    Some(if webhook.failure_policy.as_deref() != Some("Ignore") {
        let detail = "failurePolicy is not Ignore: while no replica answers, Services cannot be deleted or changed";
        breaks(WHAT, detail, set("failurePolicy", "\"Ignore\""))
    } else if !conditions().any(|condition| condition.expression.contains(NAMESPACE_CONTROLLER)) {
        let detail = "no matchCondition excludes the namespace controller: the deletion of namespaces is delayed";
        breaks(WHAT, detail, None)
    } else if client.ca_bundle != main.ca_bundle {
        let detail = "its caBundle is not that of the webhook for Ingresses: one of them is rejected by the API server";
        breaks(WHAT, detail, None)
    } else {
        holds(
            WHAT,
            "writes of Services, IngressClasses and settings by which Ingresses lose are answered with a warning",
        )
    })
}

/// Returns whether a webhook is the one for other writes than those of Ingresses.
pub(super) fn is_for_impact(webhook: &ValidatingWebhook) -> bool {
    let client = &webhook.client_config;
    let path = client.service.as_ref().and_then(|service| service.path.as_deref());
    path == Some("/impact") || client.url.as_ref().is_some_and(|url| url.ends_with("/impact"))
}
