//! The API server as the first reader of a manifest: what it decodes, drops and refuses when an Ingress is created or updated.
//! Facts and reasons are those of Kubernetes 1.36 (`pkg/apis/networking/validation`, `apimachinery/pkg/api/validation`).

mod backend;
mod decoding;
mod exceptions;
mod fault;
mod host;
mod kube_version;
mod metadata;
mod names;
mod node;
mod path;
mod schema;
mod served;
mod spec;
mod tls;
mod v1beta1;

pub use decoding::UnknownField;
pub use fault::{BadValue, Fault, Reason};
pub use kube_version::KubeVersion;
pub use served::ApiVersion;

use serde_json::Value;

use crate::model::{Ingress, Written};
use exceptions::Exceptions;
use fault::Faults;
use node::Node;

/// Reads an Ingress as leniently as checks do: the older API versions as version 1, and without the values that do not fit their
/// fields.
///
/// # Errors
/// If the rest is not an Ingress either.
pub fn read(value: &Value) -> serde_json::Result<Ingress> {
    let version = ApiVersion::of(value).unwrap_or(ApiVersion::V1);
    let fitting = decoding::fitting(value, version.schema());
    serde_json::from_value(if version.is_beta() { v1beta1::converted(fitting) } else { fitting })
}

/// Returns the fields of the manifest that its API version does not have, in the order of the manifest.
#[must_use]
pub fn unknown_fields(value: &Value) -> Vec<UnknownField> {
    decoding::unknown_fields(value, ApiVersion::of(value).unwrap_or(ApiVersion::V1).schema())
}

/// Returns the reasons for which the API server of this version refuses the manifest; none if it accepts it. Fields that the
/// API does not have are left out, as the API server does unless it is asked to be strict. Values with a placeholder are not
/// known, and therefore not refused.
#[must_use]
pub fn refusals(written: &Written, kube: KubeVersion) -> Vec<Fault> {
    let version = ApiVersion::of(&written.value).unwrap_or(ApiVersion::V1);
    // The API server reports the first value that it cannot decode, and validates nothing.
    let misfits = decoding::misfits(&written.value, version.schema());
    if !misfits.is_empty() {
        return misfits;
    }
    let converted;
    let value = if version.is_beta() {
        converted = v1beta1::converted((*written.value).clone());
        &converted
    } else {
        &*written.value
    };
    let exceptions = Exceptions::of(written.replaces.as_deref(), version, kube);
    let mut faults = Faults::default();
    let object = Node::root(value);
    metadata::validate(&object.field("metadata"), &mut faults);
    spec::validate(&object.field("spec"), exceptions, &mut faults);
    if written.replaces.is_none() {
        metadata::validate_class(&object, kube, &mut faults);
    }
    faults.into_inner()
}
