//! The manifests of `deploy/` in a real API server, the program as they start it, and the certificate of `certs/`.

use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::certificates::Pair;
use crate::cluster;
use crate::kubelet;
use crate::objects::{class, ingress, service};
use crate::registration::Registration;
use crate::skipped::skipped;
use crate::terminal::Terminal;
use crate::webhook::Webhook;

#[test]
fn the_manifests_are_accepted_and_the_program_runs_with_their_settings() {
    // These objects are cluster-scoped.
    let Some(cluster) = cluster::alone() else { return };
    let folder = concat!("--filename=", env!("CARGO_MANIFEST_DIR"), "/deploy");
    let applied = cluster.kubectl(&["apply", folder]);
    // No warning means that the pod meets the Pod Security Standard of the namespace.
    assert_eq!((applied.code, applied.stderr.as_str()), (0, ""), "{applied}");
    let created: Vec<&str> = applied.stdout.lines().collect();
    assert!(created.len() == 27 && created.iter().all(|line| line.ends_with(" created")), "{applied}");
    for object in created.iter().map(|line| line.strip_suffix(" created").unwrap()) {
        // The controllers of kube-system are watched by a Role there.
        let namespace = if object.ends_with("-controllers") { "kube-system" } else { "ingress-guard" };
        cluster.kubectl(&["get", object, &format!("--namespace={namespace}")]).ok();
    }
    let again = cluster.kubectl(&["apply", folder]);
    assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{again}");
    // What is optional is not in this folder: its ports depend on the API server.
    assert!(!applied.stdout.contains("networkpolicy"), "{applied}");
    let optional = cluster.kubectl(&["apply", "--dry-run=server", &format!("{folder}/optional")]);
    assert_eq!((optional.code, optional.stderr.as_str()), (0, ""), "{optional}");

    // It creates its CA, and writes it into the caBundle of the webhook configuration.
    let webhook = kubelet::run(&cluster, "ingress-guard", "ingress-guard", "deployed");

    cluster.kubectl(&["create", "namespace", "deployed"]).ok();
    let terminal = Terminal { cluster: &cluster, namespace: "deployed" };
    terminal.stores(&[class("deployed"), service("web", &[80])]);
    let bad = ingress("bad", "deployed", "wbe", 80).to_string();
    webhook.wait(Duration::from_secs(20), || {
        terminal.run(&["apply", "--dry-run=server", "--filename=-"], &bad);
        !webhook.reviews().is_empty()
    });
    terminal.refuses(&ingress("bad", "deployed", "wbe", 80), &["did you mean \"web\"?", "[IG201 service-not-found]"]);
    terminal.stores(&[ingress("good", "deployed", "web", 80)]);
    // Ingresses in the webhook's own namespace are not reviewed.
    let reviews = webhook.reviews().len();
    let home = Terminal { cluster: &cluster, namespace: "ingress-guard" };
    home.stores(&[ingress("bad", "missing", "wbe", 80)]);
    assert_eq!(webhook.reviews().len(), reviews);
    cluster.kubectl(&["delete", "validatingwebhookconfiguration/ingress-guard"]).ok();
}

#[test]
fn the_api_server_accepts_the_development_certificate() {
    let Some(cluster) = cluster::shared() else { return };
    if Command::new("openssl").arg("version").output().is_err() {
        skipped("certs/dev-cert.sh: openssl not found");
        return;
    }
    let folder = cluster.supervisor().folder().join("dev-cert");
    let make = || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/certs/dev-cert.sh");
        let made = Command::new("bash").arg(script).arg(&folder).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap()
    };
    let printed = make();
    assert_eq!(make(), printed, "a valid certificate stays");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let authority = read("ca.crt");
    assert_eq!(BASE64_STANDARD.decode(printed.trim_end()).unwrap(), authority.as_bytes());

    cluster.kubectl(&["create", "namespace", "dev-cert"]).ok();
    let manifests = cluster.supervisor().write("dev-cert/manifests.yaml", class("dev-cert").to_string());
    let source = format!("--manifests={}", manifests.display());
    let webhook = Webhook::replica(&cluster, "webhook-dev-cert".to_owned(), source, "");
    webhook.put_certificate(&Pair { certificate: read("tls.crt"), key: read("tls.key") });
    let client = webhook.direct(&authority);
    webhook.wait(Duration::from_secs(10), || client.certificate().is_ok());
    let mut registration = Registration::new(&cluster, "dev-cert", &[webhook.url()], "");
    registration.each("/clientConfig/caBundle", &json!(printed.trim_end()));
    registration.fail_closed();
    registration.create(|| webhook.was_probed());
}
