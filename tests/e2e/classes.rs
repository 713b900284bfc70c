//! Ingress classes: set by default, named by annotation, and inferred from an address in the status.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{class, ingress, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

/// The warning of kube-apiserver itself for the annotation.
const DEPRECATED: &str = "Warning: annotation \"kubernetes.io/ingress.class\" is deprecated, please use \
                          'spec.ingressClassName' instead\n";

/// Sets the status of an Ingress, as its controller does.
const ADDRESS: &str = r#"{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}"#;

/// Names the class in the annotation only.
fn annotated(name: &str, class: &str, service: &str) -> Value {
    let mut ingress = ingress(name, "", service, 80);
    ingress["spec"].as_object_mut().unwrap().remove("ingressClassName");
    ingress["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": class});
    ingress
}

#[test]
fn a_class_with_an_ingress_address_is_not_missing() {
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
fn a_class_set_by_annotation_uses_that_controllers_rules() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-annotated", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-annotated" };
    terminal.stores(&[class("annotated"), service("web", &[80])]);
    let good = terminal.apply(&annotated("good", "annotated", "web").to_string());
    assert_eq!((good.code, good.stderr.as_str()), (0, DEPRECATED));
    terminal.refuses(
        &annotated("bad", "annotated", "wbe"),
        &[DEPRECATED, "Service \"wbe\" does not exist", "did you mean \"web\"?", "[IG201 service-not-found]"],
    );

    // No controller is known to handle this one until its status has an address.
    let expected = "Warning: live-annotated/first IG105 metadata.annotations[kubernetes.io/ingress.class]: no known controller handles class \
                \"annotatde\": requests return 404 unless a flag names it; did you mean \"annotated\"? Set spec.ingressClassName: annotated \
                instead\n";
    let first = terminal.apply(&annotated("first", "annotatde", "web").to_string());
    assert_eq!((first.code, first.stderr), (0, format!("{DEPRECATED}{expected}")));
    terminal.does(&["patch", "ingress", "first", "--subresource=status", "--type=merge", "--patch", ADDRESS]);
    // The class index is not confirmed by live reads if nothing is denied.
    let mut number = 0;
    cluster.wait("kube-apiserver", Duration::from_secs(5), || {
        number += 1;
        let next = terminal.apply(&annotated(&format!("next-{number}"), "annotatde", "web").to_string());
        assert_eq!(next.code, 0, "{next}");
        next.stderr == DEPRECATED
    });
}

#[test]
fn the_newest_default_class_is_filled_in_and_checked() {
    // No other test may create an Ingress without a class in the meantime.
    let Some(cluster) = cluster::alone() else { return };
    let _webhook = Webhook::watching(&cluster, "live-defaults", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-defaults" };
    terminal.stores(&[service("web", &[80])]);
    for name in ["default-old", "default-new"] {
        let mut class = class(name);
        class["metadata"]["annotations"] = json!({"ingressclass.kubernetes.io/is-default-class": "true"});
        terminal.stores(&[class]);
        // Creation timestamps have a resolution of one second.
        std::thread::sleep(Duration::from_millis(1100));
    }
    let mut classless = ingress("web", "", "web", 80);
    classless["spec"].as_object_mut().unwrap().remove("ingressClassName");
    terminal.stores(&[classless]);
    let class = terminal.run(&["get", "ingress", "web", "--output=jsonpath={.spec.ingressClassName}"], "").ok();
    assert_eq!(class, "default-new");
    cluster.kubectl(&["delete", "ingressclass", "default-old", "default-new"]).ok();
}
