//! The effect of findings that depend on other objects, by field manager and namespace.

use wildmatch::WildMatch;

/// The effect of findings that depend on other objects, from the most lenient to the strictest.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum MissingReferences {
    /// They warn.
    Warn,
    /// They warn when an Ingress is created and on a dry run, and deny when it is changed.
    DenyOnChange,
    /// They deny, but not on a dry run: Flux dry-runs a whole batch before it applies any of it, so the missing object may be
    /// the next one.
    #[default]
    DenyWhenPersisted,
    /// They deny on a dry run as well.
    Deny,
}

/// Another effect for some field managers and namespaces.
#[derive(Debug, Clone)]
pub struct MissingReferencesRule {
    /// Patterns of field managers; empty: any.
    pub managers: Vec<WildMatch>,
    /// Patterns of the names of namespaces; empty: any.
    pub namespaces: Vec<WildMatch>,
    /// The effect.
    pub effect: MissingReferences,
}

/// The field managers of clients that create objects in parallel or in any order.
///
/// - `Terraform`: `kubernetes_manifest`. Other resources send no field manager but the user agent `HashiCorp/1.0 Terraform/…`.
/// - `pulumi-kubernetes`, with a suffix for server-side apply (pulumi-kubernetes#2271); older: the name of the plugin.
/// - Crossplane: composed resources, and Objects of provider-kubernetes with and without server-side apply.
/// - The conformance tests of Kubernetes and of its Ingress controllers, which have Ingresses without Services and classes.
pub const UNORDERED_MANAGERS: [&str; 9] = [
    "Terraform*",
    "HashiCorp*",
    "pulumi-kubernetes*",
    "pulumi-resource-kubernetes*",
    "apiextensions.crossplane.io/*",
    "crossplane-kubernetes-provider*",
    "provider-kubernetes/*",
    "e2e.test",
    "ingress-controller-conformance",
];

impl MissingReferencesRule {
    /// Returns the rule for clients that create objects in any order: they are warned at the creation of an Ingress. It is never
    /// stricter than the general effect.
    #[must_use]
    pub fn of_unordered_managers(general: MissingReferences) -> Self {
        Self {
            managers: UNORDERED_MANAGERS.into_iter().map(WildMatch::new).collect(),
            namespaces: Vec::new(),
            effect: general.min(MissingReferences::DenyOnChange),
        }
    }

    /// Whether the rule applies. A rule with field managers does not apply to a write whose field manager is not known (empty).
    pub(super) fn applies(&self, manager: &str, namespace: &str) -> bool {
        let is_among =
            |patterns: &[WildMatch], name: &str| patterns.is_empty() || patterns.iter().any(|it| it.matches(name));
        (self.managers.is_empty() || !manager.is_empty())
            && is_among(&self.managers, manager)
            && is_among(&self.namespaces, namespace)
    }
}
