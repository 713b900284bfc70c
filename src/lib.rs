//! An Ingress that is stored should serve; when it would not, `ingress-guard` says so before it is stored, says why, and
//! says how to mend it.
//!
//! The modules from the foundation up; each uses those above it in this list and never one below (a test holds that):
//!
//! - [`model`]: what Kubernetes objects *are*, parsed once;
//! - [`finding`]: what a check finds;
//! - [`cluster`]: the one store of what is known, its feeders, and the view of it that a check may ask;
//! - [`document`]: a manifest as text, where fields stand in it and how it is mended;
//! - [`routing`]: what a controller does with an Ingress;
//! - [`checks`]: the heart, one file and one page per check;
//! - [`engine`]: runs checks over one Ingress;
//! - [`policy`]: what becomes of findings;
//! - [`analysis`]: one stored Ingress, from its findings to its verdict;
//! - [`admission`]: from an `AdmissionReview` to its answer;
//! - [`config`]: the configuration file;
//! - [`report`]: many Ingresses, and the forms in which what was found is shown;
//! - [`explain`]: why a visitor gets what a visitor gets;
//! - [`telemetry`] and [`server`]: log, metrics, HTTPS;
//! - [`cli`]: the commands.

pub mod admission;
pub mod analysis;
pub mod checks;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod document;
pub mod engine;
pub mod explain;
pub mod finding;
pub mod model;
pub mod policy;
pub mod report;
pub mod routing;
pub mod server;
pub mod telemetry;
