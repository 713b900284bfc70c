//! `ingress-guard` finds Ingresses that the API server would store but that no controller would serve. It reports the cause
//! and the fix before the Ingress is stored.
//!
//! Each module uses the modules above it in this list and never one below. `tests/suite/architecture.rs` enforces that.
//!
//! - [`version`]: version, commit and target of the build;
//! - [`model`]: Kubernetes objects as checks read them, without I/O;
//! - [`tasks`]: tasks that run as long as the process, started again after a panic;
//! - [`finding`]: findings, their levels, and patches that fix them;
//! - [`budget`]: the work that one evaluation may do, in counted steps;
//! - [`mod@file`]: reading and replacing files that a user names;
//! - [`validation`]: what the API server refuses, drops and converts before it stores an Ingress;
//! - [`cluster`]: the object cache, its sources (watches, lists, files, snapshots), and the view that a check reads;
//! - [`document`]: a manifest as text: positions of fields, and fixes that keep every other byte;
//! - [`routing`]: what a controller does with an Ingress: locations, backends, certificates;
//! - [`checks`]: one file and one reference page per check;
//! - [`engine`]: runs checks over one Ingress;
//! - [`policy`]: profiles, levels, waivers: which finding denies;
//! - [`analysis`]: evaluates one stored Ingress, for the commands; and the ratchet for updates;
//! - [`impact`]: what stored Ingresses lose by a write of another object;
//! - [`admission`]: from an `AdmissionReview` to its answer;
//! - [`repository`]: the roots of a directory: kustomizations, charts, what Flux and Argo CD apply;
//! - [`config`]: the configuration file;
//! - [`record`]: records of reviews, and their repetition;
//! - [`report`]: results of many Ingresses, and their output formats;
//! - [`explain`]: traces one request from its host to the endpoints;
//! - [`doctor`]: whether the API server has Ingresses reviewed, link by link;
//! - [`probe`]: requests to every host and path, and their answers compared with what `explain` predicts;
//! - [`telemetry`]: log and metrics;
//! - [`certificates`]: certificates that the process manages itself: its CA, the serving certificate, the caBundle;
//! - [`background`]: the audit of stored Ingresses while the server runs;
//! - [`prober`]: sends the requests of `probe`;
//! - [`server`]: the HTTPS server;
//! - [`cli`]: the commands.

pub mod admission;
pub mod analysis;
pub mod background;
pub mod budget;
pub mod certificates;
pub mod checks;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod doctor;
pub mod document;
pub mod engine;
pub mod explain;
mod fair_queue;
pub mod file;
pub mod finding;
pub mod impact;
pub mod model;
mod parallel;
pub mod policy;
pub mod probe;
pub mod prober;
pub mod record;
pub mod report;
pub mod repository;
pub mod routing;
pub mod server;
pub mod tasks;
pub mod telemetry;
pub mod validation;
pub mod version;
pub mod yaml;
