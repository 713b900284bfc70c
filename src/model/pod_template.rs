//! The template of a pod, as far as a Service depends on it.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::controller_process::{ControllerProcess, WireVariable};
use super::lax::Texts;
use super::service::Protocol;
use super::{Labels, lax};

/// The template of a pod, in a Pod itself or in a workload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodTemplate {
    /// The labels that Service selectors match.
    pub labels: Labels,
    /// The declared container ports; those of sidecars in `initContainers` come last.
    pub ports: Box<[ContainerPort]>,
    /// It has a readiness probe, a startup probe or a readiness gate. A pod without any of them is ready as soon as its
    /// processes have started.
    pub has_probe: bool,
    /// The first container that runs an ingress controller which reads the annotations of ingress-nginx.
    pub controller: Option<Box<ControllerProcess>>,
}

impl PodTemplate {
    /// Whether a container declares a port of this name and protocol; Kubernetes resolves a named `targetPort` this way
    /// (`FindPort` in pkg/api/v1/pod).
    #[must_use]
    pub fn has_port(&self, name: &str, protocol: Protocol) -> bool {
        self.ports.iter().any(|port| &*port.name == name && port.protocol == protocol)
    }
}

/// One of `containers[].ports`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerPort {
    /// `name`, or empty.
    pub name: Box<str>,
    /// `containerPort`: informational, the container may listen on other ports.
    pub number: i32,
    /// `protocol`
    pub protocol: Protocol,
}

/// `spec` of a pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WireSpec {
    #[serde(deserialize_with = "lax::null")]
    containers: Vec<WireContainer>,
    #[serde(deserialize_with = "lax::null")]
    init_containers: Vec<WireContainer>,
    #[serde(deserialize_with = "lax::null")]
    readiness_gates: Vec<IgnoredAny>,
    #[serde(deserialize_with = "lax::null")]
    pub(super) node_name: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    pub(super) host_network: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireContainer {
    #[serde(deserialize_with = "lax::null")]
    ports: Vec<WirePort>,
    readiness_probe: Option<IgnoredAny>,
    startup_probe: Option<IgnoredAny>,
    #[serde(deserialize_with = "lax::null")]
    restart_policy: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    image: Box<str>,
    command: Texts,
    args: Texts,
    #[serde(deserialize_with = "lax::null")]
    env: Vec<WireVariable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WirePort {
    #[serde(deserialize_with = "lax::null")]
    name: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    container_port: i32,
    #[serde(deserialize_with = "lax::null")]
    protocol: Box<str>,
}

impl PodTemplate {
    pub(super) fn of(labels: Labels, spec: WireSpec) -> Self {
        // An init container with restartPolicy Always is a sidecar: it runs beside the others, and its ports count.
        let sidecars = spec.init_containers.into_iter().filter(|container| &*container.restart_policy == "Always");
        let mut containers: Vec<WireContainer> = spec.containers.into_iter().chain(sidecars).collect();
        let is_probed = |it: &WireContainer| it.readiness_probe.is_some() || it.startup_probe.is_some();
        let has_probe = !spec.readiness_gates.is_empty() || containers.iter().any(is_probed);
        let controller = containers.iter_mut().find_map(WireContainer::controller).map(Box::new);
        let ports = containers.into_iter().flat_map(|container| container.ports).map(ContainerPort::from).collect();
        Self { labels, ports, has_probe, controller }
    }
}

impl WireContainer {
    /// Returns the controller that it runs, if it runs one.
    fn controller(&mut self) -> Option<ControllerProcess> {
        let (image, env) = (std::mem::take(&mut self.image), std::mem::take(&mut self.env));
        ControllerProcess::of(image, &self.command.0, &self.args.0, env)
    }
}

impl From<WirePort> for ContainerPort {
    fn from(wire: WirePort) -> Self {
        Self { name: wire.name, number: wire.container_port, protocol: Protocol::parse(&wire.protocol) }
    }
}
