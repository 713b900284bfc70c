//! The configuration of discovery.

/// The sources of what is known about controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiscoveryMode {
    /// The configuration only.
    Off,
    /// Also the values of `spec.controller` that are known to belong to ingress-nginx.
    Classes,
    /// Also the workloads and pods of controllers: image and flags.
    #[default]
    Workloads,
}

/// How controllers are discovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The sources.
    pub mode: DiscoveryMode,
    /// The namespaces whose workloads count. A tenant can create a workload that looks like a controller in a namespace of its own.
    pub namespaces: Vec<String>,
}

impl Default for Discovery {
    fn default() -> Self {
        let namespaces = ["ingress-nginx", "kube-system"].map(str::to_owned).into();
        Self { mode: DiscoveryMode::default(), namespaces }
    }
}

impl Discovery {
    /// Returns the namespaces whose controllers are watched.
    #[must_use]
    pub fn watched_namespaces(&self) -> &[String] {
        if self.mode == DiscoveryMode::Workloads { &self.namespaces } else { &[] }
    }
}
