//! The registration: whether it exists, and which writes it selects.

use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, RuleWithOperations, ValidatingWebhook, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::command::{breaks, holds, reinstall, unknown};
use super::facts::{Endpoint, Facts, Registration};
use super::impact::is_for_impact;
use super::selection::{selects_labels, selects_operation};
use crate::explain::{Step, kubectl};
use crate::model::{CHART_LABEL, Key, REVIEW_PATH, injects_ca, is_condition_of_chart};

/// The end of the names of webhooks in the registration of the chart.
const WEBHOOK_NAME: &str = ".ingress-guard.io";

/// The shortest timeout that covers a review: 1 s of waiting, 1.2 s of live reads, and the evaluation.
const TIMEOUT: i32 = 3;

/// The most names in a list.
const MOST_NAMES: usize = 5;

/// Which registration is wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// Only the configuration of this name.
    pub name: Option<&'a str>,
    /// Only one that calls a Service of this namespace.
    pub namespace: Option<&'a str>,
    /// Services that are certainly of ingress-guard.
    pub services: &'a [Key],
}

/// Finds the registrations of ingress-guard: by name, by the label of the chart, by the name of a webhook, or by a Service.
#[must_use]
pub fn find(configurations: &[ValidatingWebhookConfiguration], wanted: &Wanted<'_>) -> Vec<Registration> {
    configurations.iter().filter_map(|configuration| registration(configuration, wanted)).collect()
}

fn registration(configuration: &ValidatingWebhookConfiguration, wanted: &Wanted<'_>) -> Option<Registration> {
    let metadata = &configuration.metadata;
    let name = metadata.name.as_deref().unwrap_or_default();
    let has_label = metadata
        .labels
        .as_ref()
        .is_some_and(|labels| labels.get(CHART_LABEL.0).is_some_and(|value| value == CHART_LABEL.1));
    let is_named = wanted.name == Some(name);
    if wanted.name.is_some() && !is_named {
        return None;
    }
    let is_ours = |webhook: &ValidatingWebhook| {
        let service = service_of(webhook);
        let is_known = service.as_ref().is_some_and(|(key, _)| wanted.services.contains(key));
        let is_there = wanted
            .namespace
            .is_none_or(|namespace| is_named || service.as_ref().is_some_and(|(key, _)| *key.namespace == *namespace));
        is_there && (is_named || has_label || is_known || webhook.name.ends_with(WEBHOOK_NAME))
    };
    let all = configuration.webhooks.iter().flatten().enumerate();
    let ours: Vec<(usize, &ValidatingWebhook)> = all.filter(|(_, webhook)| is_ours(webhook)).collect();
    let impact =
        ours.iter().find(|(_, webhook)| is_for_impact(webhook)).map(|(position, it)| (*position, (*it).clone()));
    let (position, webhook) = ours.iter().find(|(_, webhook)| names_ingresses(webhook)).or(ours.first())?;
    let annotations = metadata.annotations.iter().flatten();
    let has_injected_ca = annotations.into_iter().any(|(key, _)| injects_ca(key));
    Some(Registration {
        name: name.to_owned(),
        has_injected_ca,
        position: *position,
        webhook: (*webhook).clone(),
        impact,
    })
}

fn service_of(webhook: &ValidatingWebhook) -> Option<(Key, i32)> {
    let service = webhook.client_config.service.as_ref()?;
    Some((Key::new(&service.namespace, &service.name), service.port.unwrap_or(443)))
}

fn names_ingresses(webhook: &ValidatingWebhook) -> bool {
    ["CREATE", "UPDATE"].into_iter().any(|operation| selects(webhook, operation, "ingresses"))
}

fn selects(webhook: &ValidatingWebhook, operation: &str, resource: &str) -> bool {
    let rules = webhook.rules.iter().flatten();
    let is_selected = |rule: &RuleWithOperations| selects_operation(rule, operation, resource);
    rules.into_iter().any(is_selected)
}

/// Returns whether a registration selects a namespace; `None`: its selector cannot be read.
#[must_use]
pub fn selected(registration: &Registration, namespace: &Namespace) -> Option<bool> {
    selects_labels(registration.webhook.namespace_selector.as_ref(), namespace.metadata.labels.as_ref())
}

impl Registration {
    /// Returns the place that the API server calls.
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        let url = || self.webhook.client_config.url.clone().map(Endpoint::Url);
        service_of(&self.webhook).map(|(key, port)| Endpoint::Service(key, port)).or_else(url)
    }
}

