//! One list of a whole cluster: pages, forbidden kinds, and clear errors.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ingress_guard::cluster::{Coverage, Snapshot, list};
use ingress_guard::model::{Kind, Kinds};
use serde_json::{Value, json};

use super::api::Api;
use super::confirm::{cluster, pair, with_tls};

fn service(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}})
}

fn stored(secret: &str) -> Value {
    let mut ingress = with_tls(secret)["request"]["object"].clone();
    ingress["metadata"]["name"] = json!(format!("of-{secret}"));
    ingress
}

/// A command of the real binary over this API server.
pub(crate) async fn run(api: &Api, arguments: &[&str]) -> (i32, String, String) {
    run_as(&format!("http://{}", api.addr), "{}", arguments).await
}

/// Writes a kubeconfig for a server to a folder.
pub(crate) fn kubeconfig(folder: &Path, server: &str, user: &str) -> PathBuf {
    let kubeconfig = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: test, cluster: {{server: \"{server}\"}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: test, namespace: shop}}}}]\nusers: [{{name: test, user: {user}}}]\n"
    );
    std::fs::write(&kubeconfig, text).unwrap();
    kubeconfig
}

async fn run_as(server: &str, user: &str, arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = kubeconfig(folder.path(), server, user);
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("INGRESS_GUARD_")) {
        command.env_remove(name);
    }
    command.args(arguments).arg("--kubeconfig").arg(&kubeconfig).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let Output { status, stdout, stderr } = output;
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn lists_are_paginated() {
    let api = Api::start().await;
    for number in 0..1201 {
        api.put("services", service(&format!("web-{number}")));
    }
    let inventory = list(&api.client(), Kinds::of(&[Kind::Service, Kind::Ingress]), None).await.unwrap();
    assert_eq!(inventory.count(Kind::Service), 1201);
    assert_eq!(inventory.coverage(Kind::Service), Coverage::Complete);
    assert_eq!(inventory.coverage(Kind::Ingress), Coverage::Complete);
    assert_eq!(inventory.coverage(Kind::Namespace), Coverage::NotSynced, "those were not requested");
    let lists = api.asked().iter().filter(|asked| asked.starts_with("list services")).count();
    assert_eq!(lists, 3, "500 in a page");
    assert!(api.asked().iter().all(|asked| asked.starts_with("list ")), "{:?}", api.asked());
}

#[tokio::test]
async fn forbidden_absent_and_unreadable_are_distinguished() {
    let api = Api::start().await;
    api.put("services", service("web"));
    api.put("ingresses", json!({"metadata": {"name": "strange", "namespace": "shop"}, "spec": {"rules": 7}}));
    api.forbid("services", true);
    api.lacks("certificates", true);
    let kinds = Kinds::of(&[Kind::Service, Kind::Ingress, Kind::Certificate]);
    let inventory = list(&api.client(), kinds, None).await.unwrap();
    assert_eq!(inventory.coverage(Kind::Service), Coverage::Forbidden);
    assert_eq!(inventory.coverage(Kind::Certificate), Coverage::Complete, "the cluster does not have the kind");
    assert!(inventory.is_unreadable(Kind::Ingress, "shop", "strange"));
    // Every API server has this kind: one without it is not an API server.
    api.lacks("ingresses", true);
    let error = list(&api.client(), kinds, None).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot list ingresses: "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_contains_the_secrets_that_ingresses_reference() {
    let api = cluster().await;
    api.put("ingresses", stored("app"));
    api.put("ingresses", stored("absent"));
    api.put("secrets", pair("app", "app.example.com"));
    api.put("secrets", pair("unnamed", "app.example.com"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.snapshot");
    let (code, stdout, stderr) = run(&api, &["snapshot", "--output", file.to_str().unwrap()]).await;
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", ""));
    let snapshot = Snapshot::read(&file).unwrap();
    assert_eq!(snapshot.inventory.count(Kind::Ingress), 2);
    let known: Vec<String> = snapshot.live_reads.iter().map(|(kind, key, _)| format!("{kind} {key}")).collect();
    assert_eq!(known, ["Secret shop/absent", "Secret shop/app"], "the other one is not referenced");
    assert!(snapshot.live_reads.get(Kind::Secret, "shop", "unnamed").is_none());
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "nothing is left beside it");

    let (code, stdout, _) = run(&api, &["snapshot"]).await;
    let without_time = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((code, without_time(&stdout)), (0, without_time(&std::fs::read_to_string(&file).unwrap())));

    let nowhere = folder.path().join("no/such/folder/x");
    let (code, _, stderr) = run(&api, &["snapshot", "--output", nowhere.to_str().unwrap()]).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("cannot write") && stderr.contains("No such file"), "{stderr}");
}

/// Kinds that are never watched are listed by commands.
#[tokio::test(flavor = "multi_thread")]
async fn pods_explain_why_no_endpoint_is_ready() {
    let api = Api::start().await;
    api.put("ingressclasses", json!({"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}}));
    api.put("ingresses", stored("app"));
    api.put(
        "services",
        json!({"metadata": {"name": "web", "namespace": "shop"},
                               "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}}),
    );
    api.put(
        "endpointslices",
        json!({"metadata": {"name": "web-1", "namespace": "shop",
                                                  "labels": {"kubernetes.io/service-name": "web"}},
                                     "ports": [{"name": "http", "port": 80}],
                                     "endpoints": [{"conditions": {"ready": false}}]}),
    );
    let waits = json!({"ready": false, "state": {"waiting": {"reason": "ImagePullBackOff"}}});
    api.put(
        "pods",
        json!({"metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}},
                           "spec": {"containers": [{"name": "web"}]},
                           "status": {"phase": "Pending", "containerStatuses": [waits]}}),
    );
    let (_, stdout, stderr) = run(&api, &["audit", "--select", "IG204"]).await;
    assert!(stdout.contains("= help: check pod \"web-1\" (ImagePullBackOff)"), "{stdout}{stderr}");
    // Without rights a warning is printed, and the evaluation continues.
    api.forbid("pods", true);
    let (_, stdout, stderr) = run(&api, &["audit", "--select", "IG204"]).await;
    assert_eq!(
        stderr,
        "warning: RBAC does not allow listing Pod objects: they may be the cause of missing endpoints, and the versions of controllers may be unknown\n"
    );
    assert!(stdout.contains("= help: check the pods with labels \"app=web\""), "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn disabled_secrets_of_a_snapshot_are_not_evaluated() {
    let api = cluster().await;
    api.put("ingresses", stored("absent"));
    let folder = tempfile::tempdir().unwrap();
    let [file, config] = ["cluster.snapshot", "config.yaml"].map(|name| folder.path().join(name));
    let (file, config) = (file.to_str().unwrap(), config.to_str().unwrap());
    assert_eq!(run(&api, &["snapshot", "--output", file]).await.0, 0);
    std::fs::write(config, "secrets: off\n").unwrap();
    let audit = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
        command.args(["audit", "--snapshot", file, "--select", "IG401", "--config", config]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let said = audit();
    assert!(said.contains("not evaluated on 1 Ingress: reading Secret objects is disabled (IG401)"), "{said}");
    std::fs::write(config, "secrets: get\n").unwrap();
    let said = audit();
    assert!(said.contains("Secret \"absent\" does not exist"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_name_the_cluster_and_the_context_or_the_file() {
    let api = cluster().await;
    let cluster = format!("cluster http://{}, context test", api.addr);
    let (_, text, _) = run(&api, &["audit"]).await;
    assert!(text.starts_with(&format!("Audit of {cluster}\n\n")), "{text}");
    let (_, page, _) = run(&api, &["audit", "-o", "html"]).await;
    assert!(page.contains(&format!("<bdi>{cluster}</bdi>")), "{}", &page[..3000]);
    let (_, page, _) = run(&api, &["check", "tests/reviews/bad.yaml", "--cluster", "-o", "html"]).await;
    assert!(page.contains(&format!("<bdi>manifests tests/reviews/bad.yaml on {cluster}</bdi>")), "{}", &page[..3000]);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.snapshot");
    let file = file.to_str().unwrap();
    assert_eq!(run(&api, &["snapshot", "-o", file]).await.0, 0);
    let (_, text, _) = crate::binary::run(&["audit", "--snapshot", file]);
    assert!(text.starts_with(&format!("Audit of snapshot {file}, taken 2")), "{text}");
    assert!(text.lines().next().unwrap().ends_with(" UTC"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn read_errors_are_explained() {
    let api = cluster().await;
    api.put("ingresses", stored("app"));
    api.forbid("services", true);
    api.forbid("secrets", true);
    let (code, stdout, stderr) = run(&api, &["snapshot"]).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("\"Service\":\"forbidden\""), "{stdout}");
    assert_eq!(
        stderr,
        "warning: RBAC does not allow listing Service objects: checks that depend on them are not evaluated\n\
         warning: RBAC does not allow reading 1 of the referenced Secrets and ConfigMaps\n"
    );
    api.forbid("ingresses", true);
    let (code, _, stderr) = run(&api, &["snapshot"]).await;
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error: RBAC does not allow listing the Ingresses of all namespaces"), "{stderr}");

    let (code, _, stderr) = run_as("http://127.0.0.1:1", "{}", &["snapshot"]).await;
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error: cannot read the cluster at http://127.0.0.1:1/: cannot list "), "{stderr}");
    assert_eq!(stderr.matches("Connect").count(), 2, "said once, and why: {stderr}");
    assert!(stderr.ends_with("Connection refused (os error 111)\n"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");

    api.answer_all_with(500);
    let (code, _, stderr) = run(&api, &["snapshot"]).await;
    assert_eq!(code, 2);
    assert!(
        stderr.starts_with("error: cannot read the cluster at http://") && stderr.ends_with(" (500)\n"),
        "{stderr}"
    );
    assert!(!stderr.contains("Status {"), "{stderr}");

    api.answer_all_with(401);
    let (code, _, stderr) = run(&api, &["snapshot"]).await;
    let server = api.addr;
    assert_eq!(
        (code, stderr),
        (
            2,
            format!(
                "error: http://{server}/ rejects the credentials of the kubeconfig (401): check whether the token or \
                 certificate has expired\n"
            )
        )
    );
}
