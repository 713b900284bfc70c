//! The Service under which the API server calls the webhook.

use std::fmt;
use std::str::FromStr;

use crate::model::Key;

/// The name and the namespace of a Service, written as `NAME.NAMESPACE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceName {
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
}

impl ServiceName {
    /// Returns the DNS name that the API server connects to and verifies.
    #[must_use]
    pub fn dns_name(&self) -> String {
        self.key().service_dns_name()
    }

    /// Returns the key of the Service.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::new(&self.namespace, &self.name)
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.name, self.namespace)
    }
}

impl FromStr for ServiceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
        };
        match text.split_once('.') {
            Some((name, namespace)) if is_label(name) && is_label(namespace) => {
                Ok(Self { name: name.to_owned(), namespace: namespace.to_owned() })
            }
            _ => {
                Err("expected the name and the namespace of a Service, such as ingress-guard.ingress-guard".to_owned())
            }
        }
    }
}
