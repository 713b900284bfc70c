//! Which namespaces a rule of the configuration is for.

use std::collections::BTreeMap;

use wildmatch::WildMatch;

use super::Lookup;

/// Which namespaces a rule is for.
#[derive(Debug, Clone)]
pub enum NamespaceMatch {
    /// Those whose name fits this pattern of `*` and `?`.
    Name(WildMatch),
    /// Those with all of these labels.
    Labels(BTreeMap<String, String>),
}

impl NamespaceMatch {
    /// Whether it is for a namespace; the labels are asked for only where it goes by them.
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
