//! `serve --manifests`: what kubectl prints, and what is stored afterwards.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{self, Output};
use crate::terminal::{self, Terminal};
use crate::webhook::Webhook;

const GUARD: &str = "profile: guard\n";

/// An IngressClass of ingress-nginx, and a Service "web" with port 80.
fn manifests(namespace: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: nginx}}
spec: {{controller: k8s.io/ingress-nginx}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {namespace}}}
spec: {{ports: [{{name: http, port: 80}}]}}
"
    )
}

/// The problem of an Ingress, if it has one.
struct Draft {
    class: Option<&'static str>,
    path: &'static str,
    path_type: &'static str,
    service: &'static str,
    port: u16,
    annotations: Value,
}

const GOOD: Draft =
    Draft { class: Some("nginx"), path: "/", path_type: "Prefix", service: "web", port: 80, annotations: Value::Null };
const NEAR_MISS: Draft = Draft { service: "wbe", ..GOOD };

impl Draft {
    fn named(&self, name: &str) -> String {
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name, "annotations": self.annotations},
            "spec": {
                "ingressClassName": self.class,
                "rules": [{"host": "app.example.com", "http": {"paths": [{
                    "path": self.path,
                    "pathType": self.path_type,
                    "backend": {"service": {"name": self.service, "port": {"number": self.port}}},
                }]}}],
            },
        })
        .to_string()
    }
}

/// A rewrite target with a capture group that the path does not have.
fn rewriting() -> Draft {
    let annotations = json!({"nginx.ingress.kubernetes.io/rewrite-target": "/$2"});
    Draft { path: "/api(.*)", path_type: "ImplementationSpecific", annotations, ..GOOD }
}

#[track_caller]
fn assert_output(output: &Output, code: i32, stdout: &str, stderr: &str) {
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (code, stdout, stderr));
}

/// Asserts everything that kubectl prints when a new object is denied.
fn denial(namespace: &str, name: &str, message: &str) -> String {
    format!(
        "Error from server (Forbidden): error when creating \"STDIN\": admission webhook \
         \"validate.ingress-guard.io\" denied the request: {}\n",
        terminal::denial(&format!("{namespace}/{name}"), &[message])
    )
}

#[test]
fn a_valid_ingress_is_stored_without_warnings() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::start(&cluster, "good", &manifests("good"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "good" };
    assert_output(&terminal.apply(&GOOD.named("web")), 0, "ingress.networking.k8s.io/web created\n", "");
    terminal.assert_stored("web", true);
    let reviews = webhook.reviews();
    assert_eq!((reviews.len(), &reviews[0]["verdict"]), (1, &json!("allow")), "{reviews:?}");
}

#[test]
fn a_broken_ingress_is_denied_with_all_findings_and_not_stored() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::start(&cluster, "bad", &manifests("bad"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "bad" };
    for (name, draft, message) in [
        (
            "service",
            NEAR_MISS,
            "spec.rules[0].http.paths[0].backend.service.name: Service \"wbe\" does not exist in namespace \"bad\": \
             requests return 503; did you mean \"web\"? [IG201 service-not-found]",
        ),
        (
            "port",
            Draft { port: 8080, ..GOOD },
            "spec.rules[0].http.paths[0].backend.service.port.number: Service \"web\" has no port 8080: \
             requests return 503; use its only port 80 (http) [IG202 service-port-not-found]",
        ),
        (
            "group",
            rewriting(),
            "metadata.annotations[nginx.ingress.kubernetes.io/rewrite-target]: \"/$2\" uses capture group 2, path \
             \"/api(.*)\" has 1 group: every request is rewritten to \"/\"; use path \"/api(/|$)(.*)\" \
             [IG310 rewrite-capture-missing]",
        ),
    ] {
        let denied = terminal.apply(&draft.named(name));
        assert_output(&denied, 1, "", &denial("bad", name, message));
        terminal.assert_stored(name, false);
    }
}

