//! What clients other than a person at kubectl make of the answers: those that print the message and nothing else, those
//! that dry-run first, and those that take warnings for errors.

use serde_json::{Value, json};

use crate::cluster::{self, Cluster};
use crate::objects::{class, ingress, list, path, rewriting, service};
use crate::terminal::{Terminal, denial};
use crate::webhook::Webhook;

/// Cut where the API server would cut it.
const WARNING_LENGTH: usize = 256;

/// Asks as client-go does, and takes what a client-go error carries.
fn status_of(cluster: &Cluster, method: &str, path: &str, media: &str, object: &Value) -> Value {
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{path}");
    let (code, status) = cluster.api().send(method, &path, media, &object.to_string()).unwrap();
    assert_eq!((code, &status["kind"], &status["status"]), (403, &json!("Status"), &json!("Failure")), "{status}");
    assert_eq!((&status["code"], &status["reason"]), (&json!(403), &json!("Forbidden")), "{status}");
    status
}

/// Helm, Argo CD and Flux show `status.message` and nothing else.
#[test]
fn the_message_alone_says_everything() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-message", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-message" };
    terminal.stores(&[class("message"), service("web", &[80])]);
    let mut bad = rewriting(ingress("shop", "message", "wbe", 80));
    bad["spec"]["rules"][0]["http"]["paths"].as_array_mut().unwrap().push(path("/cart", "web", 8080));
    let findings = [
        "spec.rules[0].http.paths[0].backend.service.name: service \"wbe\" does not exist in namespace \"live-message\": \
        visitors get 503; did you mean \"web\"? [IG201 service-not-found]",
        "spec.rules[0].http.paths[1].backend.service.port.number: service \"web\" has no port 8080: visitors get 503; use \
        its only port 80 (p80) [IG202 service-port-not-found]",
        "metadata.annotations[nginx.ingress.kubernetes.io/rewrite-target]: $2 in \"/$2\" is empty, path \"/api(.*)\" has 1 \
        group: every request becomes \"/\"; use $1, or add the group to the path [IG310 rewrite-capture-missing]",
    ];
    let denied = |findings: &[&str]| {
        let denial = denial("live-message/shop", findings);
        format!("admission webhook \"validate.ingress-guard.io\" denied the request: {denial}")
    };
    let message = denied(&findings);

    // Helm 3 creates.
    let created = status_of(&cluster, "POST", "live-message/ingresses", "application/json", &bad);
    assert_eq!(created["message"], message);
    let fields: Vec<&Value> = created["details"]["causes"].as_array().unwrap().iter().map(|c| &c["field"]).collect();
    assert_eq!(fields.len(), 3, "a field for each fault: {created}");
    // Helm 4, Argo CD and Flux apply on the server's side.
    let applied = status_of(
        &cluster,
        "PATCH",
        "live-message/ingresses/shop?fieldManager=argocd-controller&force=true",
        "application/apply-patch+yaml",
        &bad,
    );
    assert_eq!(applied["message"], message);
    // And when there is something to change: Helm 3 patches.
    terminal.stores(&[ingress("shop", "message", "web", 80)]);
    let patched = status_of(
        &cluster,
        "PATCH",
        "live-message/ingresses/shop",
        "application/strategic-merge-patch+json",
        &json!({"spec": {"ingressClassName": "massage"}}),
    );
    assert_eq!(
        patched["message"],
        denied(&[
            "spec.ingressClassName: IngressClass \"massage\" does not exist: nobody serves this Ingress, and visitors get \
         404; did you mean \"message\"? [IG101 class-not-found]"
        ])
    );
}

#[test]
fn no_warning_is_longer_than_the_api_server_lets_through() {
    const NAMESPACE: &str = "live-warnings-in-a-namespace-with-a-name-as-long-as-one-can-be";
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, NAMESPACE, "profile: observe\n");
    let terminal = Terminal { cluster: &cluster, namespace: NAMESPACE };
    terminal.stores(&[class("warnings"), service("web", &[80])]);
    // Long names, long paths with a line break in them, and more of both than are told.
    let paths = (0..12).map(|n| match n {
        0..4 => path(&format!("/{n}"), &format!("{}{n}", "web".repeat(20)), 80),
        _ => path(&format!("/{n}\n{}", "long-".repeat(60)), "web", 80),
    });
    let mut wrong = ingress("wrong", "warnings", "web", 80);
    wrong["spec"]["rules"][0]["http"]["paths"] = paths.collect();
    let output = terminal.apply(&wrong.to_string());
    assert_eq!((output.code, output.stdout.as_str()), (0, "ingress.networking.k8s.io/wrong created\n"), "{output}");
    let said: Vec<&str> = output.stderr.lines().map(|line| line.strip_prefix("Warning: ").unwrap()).collect();
    assert_eq!((said.len(), said[8]), (9, format!("{NAMESPACE}/wrong and 4 more findings").as_str()), "{output}");
    for warning in &said {
        assert!(warning.chars().count() <= WARNING_LENGTH, "{} characters: {warning}", warning.chars().count());
    }
    assert!(said[0].contains(" IG201 ") && said[0].ends_with('…'), "{output}");
    assert_eq!(said[0].chars().count(), WARNING_LENGTH, "{output}");
    assert!(said[7].contains(" IG315 ") && said[7].contains("path \"/7\\nlong-"), "{output}");
}

