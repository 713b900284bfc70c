//! Annotations: the few that some check reads, kept sorted.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// The class annotation of an Ingress (deprecated since Kubernetes 1.18).
pub const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
/// The prefix of ingress-nginx's annotations.
pub const NGINX_PREFIX: &str = "nginx.ingress.kubernetes.io/";
/// The annotation that waives findings on one object, with a reason.
pub const WAIVER_ANNOTATION: &str = "ingress-guard.io/ignore";

/// Whether some check can read this annotation. Others are dropped when an object is read, and an update that changes only
/// others is not reviewed: `last-applied-configuration` changes with every label.
#[must_use]
pub fn is_relevant(key: &str) -> bool {
    const DOMAINS: [&str; 5] =
        ["cert-manager.io/", "certmanager.k8s.io/", "nginx.org/", "nginx.com/", "kubernetes.io/tls-acme"];
    key.contains("ingress") || DOMAINS.iter().any(|domain| key.starts_with(domain))
}

/// The relevant annotations of one object, sorted by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Annotations(Box<[(Box<str>, Box<str>)]>);

impl Annotations {
    /// The value of an annotation, empty or not.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        debug_assert!(is_relevant(key), "{key} is never kept: see is_relevant");
        let at = self.0.binary_search_by(|(have, _)| (**have).cmp(key)).ok()?;
        self.0.get(at).map(|(_, value)| &**value)
    }

    /// The value of one of ingress-nginx's annotations by its short name, e.g. `rewrite-target`.
    #[must_use]
    pub fn nginx(&self, name: &str) -> Option<&str> {
        let wanted = || NGINX_PREFIX.bytes().chain(name.bytes());
        let at = self.0.binary_search_by(|(have, _)| have.bytes().cmp(wanted())).ok()?;
        self.0.get(at).map(|(_, value)| &**value)
    }

    /// Returns the names in ingress-nginx's `server-alias`: a comma-separated list.
    pub fn server_aliases(&self) -> impl Iterator<Item = &str> {
        let aliases = self.nginx("server-alias").unwrap_or_default();
        aliases.split(',').map(str::trim).filter(|alias| !alias.is_empty())
    }

    /// Key and value of each, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Annotations {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        Self::sorted(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Annotations {
    fn sorted(mut pairs: Vec<(Box<str>, Box<str>)>) -> Self {
        pairs.retain(|(key, _)| is_relevant(key));
        pairs.sort();
        Self(pairs.into_boxed_slice())
    }
}

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Annotations;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let mut pairs: Vec<(Box<str>, Box<str>)> = Vec::new();
                while let Some(Text(key)) = map.next_key()? {
                    if is_relevant(&key) {
                        pairs.push((key.into(), map.next_value::<Option<_>>()?.unwrap_or_default()));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Annotations::sorted(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// Text that is borrowed from the input if it contains no escape sequence.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_fields_that_checks_read() {
        let annotations: Annotations = serde_json::from_str(
            r#"{"nginx.ingress.kubernetes.io/use-regex":"true","kubectl.kubernetes.io/last-applied-configuration":"{\n}",
                "cert-manager.io/issuer":"x","a":"b"}"#,
        )
        .unwrap();
        let keys: Vec<_> = annotations.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["cert-manager.io/issuer", "nginx.ingress.kubernetes.io/use-regex"]);
        assert_eq!(annotations.nginx("use-regex"), Some("true"));
        assert_eq!(annotations.get("cert-manager.io/issuer"), Some("x"));
        assert!(serde_json::from_str::<Annotations>(r#"{"nginx.org/x":true}"#).is_err());
    }
}
