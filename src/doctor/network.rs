//! Network policies that keep the API server from the webhook, or the webhook from the API server.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::command::{breaks, holds, unknown};
use super::facts::{Endpoint, Facts};
use super::replicas;
use super::selection::selects_labels;
use crate::explain::{Step, kubectl};
use crate::model::Key;

const WHAT: &str = "network";

/// A port as rules name it: its number, and the name on the pod.
#[derive(Debug, Clone)]
struct Port {
    number: Option<i32>,
    name: Option<String>,
}

/// The effect of a set of rules on connections with the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Open,
    Closed,
    /// A rule names addresses, or the port of the API server is not known.
    Unknown,
}

pub(super) fn links(facts: &Facts) -> Vec<Step> {
    let (Some(Endpoint::Service(key, number)), Ok(Some(service))) = (&facts.endpoint, &facts.service) else {
        return Vec::new();
    };
    let policies = match &facts.policies {
        Err(reason) => return vec![unknown(WHAT, reason)],
        Ok(policies) => policies,
    };
    let mut specs = facts.pods.iter().flatten().filter_map(|pod| pod.spec.as_ref());
    if specs.any(|spec| spec.host_network == Some(true)) {
        return vec![holds(WHAT, "the pods use the network of their nodes, to which no NetworkPolicy applies")];
    }
    let Some(labels) = labels_of_pods(facts, service) else {
        return vec![unknown(WHAT, "the labels of the pods are not known")];
    };
    let selecting: Vec<&NetworkPolicy> = policies.iter().filter(|policy| selects(policy, &labels)).collect();
    if selecting.is_empty() {
        return vec![holds(WHAT, format!("no NetworkPolicy selects the pods of Service {key}"))];
    }
    vec![link(facts, key, &selecting, *number, service)]
}

fn link(facts: &Facts, key: &Key, selecting: &[&NetworkPolicy], number: i32, service: &Service) -> Step {
    let (inward, outward) = (inward(selecting, &target(service, facts, number)), outward(selecting, facts));
    let names: Vec<&str> = selecting.iter().filter_map(|policy| policy.metadata.name.as_deref()).collect();
    let list = names.join(", ");
    let command = || kubectl(&[&["describe", "networkpolicy", "--namespace", &key.namespace], &names[..]].concat());
    match (inward, outward) {
        // Not every network plugin enforces policies.
        (Effect::Closed, _) if facts.is_answered() => {
            let detail = "admits no API server to the webhook port, and yet it has reached the webhook: the policy is not enforced";
            unknown(WHAT, format!("NetworkPolicy {list} {detail}"))
        }
        (Effect::Closed, _) => {
            let detail = format!("NetworkPolicy {list} blocks the API server: no rule admits it to the webhook port");
            breaks(WHAT, detail, command())
        }
        (_, Effect::Closed) if replicas::are_current(facts) => {
            let detail = "admits no way to the API server, and yet the webhook watches it: the policy is not enforced";
            unknown(WHAT, format!("NetworkPolicy {list} {detail}"))
        }
        (_, Effect::Closed) => {
            let detail =
                format!("NetworkPolicy {list} blocks the way to the API server: no rule of egress admits its port");
            breaks(WHAT, detail, command())
        }
        (Effect::Unknown, _) | (_, Effect::Unknown) => {
            let detail = "admits addresses; it is not known whether those of the API server are among them";
            unknown(WHAT, format!("NetworkPolicy {list} {detail}"))
        }
        (Effect::Open, Effect::Open) => holds(WHAT, format!("NetworkPolicy {list} admits the API server")),
    }
}

/// The labels of a pod of the webhook; without pods, those that the Service selects.
fn labels_of_pods(facts: &Facts, service: &Service) -> Option<BTreeMap<String, String>> {
    let pod = facts.pods.as_ref().ok().and_then(|pods| pods.first());
    let selector = || service.spec.as_ref()?.selector.clone().filter(|labels| !labels.is_empty());
    pod.and_then(|pod| pod.metadata.labels.clone()).or_else(selector)
}

fn selects(policy: &NetworkPolicy, labels: &BTreeMap<String, String>) -> bool {
    policy.spec.as_ref().is_some_and(|spec| selects_labels(spec.pod_selector.as_ref(), Some(labels)) == Some(true))
}

fn has_type(policy: &NetworkPolicy, wanted: &str) -> bool {
    policy.spec.as_ref().is_some_and(|spec| match &spec.policy_types {
        Some(types) => types.iter().any(|of| of == wanted),
        // Without types, every policy is one for ingress.
        None => wanted == "Ingress" || spec.egress.is_some(),
    })
}