#[test]
fn warnings_take_one_line_and_the_object_is_stored() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::start(&cluster, "observed", &manifests("observed"), "profile: observe\n");
    let terminal = Terminal { cluster: &cluster, namespace: "observed" };
    for (name, draft, message) in [
        (
            "service",
            NEAR_MISS,
            "observed/service IG201 spec.rules[0].http.paths[0].backend.service.name: Service \"wbe\" does not exist in namespace \
             \"observed\": requests return 503; did you mean \"web\"?",
        ),
        // kube-apiserver drops a warning that contains a line break, without an error.
        (
            "line-break",
            Draft { path: "/api\n", ..GOOD },
            "observed/line-break IG315 spec.rules[0].http.paths[0].path: path \"/api\\n\" contains the control character '\\n': requests do \
             not match it, and it can break the configuration of the controller; check the YAML for a block after | or >",
        ),
    ] {
        let warned = terminal.apply(&draft.named(name));
        let created = format!("ingress.networking.k8s.io/{name} created\n");
        assert_output(&warned, 0, &created, &format!("Warning: {message}\n"));
        terminal.assert_stored(name, true);
    }
}

#[test]
fn a_dry_run_denies_only_problems_of_the_ingress_itself() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::start(&cluster, "dry-run", &manifests("dry-run"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "dry-run" };
    let dry_run = |ingress: &str| terminal.run(&["apply", "--dry-run=server", "--filename=-"], ingress);
    let warned = dry_run(&NEAR_MISS.named("service"));
    let created = "ingress.networking.k8s.io/service created (server dry run)\n";
    let message = "Warning: dry-run/service IG201 spec.rules[0].http.paths[0].backend.service.name: Service \"wbe\" does not exist in \
                namespace \"dry-run\": requests return 503; did you mean \"web\"?\n";
    assert_output(&warned, 0, created, message);
    let denied = dry_run(&rewriting().named("group"));
    assert_eq!(denied.code, 1, "{denied}");
    assert!(denied.stderr.contains("[IG310 rewrite-capture-missing]"), "{denied}");
    terminal.assert_stored("service", false);
    terminal.assert_stored("group", false);
}

