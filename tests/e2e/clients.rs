//! Clients other than kubectl: those that print only the message of an error, those that dry-run first, and those that
//! treat warnings as errors.

use serde_json::{Value, json};

use crate::cluster::{self, Cluster};
use crate::objects::{class, ingress, list, path, rewriting, service};
use crate::terminal::{Terminal, denial_until};
use crate::webhook::Webhook;

/// The message, cut at the API server's limit.
const WARNING_LENGTH: usize = 256;

/// Sends the request of client-go and returns the fields of its error.
fn status_of(cluster: &Cluster, method: &str, path: &str, media: &str, object: &Value) -> Value {
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{path}");
    let (code, status) = cluster.api().send(method, &path, media, &object.to_string()).unwrap();
    assert_eq!((code, &status["kind"], &status["status"]), (403, &json!("Status"), &json!("Failure")), "{status}");
    assert_eq!((&status["code"], &status["reason"]), (&json!(403), &json!("Forbidden")), "{status}");
    status
}

/// Helm, Argo CD and Flux print only `status.message`.
#[test]
fn the_denial_message_is_complete() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-message", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-message" };
    terminal.stores(&[class("message"), service("web", &[80])]);
    let mut bad = rewriting(ingress("shop", "message", "wbe", 80));
    bad["spec"]["rules"][0]["http"]["paths"].as_array_mut().unwrap().push(path("/cart", "web", 8080));
    let findings = [
        "spec.rules[0].http.paths[0].backend.service.name: Service \"wbe\" does not exist in namespace \"live-message\": \
         requests return 503; did you mean \"web\"? [IG201 service-not-found]",
        "spec.rules[0].http.paths[1].backend.service.port.number: Service \"web\" has no port 8080: requests return 503; use \
         its only port 80 (p80) [IG202 service-port-not-found]",
        "metadata.annotations[nginx.ingress.kubernetes.io/rewrite-target]: \"/$2\" uses capture group 2, path \
         \"/api(.*)\" has 1 group: every request is rewritten to \"/\"; use path \"/api(/|$)(.*)\" [IG310 rewrite-capture-missing]",
    ];
    let denied = |findings: &[&str], absent: &str| {
        let denial = denial_until("live-message/shop", findings, absent);
        format!("admission webhook \"validate.ingress-guard.io\" denied the request: {denial}")
    };
    let message = denied(&findings, "");

    // Helm 3 creates.
    let created = status_of(&cluster, "POST", "live-message/ingresses", "application/json", &bad);
    assert_eq!(created["message"], message);
    let fields: Vec<&Value> = created["details"]["causes"].as_array().unwrap().iter().map(|c| &c["field"]).collect();
    assert_eq!(fields.len(), 3, "a field for each fault: {created}");
    // Helm 4, Argo CD and Flux use server-side apply.
    let applied = status_of(
        &cluster,
        "PATCH",
        "live-message/ingresses/shop?fieldManager=argocd-controller&force=true",
        "application/apply-patch+yaml",
        &bad,
    );
    assert_eq!(applied["message"], message);
    // The same for an update: Helm 3 patches.
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
        denied(
            &["spec.ingressClassName: IngressClass \"massage\" does not exist: no controller handles this Ingress, \
             requests return 404; did you mean \"message\"? [IG101 class-not-found]"],
            "IngressClass massage"
        )
    );
}

#[test]
fn warnings_fit_the_api_servers_limit() {
    const NAMESPACE: &str = "live-warnings-in-a-namespace-with-a-name-as-long-as-one-can-be";
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, NAMESPACE, "profile: observe\n");
    let terminal = Terminal { cluster: &cluster, namespace: NAMESPACE };
    terminal.stores(&[class("warnings"), service("web", &[80])]);
    // Long names, long paths with a line break in them, and more of both than a message lists.
    let paths = (0..12).map(|n| match n {
        0..4 => path(&format!("/{n}"), &format!("{}{n}", "web".repeat(20)), 80),
        _ => path(&format!("/{n}\n{}", "long-".repeat(60)), "web", 80),
    });
    let mut wrong = ingress("wrong", "warnings", "web", 80);
    wrong["spec"]["rules"][0]["http"]["paths"] = paths.collect();
    let output = terminal.apply(&wrong.to_string());
    assert_eq!((output.code, output.stdout.as_str()), (0, "ingress.networking.k8s.io/wrong created\n"), "{output}");
    let warnings: Vec<&str> = output.stderr.lines().map(|line| line.strip_prefix("Warning: ").unwrap()).collect();
    assert_eq!(
        (warnings.len(), warnings[8]),
        (9, format!("{NAMESPACE}/wrong and 4 more findings").as_str()),
        "{output}"
    );
    for warning in &warnings {
        assert!(warning.chars().count() <= WARNING_LENGTH, "{} characters: {warning}", warning.chars().count());
    }
    assert!(warnings[0].contains(" IG201 ") && warnings[0].ends_with('…'), "{output}");
    assert_eq!(warnings[0].chars().count(), WARNING_LENGTH, "{output}");
    assert!(warnings[7].contains(" IG315 ") && warnings[7].contains("path \"/7\\nlong-"), "{output}");
}

#[test]
fn kubectl_can_treat_warnings_as_errors() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-strict", "profile: observe\n");
    let terminal = Terminal { cluster: &cluster, namespace: "live-strict" };
    terminal.stores(&[class("strict"), service("web", &[80])]);
    let bad = ingress("bad", "strict", "wbe", 80).to_string();
    let expected = "Warning: live-strict/bad IG201 spec.rules[0].http.paths[0].backend.service.name: Service \"wbe\" does not exist in \
                namespace \"live-strict\": requests return 503; did you mean \"web\"?\nerror: 1 warning received\n";
    let dry = terminal.run(&["apply", "--warnings-as-errors", "--dry-run=server", "--filename=-"], &bad);
    assert_eq!((dry.code, dry.stderr.as_str()), (1, expected), "{dry}");
    terminal.assert_stored("bad", false);
    // kubectl prints these warnings after its results.
    let stored = terminal.run(&["apply", "--warnings-as-errors", "--filename=-"], &bad);
    assert_eq!((stored.code, stored.stderr.as_str()), (1, expected), "{stored}");
    terminal.assert_stored("bad", true);
    let good = ingress("good", "strict", "web", 80).to_string();
    let silent = terminal.run(&["apply", "--warnings-as-errors", "--filename=-"], &good);
    assert_eq!((silent.code, silent.stderr.as_str()), (0, ""), "{silent}");
}

#[test]
fn kubectl_force_keeps_the_stored_object() {
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
fn dry_run_and_diff_deny_only_problems_of_the_object_itself() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-dry", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-dry" };
    terminal.stores(&[class("dry")]);
    let batch = list(&[service("new", &[80]), ingress("web", "dry", "new", 80)]);
    let own = list(&[rewriting(ingress("own", "dry", "new", 80))]);
    // diff exits with 1 if there is a difference.
    for (arguments, differs, denied) in [
        (&["apply", "--dry-run=server", "--filename=-"][..], 0, 1),
        (&["apply", "--server-side", "--dry-run=server", "--filename=-"], 0, 1),
        (&["diff", "--filename=-"], 1, 2),
        (&["diff", "--server-side", "--filename=-"], 1, 2),
    ] {
        let output = terminal.run(arguments, &batch);
        assert_eq!(output.code, differs, "{arguments:?}: {output}");
        let warned = "Warning: live-dry/web IG201 spec.rules[0].http.paths[0].backend.service.name: Service \"new\" does not exist";
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
