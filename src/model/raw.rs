//! An Ingress as unparsed slices of JSON. Most updates need nothing else. Annotations that no check reads are skipped
//! while the review is read. Managed fields are parsed only if the request names no field manager.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Meta;
use super::annotation::RawAnnotation;
use super::ingress::Ingress;
use super::ingress_json::{WireSpec, WireStatus};
use super::meta::{self, IngressLabels, RawMeta};

/// An Ingress as slices of JSON.
#[derive(Debug, Deserialize)]
pub struct RawIngress<'a> {
    #[serde(borrow)]
    metadata: Option<RawMeta<'a>>,
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
}

/// The part of an Ingress that is read without its spec.
#[derive(Debug)]
pub struct IngressHead {
    /// Identity, age, annotations.
    pub meta: Meta,
    /// The write removes the last finalizer of an object that is being deleted: the API server removes the object instead of
    /// storing it.
    pub is_removed: bool,
    labels: IngressLabels,
}

impl RawIngress<'_> {
    /// Parses the metadata.
    ///
    /// # Errors
    /// If it is not object metadata.
    pub fn head(&self) -> serde_json::Result<IngressHead> {
        let wire = self.metadata.as_ref().map_or_else(|| Ok(meta::Wire::default()), RawMeta::read)?;
        Ok(IngressHead { is_removed: wire.is_removed(), labels: IngressLabels::of(&wire), meta: wire.into() })
    }

    /// Whether both specs are equal byte for byte. The API server serialises both the same way.
    #[must_use]
    pub fn has_spec_of(&self, other: &Self) -> bool {
        self.spec.map(RawValue::get) == other.spec.map(RawValue::get)
    }

    /// Whether both have the same relevant annotations, byte for byte.
    #[must_use]
    pub fn has_annotations_of(&self, other: &Self) -> bool {
        self.annotations() == other.annotations()
    }

    fn annotations(&self) -> &[RawAnnotation<'_>] {
        self.metadata.as_ref().map(RawMeta::annotations).unwrap_or_default()
    }

    /// Returns the name of the client that wrote last (`metadata.managedFields`), if it is certain.
    #[must_use]
    pub fn last_manager(&self) -> Option<Box<str>> {
        self.metadata.as_ref()?.last_manager()
    }

    /// Parses the rest.
    ///
    /// # Errors
    /// If spec or status are not those of an Ingress.
    pub fn read(&self, head: IngressHead) -> serde_json::Result<Ingress> {
        let spec: WireSpec = meta::parsed(self.spec)?;
        let status: WireStatus = meta::parsed(self.status)?;
        Ok(Ingress::from_parts(head.meta, head.labels, spec, status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_fields_are_skipped_at_any_depth() {
        let deep = format!("{}1{}", "{\"f:a\": ".repeat(1000), "}".repeat(1000));
        let text = format!(r#"{{"metadata": {{"name": "web", "managedFields": [{{"fieldsV1": {deep}}}]}}}}"#);
        let raw: RawIngress<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(&*raw.head().unwrap().meta.key.name, "web");
    }

    #[test]
    fn relevant_annotations_are_compared_as_they_are_written() {
        let with = |annotations: &str| format!(r#"{{"metadata": {{"annotations": {annotations}}}}}"#);
        let same = |a: &str, b: &str| {
            let (a, b) = (with(a), with(b));
            let (a, b): (RawIngress<'_>, RawIngress<'_>) =
                (serde_json::from_str(&a).unwrap(), serde_json::from_str(&b).unwrap());
            a.has_annotations_of(&b)
        };
        assert!(same(r#"{"a": "b", "nginx.org/x": "y"}"#, r#"{"nginx.org/x":"y", "c": 1}"#));
        assert!(same("null", "{}"));
        assert!(!same(r#"{"nginx.org/x": "y"}"#, r#"{"nginx.org/x": "z"}"#));
        assert!(!same(r#"{"nginx.org/x": "y"}"#, "null"));
    }
}
