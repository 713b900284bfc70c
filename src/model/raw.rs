//! An Ingress as unparsed slices of JSON. Most updates need nothing else.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::ingress::{self, Ingress};
use super::{Meta, meta};

/// An Ingress as slices of JSON.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct RawIngress<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
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
    has_solver_label: bool,
}

impl RawIngress<'_> {
    /// Parses the metadata.
    ///
    /// # Errors
    /// If it is not object metadata.
    pub fn head(&self) -> serde_json::Result<IngressHead> {
        let wire: meta::Wire = read(self.metadata)?;
        Ok(IngressHead { is_removed: wire.is_removed(), has_solver_label: wire.has_solver_label(), meta: wire.into() })
    }

    /// Whether both specs are equal byte for byte. The API server serialises both the same way.
    #[must_use]
    pub fn has_spec_of(&self, other: &Self) -> bool {
        self.spec.map(RawValue::get) == other.spec.map(RawValue::get)
    }

    /// Counts map entries and list items in metadata and spec; a list item counts as eight. The cost of parsing and
    /// evaluating the Ingress is proportional to that count, not to its bytes.
    ///
    /// # Errors
    /// If they are nested more deeply than any Ingress.
    pub fn parts(&self) -> serde_json::Result<usize> {
        let mut parts = 0_usize;
        for raw in [self.metadata, self.spec].into_iter().flatten() {
            parts = parts.saturating_add(serde_json::from_str::<Parts>(raw.get())?.0);
        }
        Ok(parts)
    }

    /// Parses the rest.
    ///
    /// # Errors
    /// If spec or status are not those of an Ingress.
    pub fn read(&self, head: IngressHead) -> serde_json::Result<Ingress> {
        let spec: ingress::WireSpec = read(self.spec)?;
        let status: ingress::WireStatus = read(self.status)?;
        Ok(Ingress::from_parts(head.meta, head.has_solver_label, spec, &status))
    }
}

fn read<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> serde_json::Result<T> {
    raw.map_or_else(|| Ok(T::default()), |raw| serde_json::from_str(raw.get()))
}

/// Counts and keeps nothing.
struct Parts(usize);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counter;
        impl<'de> Visitor<'de> for Counter {
            type Value = Parts;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_unit<E>(self) -> Result<Parts, E> {
                Ok(Parts(0))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Parts, E> {
                Ok(Parts(0))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Parts, E> {
                Ok(Parts(0))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Parts, E> {
                Ok(Parts(0))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Parts, E> {
                Ok(Parts(0))
            }
            fn visit_str<E>(self, _: &str) -> Result<Parts, E> {
                Ok(Parts(0))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Parts, A::Error> {
                let mut parts = 0_usize;
                while let Some(Parts(inner)) = items.next_element()? {
                    // An absent field counts as well.
                    parts = parts.saturating_add(8).saturating_add(inner);
                }
                Ok(Parts(parts))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Parts, A::Error> {
                let mut parts = 0_usize;
                while let Some((IgnoredAny, Parts(inner))) = entries.next_entry()? {
                    parts = parts.saturating_add(1).saturating_add(inner);
                }
                Ok(Parts(parts))
            }
        }
        deserializer.deserialize_any(Counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_entries_and_items_wherever_they_stand() {
        let parts = |text: &str| serde_json::from_str::<RawIngress<'_>>(text).unwrap().parts().ok();
        assert_eq!(parts("{}"), Some(0));
        assert_eq!(parts(r#"{"status": {"a": [1, 2]}, "kind": "Ingress"}"#), Some(0));
        assert_eq!(
            parts(
                r#"{"metadata": {"name": "a", "labels": {"b": "\"c"}}, "spec": {"rules": [{}, {"x": [1, -2, 0.5, null, true]}]}}"#
            ),
            Some(5 + 7 * 8)
        );
        let deep = format!("{{\"spec\": {}{}}}", "[".repeat(1000), "]".repeat(1000));
        assert_eq!(parts(&deep), None);
    }
}