fn inward(policies: &[&NetworkPolicy], port: &Port) -> Effect {
    let isolating = policies.iter().filter(|policy| has_type(policy, "Ingress"));
    let rules = isolating.clone().filter_map(|policy| policy.spec.as_ref()?.ingress.as_ref()).flatten();
    let rules = rules.filter(|rule| admits_port(rule.ports.as_deref(), port));
    let effects = rules.map(|rule| admits_peer(rule.from.as_deref()));
    if isolating.count() == 0 { Effect::Open } else { best(effects) }
}

/// The way to the API server: by the port of its endpoints, or by that of its Service. Network plugins differ in which they see.
fn outward(policies: &[&NetworkPolicy], facts: &Facts) -> Effect {
    let isolating: Vec<_> = policies.iter().filter(|policy| has_type(policy, "Egress")).collect();
    let endpoints = facts.api_server.iter().flatten().flat_map(|slice| slice.ports.iter().flatten());
    let endpoints: Vec<i32> = endpoints.filter_map(|port| port.port).collect();
    if isolating.is_empty() {
        return Effect::Open;
    }
    if endpoints.is_empty() {
        return Effect::Unknown;
    }
    let is_admitted = |ports: Option<&[NetworkPolicyPort]>| {
        let mut numbers = endpoints.iter().chain([&443]);
        numbers.any(|number| admits_port(ports, &Port { number: Some(*number), name: None }))
    };
    let rules = isolating.iter().filter_map(|policy| policy.spec.as_ref()?.egress.as_ref()).flatten();
    best(rules.filter(|rule| is_admitted(rule.ports.as_deref())).map(|rule| admits_peer(rule.to.as_deref())))
}

fn best(effects: impl Iterator<Item = Effect>) -> Effect {
    effects.fold(Effect::Closed, |best, effect| match (best, effect) {
        (Effect::Open, _) | (_, Effect::Open) => Effect::Open,
        (Effect::Unknown, _) | (_, Effect::Unknown) => Effect::Unknown,
        (Effect::Closed, Effect::Closed) => Effect::Closed,
    })
}

fn admits_port(ports: Option<&[NetworkPolicyPort]>, wanted: &Port) -> bool {
    let admits = |port: &NetworkPolicyPort| {
        if port.protocol.as_deref().is_some_and(|protocol| protocol != "TCP") {
            return false;
        }
        match (&port.port, wanted.number) {
            // The number behind a name is not known: the rule may be meant for it.
            (None, _) | (Some(IntOrString::Int(_)), None) => true,
            (Some(IntOrString::Int(first)), Some(number)) => {
                (*first..=port.end_port.unwrap_or(*first)).contains(&number)
            }
            (Some(IntOrString::String(name)), _) => wanted.name.as_ref().is_none_or(|wanted| wanted == name),
        }
    };
    ports.is_none_or(|ports| ports.is_empty() || ports.iter().any(admits))
}

/// The API server is not a pod: only rules without peers or with addresses admit it.
fn admits_peer(peers: Option<&[NetworkPolicyPeer]>) -> Effect {
    let Some(peers) = peers.filter(|peers| !peers.is_empty()) else { return Effect::Open };
    best(peers.iter().filter_map(|peer| peer.ip_block.as_ref()).map(|block| {
        let is_everything = matches!(&*block.cidr, "0.0.0.0/0" | "::/0");
        let has_exceptions = block.except.as_ref().is_some_and(|except| !except.is_empty());
        if is_everything && !has_exceptions { Effect::Open } else { Effect::Unknown }
    }))
}

/// The port of the pods behind a port of the Service.
fn target(service: &Service, facts: &Facts, number: i32) -> Port {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_ref());
    let port = ports.and_then(|ports| ports.iter().find(|port| port.port == number));
    let target = port.and_then(|port| port.target_port.clone()).unwrap_or(IntOrString::Int(number));
    let pods = facts.pods.as_deref().unwrap_or_default();
    let containers = pods.iter().filter_map(|pod| pod.spec.as_ref()).flat_map(|spec| &spec.containers);
    let mut declared = containers.flat_map(|container| container.ports.iter().flatten());
    match target {
        IntOrString::Int(number) => {
            let name = declared.find(|port| port.container_port == number).and_then(|port| port.name.clone());
            Port { number: Some(number), name }
        }
        IntOrString::String(name) => {
            let number = declared.find(|port| port.name.as_ref() == Some(&name)).map(|port| port.container_port);
            Port { number, name: Some(name) }
        }
    }
}
