//! Records of reviews of a real API server, whose denials are confirmed by live reads, and their repetition.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::cluster;
use crate::objects::{class, host, ingress, secret, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

fn run(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ingress-guard")).args(arguments).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn recorded_reviews_have_the_same_verdicts_again() {
    const NAMESPACE: &str = "record";
    let Some(cluster) = cluster::shared() else { return };
    let folder = cluster.supervisor().folder().join("records");
    let flag = format!("--record={}", folder.display());
    let mut webhook = Webhook::watching_with(&cluster, NAMESPACE, "profile: guard\n", &[&flag]);
    let terminal = Terminal { cluster: &cluster, namespace: NAMESPACE };
    terminal.stores(&[class(NAMESPACE), service("web", &[80]), secret("other", &cluster.authority().server())]);
    terminal.stores(&[ingress("good", NAMESPACE, "web", 80)]);
    // Both denials are confirmed: the Service by a read, the certificate by the Secret that was read.
    terminal.refuses(&ingress("lost", NAMESPACE, "missing", 80), &["[IG201"]);
    let mut with_tls = ingress("tls", NAMESPACE, "web", 80);
    with_tls["spec"]["tls"] = json!([{"hosts": [host("tls", NAMESPACE)], "secretName": "other"}]);
    terminal.apply(&with_tls.to_string());
    let written = || webhook.metrics().contains("ingress_guard_recorded_reviews_total{result=\"written\"} 0\n");
    webhook.wait(Duration::from_secs(10), || !written());
    let count = |records: &str| records.lines().filter(|line| line.starts_with("{\"review\"")).count();
    let print = || run(&["records", folder.to_str().unwrap()]).1;
    // The probe of the registration is among them.
    webhook.wait(Duration::from_secs(10), || count(&print()) >= 4);
    webhook.stop();

    let records = print();
    let key = cluster.authority().server().key;
    let in_key = key.lines().nth(1).unwrap();
    assert!(!records.contains(in_key) && !records.contains("BEGIN") && !records.contains("system:masters"));
    let stream = cluster.supervisor().write("record/reviews.jsonl", &records);
    let replay = |path: &Path, more: &[&str]| run(&[&["replay", path.to_str().unwrap()], more].concat());
    let reviews = count(&records);
    assert_eq!(replay(&stream, &[]), (0, format!("{reviews} reviews replayed, 0 changed\n")));
    assert_eq!(replay(&folder, &[]).0, 0);
    let observe = cluster.supervisor().write("record/observe.yaml", "profile: observe\n");
    let (code, changed) = replay(&stream, &["--config", observe.to_str().unwrap()]);
    assert!(code == 1 && changed.contains(&format!("CREATE {NAMESPACE}/lost: deny becomes warn\n")), "{changed}");
}
