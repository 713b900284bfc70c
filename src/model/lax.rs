//! Lenient decoding as in Go: `null` in the place of a value is the zero value of its type.

use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "lax::null")]`.
pub(super) fn null<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
