//! Classes: filled in, named by annotation, and served although nothing says so but an address.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{class, ingress, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

/// What kube-apiserver says by itself when one is created.
const DEPRECATED: &str = "Warning: annotation \"kubernetes.io/ingress.class\" is deprecated, please use \
                          'spec.ingressClassName' instead\n";

/// A controller has taken it.
const ADDRESS: &str = r#"{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}"#;

/// With its class in the annotation and nowhere else.
fn annotated(name: &str, class: &str, service: &str) -> Value {
    let mut ingress = ingress(name, "", service, 80);
    ingress["spec"].as_object_mut().unwrap().remove("ingressClassName");
    ingress["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": class});
    ingress
}

#[test]
fn a_class_that_somebody_serves_is_not_missed() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-served", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-served" };
    terminal.stores(&[class("served"), service("web", &[80]), ingress("first", "served", "web", 80)]);
    cluster.kubectl(&["delete", "ingressclass", "served"]).ok();
    let second = ingress("second", "served", "web", 80);
    terminal.refuses(&second, &["IngressClass \"served\" does not exist", "[IG101 class-not-found]"]);
    terminal.does(&["patch", "ingress", "first", "--subresource=status", "--type=merge", "--patch", ADDRESS]);
    terminal.stores(&[second]);
}

#[test]
fn a_class_that_only_the_annotation_names_is_judged_by_its_rules() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-annotated", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-annotated" };
    terminal.stores(&[class("annotated"), service("web", &[80])]);
    let good = terminal.apply(&annotated("good", "annotated", "web").to_string());
    assert_eq!((good.code, good.stderr.as_str()), (0, DEPRECATED));
    terminal.refuses(
        &annotated("bad", "annotated", "wbe"),
        &[DEPRECATED, "service \"wbe\" does not exist", "did you mean \"web\"?", "[IG201 service-not-found]"],
    );

    // Nobody is known to take this one, until somebody does.
    let said = "Warning: live-annotated/first IG105 metadata.annotations[kubernetes.io/ingress.class]: no controller is known to take class \
                \"annotatde\": visitors get 404; did you mean \"annotated\"? Set spec.ingressClassName: annotated in \
                its place\n";
    let first = terminal.apply(&annotated("first", "annotatde", "web").to_string());
    assert_eq!((first.code, first.stderr), (0, format!("{DEPRECATED}{said}")));
    terminal.does(&["patch", "ingress", "first", "--subresource=status", "--type=merge", "--patch", ADDRESS]);
    // An index has no live reads behind it where nothing is about to be denied.
    let mut number = 0;
    cluster.wait("kube-apiserver", Duration::from_secs(5), || {
        number += 1;
        let next = terminal.apply(&annotated(&format!("next-{number}"), "annotatde", "web").to_string());
        assert_eq!(next.code, 0, "{next}");
        next.stderr == DEPRECATED
    });
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
    cluster.kubectl(&["delete", "ingressclass", "default-old", "default-new"]).ok();
}
