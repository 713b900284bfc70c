//! Deployment, StatefulSet and DaemonSet: the workloads that create the pods of a Service.

use serde::Deserialize;

use super::{Key, Labels, PodTemplate, lax, meta, pod_template};

/// A Deployment, StatefulSet or DaemonSet.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Wire")]
pub struct Workload {
    /// Namespace and name.
    pub key: Key,
    /// `spec.template`
    pub template: PodTemplate,
    /// `spec.replicas`; `None` if it is absent (the default is 1) and for a DaemonSet.
    pub replicas: Option<i32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(deserialize_with = "lax::null")]
    spec: WireSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireSpec {
    replicas: Option<i32>,
    #[serde(deserialize_with = "lax::null")]
    template: WireTemplate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireTemplate {
    #[serde(deserialize_with = "lax::null")]
    metadata: WireLabels,
    #[serde(deserialize_with = "lax::null")]
    spec: pod_template::WireSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireLabels {
    #[serde(deserialize_with = "lax::null")]
    labels: Labels,
}

impl From<Wire> for Workload {
    fn from(wire: Wire) -> Self {
        let WireTemplate { metadata, spec } = wire.spec.template;
        Self {
            key: Key { namespace: wire.metadata.namespace, name: wire.metadata.name },
            template: PodTemplate::of(metadata.labels, spec),
            replicas: wire.spec.replicas,
        }
    }
}
