//! The settings that checks take from the configuration.

use super::{HostOwnership, NamespaceMatch, WaiverBounds};
use crate::routing::{ClassRules, Dialects};
use crate::validation::KubeVersion;

/// The settings that checks take from the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The rules that decide which classes are served.
    pub classes: ClassRules,
    /// The controller dialects by class.
    pub dialects: Dialects,
    /// True if messages may name objects of other namespaces.
    pub reveal_other_namespaces: bool,
    /// The hosts that are assigned to namespaces.
    pub host_ownership: HostOwnership,
    /// The classes that namespaces may use; the first rule that matches a namespace applies.
    pub class_rules: Vec<NamespaceClasses>,
    /// The number of days before its expiry from which on a certificate is reported.
    pub expiry_warning_days: u16,
    /// The effect of too many hosts and paths in one Ingress.
    pub oversized: Oversized,
    /// The bounds of waivers in annotations.
    pub waiver_bounds: WaiverBounds,
    /// The version of Kubernetes that manifests are applied to.
    pub kube_version: KubeVersion,
}

/// The effect of too many hosts and paths in one Ingress, whose paths are not compared with requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Oversized {
    /// It warns.
    #[default]
    Warn,
    /// A write that raises their number is denied.
    Deny,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            classes: ClassRules::default(),
            dialects: Dialects::default(),
            reveal_other_namespaces: true,
            host_ownership: HostOwnership::default(),
            class_rules: Vec::new(),
            expiry_warning_days: 14,
            oversized: Oversized::Warn,
            waiver_bounds: WaiverBounds::default(),
            kube_version: KubeVersion::NEWEST,
        }
    }
}

/// Namespaces and the classes that Ingresses in them may use.
#[derive(Debug, Clone)]
pub struct NamespaceClasses {
    /// The namespaces that the rule applies to.
    pub namespaces: NamespaceMatch,
    /// The names of the allowed classes; `None` allows all classes.
    pub classes: Option<Vec<String>>,
}