#[test]
fn stored_broken_ingresses_can_be_labelled_fixed_and_deleted() {
    let Some(cluster) = cluster::shared() else { return };
    let mut webhook = Webhook::start(&cluster, "old", &manifests("old"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "old" };
    webhook.kill();
    assert_output(&terminal.apply(&NEAR_MISS.named("web")), 0, "ingress.networking.k8s.io/web created\n", "");
    webhook.run();

    // The match conditions of the registration skip the review.
    let labelled = terminal.run(&["label", "ingress", "web", "team=shop"], "");
    assert_output(&labelled, 0, "ingress.networking.k8s.io/web labeled\n", "");
    assert!(webhook.reviews().is_empty(), "{:?}", webhook.reviews());

    // A pre-existing problem does not prevent an unrelated change; another problem is denied.
    let patch = |path: &str| {
        let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
        let added = json!({"path": path, "pathType": "Prefix", "backend": backend});
        let patch = json!([{"op": "add", "path": "/spec/rules/0/http/paths/-", "value": added}]).to_string();
        terminal.run(&["patch", "ingress", "web", "--type=json", "--patch", &patch], "")
    };
    let message = "spec.rules[0].http.paths[0].backend.service.name: Service \"wbe\" does not exist in namespace \"old\": \
                requests return 503; did you mean \"web\"?";
    let patched = "ingress.networking.k8s.io/web patched\n";
    assert_output(&patch("/more"), 0, patched, &format!("Warning: old/web IG201 {message}\n"));
    let denied = patch("/more\n");
    assert_eq!(denied.code, 1, "{denied}");
    assert!(denied.stderr.contains("[IG315 path-control-character]"), "{denied}");

    let deleted = terminal.run(&["delete", "ingress", "web"], "");
    assert_output(&deleted, 0, "ingress.networking.k8s.io \"web\" deleted from old namespace\n", "");
    terminal.assert_stored("web", false);
}

#[test]
fn an_outage_blocks_no_write_and_recovery_is_immediate() {
    let Some(cluster) = cluster::shared() else { return };
    let mut webhook = Webhook::start(&cluster, "outage", &manifests("outage"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "outage" };
    assert_eq!(terminal.apply(&NEAR_MISS.named("before")).code, 1);
    webhook.kill();
    assert_output(
        &terminal.apply(&NEAR_MISS.named("meanwhile")),
        0,
        "ingress.networking.k8s.io/meanwhile created\n",
        "",
    );
    webhook.run();
    assert_eq!(terminal.apply(&NEAR_MISS.named("after")).code, 1);
    for (name, stored) in [("before", false), ("meanwhile", true), ("after", false)] {
        terminal.assert_stored(name, stored);
    }
}

#[test]
fn a_namespace_terminates_while_the_webhook_is_down() {
    let Some(cluster) = cluster::shared() else { return };
    if !cluster.needs_controllers("a_namespace_terminates_while_the_webhook_is_down") {
        return;
    }
    let mut webhook = Webhook::start(&cluster, "ending", &manifests("ending"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "ending" };
    terminal.apply(&GOOD.named("web")).ok();
    webhook.kill();
    cluster.kubectl(&["delete", "namespace", "ending", "--timeout=60s"]).ok();
    let deleted = cluster.kubectl(&["get", "namespace", "ending"]);
    assert_output(&deleted, 1, "", "Error from server (NotFound): namespaces \"ending\" not found\n");
}

#[test]
fn the_default_class_is_filled_in_before_the_review() {
    let Some(cluster) = cluster::shared() else { return };
    let class = r#"{"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx",
        "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        "spec": {"controller": "k8s.io/ingress-nginx"}}"#;
    cluster.kubectl_with_stdin(&["create", "--filename=-"], class).ok();
    let _webhook = Webhook::start(&cluster, "classless", &manifests("classless"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "classless" };
    let applied = terminal.apply(&Draft { class: None, ..GOOD }.named("good"));
    assert_output(&applied, 0, "ingress.networking.k8s.io/good created\n", "");
    // Without a class no controller would handle it, and the finding would only warn.
    let denied = terminal.apply(&Draft { class: None, ..NEAR_MISS }.named("bad"));
    assert_eq!(denied.code, 1, "{denied}");
    assert!(denied.stderr.contains("[IG201 service-not-found]"), "{denied}");
    let stored = terminal.run(&["get", "ingress", "good", "--output=jsonpath={.spec.ingressClassName}"], "");
    assert_eq!(stored.ok(), "nginx");
    terminal.assert_stored("bad", false);
}

#[test]
fn a_user_with_few_rights_gets_the_same_answer() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::start(&cluster, "rights", &manifests("rights"), GUARD);
    cluster.kubectl(&["create", "serviceaccount", "dev", "--namespace=rights"]).ok();
    let role =
        ["create", "role", "dev", "--verb=create", "--resource=ingresses.networking.k8s.io", "--namespace=rights"];
    cluster.kubectl(&role).ok();
    let binding = ["create", "rolebinding", "dev", "--role=dev", "--serviceaccount=rights:dev"];
    cluster.kubectl(&[&binding[..], &["--namespace=rights"]].concat()).ok();
    let dev = cluster.kubeconfig_for_service_account("rights", "dev");
    let create = ["create", "--filename=-"];
    cluster.wait("kube-apiserver", Duration::from_secs(10), || {
        cluster.kubectl_as(&dev, &["auth", "can-i", "create", "ingresses"], "").code == 0
    });
    let denied = cluster.kubectl_as(&dev, &create, &NEAR_MISS.named("web"));
    let message = "spec.rules[0].http.paths[0].backend.service.name: Service \"wbe\" does not exist in namespace \
                \"rights\": requests return 503; did you mean \"web\"? [IG201 service-not-found]";
    assert_output(&denied, 1, "", &denial("rights", "web", message));
    assert_eq!(webhook.reviews()[0]["user"], "system:serviceaccount:rights:dev");
}
