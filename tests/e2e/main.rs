//! With a real kube-apiserver, a real etcd and a real kubectl. They come from `KUBEBUILDER_ASSETS`, or are built by
//! `tests/envtest/build.sh`, which takes some minutes the first time; the rest takes seconds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod assets;
mod audit;
mod certificates;
mod check;
mod classes;
mod clients;
mod cluster;
#[path = "../console/mod.rs"]
mod console;
mod control_plane;
mod deploy;
mod documents;
mod explain;
mod freshness;
mod https;
mod levels;
mod live;
mod load;
mod locations;
mod manifests_mode;
mod names;
mod objects;
mod outage;
mod passing;
mod registration;
mod rights;
mod rollout;
mod service;
#[path = "../skipped/mod.rs"]
mod skipped;
mod soak;
mod supervisor;
mod terminal;
mod tls;
mod webhook;
