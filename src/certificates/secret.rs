//! The CAs in a Secret of type Opaque.
//!
//! The Secret is never created here: RBAC cannot limit `create` to a name. It exists without data at first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::authority::{Authority, AuthorityError, is_calculable};
use super::bundle::Bundle;
use super::rotation::Authorities;

const CURRENT: [&str; 2] = ["current.crt", "current.key"];
const NEXT: [&str; 2] = ["next.crt", "next.key"];
const PREVIOUS: &str = "previous.crt";
const PREVIOUS_SINCE: &str = "previous.since";
const RETIRED: &str = "retired.crt";

/// The reason why the CAs in the Secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct SecretError {
    key: &'static str,
    reason: String,
}

impl Authorities {
    /// Reads the CAs of a Secret.
    ///
    /// # Errors
    /// If a value cannot be read. Nothing in the Secret is replaced then.
    pub fn from_secret(secret: &Secret) -> Result<Self, SecretError> {
        let value = |key: &str| secret.data.iter().flatten().find(|(name, _)| *name == key).map(|(_, value)| &*value.0);
        let authority = |[certificate_of, key_of]: [&'static str; 2]| -> Result<Option<Authority>, SecretError> {
            let failed = |error: AuthorityError| SecretError { key: certificate_of, reason: error.to_string() };
            match (value(certificate_of), value(key_of)) {
                (Some(certificate), Some(key)) => Authority::read(certificate, key).map(Some).map_err(failed),
                (None, None) => Ok(None),
                _ => {
                    Err(SecretError { key: certificate_of, reason: "its certificate or its key is missing".to_owned() })
                }
            }
        };
        let current = authority(CURRENT)?;
        // An emptied Secret has no data. Anything else was written by another program.
        if current.is_none() && secret.data.as_ref().is_some_and(|data| !data.is_empty()) {
            return Err(SecretError {
                key: CURRENT[0],
                reason: "missing, although the Secret has other data".to_owned(),
            });
        }
        let previous_since = value(PREVIOUS_SINCE).map_or(Ok(Timestamp::default()), |text| {
            let failed = || SecretError { key: PREVIOUS_SINCE, reason: "not a timestamp".to_owned() };
            str::from_utf8(text).ok().and_then(|text| text.parse().ok()).filter(is_calculable).ok_or_else(failed)
        })?;
        let bundle = |key| value(key).map(Bundle::parse).unwrap_or_default();
        Ok(Self {
            current,
            next: authority(NEXT)?,
            previous: bundle(PREVIOUS),
            previous_since,
            retired: bundle(RETIRED),
        })
    }

    /// Returns the Secret with these CAs in the place of its data. Its resourceVersion stays, so that a concurrent change is refused.
    #[must_use]
    pub fn to_secret(&self, read: &Secret) -> Secret {
        let mut data = BTreeMap::new();
        let mut put = |key: &str, text: String| {
            if !text.is_empty() {
                data.insert(key.to_owned(), ByteString(text.into_bytes()));
            }
        };
        for ([certificate, key], authority) in [(CURRENT, &self.current), (NEXT, &self.next)] {
            if let Some(authority) = authority {
                put(certificate, authority.certificate_pem());
                put(key, authority.key_pem().to_owned());
            }
        }
        put(PREVIOUS, self.previous.pem());
        if !self.previous.is_empty() {
            put(PREVIOUS_SINCE, self.previous_since.to_string());
        }
        put(RETIRED, self.retired.pem());
        let mut metadata = read.metadata.clone();
        metadata.managed_fields = None;
        Secret { metadata, data: Some(data), string_data: None, ..read.clone() }
    }
}
