//! `audit` with a real API server: 2,000 Ingresses in paginated lists, with a read-only account.

use std::io::Write as _;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{class, ingress, list, service};
use crate::terminal::Terminal;

const INGRESSES: usize = 2_000;

#[test]
fn two_thousand_stored_ingresses_are_analyzed() {
    let Some(cluster) = cluster::shared() else { return };
    let terminal = Terminal { cluster: &cluster, namespace: "audit" };
    cluster.kubectl(&["create", "namespace", "audit"]).ok();
    terminal.stores(&[class("audited"), service("web", &[80])]);
    // Every hundredth refers to a port that does not exist.
    let one = |n: usize| ingress(&format!("web-{n}"), "audited", "web", if n % 100 == 7 { 81 } else { 80 });
    let all: Vec<Value> = (0..INGRESSES).map(one).collect();
    std::thread::scope(|scope| {
        for part in all.chunks(INGRESSES / 4) {
            scope.spawn(|| terminal.run(&["create", "--filename=-", "--output=name"], &list(part)).ok());
        }
    });
    let page = tempfile::tempdir().unwrap();
    let file = page.path().join("page.html");
    let started = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    command.args(["audit", "--output=json", "--select=IG202", "--kubeconfig"]).arg(cluster.admin());
    let output = command.arg(format!("--output=html={}", file.display())).output().unwrap();
    let took = started.elapsed();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    let findings: Vec<&Value> =
        report["findings"].as_array().unwrap().iter().filter(|it| it["namespace"] == "audit").collect();
    assert_eq!((output.status.code(), findings.len()), (Some(1), INGRESSES / 100), "{stderr}");
    assert!(report["summary"]["ingresses"].as_u64().unwrap() >= INGRESSES as u64);
    assert_eq!(findings[0]["subject"], json!("web-1007.audited.example.com / Prefix service=web port=81"));
    assert!(std::fs::read_to_string(file).unwrap().contains("web-1999.audited.example.com"));
    // Not `eprintln!`: the test harness captures its output while a test passes.
    let _ = writeln!(std::io::stderr(), "audit of {INGRESSES} stored Ingresses: {} ms", took.as_millis());
    terminal.run(&["delete", "ingress", "--all", "--wait=false"], "").ok();
}
