//! `serve` over a cluster that it watches, under its own account: what a live cluster does must never make it accuse
//! falsely.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster;
use crate::terminal::Terminal;
use crate::webhook::{Webhook, role};

impl Terminal<'_> {
    /// Stored without a word.
    #[track_caller]
    fn stores(&self, objects: &[Value]) {
        let output = self.apply(&list(objects));
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    }

    /// Refused with these words, and not stored.
    #[track_caller]
    fn refuses(&self, object: &Value, words: &[&str]) {
        let output = self.apply(&list(std::slice::from_ref(object)));
        assert_eq!(output.code, 1, "{output}");
        assert!(output.stderr.contains("Error from server (Forbidden)"), "{output}");
        for word in words {
            assert!(output.stderr.contains(word), "{word} is not in {output}");
        }
    }

    /// Stored with a warning of this code.
    #[track_caller]
    fn warns(&self, object: &Value, code: &str) {
        let output = self.apply(&list(std::slice::from_ref(object)));
        assert_eq!(output.code, 0, "{output}");
        assert!(output.stderr.contains(&format!("Warning: {code} ")), "{output}");
    }
}

fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

fn class(name: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
           "spec": {"controller": "k8s.io/ingress-nginx"}})
}

fn service(name: &str, ports: &[u16]) -> Value {
    let ports: Vec<Value> = ports.iter().map(|port| json!({"name": format!("p{port}"), "port": port})).collect();
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports}})
}

fn ingress(name: &str, class: &str, service: &str, port: u16) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": {
        "ingressClassName": class,
        "rules": [{"host": format!("{name}.example.com"), "http": {"paths": [{"path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": port}}}}]}}],
    }})
}

#[test]
fn what_is_missing_in_the_cluster_is_denied() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-denied", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-denied" };
    terminal.stores(&[class("denied"), service("web", &[80])]);
    terminal.stores(&[ingress("good", "denied", "web", 80)]);
    terminal.refuses(
        &ingress("a", "denied", "wbe", 80),
        &["service \"wbe\" does not exist", "did you mean \"web\"?", "[IG201"],
    );
    terminal.refuses(
        &ingress("b", "denied", "web", 81),
        &["service \"web\" has no port 81", "use its only port 80", "[IG202"],
    );
    terminal.refuses(
        &ingress("c", "dneied", "web", 80),
        &["IngressClass \"dneied\" does not exist", "did you mean \"denied\"?"],
    );
    let stored = terminal.run(&["get", "ingresses", "--output=name"], "").ok();
    assert_eq!(stored, "ingress.networking.k8s.io/good\n");
}

#[test]
fn a_service_and_its_ingress_in_one_file_are_accepted_however_often() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-together", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-together" };
    terminal.stores(&[class("together")]);
    for n in 0..50 {
        let name = format!("web-{n}");
        terminal.stores(&[service(&name, &[80]), ingress(&name, "together", &name, 80)]);
    }
}

#[test]
fn a_port_that_a_service_has_just_gained_is_there() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-ports", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-ports" };
    terminal.stores(&[class("ports"), service("web", &[80])]);
    for n in 0..50 {
        let port = 8000 + n;
        terminal.stores(&[service("web", &[80, port]), ingress("web", "ports", "web", port)]);
    }
}

