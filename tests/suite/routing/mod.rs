//! The location model: tables from the documentation of Kubernetes and ingress-nginx, differences found by comparison
//! with a real nginx (`tests/nginx`), and bounds. The neutral dialect has no model yet; the columns on Kubernetes' own
//! rules in `tests/data` are for it.

mod backend;
mod bounds;
mod certificate;
mod diff;
mod documented;
mod found;
pub(crate) mod notation;
mod tables;
