//! End-to-end tests with a real kube-apiserver, etcd and kubectl. The programs come from `KUBEBUILDER_ASSETS`, or
//! `tests/envtest/build.sh` builds them, which takes some minutes the first time; the tests take seconds.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

#[path = "../api_server/mod.rs"]
mod api_server;
mod argocd;
mod assets;
mod audit;
mod audit_rights;
mod background;
mod certificates;
mod check;
mod classes;
mod clients;
mod cluster;
#[path = "../console/mod.rs"]
mod console;
mod control_plane;
mod controllers;
mod deploy;
mod doctor;
mod documents;
mod explain;
#[path = "../fake_controller/mod.rs"]
mod fake_controller;
mod freshness;
mod helm;
mod https;
mod impact;
mod kubectl_plugin;
mod kubelet;
mod levels;
mod live;
mod living;
mod load;
mod locations;
mod manifests_mode;
mod names;
mod objects;
mod outage;
mod outputs;
mod passing;
mod probe;
#[path = "../promtool/mod.rs"]
mod promtool;
mod record;
mod registration;
mod report_definitions;
mod rights;
mod rollout;
mod self_managed;
mod service;
mod signals;
#[path = "../skipped/mod.rs"]
mod skipped;
mod soak;
mod supervisor;
mod terminal;
mod tls;
mod unreviewed;
mod validation;
mod webhook;
