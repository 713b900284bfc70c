//! Deployment, StatefulSet and DaemonSet: the workloads that create the pods of a Service.

use serde::Deserialize;

use super::{Key, Labels, PodTemplate, lax, meta, pod_template};

/// A Deployment, StatefulSet or DaemonSet.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct Workload {
    /// Namespace and name.
    pub key: Key,
    /// `spec.template`
    pub template: PodTemplate,
    /// `spec.replicas`; `None` if it is absent (the default is 1) and for a DaemonSet.
    pub replicas: Option<i32>,
    /// `spec.selector.matchLabels`
    pub selector: Labels,
    /// The state of its rollout.
    pub rollout: Rollout,
}

/// The state of the rollout of a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollout {
    /// The object has no status, as in a file.
    Unknown,
    /// No pod of it is available, or it has been scaled to 0.
    Unavailable,
    /// Pods of an earlier template may run.
    Progressing,
    /// Every pod has the current template, and at least one is available.
    Complete,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(deserialize_with = "lax::null")]
    spec: WireSpec,
    status: Option<WireStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireSpec {
    replicas: Option<i32>,
    #[serde(deserialize_with = "lax::null")]
    selector: WireSelector,
    #[serde(deserialize_with = "lax::null")]
    template: WireTemplate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireSelector {
    #[serde(deserialize_with = "lax::null")]
    match_labels: Labels,
}

/// The numbers of pods: the first three of a Deployment or StatefulSet, the others of a DaemonSet.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireStatus {
    replicas: Option<i32>,
    updated_replicas: Option<i32>,
    available_replicas: Option<i32>,
    desired_number_scheduled: Option<i32>,
    updated_number_scheduled: Option<i32>,
    number_available: Option<i32>,
    observed_generation: Option<i64>,
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
        let replicas = wire.spec.replicas;
        let generation = wire.metadata.generation();
        let rollout = match wire.status {
            _ if replicas == Some(0) => Rollout::Unavailable,
            Some(status) if status.observed_generation.is_some() => status.rollout(replicas, generation),
            // It is stored, and no controller has created a pod yet. A file has `status: {}` at most.
            _ if wire.metadata.is_stored() => Rollout::Unavailable,
            _ => Rollout::Unknown,
        };
        Self {
            key: Key { namespace: wire.metadata.namespace, name: wire.metadata.name },
            template: PodTemplate::of(metadata.labels, spec),
            replicas,
            selector: wire.spec.selector.match_labels,
            rollout,
        }
    }
}

impl WireStatus {
    /// Returns the state of the rollout as `kubectl rollout status` decides it.
    fn rollout(&self, replicas: Option<i32>, generation: Option<i64>) -> Rollout {
        let wanted = self.desired_number_scheduled.or(replicas).unwrap_or(1);
        let updated = self.updated_number_scheduled.or(self.updated_replicas).unwrap_or(0);
        let available = self.number_available.or(self.available_replicas).unwrap_or(0);
        let running = self.replicas.unwrap_or(wanted);
        if wanted == 0 || available == 0 {
            return Rollout::Unavailable;
        }
        let is_observed = generation.is_none_or(|generation| self.observed_generation >= Some(generation));
        if is_observed && updated >= wanted && running <= updated { Rollout::Complete } else { Rollout::Progressing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_is_complete_once_every_pod_has_the_template() {
        let rollout = |generation: i64, replicas: i32, status: &str| {
            let text = format!(
                r#"{{"metadata": {{"name": "c", "generation": {generation}}}, "spec": {{"replicas": {replicas}}}, "status": {status}}}"#
            );
            serde_json::from_str::<Workload>(&text).unwrap().rollout
        };
        let done = r#"{"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}"#;
        assert_eq!(rollout(2, 2, done), Rollout::Complete);
        assert_eq!(rollout(3, 2, done), Rollout::Progressing, "the change is not observed yet");
        let half = r#"{"observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2}"#;
        assert_eq!(rollout(2, 2, half), Rollout::Progressing);
        assert_eq!(rollout(2, 2, r#"{"observedGeneration": 2, "replicas": 2}"#), Rollout::Unavailable);
        assert_eq!(rollout(2, 0, "{}"), Rollout::Unavailable);
        for none in ["null", "{}"] {
            assert_eq!(rollout(2, 2, none), Rollout::Unknown);
        }
        let stored = r#"{"metadata": {"name": "c", "creationTimestamp": "2026-01-01T00:00:00Z"}, "status": {}}"#;
        assert_eq!(serde_json::from_str::<Workload>(stored).unwrap().rollout, Rollout::Unavailable);
        let daemons = r#"{"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}"#;
        assert_eq!(rollout(2, 1, daemons), Rollout::Complete);
    }
}
