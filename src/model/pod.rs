//! Pod: whether it is ready, and the cause if it is not.

use serde::Deserialize;

use super::node::WireCondition;
use super::{Key, Labels, PodTemplate, lax, meta, pod_template};

/// A Pod.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct Pod {
    /// Namespace and name.
    pub key: Key,
    /// The template.
    pub template: PodTemplate,
    /// Name of its Node; empty if it is not scheduled.
    pub node: Box<str>,
    /// The addresses of its own; none if it uses those of its Node.
    pub addresses: Box<[Box<str>]>,
    /// Whether it can receive requests.
    pub state: PodState,
}

/// Whether a Pod can receive requests. The cause uses Kubernetes' own reason if there is one, e.g. `ImagePullBackOff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodState {
    /// It comes from a file and has no status.
    Unknown,
    /// Whether the condition `Ready` is true.
    Ready,
    /// It is not ready, for this reason.
    NotReady(Box<str>),
    /// It has ended, `Succeeded`, `Failed` or e.g. `Evicted`: it never receives requests again.
    Over(Box<str>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(deserialize_with = "lax::null")]
    spec: pod_template::WireSpec,
    #[serde(deserialize_with = "lax::null")]
    status: WireStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireStatus {
    #[serde(deserialize_with = "lax::null")]
    phase: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    reason: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    conditions: Vec<WireCondition>,
    #[serde(rename = "podIPs", deserialize_with = "lax::null")]
    pod_ips: Vec<WireAddress>,
    #[serde(deserialize_with = "lax::null")]
    init_container_statuses: Vec<WireContainer>,
    #[serde(deserialize_with = "lax::null")]
    container_statuses: Vec<WireContainer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireAddress {
    #[serde(deserialize_with = "lax::null")]
    ip: Box<str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireContainer {
    #[serde(deserialize_with = "lax::null")]
    ready: bool,
    started: Option<bool>,
    #[serde(deserialize_with = "lax::null")]
    state: WireState,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireState {
    waiting: Option<WireReason>,
    terminated: Option<WireReason>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireReason {
    #[serde(deserialize_with = "lax::null")]
    reason: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    exit_code: i32,
}

impl From<Wire> for Pod {
    fn from(mut wire: Wire) -> Self {
        let labels = Labels::from(wire.metadata.labels());
        let node = std::mem::take(&mut wire.spec.node_name);
        let is_deleted = wire.metadata.is_deleted();
        let addresses = std::mem::take(&mut wire.status.pod_ips).into_iter().map(|address| address.ip);
        let has_own = !wire.spec.host_network;
        Self {
            key: Key { namespace: wire.metadata.namespace, name: wire.metadata.name },
            template: PodTemplate::of(labels, wire.spec),
            node,
            addresses: addresses.filter(|_| has_own).collect(),
            state: wire.status.state(is_deleted),
        }
    }
}

impl WireStatus {
    fn state(self, is_deleted: bool) -> PodState {
        match &*self.phase {
            "" => return PodState::Unknown,
            "Succeeded" | "Failed" if self.reason.is_empty() => return PodState::Over(self.phase),
            "Succeeded" | "Failed" => return PodState::Over(self.reason),
            _ if is_deleted => return PodState::NotReady("Terminating".into()),
            _ => {}
        }
        if self.condition("Ready").is_some_and(|ready| &*ready.status == "True") {
            return PodState::Ready;
        }
        PodState::NotReady(self.why())
    }

    fn condition(&self, name: &str) -> Option<&WireCondition> {
        self.conditions.iter().find(|condition| &*condition.name == name)
    }

    /// Returns the cause that keeps the pod from being ready. The order resembles that of `kubectl get pods`: the pod's own
    /// reason, the first stuck init container, the first container that is not running, the first that is not ready.
    fn why(&self) -> Box<str> {
        if !self.reason.is_empty() {
            return self.reason.clone();
        }
        if self.condition("PodScheduled").is_some_and(|scheduled| &*scheduled.status == "False") {
            return "Unschedulable".into();
        }
        let mut stuck = self.init_container_statuses.iter().filter_map(WireContainer::stuck);
        if let Some(reason) = stuck.find(|reason| *reason != "PodInitializing") {
            return format!("Init:{reason}").into();
        }
        if let Some(reason) = self.container_statuses.iter().find_map(WireContainer::stuck) {
            return reason.into();
        }
        let waits = self.container_statuses.iter().chain(&self.init_container_statuses).find(|it| it.is_awaited());
        match (waits, self.condition("Ready")) {
            (Some(container), _) if container.started == Some(false) => "its startup probe has not succeeded".into(),
            (Some(_), _) => "its readiness probe fails".into(),
            (None, Some(ready)) if !ready.reason.is_empty() => ready.reason.clone(),
            (None, _) => self.phase.clone(),
        }
    }
}

impl WireContainer {
    /// Returns why it does not run, if it should.
    fn stuck(&self) -> Option<&str> {
        match &self.state {
            WireState { waiting: Some(WireReason { reason, .. }), .. } => Some(reason),
            WireState { terminated: Some(WireReason { reason, exit_code }), .. } if *exit_code != 0 => Some(reason),
            _ => None,
        }
        .filter(|reason| !reason.is_empty())
        .map(|reason| &**reason)
    }

    /// Whether it is running and not ready. Completed init containers count as ready.
    fn is_awaited(&self) -> bool {
        !self.ready && self.state.waiting.is_none() && self.state.terminated.is_none()
    }
}
