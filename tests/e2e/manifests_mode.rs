//! `serve --manifests`: what somebody at a terminal sees, and what is stored afterwards.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{self, Output};
use crate::terminal::{self, Terminal};
use crate::webhook::Webhook;

const GUARD: &str = "profile: guard\n";

/// One nginx class, and a Service "web" with port 80.
fn world(namespace: &str) -> String {
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

/// What is wrong with an Ingress, if anything.
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

/// A rewrite that uses a group which the path does not have.
fn rewriting() -> Draft {
    let annotations = json!({"nginx.ingress.kubernetes.io/rewrite-target": "/$2"});
    Draft { path: "/api(.*)", path_type: "ImplementationSpecific", annotations, ..GOOD }
}

#[track_caller]
fn assert_said(output: &Output, code: i32, stdout: &str, stderr: &str) {
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (code, stdout, stderr));
}

/// All that kubectl prints when a new object is denied.
fn denial(namespace: &str, name: &str, said: &str) -> String {
    format!(
        "Error from server (Forbidden): error when creating \"STDIN\": admission webhook \
         \"validate.ingress-guard.io\" denied the request: {}\n",
        terminal::denial(&format!("{namespace}/{name}"), &[said])
    )
}

#[test]
fn what_would_serve_is_stored_without_a_word() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::start(&cluster, "good", &world("good"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "good" };
    assert_said(&terminal.apply(&GOOD.named("web")), 0, "ingress.networking.k8s.io/web created\n", "");
    terminal.assert_stored("web", true);
    let reviews = webhook.reviews();
    assert_eq!((reviews.len(), &reviews[0]["verdict"]), (1, &json!("allow")), "{reviews:?}");
}

#[test]
fn what_would_not_serve_is_denied_in_full_and_not_stored() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::start(&cluster, "bad", &world("bad"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "bad" };
    for (name, draft, said) in [
        (
            "service",
            NEAR_MISS,
            "spec.rules[0].http.paths[0].backend.service.name: service \"wbe\" does not exist in namespace \"bad\": \
             visitors get 503; did you mean \"web\"? [IG201 service-not-found]",
        ),
        (
            "port",
            Draft { port: 8080, ..GOOD },
            "spec.rules[0].http.paths[0].backend.service.port.number: service \"web\" has no port 8080: \
             visitors get 503; use its only port 80 (http) [IG202 service-port-not-found]",
        ),
        (
            "group",
            rewriting(),
            "metadata.annotations[nginx.ingress.kubernetes.io/rewrite-target]: $2 in \"/$2\" is empty, path \
             \"/api(.*)\" has 1 group: every request becomes \"/\"; use $1, or add the group to the path \
             [IG310 rewrite-capture-missing]",
        ),
    ] {
        let denied = terminal.apply(&draft.named(name));
        assert_said(&denied, 1, "", &denial("bad", name, said));
        terminal.assert_stored(name, false);
    }
}

#[test]
fn warnings_are_seen_on_one_line_and_the_object_is_stored() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::start(&cluster, "observed", &world("observed"), "profile: observe\n");
    let terminal = Terminal { cluster: &cluster, namespace: "observed" };
    for (name, draft, said) in [
        (
            "service",
            NEAR_MISS,
            "observed/service IG201 spec.rules[0].http.paths[0].backend.service.name: service \"wbe\" does not exist in namespace \
             \"observed\": visitors get 503; did you mean \"web\"?",
        ),
        // kube-apiserver drops a warning with a line break in it, in silence.
        (
            "line-break",
            Draft { path: "/api\n", ..GOOD },
            "observed/line-break IG315 spec.rules[0].http.paths[0].path: path \"/api\\n\" holds the control character '\\n': hardly any request \
             matches it, and it can break the controller's configuration; look for a YAML block after | or >",
        ),
    ] {
        let warned = terminal.apply(&draft.named(name));
        let created = format!("ingress.networking.k8s.io/{name} created\n");
        assert_said(&warned, 0, &created, &format!("Warning: {said}\n"));
        terminal.assert_stored(name, true);
    }
}

#[test]
fn a_dry_run_denies_only_what_no_other_object_can_mend() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::start(&cluster, "dry-run", &world("dry-run"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "dry-run" };
    let dry_run = |ingress: &str| terminal.run(&["apply", "--dry-run=server", "--filename=-"], ingress);
    let warned = dry_run(&NEAR_MISS.named("service"));
    let created = "ingress.networking.k8s.io/service created (server dry run)\n";
    let said = "Warning: dry-run/service IG201 spec.rules[0].http.paths[0].backend.service.name: service \"wbe\" does not exist in \
                namespace \"dry-run\": visitors get 503; did you mean \"web\"?\n";
    assert_said(&warned, 0, created, said);
    let denied = dry_run(&rewriting().named("group"));
    assert_eq!(denied.code, 1, "{denied}");
    assert!(denied.stderr.contains("[IG310 rewrite-capture-missing]"), "{denied}");
    terminal.assert_stored("service", false);
    terminal.assert_stored("group", false);
}

