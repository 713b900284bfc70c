//! The Kubernetes kinds that checks may ask about, and sets of them.

use std::fmt;
use std::ops::BitOr;

/// A kind of object in the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `apiregistration.k8s.io/v1` APIService.
    ApiService,
    /// `cert-manager.io/v1` Certificate.
    Certificate,
    /// `v1` ConfigMap.
    ConfigMap,
    /// `apps/v1` DaemonSet.
    DaemonSet,
    /// `apps/v1` Deployment.
    Deployment,
    /// `discovery.k8s.io/v1` EndpointSlice.
    EndpointSlice,
    /// `networking.k8s.io/v1` Ingress.
    Ingress,
    /// `networking.k8s.io/v1` IngressClass.
    IngressClass,
    /// `admissionregistration.k8s.io/v1` `MutatingWebhookConfiguration`.
    MutatingWebhookConfiguration,
    /// `v1` Namespace.
    Namespace,
    /// `v1` Node.
    Node,
    /// `v1` Pod.
    Pod,
    /// `v1` Secret.
    Secret,
    /// `v1` Service.
    Service,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `admissionregistration.k8s.io/v1` `ValidatingWebhookConfiguration`.
    ValidatingWebhookConfiguration,
}

impl Kind {
    /// Every kind, in alphabetical order.
    pub const ALL: [Self; 16] = [
        Self::ApiService,
        Self::Certificate,
        Self::ConfigMap,
        Self::DaemonSet,
        Self::Deployment,
        Self::EndpointSlice,
        Self::Ingress,
        Self::IngressClass,
        Self::MutatingWebhookConfiguration,
        Self::Namespace,
        Self::Node,
        Self::Pod,
        Self::Secret,
        Self::Service,
        Self::StatefulSet,
        Self::ValidatingWebhookConfiguration,
    ];

    /// The kinds that configure the API server to call Services.
    pub const API_CALLERS: [Self; 3] =
        [Self::ApiService, Self::MutatingWebhookConfiguration, Self::ValidatingWebhookConfiguration];

    /// The kinds whose pods Services select. `ReplicaSet` is left out: nearly all belong to a Deployment, and old ones describe
    /// pods that no longer exist.
    pub const WORKLOADS: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    /// The name as Kubernetes writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiService => "APIService",
            Self::Certificate => "Certificate",
            Self::ConfigMap => "ConfigMap",
            Self::DaemonSet => "DaemonSet",
            Self::Deployment => "Deployment",
            Self::EndpointSlice => "EndpointSlice",
            Self::Ingress => "Ingress",
            Self::IngressClass => "IngressClass",
            Self::MutatingWebhookConfiguration => "MutatingWebhookConfiguration",
            Self::Namespace => "Namespace",
            Self::Node => "Node",
            Self::Pod => "Pod",
            Self::Secret => "Secret",
            Self::Service => "Service",
            Self::StatefulSet => "StatefulSet",
            Self::ValidatingWebhookConfiguration => "ValidatingWebhookConfiguration",
        }
    }

    /// The API group; empty for the core group.
    #[must_use]
    pub const fn group(self) -> &'static str {
        match self {
            Self::ApiService => "apiregistration.k8s.io",
            Self::Certificate => "cert-manager.io",
            Self::DaemonSet | Self::Deployment | Self::StatefulSet => "apps",
            Self::EndpointSlice => "discovery.k8s.io",
            Self::Ingress | Self::IngressClass => "networking.k8s.io",
            Self::MutatingWebhookConfiguration | Self::ValidatingWebhookConfiguration => "admissionregistration.k8s.io",
            Self::ConfigMap | Self::Namespace | Self::Node | Self::Pod | Self::Secret | Self::Service => "",
        }
    }

    /// The version of the group, which for all of these is `v1`.
    #[must_use]
    pub const fn version(self) -> &'static str {
        "v1"
    }

    /// The resource name in URLs and RBAC rules.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::ApiService => "apiservices",
            Self::Certificate => "certificates",
            Self::ConfigMap => "configmaps",
            Self::DaemonSet => "daemonsets",
            Self::Deployment => "deployments",
            Self::EndpointSlice => "endpointslices",
            Self::Ingress => "ingresses",
            Self::IngressClass => "ingressclasses",
            Self::MutatingWebhookConfiguration => "mutatingwebhookconfigurations",
            Self::Namespace => "namespaces",
            Self::Node => "nodes",
            Self::Pod => "pods",
            Self::Secret => "secrets",
            Self::Service => "services",
            Self::StatefulSet => "statefulsets",
            Self::ValidatingWebhookConfiguration => "validatingwebhookconfigurations",
        }
    }

    /// Whether its objects are namespaced.
    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        !matches!(
            self,
            Self::ApiService
                | Self::IngressClass
                | Self::MutatingWebhookConfiguration
                | Self::Namespace
                | Self::Node
                | Self::ValidatingWebhookConfiguration
        )
    }

    /// Whether it is defined by a CustomResourceDefinition that a cluster may lack.
    #[must_use]
    pub const fn is_custom(self) -> bool {
        matches!(self, Self::Certificate)
    }

    /// Whether controllers create its objects, so that manifests rarely contain any.
    #[must_use]
    pub const fn is_made_by_controllers(self) -> bool {
        matches!(self, Self::EndpointSlice | Self::Node | Self::Pod)
    }

    /// Whether the webhook may watch it. Pods, Nodes and workloads change constantly and outnumber everything else: only
    /// `check`, `explain` and `audit` read them.
    #[must_use]
    pub const fn is_watched(self) -> bool {
        !matches!(self, Self::DaemonSet | Self::Deployment | Self::Node | Self::Pod | Self::StatefulSet)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of kinds. `Kind::Service | Kind::Secret` makes one.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(u32);

impl Kinds {
    /// No kind.
    pub const NONE: Self = Self(0);

    /// The set of these kinds; usable in a `static`.
    #[must_use]
    pub const fn of(kinds: &[Kind]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < kinds.len() {
            bits |= 1 << kinds[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    /// Whether the set contains this kind.
    #[must_use]
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the kinds of the set that the webhook may watch.
    #[must_use]
    pub fn watched(self) -> Self {
        self.iter().filter(|kind| kind.is_watched()).collect()
    }

    /// The kinds of the set in alphabetical order.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl From<Kind> for Kinds {
    fn from(kind: Kind) -> Self {
        Self::of(&[kind])
    }
}

impl BitOr for Kinds {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, |all, kind| all | kind.into())
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
