//! Annotations: the few that some check reads, kept sorted.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::key_text::stored;

/// The class annotation of an Ingress (deprecated since Kubernetes 1.18).
pub const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
/// The prefix of ingress-nginx's annotations.
pub const NGINX_PREFIX: &str = "nginx.ingress.kubernetes.io/";
/// The annotation that waives findings on one object, with a reason.
pub const WAIVER_ANNOTATION: &str = "ingress-guard.io/ignore";

/// The annotation with which `doctor` marks the Ingresses of its dry runs. Its value is a token; see [`is_doctor_token`].
pub const DOCTOR_ANNOTATION: &str = "ingress-guard.io/doctor";

/// The annotation that keeps `probe` from requests to the paths of an Ingress: `"false"`.
pub const PROBE_ANNOTATION: &str = "ingress-guard.io/probe";

/// The number of annotations up to which comparing them one by one is faster than a binary search.
const FEW: usize = 32;

/// Whether a value is a token of `doctor`: 32 hexadecimal digits in lower case. Reviews repeat nothing else from an annotation.
#[must_use]
pub fn is_doctor_token(value: &str) -> bool {
    value.len() == 32 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether some check can read this annotation. Others are dropped when an object is read, and an update that changes only
/// others is not reviewed: `last-applied-configuration` changes with every label.
#[must_use]
pub fn is_relevant(key: &str) -> bool {
    const DOMAINS: [&str; 11] = [
        "cert-manager.io/",
        "certmanager.k8s.io/",
        "haproxy.org/",
        "k8s.apisix.apache.org/",
        "konghq.com/",
        "kubernetes.io/tls-acme",
        "networking.gke.io/",
        "nginx.com/",
        "nginx.org/",
        "projectcontour.io/",
        "zalando.org/",
    ];
    key.contains("ingress") || DOMAINS.iter().any(|domain| key.starts_with(domain))
}

/// Whether a label is certainly intended as an annotation: controllers and cert-manager read this key among annotations only.
pub(super) fn is_annotation_key(key: &str) -> bool {
    const KEYS: [&str; 5] = [
        CLASS_ANNOTATION,
        WAIVER_ANNOTATION,
        "cert-manager.io/cluster-issuer",
        "cert-manager.io/issuer",
        "kubernetes.io/tls-acme",
    ];
    const PREFIXES: [&str; 3] = ["ingress.kubernetes.io", "nginx.org", "nginx.com"];
    let domain = key.split_once('/').map(|(domain, _)| domain);
    let is_prefix = |prefix: &&str| {
        domain
            .and_then(|domain| domain.strip_suffix(*prefix))
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    KEYS.contains(&key) || PREFIXES.iter().any(is_prefix)
}

/// Whether a key of an annotation or label is a spelling of `ingress.class` or `ingressClassName`, whatever its prefix.
#[must_use]
pub fn is_class_key(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    matches!(&*name.replace(['.', '-', '_'], ""), "ingressclass" | "ingressclassname" | "specingressclassname")
}

/// The relevant annotations of one object, sorted by key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Annotations(Box<[(Arc<str>, Box<str>)]>);

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
        // Checks ask for many names that are mostly absent: of few keys, hardly one has the right length.
        if self.0.len() <= FEW {
            let length = NGINX_PREFIX.len() + name.len();
            let is_it = |key: &str| key.len() == length && key.ends_with(name) && key.starts_with(NGINX_PREFIX);
            return self.0.iter().find(|(key, _)| is_it(key)).map(|(_, value)| &**value);
        }
        // A key without the prefix is on the same side of the prefix as of every key that starts with it.
        let compare = |key: &str| match key.strip_prefix(NGINX_PREFIX) {
            Some(own) => own.cmp(name),
            None => key.cmp(NGINX_PREFIX),
        };
        let at = self.0.binary_search_by(|(key, _)| compare(key)).ok()?;
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
        Self::sorted(pairs.into_iter().map(|(key, value)| (stored(key), value.into())).collect())
    }
}

impl Annotations {
    fn sorted(mut pairs: Vec<(Arc<str>, Box<str>)>) -> Self {
        pairs.retain(|(key, _)| is_relevant(key));
        pairs.sort();
        Self(pairs.into_boxed_slice())
    }
}

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = deserializer.deserialize_map(Relevant::<Option<Box<str>>>(PhantomData))?;
        Ok(Self::sorted(pairs.into_iter().map(|(key, value)| (stored(&key), value.unwrap_or_default())).collect()))
    }
}

/// The relevant annotations of one object as slices of JSON, in the order of the text.
#[derive(Debug)]
pub(super) struct RawAnnotations<'a>(pub(super) Vec<RawAnnotation<'a>>);

/// One annotation with its value as a slice of JSON.
#[derive(Debug)]
pub(super) struct RawAnnotation<'a> {
    key: Cow<'a, str>,
    value: &'a RawValue,
}

impl PartialEq for RawAnnotation<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value.get() == other.value.get()
    }
}

impl RawAnnotations<'_> {
    /// Parses the values; `null` is the empty text, as for Go.
    pub(super) fn read(&self) -> serde_json::Result<Annotations> {
        let pairs = self.0.iter().map(|RawAnnotation { key, value }| {
            let value: Option<Box<str>> = serde_json::from_str(value.get())?;
            Ok((stored(key), value.unwrap_or_default()))
        });
        Ok(Annotations::sorted(pairs.collect::<serde_json::Result<_>>()?))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawAnnotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = deserializer.deserialize_map(Relevant::<&'de RawValue>(PhantomData))?;
        Ok(Self(pairs.into_iter().map(|(key, value)| RawAnnotation { key, value }).collect()))
    }
}

/// Reads the relevant entries of a map and skips the others.
struct Relevant<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Relevant<V> {
    type Value = Vec<(Cow<'de, str>, V)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(Text(key)) = map.next_key()? {
            if is_relevant(&key) {
                pairs.push((key, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(pairs)
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

    #[test]
    fn an_nginx_annotation_is_found_among_similar_keys() {
        let names = ["a", "ab", "use-regex", "use-regexp", "zz"];
        let similar = [
            "nginx.ingress.kubernetes.io",
            "nginx.ingress.kubernetes.io0",
            "nginx.ingress.kubernetes.jo/a",
            NGINX_PREFIX,
        ];
        for others in [0, FEW] {
            let mut keys: Vec<String> = names.iter().map(|name| format!("{NGINX_PREFIX}{name}")).collect();
            keys.extend(similar.map(String::from));
            keys.extend((0..others).map(|n| format!("{n}.ingress/a")));
            let all: Annotations = keys.iter().map(|key| (&**key, &**key)).collect();
            for (name, key) in names.iter().zip(&keys) {
                assert_eq!(all.nginx(name), Some(&**key));
            }
            assert_eq!(all.nginx(""), Some(NGINX_PREFIX));
            for absent in ["0", "aa", "use-rege", "use-regex\u{e9}", "zzz"] {
                assert_eq!(all.nginx(absent), None, "{absent}");
            }
        }
        assert_eq!(Annotations::default().nginx("a"), None);
    }
}
