//! Checks IG701 and following: manifests that the API server refuses, or stores without a part of them. The API server has
//! validated the Ingresses of reviews and clusters, so these checks run only for manifest files that are to be applied.

mod api_version_not_served;
mod field_unknown;
mod refused_by_api_server;

pub(super) use api_version_not_served::API_VERSION_NOT_SERVED;
pub(super) use field_unknown::FIELD_UNKNOWN;
pub(crate) use refused_by_api_server::REFUSED_BY_API_SERVER;
