//! The settings that checks take from the configuration.

use super::{HostOwnership, NamespaceMatch};
use crate::routing::{ClassRules, Dialects};

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
