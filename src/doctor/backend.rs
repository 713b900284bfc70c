//! The Service of the webhook and its endpoints.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, Service, ServicePort};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::command::{breaks, holds, reinstall, unknown};
use super::facts::{Endpoint, Facts};
use crate::explain::{Step, kubectl};
use crate::model::Key;

pub(super) fn links(facts: &Facts) -> Vec<Step> {
    match &facts.endpoint {
        None => Vec::new(),
        Some(Endpoint::Url(_)) => {
            let detail = "the registration calls a URL, not a Service";
            vec![holds("service", detail)]
        }
        Some(Endpoint::Service(key, port)) => match &facts.service {
            Err(reason) => vec![unknown("service", reason)],
            Ok(None) => {
                let detail = format!("Service {key} does not exist: the API server cannot reach the webhook");
                vec![breaks("service", detail, reinstall(None))]
            }
            Ok(Some(service)) => match port_of(service, *port) {
                None => {
                    let detail = format!("Service {key} has no port {port}: the API server cannot reach the webhook");
                    vec![breaks("service", detail, reinstall(Some(service)))]
                }
                Some(found) => {
                    vec![
                        holds("service", format!("Service {key} has port {port}")),
                        endpoints(facts, key, service, found),
                    ]
                }
            },
        },
    }
}

fn port_of(service: &Service, number: i32) -> Option<&ServicePort> {
    let ports = service.spec.as_ref()?.ports.as_ref()?;
    ports.iter().find(|port| port.port == number)
}

fn endpoints(facts: &Facts, key: &Key, service: &Service, port: &ServicePort) -> Step {
    const WHAT: &str = "endpoints";
    let slices = match &facts.slices {
        Err(reason) => return unknown(WHAT, reason),
        Ok(slices) => slices,
    };
    let name = port.name.as_deref().unwrap_or_default();
    let has_port = |slice: &&EndpointSlice| {
        let mut ports = slice.ports.iter().flatten();
        ports.any(|port| port.name.as_deref().unwrap_or_default() == name)
    };
    let all = slices.iter().filter(has_port).flat_map(|slice| &slice.endpoints);
    let (mut ready, mut other) = (0, 0);
    for endpoint in all {
        // A missing condition counts as ready.
        match endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) {
            Some(false) => other += 1,
            _ => ready += 1,
        }
    }
    if ready > 0 {
        let also = if other > 0 { format!(", {other} not ready") } else { String::new() };
        let plural = if ready == 1 { "" } else { "s" };
        let detail = format!("Service {key} has {ready} ready endpoint{plural}{also}");
        let waiting = facts.pods.iter().flatten().find(|pod| is_waiting(pod));
        return match waiting.and_then(state) {
            Some(state) => unknown(WHAT, format!("{detail}; {state}")),
            None => holds(WHAT, detail),
        };
    }
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref()).filter(|labels| !labels.is_empty());
    let cause = facts.pods.as_ref().ok().and_then(|pods| cause(pods, selector.is_some(), other));
    let cause = cause.map_or_else(String::new, |cause| format!("; {cause}"));
    let detail = format!("Service {key} has no ready endpoint, {other} not ready{cause}");
    breaks(WHAT, detail, selector.and_then(|labels| pods_command(key, labels)))
}

fn pods_command(key: &Key, labels: &BTreeMap<String, String>) -> Option<String> {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    // A comma has no meaning in a shell, and each label is checked alone.
    labels.iter().all(|label| kubectl(&[label]).is_some()).then_some(())?;
    let command = kubectl(&["describe", "pods", "--namespace", &key.namespace, "--selector"])?;
    Some(format!("{command} {}", labels.join(",")))
}

/// Returns why the pods are not endpoints, as far as they show it.
fn cause(pods: &[Pod], has_selector: bool, not_ready: usize) -> Option<String> {
    if !has_selector {
        return Some("the Service has no selector".to_owned());
    }
    let Some(pod) = pods.first() else {
        return (not_ready == 0).then(|| "no pod has the labels of its selector".to_owned());
    };
    state(pod)
}

/// Whether a pod is to answer reviews and is not ready.
fn is_waiting(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let mut conditions = status.conditions.iter().flatten();
    let is_ready = conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True");
    !is_ready && pod.metadata.deletion_timestamp.is_none()
}

/// Returns the phase of a pod, and why it waits.
fn state(pod: &Pod) -> Option<String> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let status = pod.status.as_ref()?;
    let mut containers = status.container_statuses.iter().flatten();
    let waiting = containers.find_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.clone());
    let unscheduled = status.conditions.iter().flatten().find(|condition| condition.type_ == "PodScheduled");
    let unscheduled = unscheduled.filter(|condition| condition.status == "False");
    let reason = waiting.or_else(|| unscheduled.and_then(|condition| condition.reason.clone()));
    let phase = status.phase.clone().unwrap_or_else(|| "Unknown".to_owned());
    Some(format!("pod {name} is {phase}{}", reason.map_or_else(String::new, |reason| format!(" ({reason})"))))
}