#[test]
fn without_the_right_to_look_nothing_is_denied_and_with_it_everything_again() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "live-rights", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-rights" };
    terminal.stores(&[class("rights"), service("web", &[80])]);
    let bad = ingress("bad", "rights", "wbe", 80);
    terminal.refuses(&bad, &["[IG201"]);

    let mut without = role();
    without["metadata"] = json!({"name": "ingress-guard-live-rights"});
    let with = without.clone();
    for rule in without["rules"].as_array_mut().unwrap() {
        rule["resources"].as_array_mut().unwrap().retain(|resource| resource != "services");
    }
    without["rules"].as_array_mut().unwrap().retain(|rule| rule["resources"] != json!([]));
    cluster.kubectl_with_stdin(&["replace", "--filename=-"], &without.to_string()).ok();
    // The watch goes on to its end, but no denial can be confirmed; kube-apiserver learns of the rights a moment later.
    let started = Instant::now();
    while terminal.apply(&list(std::slice::from_ref(&bad))).code != 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "still denied without the right to look");
    }
    let stored = terminal.run(&["get", "ingress", "bad", "--output=name"], "").ok();
    assert!(stored.contains("bad"));
    terminal.run(&["delete", "ingress", "bad"], "").ok();

    cluster.kubectl_with_stdin(&["replace", "--filename=-"], &with.to_string()).ok();
    let started = Instant::now();
    while terminal.apply(&list(std::slice::from_ref(&bad))).code == 0 {
        terminal.run(&["delete", "ingress", "bad"], "").ok();
        assert!(started.elapsed() < Duration::from_secs(20), "not denied again");
    }
    assert!(webhook.readiness().contains("ready"), "{}", webhook.readiness());
}

#[test]
fn force_leaves_the_stored_object_in_place() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-force", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-force" };
    terminal.stores(&[class("force"), service("web", &[80]), ingress("web", "force", "web", 80)]);
    let uid = || {
        terminal
            .run(
                &[
                    "get",
                    "ingress",
                    "web",
                    "--output=jsonpath={.metadata.uid} {.spec.rules[0].http.paths[0].backend.service.name}",
                ],
                "",
            )
            .ok()
    };
    let before = uid();
    let bad = list(&[ingress("web", "force", "wbe", 80)]);
    for arguments in [
        &["apply", "--force", "--filename=-"][..],
        &["apply", "--server-side", "--force-conflicts", "--field-manager=flux", "--filename=-"],
        &["replace", "--filename=-"],
    ] {
        let output = terminal.run(arguments, &bad);
        assert_eq!(output.code, 1, "{arguments:?}: {output}");
        assert!(output.stderr.contains("[IG201 service-not-found]"), "{output}");
        assert_eq!(uid(), before, "{arguments:?}");
    }
}

#[test]
fn a_dry_run_and_a_diff_deny_only_what_is_the_objects_own() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-dry", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-dry" };
    terminal.stores(&[class("dry")]);
    let batch = list(&[service("new", &[80]), ingress("web", "dry", "new", 80)]);
    let output = terminal.run(&["apply", "--dry-run=server", "--filename=-"], &batch);
    assert_eq!(output.code, 0, "{output}");
    assert!(output.stderr.contains("Warning: IG201 "), "{output}");
    let output = terminal.run(&["diff", "--filename=-"], &batch);
    assert_eq!(output.code, 1, "1 is kubectl's word for a difference: {output}");
    let output = terminal.run(&["apply", "--server-side", "--dry-run=server", "--filename=-"], &batch);
    assert_eq!(output.code, 0, "{output}");

    let mut own = ingress("own", "dry", "new", 80);
    own["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/rewrite-target": "/$2"});
    own["spec"]["rules"][0]["http"]["paths"][0]["path"] = json!("/api(.*)");
    own["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = json!("ImplementationSpecific");
    let output = terminal.run(&["apply", "--dry-run=server", "--filename=-"], &list(&[own]));
    assert_eq!(output.code, 1, "{output}");
    assert!(output.stderr.contains("[IG310"), "{output}");
}

#[test]
fn a_class_that_somebody_serves_is_not_missed() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-served", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-served" };
    terminal.stores(&[class("served"), service("web", &[80]), ingress("first", "served", "web", 80)]);
    terminal.run(&["delete", "ingressclass", "served"], "").ok();
    terminal.refuses(&ingress("second", "served", "web", 80), &["[IG101"]);
    let address = r#"{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}"#;
    terminal.run(&["patch", "ingress", "first", "--subresource=status", "--type=merge", "--patch", address], "").ok();
    terminal.stores(&[ingress("second", "served", "web", 80)]);
}

