//! Object metadata: identity, age, relevant annotations.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::annotation::{Annotations, RawAnnotation, RawAnnotations, is_annotation_key, is_class_key};
use super::managed_fields::{WriteTime, last_manager, last_write};
use super::{Kind, lax};

/// Namespace and name. Cluster-scoped objects have an empty namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key {
    /// Namespace, or empty.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
}

impl Key {
    /// A key of these parts.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// Whether an object of this kind can have this key: its parts are DNS subdomains (RFC 1123).
    #[must_use]
    pub fn can_name(&self, kind: Kind) -> bool {
        is_name(&self.name) && (is_name(&self.namespace) || !kind.is_namespaced())
    }

    /// Returns the DNS name of a Service with this key, which the API server connects to and verifies.
    #[must_use]
    pub fn service_dns_name(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !text.is_empty() && text.len() <= 253 && text.bytes().all(allowed) && !text.contains("..") && text != "."
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

/// The part of an object's metadata that checks read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meta {
    /// Namespace and name.
    pub key: Key,
    /// The annotations that a check can read; see [`super::is_relevant`].
    pub annotations: Annotations,
    /// `creationTimestamp`; `None` for an object that is not stored.
    pub created: Option<Timestamp>,
    /// `deletionTimestamp` is set.
    pub deleting: bool,
}

/// Metadata on the wire, with labels. Callers that need the labels take them before the rest becomes a [`Meta`].
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Wire {
    #[serde(deserialize_with = "lax::null")]
    pub(super) name: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    pub(super) namespace: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    labels: BTreeMap<Box<str>, Option<Box<str>>>,
    #[serde(deserialize_with = "lax::null")]
    annotations: Annotations,
    creation_timestamp: Option<Timestamp>,
    deletion_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "lax::null")]
    finalizers: Vec<IgnoredAny>,
    generation: Option<i64>,
    #[serde(deserialize_with = "lax::null")]
    managed_fields: Vec<WriteTime>,
}

/// The same as slices of JSON, of which most are never parsed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawMeta<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    namespace: Option<&'a RawValue>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<RawAnnotations<'a>>,
    #[serde(borrow)]
    creation_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    deletion_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    finalizers: Option<&'a RawValue>,
    #[serde(borrow)]
    managed_fields: Option<&'a RawValue>,
}

impl<'a> RawMeta<'a> {
    /// Parses the slices.
    pub(super) fn read(&self) -> serde_json::Result<Wire> {
        Ok(Wire {
            name: parsed(self.name)?,
            namespace: parsed(self.namespace)?,
            labels: parsed(self.labels)?,
            annotations: self.annotations.as_ref().map_or_else(|| Ok(Annotations::default()), RawAnnotations::read)?,
            creation_timestamp: parsed(self.creation_timestamp)?,
            deletion_timestamp: parsed(self.deletion_timestamp)?,
            finalizers: parsed(self.finalizers)?,
            generation: None,
            managed_fields: Vec::new(),
        })
    }

    /// The name of the client that wrote last.
    pub(super) fn last_manager(&self) -> Option<Box<str>> {
        last_manager(self.managed_fields?)
    }

    /// The relevant annotations.
    pub(super) fn annotations(&self) -> &[RawAnnotation<'a>] {
        self.annotations.as_ref().map(|annotations| &*annotations.0).unwrap_or_default()
    }
}

/// Parses a slice; an absent one is the zero value.
pub(super) fn parsed<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> serde_json::Result<T> {
    raw.map_or_else(|| Ok(T::default()), |raw| serde_json::from_str(raw.get()))
}

impl Wire {
    /// The labels; `null` is the empty text, as for Go.
    pub(super) fn labels(&mut self) -> BTreeMap<Box<str>, Box<str>> {
        let labels = std::mem::take(&mut self.labels);
        labels.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect()
    }

    /// The API server has stored the object: `creationTimestamp` is set.
    pub(super) fn is_stored(&self) -> bool {
        self.creation_timestamp.is_some()
    }

    /// `generation`: the number of changes of the spec.
    pub(super) fn generation(&self) -> Option<i64> {
        self.generation
    }

    /// The time of the last write of the object, without its status.
    pub(super) fn last_write(&self) -> Option<Timestamp> {
        last_write(&self.managed_fields).or(self.creation_timestamp)
    }

    /// `deletionTimestamp` is set.
    pub(super) fn is_deleted(&self) -> bool {
        self.deletion_timestamp.is_some()
    }

    /// It is being deleted and has no finalizer left: the API server removes the object instead of storing it.
    pub(super) fn is_removed(&self) -> bool {
        self.is_deleted() && self.finalizers.is_empty()
    }
}

/// The labels of an Ingress, as far as it is read.
#[derive(Debug, Default)]
pub(super) struct IngressLabels {
    /// It has the label that cert-manager sets on the Ingress of an HTTP-01 challenge.
    pub(super) is_solver: bool,
    /// The keys of those that are intended as annotations.
    pub(super) annotations: Box<[Box<str>]>,
    /// The key of a label that is intended as the class.
    pub(super) class: Option<Box<str>>,
}

impl IngressLabels {
    /// Reads the labels of an Ingress.
    pub(super) fn of(wire: &Wire) -> Self {
        let is_true = |value: &Option<Box<str>>| value.as_deref() == Some("true");
        Self {
            is_solver: wire.labels.get("acme.cert-manager.io/http01-solver").is_some_and(is_true),
            class: wire.labels.keys().find(|key| is_class_key(key)).cloned(),
            annotations: wire.labels.keys().filter(|key| is_annotation_key(key)).cloned().collect(),
        }
    }
}

impl From<Wire> for Meta {
    fn from(wire: Wire) -> Self {
        Self {
            deleting: wire.is_deleted(),
            key: Key { namespace: wire.namespace, name: wire.name },
            annotations: wire.annotations,
            created: wire.creation_timestamp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_of_names() {
        for name in ["web", "a.b-c.d1", "1web"] {
            assert!(Key::new("shop", name).can_name(Kind::Service), "{name}");
            assert!(Key::new("", name).can_name(Kind::Namespace), "{name}");
        }
        for name in ["", ".", "..", "a/../b", "web?x", "Web", "a%2fb", "a b", "é", &"a".repeat(254)] {
            assert!(!Key::new("shop", name).can_name(Kind::Service), "{name}");
            assert!(!Key::new(name, "web").can_name(Kind::Service), "{name}");
        }
    }
}