#[test]
fn warnings_can_be_taken_for_errors_after_the_fact_or_before() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-strict", "profile: observe\n");
    let terminal = Terminal { cluster: &cluster, namespace: "live-strict" };
    terminal.stores(&[class("strict"), service("web", &[80])]);
    let bad = ingress("bad", "strict", "wbe", 80).to_string();
    let said = "Warning: live-strict/bad IG201 spec.rules[0].http.paths[0].backend.service.name: service \"wbe\" does not exist in \
                namespace \"live-strict\": visitors get 503; did you mean \"web\"?\nerror: 1 warning received\n";
    let dry = terminal.run(&["apply", "--warnings-as-errors", "--dry-run=server", "--filename=-"], &bad);
    assert_eq!((dry.code, dry.stderr.as_str()), (1, said), "{dry}");
    terminal.assert_stored("bad", false);
    // kubectl hears of them when it is done.
    let stored = terminal.run(&["apply", "--warnings-as-errors", "--filename=-"], &bad);
    assert_eq!((stored.code, stored.stderr.as_str()), (1, said), "{stored}");
    terminal.assert_stored("bad", true);
    let good = ingress("good", "strict", "web", 80).to_string();
    let silent = terminal.run(&["apply", "--warnings-as-errors", "--filename=-"], &good);
    assert_eq!((silent.code, silent.stderr.as_str()), (0, ""), "{silent}");
}

#[test]
fn force_leaves_the_stored_object_in_place() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-force", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-force" };
    terminal.stores(&[class("force"), service("web", &[80]), ingress("web", "force", "web", 80)]);
    let what = "--output=jsonpath={.metadata.uid} {.spec.rules[0].http.paths[0].backend.service.name}";
    let stored = || terminal.run(&["get", "ingress", "web", what], "").ok();
    let before = stored();
    assert!(before.ends_with(" web"), "{before}");
    let bad = list(&[ingress("web", "force", "wbe", 80)]);
    for arguments in [
        &["apply", "--force", "--filename=-"][..],
        &["apply", "--server-side", "--force-conflicts", "--field-manager=flux", "--filename=-"],
        &["replace", "--filename=-"],
    ] {
        let output = terminal.run(arguments, &bad);
        assert_eq!(output.code, 1, "{arguments:?}: {output}");
        assert!(output.stderr.contains("[IG201 service-not-found]"), "{output}");
        assert_eq!(stored(), before, "{arguments:?}");
    }
}

#[test]
fn a_dry_run_and_a_diff_deny_only_what_is_the_objects_own() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-dry", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-dry" };
    terminal.stores(&[class("dry")]);
    let batch = list(&[service("new", &[80]), ingress("web", "dry", "new", 80)]);
    let own = list(&[rewriting(ingress("own", "dry", "new", 80))]);
    // 1 is diff's word for a difference.
    for (arguments, differs, denied) in [
        (&["apply", "--dry-run=server", "--filename=-"][..], 0, 1),
        (&["apply", "--server-side", "--dry-run=server", "--filename=-"], 0, 1),
        (&["diff", "--filename=-"], 1, 2),
        (&["diff", "--server-side", "--filename=-"], 1, 2),
    ] {
        let output = terminal.run(arguments, &batch);
        assert_eq!(output.code, differs, "{arguments:?}: {output}");
        let warned = "Warning: live-dry/web IG201 spec.rules[0].http.paths[0].backend.service.name: service \"new\" does not exist";
        assert!(output.stderr.starts_with(warned), "{arguments:?}: {output}");
        let output = terminal.run(arguments, &own);
        assert_eq!(output.code, denied, "{arguments:?}: {output}");
        assert!(output.stderr.contains("denied the request: Ingress live-dry/own is denied: 1 finding\n"), "{output}");
        assert!(output.stderr.contains("[IG310 rewrite-capture-missing]"), "{arguments:?}: {output}");
        assert!(!output.stderr.contains("[IG201 "), "{arguments:?}: {output}");
    }
    for name in ["web", "own"] {
        terminal.assert_stored(name, false);
    }
}
