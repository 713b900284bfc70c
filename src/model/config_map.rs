//! ConfigMap: its existence, and the settings of a controller.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Key, lax, meta};

/// The data keys that are kept; every other is dropped when an object is read. They are those of ingress-nginx'
/// configuration that its answers depend on (section 7.2).
const KEPT: [&str; 20] = [
    "allow-cross-namespace-resources",
    "allow-snippet-annotations",
    "annotation-value-word-blocklist",
    "annotations-risk-level",
    "custom-http-errors",
    "force-ssl-redirect",
    "global-allowed-response-headers",
    "global-auth-url",
    "http-redirect-code",
    "no-auth-locations",
    "no-tls-redirect-locations",
    "preserve-trailing-slash",
    "proxy-buffer-size",
    "proxy-buffers-number",
    "proxy-busy-buffers-size",
    "service-upstream",
    "ssl-redirect",
    "strict-validate-path-type",
    "use-port-in-redirects",
    "use-proxy-protocol",
];

/// The data keys with nginx configuration. Only the names of the variables in it are kept.
const SNIPPETS: [&str; 3] = ["http-snippet", "location-snippet", "server-snippet"];

/// A ConfigMap, reduced to what a controller's answers depend on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct ConfigMap {
    /// Namespace and name.
    pub key: Key,
    data: Box<[(&'static str, Box<str>)]>,
}

impl ConfigMap {
    /// The value of a data key that is kept.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        debug_assert!(KEPT.contains(&key), "{key} is never kept: see KEPT");
        self.data.iter().find(|(have, _)| *have == key).map(|(_, value)| &**value)
    }

    /// The names of the variables in its nginx configuration.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let snippets = self.data.iter().filter(|(key, _)| SNIPPETS.contains(key));
        snippets.flat_map(|(_, names)| names.split('$')).map(str::trim).filter(|name| !name.is_empty())
    }

    /// The data keys that are kept, each with its value.
    pub fn data(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.data.iter().map(|(key, value)| (*key, &**value))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(deserialize_with = "lax::null")]
    data: BTreeMap<Box<str>, Option<Box<str>>>,
}

impl From<Wire> for ConfigMap {
    fn from(mut wire: Wire) -> Self {
        let key = Key { namespace: wire.metadata.namespace, name: wire.metadata.name };
        let kept = KEPT.into_iter().filter_map(|key| Some((key, wire.data.remove(key)?.unwrap_or_default())));
        let mut data: Vec<(&'static str, Box<str>)> = kept.collect();
        let snippets = SNIPPETS.into_iter().filter_map(|key| Some((key, wire.data.remove(key)??)));
        let names = snippets.map(|(key, snippet)| (key, variables_in(&snippet)));
        data.extend(names.filter(|(_, names)| !names.is_empty()));
        Self { key, data: data.into() }
    }
}

/// Returns the variables in nginx configuration, each once: `$kind $tenant`.
fn variables_in(snippet: &str) -> Box<str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let after = snippet.split('$').skip(1).map(|rest| rest.strip_prefix('{').unwrap_or(rest));
    let names = after.map(|rest| &rest[..rest.find(|c| !is_of_name(c)).unwrap_or(rest.len())]);
    let names: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
    names.into_iter().map(|name| format!("${name}")).collect::<Vec<_>>().join(" ").into()
}