pub(super) fn links(facts: &Facts) -> Vec<Step> {
    let service = facts.service.as_ref().ok().and_then(Option::as_ref);
    let registration = match &facts.registration {
        Err(reason) => return vec![unknown("registration", reason)],
        Ok(None) => {
            let detail = "no ValidatingWebhookConfiguration calls ingress-guard: no Ingress is reviewed";
            return vec![breaks("registration", detail, reinstall(service))];
        }
        Ok(Some(registration)) => registration,
    };
    let target = match registration.endpoint() {
        Some(Endpoint::Service(key, port)) => format!("Service {key} port {port}"),
        Some(Endpoint::Url(url)) => url,
        None => "nothing".to_owned(),
    };
    let found = format!("ValidatingWebhookConfiguration {} calls {target}", registration.name);
    let path =
        registration.webhook.client_config.service.as_ref().map(|service| service.path.as_deref().unwrap_or("/"));
    let called = match path {
        Some(path) if path != REVIEW_PATH => breaks(
            "registration",
            format!("{found}, path {path}: reviews are answered at {REVIEW_PATH}"),
            reinstall(service),
        ),
        _ => holds("registration", found),
    };
    vec![
        called,
        rules(registration, reinstall(service)),
        namespaces(registration, facts),
        conditions(registration),
        policy(registration),
    ]
}

fn rules(registration: &Registration, command: Option<String>) -> Step {
    let webhook = &registration.webhook;
    let missing: Vec<&str> =
        ["CREATE", "UPDATE"].into_iter().filter(|operation| !selects(webhook, operation, "ingresses")).collect();
    if !missing.is_empty() {
        let detail =
            format!("the rules do not select {} of ingresses: these writes are not reviewed", missing.join(" and "));
        return breaks("rules", detail, command);
    }
    if selects(webhook, "UPDATE", "ingresses/status") {
        holds("rules", "CREATE and UPDATE of Ingresses and of their status")
    } else {
        holds("rules", "CREATE and UPDATE of Ingresses; annotations changed with the status are not reviewed")
    }
}

fn namespaces(registration: &Registration, facts: &Facts) -> Step {
    const WHAT: &str = "namespaces";
    let has_object_selector =
        registration.webhook.object_selector.as_ref().is_some_and(|selector| *selector != LabelSelector::default());
    if has_object_selector {
        return unknown(WHAT, "objectSelector excludes Ingresses by labels, which their authors set");
    }
    let all = match &facts.namespaces {
        Err(reason) => return unknown(WHAT, reason),
        Ok(all) => all,
    };
    let name = |namespace: &Namespace| namespace.metadata.name.clone().unwrap_or_default();
    let mut excluded = Vec::new();
    for namespace in all {
        match selected(registration, namespace) {
            None => return unknown(WHAT, "the namespaceSelector cannot be read"),
            Some(false) => excluded.push(name(namespace)),
            Some(true) => {}
        }
    }
    excluded.sort();
    let (count, total) = (all.len() - excluded.len(), all.len());
    if count == 0 {
        let configuration = &registration.name;
        let command = kubectl(&["get", "validatingwebhookconfiguration", configuration, "--output", "yaml"]);
        return breaks(WHAT, format!("the namespaceSelector selects none of {total} namespaces"), command);
    }
    let except = match excluded.len() {
        0 => String::new(),
        1..=MOST_NAMES => format!(", not in {}", excluded.join(", ")),
        more => format!(", not in {} and {} others", excluded[..MOST_NAMES].join(", "), more - MOST_NAMES),
    };
    holds(WHAT, format!("Ingresses in {count} of {total} namespaces are reviewed{except}"))
}

fn conditions(registration: &Registration) -> Step {
    let conditions = registration.webhook.match_conditions.iter().flatten();
    let is_known = |condition: &MatchCondition| is_condition_of_chart(&condition.name, &condition.expression);
    let others: Vec<&str> =
        conditions.filter(|condition| !is_known(condition)).map(|condition| condition.name.as_str()).collect();
    if others.is_empty() {
        holds("conditions", "no condition excludes a write that creates or changes an Ingress")
    } else {
        unknown(
            "conditions",
            format!("writes that these matchConditions exclude are not reviewed: {}", others.join(", ")),
        )
    }
}

fn policy(registration: &Registration) -> Step {
    const WHAT: &str = "policy";
    let webhook = &registration.webhook;
    let timeout = webhook.timeout_seconds.unwrap_or(10);
    let policy = webhook.failure_policy.as_deref().unwrap_or("Fail");
    if timeout < TIMEOUT {
        let position = format!("/webhooks/{}/timeoutSeconds", registration.position);
        let detail = format!("timeoutSeconds is {timeout}, a review takes up to {TIMEOUT} s: slow ones are lost");
        let patch = format!(r#"[{{"op":"replace","path":"{position}","value":{TIMEOUT}}}]"#);
        let command = kubectl(&["patch", "validatingwebhookconfiguration", &registration.name, "--type", "json"]);
        return breaks(WHAT, detail, command.map(|command| format!("{command} --patch '{patch}'")));
    }
    let effect = if policy == "Fail" { "no Ingress can be written" } else { "Ingresses are stored without review" };
    holds(WHAT, format!("failurePolicy {policy}: while no replica answers, {effect}; timeoutSeconds {timeout}"))
}
