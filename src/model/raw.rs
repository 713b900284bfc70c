//! An Ingress that has not been read yet: slices of the JSON that it came in. Most updates need no more than these.

use serde::Deserialize;
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

/// What can be known of an Ingress without its spec.
#[derive(Debug)]
pub struct IngressHead {
    /// Identity, age, annotations.
    pub meta: Meta,
    is_acme_solver: bool,
}

impl RawIngress<'_> {
    /// Read the metadata.
    ///
    /// # Errors
    /// When it is no object metadata.
    pub fn head(&self) -> serde_json::Result<IngressHead> {
        let wire: meta::Wire = read(self.metadata)?;
        Ok(IngressHead { is_acme_solver: wire.is_acme_solver(), meta: wire.into() })
    }

    /// Whether both have the same spec to the byte. The API server writes both alike.
    #[must_use]
    pub fn has_spec_of(&self, other: &Self) -> bool {
        self.spec.map(RawValue::get) == other.spec.map(RawValue::get)
    }

    /// Read what is left.
    ///
    /// # Errors
    /// When spec or status are not those of an Ingress.
    pub fn read(&self, head: IngressHead) -> serde_json::Result<Ingress> {
        let spec: ingress::WireSpec = read(self.spec)?;
        let status: ingress::WireStatus = read(self.status)?;
        Ok(Ingress::from_parts(head.meta, head.is_acme_solver, spec, &status))
    }
}

fn read<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> serde_json::Result<T> {
    raw.map_or_else(|| Ok(T::default()), |raw| serde_json::from_str(raw.get()))
}
