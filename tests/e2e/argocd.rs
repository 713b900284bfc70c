//! The examples for Argo CD: the Job after a sync with the permissions of its account, and the check of a pull request.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster;
use crate::explain::run;
use crate::objects::{class, host, ingress, list, service};
use crate::terminal::Terminal;

/// The examples are for the namespace `shop`, which belongs to other tests.
const NAMESPACE: &str = "argocd-shop";

fn example(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path)).unwrap()
}

fn endpoint_slice(name: &str) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
           "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
           "endpoints": [{"addresses": ["10.1.2.3"], "conditions": {"ready": true}}], "ports": [{"name": "p80", "port": 80}]})
}

#[test]
fn the_job_after_a_sync_fails_if_the_ingress_does_not_serve() {
    let Some(cluster) = cluster::shared() else { return };
    cluster.kubectl(&["create", "namespace", NAMESPACE]).ok();
    let terminal = Terminal { cluster: &cluster, namespace: NAMESPACE };
    let manifests = example("argocd/explain-after-sync.yaml").replace("shop", NAMESPACE);
    // Argo CD creates hooks, whose names are generated.
    terminal.run(&["create", "--filename=-"], &manifests).ok();
    terminal.stores(&[class("argocd"), service("web", &[80]), ingress("web", "argocd", "web", 80)]);
    let job: Value = serde_saphyr::from_str(manifests.split("\n---\n").next().unwrap()).unwrap();
    let pod = &job["spec"]["template"]["spec"];
    let kubeconfig = cluster.kubeconfig_for_service_account(NAMESPACE, pod["serviceAccountName"].as_str().unwrap());
    let arguments: Vec<&str> =
        pod["containers"][0]["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();

    let started = Instant::now();
    let failed = loop {
        let explained = run(&kubeconfig, &arguments);
        // The API server applies the new roles after a short delay.
        if !explained.stderr.contains("RBAC") || started.elapsed() > Duration::from_secs(20) {
            break explained;
        }
    };
    assert_eq!((failed.code, failed.stderr.as_str()), (1, ""), "{failed}");
    assert!(failed.stdout.contains("the Service has no endpoints"), "{failed}");
    terminal.stores(&[endpoint_slice("web")]);
    let served = run(&kubeconfig, &arguments);
    assert_eq!((served.code, served.stderr.as_str()), (0, ""), "{served}");
    assert!(served.stdout.contains(&host("web", "argocd")), "{served}");
    terminal.run(&["delete", "ingress", "web"], "").ok();
}

#[test]
fn a_pull_request_is_checked_as_if_it_were_applied() {
    let Some(cluster) = cluster::shared() else { return };
    let namespace = "argocd-pull-request";
    cluster.kubectl(&["create", "namespace", namespace]).ok();
    let terminal = Terminal { cluster: &cluster, namespace };
    terminal.stores(&[class("argocd-ci"), service("web", &[80])]);
    let mut wrong = ingress("storefront", "argocd-ci", "wbe", 80);
    wrong["metadata"]["namespace"] = json!(namespace);

    let folder = tempfile::tempdir().unwrap();
    let workflow: Value = serde_saphyr::from_str(&example("ci/argocd.yaml")).unwrap();
    let steps = workflow["jobs"]["check"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == "Check what Argo CD would apply").unwrap();
    fs::write(folder.path().join("manifests"), list(&[wrong])).unwrap();
    let client = folder.path().join("argocd");
    let script = "#!/bin/sh\n[ \"$*\" = 'app manifests shop --revision 4f2c' ] && cat \"${0%/*}/manifests\"\n";
    fs::write(&client, script).unwrap();
    fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).unwrap();
    let binaries = Path::new(env!("CARGO_BIN_EXE_ingress-guard")).parent().unwrap();
    let path = format!("{}:{}:{}", folder.path().display(), binaries.display(), std::env::var("PATH").unwrap());
    let check = |revision: &str| {
        let output = Command::new("bash")
            .args(["-eo", "pipefail", "-c", step["run"].as_str().unwrap()])
            .env_clear()
            .envs([("PATH", path.as_str()), ("RUNNER_TEMP", folder.path().to_str().unwrap()), ("REVISION", revision)])
            .env("READER", fs::read_to_string(cluster.admin()).unwrap())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, output) = check("4f2c");
    assert_eq!(code, 1, "{output}");
    assert!(
        output.contains("::error title=IG201 service-not-found,") && output.contains("did you mean \"web\"?"),
        "{output}"
    );
    // A client that fails prints nothing, which must not pass.
    assert_ne!(check("unknown").0, 0);
}
