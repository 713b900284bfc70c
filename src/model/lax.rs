//! Decoding as Go does it: `null` where a value is expected is that type's zero value.

use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "lax::null")]`.
pub(super) fn null<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
