//! The settings that checks take from the configuration.

use super::NamespaceMatch;
use crate::model::Host;
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
    /// The hosts that are assigned to namespaces; the first entry that contains a host applies.
    pub host_ownership: Vec<HostOwnership>,
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
            host_ownership: Vec::new(),
            class_rules: Vec::new(),
            expiry_warning_days: 14,
        }
    }
}

/// Hosts and the namespaces that may use them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOwnership {
    /// Exact hosts, or `*.example.com` for everything below `example.com`.
    pub hosts: Vec<Host>,
    /// The names of the namespaces that may use the hosts.
    pub namespaces: Vec<String>,
}

/// Namespaces and the classes that Ingresses in them may use.
#[derive(Debug, Clone)]
pub struct NamespaceClasses {
    /// The namespaces that the rule applies to.
    pub namespaces: NamespaceMatch,
    /// The names of the allowed classes; `None` allows all classes.
    pub classes: Option<Vec<String>>,
}

impl Settings {
    /// Returns the namespaces that may use a host, from the first entry that contains it, or `None` if the host is not assigned.
    #[must_use]
    pub fn owners(&self, host: &Host) -> Option<&[String]> {
        let owning = self.host_ownership.iter().find(|entry| entry.hosts.iter().any(|owned| is_within(host, owned)));
        owning.map(|entry| &*entry.namespaces)
    }
}

/// Returns true if a host is the owned host or, for an owned wildcard, any host below its domain.
fn is_within(host: &Host, owned: &Host) -> bool {
    match (host, owned) {
        (Host::Exact(name) | Host::Wildcard(name), Host::Wildcard(parent)) => {
            name.strip_suffix(&**parent).is_some_and(|rest| rest.ends_with('.') || (rest.is_empty() && host == owned))
        }
        _ => host == owned,
    }
}
