//! Bytes of a configuration file: an error that names the file, or a configuration with which everything can be evaluated.

use ingress_guard::analysis::analyze;
use ingress_guard::config::Config;

use super::world::{CLUSTER, state};

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let config = match Config::parse("config.yaml", text) {
        Ok(config) => config,
        Err(error) => return assert!(error.to_string().starts_with("config.yaml"), "{error}"),
    };
    let mut inventory = CLUSTER.clone();
    config.restrict(&mut inventory);
    let engine = config.engine();
    let _ = config.watched(&engine);
    for ingress in inventory.ingresses() {
        let _ = analyze(ingress, state(&inventory), &engine, &config.policy);
    }
}
