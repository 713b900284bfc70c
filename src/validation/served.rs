//! The API versions of Ingress, and the versions of Kubernetes that serve them.

use std::borrow::Cow;

use serde_json::Value;

use super::schema::{self, Struct};
use super::{KubeVersion, v1beta1};
use crate::model::FieldPath;

/// An API version in which a manifest can write an Ingress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiVersion {
    /// `networking.k8s.io/v1`
    V1,
    /// `networking.k8s.io/v1beta1`
    V1Beta1,
    /// `extensions/v1beta1`
    Extensions,
    /// A version of these groups, or of the core group, that never had Ingresses.
    Never,
}

impl ApiVersion {
    /// Returns the version of a manifest, or `None` if it is not an Ingress of Kubernetes: other groups have kinds of this name
    /// too.
    #[must_use]
    pub fn of(manifest: &Value) -> Option<Self> {
        let text = |name: &str| manifest.get(name).and_then(Value::as_str);
        Self::named(text("apiVersion")?, text("kind")?)
    }

    /// Returns the version of an object with this `apiVersion` and `kind`, as [`ApiVersion::of`] does.
    #[must_use]
    pub fn named(api_version: &str, kind: &str) -> Option<Self> {
        if kind != "Ingress" {
            return None;
        }
        match api_version {
            "networking.k8s.io/v1" => Some(Self::V1),
            "networking.k8s.io/v1beta1" => Some(Self::V1Beta1),
            "extensions/v1beta1" => Some(Self::Extensions),
            "v1" => Some(Self::Never),
            _ => ["networking.k8s.io", "extensions"].contains(&api_version.split('/').next()?).then_some(Self::Never),
        }
    }

    /// Returns whether Kubernetes converts it to version 1.
    #[must_use]
    pub const fn is_beta(self) -> bool {
        matches!(self, Self::V1Beta1 | Self::Extensions)
    }

    /// Returns the first version of Kubernetes that serves it, and the first one that no longer does.
    #[must_use]
    pub const fn served(self) -> Option<(KubeVersion, Option<KubeVersion>)> {
        match self {
            Self::V1 => Some((KubeVersion::new(19), None)),
            Self::V1Beta1 => Some((KubeVersion::new(14), Some(KubeVersion::new(22)))),
            Self::Extensions => Some((KubeVersion::new(1), Some(KubeVersion::new(22)))),
            Self::Never => None,
        }
    }

    /// Returns the field of a manifest in this version that a field of version 1 comes from.
    #[must_use]
    pub fn as_written(self, field: &FieldPath) -> Cow<'_, FieldPath> {
        if self.is_beta() { Cow::Owned(v1beta1::as_written(field)) } else { Cow::Borrowed(field) }
    }

    pub(super) const fn schema(self) -> &'static Struct {
        if self.is_beta() { &schema::INGRESS_V1BETA1 } else { &schema::INGRESS }
    }
}
