//! `console` blocks of the documents that begin with `kubectl`, over a cluster with the objects of `examples/cluster`.

use std::process::Command;
use std::time::Duration;

use crate::cluster::{self, Cluster, Output};
use crate::console;
use crate::webhook::Webhook;

/// Runs a documented command. kubectl prints warnings and errors before its results.
fn run(cluster: &Cluster, command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    let Output { stdout, stderr, .. } = cluster.kubectl(&words);
    stderr + &stdout
}

#[test]
fn documented_kubectl_commands_print_the_documented_output() {
    // The default IngressClass of the example affects every test.
    let Some(cluster) = cluster::alone() else { return };
    let folder = cluster.supervisor().folder();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    assert!(Command::new("cp").arg("-r").arg(examples).arg(folder).status().unwrap().success());

    let webhook = Webhook::watching(&cluster, "shop", "");
    cluster.kubectl(&["apply", "-f", "examples/cluster"]).ok();
    // The Ingress of the shop is applied last: once the webhook knows it, it knows all other objects too.
    let duplicate =
        ["create", "ingress", "probe", "--rule=www.shop.example.com/*=web:80", "--dry-run=server", "-n", "shop"];
    webhook.wait(Duration::from_secs(20), || cluster.kubectl(&duplicate).stderr.contains("IG501"));

    let results = console::documents();
    let results = results.iter().map(|path| console::verify(path, &["kubectl"], |command| run(&cluster, command)));
    let results: Result<Vec<usize>, String> = results.collect();
    cluster.kubectl(&["delete", "--wait=false", "-f", "examples/cluster"]).ok();
    assert!(results.unwrap().iter().sum::<usize>() > 0, "no command was run");
}
