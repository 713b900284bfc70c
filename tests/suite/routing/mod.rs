//! The location model: tables of what Kubernetes and ingress-nginx document, what was found by comparing it with a real
//! nginx (`tests/nginx`), and its bounds. There is no model of the neutral dialect yet; the columns on Kubernetes' own
//! rules in `tests/data` wait for it.

mod backend;
mod bounds;
mod certificate;
mod diff;
mod documented;
mod found;
pub(crate) mod notation;
mod tables;
