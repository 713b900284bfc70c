//! All tests that need no cluster, in one binary, because linking is the slowest part.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admission;
#[path = "../api_server/mod.rs"]
mod api_server;
mod architecture;
mod audit;
mod background;
mod binary;
mod budget;
mod certificates;
mod chart;
mod check;
mod configuration;
mod configuration_schema;
#[path = "../console/mod.rs"]
mod console;
mod delivery;
mod discovery;
mod docs;
mod doctor;
mod engine;
mod events;
mod explain;
#[path = "../fake_controller/mod.rs"]
mod fake_controller;
mod fix_text;
mod fixes;
mod fuzz;
#[path = "../hostile/mod.rs"]
mod hostile;
mod kinds;
mod language;
mod live;
mod loading;
mod manifests;
mod messages;
mod namespace_reports;
mod not_denied;
mod pages;
mod placeholders;
mod probe;
#[path = "../promtool/mod.rs"]
mod promtool;
mod properties;
mod record;
mod referrers;
mod registry;
mod regressions;
mod reload_index;
mod rewrite_advice;
mod routing;
mod server;
mod shared_settings;
mod signals;
#[path = "../skipped/mod.rs"]
mod skipped;
mod snapshot;
mod store;
mod tasks;
mod upstream;
mod valid_configurations;
mod validation;
mod watched_namespaces;
mod work;
mod workloads;
mod yaml;
