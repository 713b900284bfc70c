//! The namespaces that a configuration rule applies to.

use std::collections::BTreeMap;

use wildmatch::WildMatch;

use crate::cluster::Lookup;

/// The namespaces that a configuration rule applies to.
#[derive(Debug, Clone)]
pub enum NamespaceMatch {
    /// Namespaces whose name matches this pattern of `*` and `?`.
    Name(WildMatch),
    /// Namespaces with all of these labels.
    Labels(BTreeMap<String, String>),
}

impl NamespaceMatch {
    /// Returns whether the rule applies to a namespace. The labels are read only if the rule matches labels.
    #[must_use]
    pub fn holds<'a>(
        &self,
        name: &str,
        labels: impl FnOnce() -> Lookup<&'a BTreeMap<Box<str>, Box<str>>>,
    ) -> Lookup<()> {
        let holds = match self {
            Self::Name(pattern) => pattern.matches(name),
            Self::Labels(wanted) => match labels() {
                Lookup::Found(labels) => {
                    wanted.iter().all(|(key, value)| labels.get(key.as_str()).is_some_and(|have| **have == **value))
                }
                // The namespace of a request exists: one that is not there has not been seen yet.
                Lookup::Unknown | Lookup::Absent => return Lookup::Unknown,
            },
        };
        if holds { Lookup::Found(()) } else { Lookup::Absent }
    }
}