#[test]
fn what_was_stored_before_can_be_labelled_mended_and_deleted() {
    let Some(cluster) = cluster::shared() else { return };
    let mut webhook = Webhook::start(&cluster, "old", &world("old"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "old" };
    webhook.kill();
    assert_said(&terminal.apply(&NEAR_MISS.named("web")), 0, "ingress.networking.k8s.io/web created\n", "");
    webhook.run();

    // Not even asked: the match conditions of the registration see to that.
    let labelled = terminal.run(&["label", "ingress", "web", "team=shop"], "");
    assert_said(&labelled, 0, "ingress.networking.k8s.io/web labeled\n", "");
    assert!(webhook.reviews().is_empty(), "{:?}", webhook.reviews());

    // What was wrong before does not forbid a change of something else; more of it is forbidden.
    let patch = |path: &str| {
        let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
        let added = json!({"path": path, "pathType": "Prefix", "backend": backend});
        let patch = json!([{"op": "add", "path": "/spec/rules/0/http/paths/-", "value": added}]).to_string();
        terminal.run(&["patch", "ingress", "web", "--type=json", "--patch", &patch], "")
    };
    let said = "spec.rules[0].http.paths[0].backend.service.name: service \"wbe\" does not exist in namespace \"old\": \
                visitors get 503; did you mean \"web\"?";
    let patched = "ingress.networking.k8s.io/web patched\n";
    assert_said(&patch("/more"), 0, patched, &format!("Warning: old/web IG201 {said}\n"));
    let denied = patch("/more\n");
    assert_eq!(denied.code, 1, "{denied}");
    assert!(denied.stderr.contains("[IG315 path-control-character]"), "{denied}");

    let deleted = terminal.run(&["delete", "ingress", "web"], "");
    assert_said(&deleted, 0, "ingress.networking.k8s.io \"web\" deleted from old namespace\n", "");
    terminal.assert_stored("web", false);
}

#[test]
fn an_outage_stops_nobody_and_its_end_is_noticed_at_once() {
    let Some(cluster) = cluster::shared() else { return };
    let mut webhook = Webhook::start(&cluster, "outage", &world("outage"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "outage" };
    assert_eq!(terminal.apply(&NEAR_MISS.named("before")).code, 1);
    webhook.kill();
    assert_said(&terminal.apply(&NEAR_MISS.named("meanwhile")), 0, "ingress.networking.k8s.io/meanwhile created\n", "");
    webhook.run();
    assert_eq!(terminal.apply(&NEAR_MISS.named("after")).code, 1);
    for (name, stored) in [("before", false), ("meanwhile", true), ("after", false)] {
        terminal.assert_stored(name, stored);
    }
}

#[test]
fn a_namespace_ends_while_the_webhook_is_down() {
    let Some(cluster) = cluster::shared() else { return };
    if !cluster.needs_controllers("a_namespace_ends_while_the_webhook_is_down") {
        return;
    }
    let mut webhook = Webhook::start(&cluster, "ending", &world("ending"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "ending" };
    terminal.apply(&GOOD.named("web")).ok();
    webhook.kill();
    cluster.kubectl(&["delete", "namespace", "ending", "--timeout=60s"]).ok();
    let gone = cluster.kubectl(&["get", "namespace", "ending"]);
    assert_said(&gone, 1, "", "Error from server (NotFound): namespaces \"ending\" not found\n");
}

#[test]
fn the_default_class_is_filled_in_before_anything_is_judged() {
    let Some(cluster) = cluster::shared() else { return };
    let class = r#"{"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx",
        "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        "spec": {"controller": "k8s.io/ingress-nginx"}}"#;
    cluster.kubectl_with_stdin(&["create", "--filename=-"], class).ok();
    let _webhook = Webhook::start(&cluster, "classless", &world("classless"), GUARD);
    let terminal = Terminal { cluster: &cluster, namespace: "classless" };
    let applied = terminal.apply(&Draft { class: None, ..GOOD }.named("good"));
    assert_said(&applied, 0, "ingress.networking.k8s.io/good created\n", "");
    // Without a class nobody would take it, and then it would only warn.
    let denied = terminal.apply(&Draft { class: None, ..NEAR_MISS }.named("bad"));
    assert_eq!(denied.code, 1, "{denied}");
    assert!(denied.stderr.contains("[IG201 service-not-found]"), "{denied}");
    let stored = terminal.run(&["get", "ingress", "good", "--output=jsonpath={.spec.ingressClassName}"], "");
    assert_eq!(stored.ok(), "nginx");
    terminal.assert_stored("bad", false);
}

#[test]
fn somebody_with_few_rights_gets_the_same_answer() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::start(&cluster, "rights", &world("rights"), GUARD);
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
    let said = "spec.rules[0].http.paths[0].backend.service.name: service \"wbe\" does not exist in namespace \
                \"rights\": visitors get 503; did you mean \"web\"? [IG201 service-not-found]";
    assert_said(&denied, 1, "", &denial("rights", "web", said));
    assert_eq!(webhook.reviews()[0]["user"], "system:serviceaccount:rights:dev");
}
