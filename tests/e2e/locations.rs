//! The output of kubectl for a location that does not work as intended, alone or in combination with other Ingresses.

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{annotated, class, ingress, routing, service};
use crate::terminal::{Terminal, denial};
use crate::webhook::Webhook;

const REGEX: (&str, &str) = ("use-regex", "true");

/// Sends its only path to another Service.
fn to(mut ingress: Value, service: &str) -> Value {
    ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = json!(service);
    ingress
}

#[test]
fn literal_and_invalid_regexes_are_denied() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "said-regex", "");
    let terminal = Terminal { cluster: &cluster, namespace: "said-regex" };
    terminal.stores(&[class("said-regex"), service("web", &[80])]);
    let with = |name: &str, path: &str| {
        routing(ingress(name, "said-regex", "web", 80), &format!("{name}.example.com"), &[path])
    };
    let literal = with("said-literal", "/api/(.*)");
    terminal.denies(
        &literal,
        &["spec.rules[0].http.paths[0].path: \"/api/(.*)\" is matched literally on this host, not as a regex: /api/ \
           returns 404 from the default backend; set nginx.ingress.kubernetes.io/use-regex: \"true\" [IG301 path-regex-literal]"],
    );
    // The fix of the message.
    terminal.stores(&[annotated(literal, &[REGEX])]);
    terminal.denies(
        &annotated(with("said-invalid", "/api/(.*"), &[REGEX]),
        &["spec.rules[0].http.paths[0].path: \"/api/(.*\" is an invalid regex (missing closing parenthesis): nginx \
           cannot reload, no Ingress change takes effect; complete it, or escape literal characters with \\ [IG302 path-regex-invalid]"],
    );
}

#[test]
fn duplicate_locations_are_denied_in_either_order() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "said-twice", "");
    let terminal = Terminal { cluster: &cluster, namespace: "said-twice" };
    terminal.stores(&[class("said-twice"), service("web", &[80])]);
    for (first, older, newer) in [("without-slash", "/foo", "/foo/"), ("with-slash", "/foo/", "/foo")] {
        let host = format!("{first}.said-twice.example.com");
        let at = |name: &str, path: &str| routing(ingress(name, "said-twice", "web", 80), &host, &[path]);
        terminal.stores(&[at(first, older)]);
        let expected = format!(
            "spec.rules[0].http.paths[0].path: {newer:?} and {older:?} of Ingress said-twice/{first} generate the \
             same nginx location: nginx cannot reload, no Ingress change takes effect; remove the path with the trailing \
             slash [IG314 location-duplicated]"
        );
        terminal.denies(&at("second", newer), &[&expected]);
    }
}

#[test]
fn findings_name_the_other_ingresses_they_affect() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "said-others", "");
    let terminal = Terminal { cluster: &cluster, namespace: "said-others" };
    terminal.stores(&[class("said-others"), service("web", &[80]), service("api", &[80])]);
    let host = "said-others.example.com";
    let at = |name: &str, path: &str| routing(ingress(name, "said-others", "web", 80), host, &[path]);
    terminal.stores(&[at("docs", "/docs/intro")]);
    terminal.stores_warned_in_the_end(
        &to(annotated(at("api", "/docs/[a-z0-9]+"), &[REGEX]), "api"),
        &["IG308 metadata.annotations[nginx.ingress.kubernetes.io/use-regex]: enables regex matching for \
           said-others.example.com: requests no longer reach \"/docs/intro\" of Ingress said-others/docs; use a separate \
           host"],
    );
    terminal.does(&["delete", "ingress", "api"]);
    // Of two Ingresses created in one second the name decides, and the alphabetically last one counts as the oldest.
    terminal.stores_warned_in_the_end(
        &to(at("also", "/docs/intro"), "api"),
        &["IG501 spec.rules[0].http.paths[0]: \"/docs/intro\" of said-others.example.com is also a path of Ingress \
           said-others/docs: that older Ingress receives all requests; remove the path from one Ingress"],
    );
}

#[test]
fn a_canary_without_its_main_ingress_warns() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "said-canary", "");
    let terminal = Terminal { cluster: &cluster, namespace: "said-canary" };
    terminal.stores(&[class("said-canary"), service("web", &[80]), service("new", &[80])]);
    let at = |name: &str, service: &str| {
        to(routing(ingress(name, "said-canary", "web", 80), "said-canary.example.com", &["/"]), service)
    };
    let canary = annotated(at("new", "new"), &[("canary", "true"), ("canary-weight", "10")]);
    terminal.stores_warned(
        &canary,
        &["IG605 spec.rules[0].http.paths[0]: no main Ingress has host said-canary.example.com: requests return 404; \
           create the main Ingress first, with the same host, path and pathType"],
    );
    terminal.does(&["delete", "ingress", "new"]);
    terminal.stores(&[at("main", "web")]);
    terminal.stores(&[canary]);
}

#[test]
fn a_broken_host_can_be_fixed_step_by_step_and_denies_no_other_ingress() {
    let Some(cluster) = cluster::shared() else { return };
    let mut webhook = Webhook::watching(&cluster, "said-broken", "");
    let terminal = Terminal { cluster: &cluster, namespace: "said-broken" };
    terminal.stores(&[class("said-broken"), service("web", &[80])]);
    let host = "said-broken.example.com";
    let with =
        |name: &str, paths: &[&str]| annotated(routing(ingress(name, "said-broken", "web", 80), host, paths), &[REGEX]);
    webhook.kill();
    terminal.stores(&[with("old", &["/a(.*", "/b[0-9"])]);
    webhook.run();
    // A pre-existing problem of another Ingress is not attributed to this one.
    terminal.stores_warned(
        &with("other", &["/shop(/|$)(.*)"]),
        &["IG302 spec.rules: path \"/b[0-9\" of Ingress said-broken/old is an invalid regex (missing terminating ] for \
           character class): nginx cannot reload, no Ingress change takes effect; fix that path first"],
    );
    let half = with("old", &["/a(.*)", "/b[0-9"]);
    let expected = |path: &str, index: usize| {
        format!(
            "spec.rules[0].http.paths[{index}].path: {path:?} is an invalid regex (missing terminating ] for character \
             class): nginx cannot reload, no Ingress change takes effect; complete it, or escape literal characters with \\"
        )
    };
    terminal.stores_warned(&half, &[&format!("IG302 {}", expected("/b[0-9", 1))]);
    // A different problem at the same field is a new finding.
    let worse = terminal.apply(&with("old", &["/a(.*)", "/c[0-9"]).to_string());
    let denial = denial("said-broken/old", &[&format!("{} [IG302 path-regex-invalid]", expected("/c[0-9", 1))]) + "\n";
    assert!(worse.code == 1 && worse.stderr.ends_with(&denial), "{worse}");
    terminal.stores(&[with("old", &["/a(.*)", "/b[0-9]"])]);
}