#[test]
fn secrets_are_read_one_by_one() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-secrets", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-secrets" };
    terminal.stores(&[class("secrets"), service("web", &[80])]);
    let mut with_tls = ingress("web", "secrets", "web", 80);
    with_tls["spec"]["tls"] = json!([{"hosts": ["web.example.com"], "secretName": "web-tls"}]);
    terminal.warns(&with_tls, "IG401");
    let pair = cluster.authority().server();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web-tls"}, "type": "kubernetes.io/tls",
                        "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key}});
    terminal.stores(&[secret]);
    with_tls["spec"]["rules"][0]["http"]["paths"][0]["path"] = json!("/app");
    // It is there now, and is for another host.
    terminal.warns(&with_tls, "IG403");
}

#[test]
fn while_the_api_server_is_away_nobody_is_accused_and_afterwards_all_is_followed() {
    let Some(mut cluster) = cluster::alone() else { return };
    let name;
    {
        let webhook = Webhook::watching(&cluster, "live-outage", "");
        let terminal = Terminal { cluster: &cluster, namespace: "live-outage" };
        terminal.stores(&[class("outage"), service("web", &[80])]);
        name = webhook.leave_running();
    }
    cluster.stop_apiserver();
    std::thread::sleep(Duration::from_secs(3));
    cluster.start_apiserver();
    cluster.compact_etcd();
    let terminal = Terminal { cluster: &cluster, namespace: "live-outage" };
    terminal.stores(&[service("new", &[80])]);
    terminal.stores(&[ingress("new", "outage", "new", 80)]);
    // The registration is read anew, too: until then nothing is judged.
    let bad = ingress("bad", "outage", "wbe", 80);
    let started = Instant::now();
    while terminal.apply(&list(std::slice::from_ref(&bad))).code == 0 {
        terminal.run(&["delete", "ingress", "bad"], "").ok();
        assert!(started.elapsed() < Duration::from_mins(1), "not denied after the outage");
        std::thread::sleep(Duration::from_millis(200));
    }
    cluster.supervisor().kill(&name);
}

#[test]
fn an_ingress_on_its_way_out_is_left_alone() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-leaving", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-leaving" };
    let mut leaving = ingress("web", "leaving", "web", 80);
    leaving["metadata"]["finalizers"] = json!(["example.com/wait"]);
    terminal.stores(&[class("leaving"), service("web", &[80]), leaving]);
    // Everything that it needs goes first; then it has to go itself.
    terminal.run(&["delete", "ingressclass/leaving", "service/web"], "").ok();
    terminal.run(&["delete", "ingress", "web", "--wait=false"], "").ok();
    let patch = r#"{"metadata":{"finalizers":null},"spec":{"ingressClassName":"nobody"}}"#;
    let output = terminal.run(&["patch", "ingress", "web", "--type=merge", "--patch", patch], "");
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    terminal.assert_stored("web", false);
}

#[test]
fn of_two_default_classes_the_newest_is_filled_in_and_judged() {
    // No other test may create an Ingress without a class meanwhile.
    let Some(cluster) = cluster::alone() else { return };
    let _webhook = Webhook::watching(&cluster, "live-defaults", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-defaults" };
    terminal.stores(&[service("web", &[80])]);
    for name in ["default-old", "default-new"] {
        let mut class = class(name);
        class["metadata"]["annotations"] = json!({"ingressclass.kubernetes.io/is-default-class": "true"});
        terminal.stores(&[class]);
        // Which is the newest is told by the second.
        std::thread::sleep(Duration::from_millis(1100));
    }
    let mut classless = ingress("web", "", "web", 80);
    classless["spec"].as_object_mut().unwrap().remove("ingressClassName");
    terminal.stores(&[classless]);
    let class = terminal.run(&["get", "ingress", "web", "--output=jsonpath={.spec.ingressClassName}"], "").ok();
    assert_eq!(class, "default-new");
    terminal.run(&["delete", "ingressclass", "default-old", "default-new"], "").ok();
}
