//! `explain` and `snapshot` with a real API server: 2,000 Ingresses in paginated lists, missing permissions, an invalid
//! token.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::{self, Cluster, Output};
use crate::objects::{class, host, ingress, service};
use crate::terminal::Terminal;
use crate::webhook::account;

/// More than one page of a list.
const INGRESSES: usize = 2000;

pub(crate) fn run(kubeconfig: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_ingress-guard"))
        .args(arguments)
        .env_clear()
        // Not as a flag, which commands reject where it has no effect.
        .env("INGRESS_GUARD_KUBECONFIG", kubeconfig)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Creates Ingresses directly in the API server, concurrently: kubectl would need a minute.
fn create_many(cluster: &Cluster, namespace: &str) {
    const SIDES: usize = 4;
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses");
    thread::scope(|scope| {
        for side in 0..SIDES {
            let (api, path) = (cluster.api(), &path);
            scope.spawn(move || {
                for number in (side..INGRESSES).step_by(SIDES) {
                    let (status, answer) =
                        api.post(path, &ingress(&format!("many-{number}"), "explained", "web", 80)).unwrap();
                    assert_eq!(status, 201, "{answer}");
                }
            });
        }
    });
}

#[test]
fn explain_gives_the_same_answer_live_and_from_a_snapshot() {
    let Some(cluster) = cluster::shared() else { return };
    let namespace = "explain";
    cluster.kubectl(&["create", "namespace", namespace]).ok();
    let terminal = Terminal { cluster: &cluster, namespace };
    terminal.stores(&[class("explained"), service("web", &[80])]);
    create_many(&cluster, namespace);

    let url = format!("http://{}/x", host("many-1234", "explained"));
    let started = Instant::now();
    let live = run(cluster.admin(), &["explain", &url]);
    let took = started.elapsed();
    assert_eq!((live.code, live.stderr.as_str()), (1, ""), "{live}");
    for line in [
        "✓ class        IngressClass \"explained\", controller k8s.io/ingress-nginx",
        "✓ path         Ingress explain/many-1234 spec.rules[0].http.paths[0]: Prefix \"/\"",
        "✓ service      Service explain/web",
        "✗ endpoints    the Service has no endpoints; add a selector",
        "$ kubectl describe service web --namespace explain",
        "503 from the controller",
    ] {
        assert!(live.stdout.contains(line), "{line} is not in {live}");
    }
    assert!(took < Duration::from_secs(30), "{took:?}");
    // A command suggested by the output must work in a shell.
    assert!(terminal.run(&["describe", "service", "web"], "").ok().contains("Endpoints:"));

    let file = cluster.supervisor().folder().join("explain.snapshot");
    let started = Instant::now();
    let taken = run(cluster.admin(), &["snapshot", "--output", file.to_str().unwrap()]);
    let listed = started.elapsed();
    assert_eq!((taken.code, taken.stderr.as_str()), (0, ""), "{taken}");
    let kept = run(Path::new("/no/such/kubeconfig"), &["explain", &url, "--snapshot", file.to_str().unwrap()]);
    assert_eq!((kept.code, kept.stdout), (1, live.stdout), "{}", kept.stderr);
    let head = fs::read_to_string(&file).unwrap();
    let head: Value = serde_json::from_str(head.lines().next().unwrap()).unwrap();
    assert!(head["objects"].as_u64().unwrap() > INGRESSES as u64, "{head}");
    let size = fs::metadata(&file).unwrap().len() / 1024;
    // Visible with `--nocapture`.
    let summary = format!("{INGRESSES} Ingresses: explain {took:?}, snapshot {listed:?}, {size} KiB\n");
    let _ = std::io::Write::write_all(&mut std::io::stdout(), summary.as_bytes());

    // Other tests list Ingresses as well.
    terminal.run(&["delete", "ingresses", "--all", "--wait=false"], "").ok();
}

#[test]
fn forbidden_objects_are_unknown_and_an_invalid_token_is_an_error() {
    let Some(cluster) = cluster::shared() else { return };
    let namespace = "explain-rights";
    let flag = account(&cluster, namespace);
    let kubeconfig = Path::new(flag.strip_prefix("--kubeconfig=").unwrap());
    let terminal = Terminal { cluster: &cluster, namespace };
    terminal.stores(&[class("rights-explained"), ingress("web", "rights-explained", "absent", 80)]);
    let url = format!("http://{}/", host("web", "rights-explained"));
    let explained = run(kubeconfig, &["explain", &url]);
    assert_eq!(explained.code, 1, "{explained}");
    assert!(explained.stdout.contains("✗ service      Service explain-rights/absent does not exist"), "{explained}");

    let role =
        json!([{"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"], "verbs": ["list"]}]);
    let patch = json!([{"op": "replace", "path": "/rules", "value": role}]).to_string();
    let name = format!("ingress-guard-{namespace}");
    cluster.kubectl(&["patch", "clusterrole", &name, "--type=json", "--patch", &patch]).ok();
    let started = Instant::now();
    let explained = loop {
        let explained = run(kubeconfig, &["explain", &url]);
        // The API server applies the change after a short delay.
        if explained.stderr.contains("Service objects") || started.elapsed() > Duration::from_secs(20) {
            break explained;
        }
    };
    assert_eq!(explained.code, 0, "{explained}");
    assert!(explained.stdout.contains("? service      the existence of Service explain-rights/absent is unknown"));
    assert!(explained.stderr.contains("warning: RBAC does not allow listing Service objects"), "{explained}");

    cluster
        .kubectl(&["patch", "clusterrole", &name, "--type=json", "--patch", r#"[{"op":"remove","path":"/rules"}]"#])
        .ok();
    let started = Instant::now();
    let refused = loop {
        let refused = run(kubeconfig, &["explain", &url]);
        if refused.code == 2 || started.elapsed() > Duration::from_secs(20) {
            break refused;
        }
    };
    assert_eq!(refused.code, 2, "{refused}");
    assert!(
        refused.stderr.starts_with("error: RBAC does not allow listing the Ingresses of all namespaces"),
        "{refused}"
    );

    let text = fs::read_to_string(kubeconfig).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config["users"][0]["user"]["token"] = json!("expired");
    let expired = cluster.supervisor().write("expired.kubeconfig", config.to_string());
    let unknown = run(&expired, &["explain", &url]);
    assert_eq!(unknown.code, 2, "{unknown}");
    assert!(unknown.stderr.contains("rejects the credentials of the kubeconfig (401)"), "{unknown}");
}
