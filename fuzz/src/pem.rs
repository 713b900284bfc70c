//! Bytes of `tls.crt`, `tls.key` and `ca.crt`: facts about a Secret, which contain nothing of its key.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ingress_guard::analysis::analyze;
use ingress_guard::cluster::Object;
use ingress_guard::model::{Ingress, Secret};
use serde_json::json;

use super::world::{CLUSTER, STRICT, state};

/// The characters of the key that are searched for.
const PART: usize = 24;

pub(super) fn run(bytes: &[u8]) {
    let data = BASE64_STANDARD.encode(bytes);
    // One file can have all three: each field takes its own kind of PEM block.
    let secret = json!({
        "metadata": {"name": "web-tls", "namespace": "shop"}, "type": "kubernetes.io/tls",
        "data": {"tls.crt": data, "tls.key": data, "ca.crt": data},
    });
    let secret: Secret = serde_json::from_value(secret).expect("a Secret with any data is read");
    let ingress = json!({
        "metadata": {"name": "tls", "namespace": "shop"},
        "spec": {
            "ingressClassName": "nginx", "tls": [{"hosts": ["app.example.com"], "secretName": "web-tls"}],
            "rules": [{"host": "app.example.com"}],
        },
    });
    let ingress: Ingress = serde_json::from_value(ingress).expect("an Ingress");
    let mut said = format!("{secret:?}");
    let mut inventory = CLUSTER.clone();
    inventory.apply(Object::Secret(secret));
    let analysis = analyze(&ingress, state(&inventory), &STRICT.engine(), &STRICT.policy);
    said.extend(analysis.verdict.decisions.iter().map(|decision| decision.finding.to_string()));
    for part in key_parts(bytes) {
        assert!(!said.contains(part), "{part} of the key is in {said}");
    }
}

/// Parts of the lines of the private keys.
fn key_parts(bytes: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let keys = text.split("PRIVATE KEY-----").skip(1).step_by(2);
    keys.flat_map(str::lines).filter_map(|line| line.get(..PART)).filter(|part| part.bytes().all(is_base64)).collect()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}
