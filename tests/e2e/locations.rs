//! What kubectl prints where a location would not be what its author means, alone or beside other Ingresses.

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{annotated, class, ingress, routing, service};
use crate::terminal::{Terminal, denial};
use crate::webhook::Webhook;

const REGEX: (&str, &str) = ("use-regex", "true");

/// With another Service behind its only path.
fn to(mut ingress: Value, service: &str) -> Value {
    ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = json!(service);
    ingress
}

#[test]
fn a_regex_that_nobody_switched_on_and_one_that_nginx_cannot_read_are_denied() {
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
        &["spec.rules[0].http.paths[0].path: \"/api/(.*)\" is plain text on this host, not a regex: /api/ gets 404 from \
           the default backend; set nginx.ingress.kubernetes.io/use-regex: \"true\" [IG301 path-regex-literal]"],
    );
    // As it says.
    terminal.stores(&[annotated(literal, &[REGEX])]);
    terminal.denies(
        &annotated(with("said-invalid", "/api/(.*"), &[REGEX]),
        &["spec.rules[0].http.paths[0].path: \"/api/(.*\" is an invalid regex (missing closing parenthesis): no change \
           of any Ingress takes effect; put \\ before what is meant literally [IG302 path-regex-invalid]"],
    );
}

#[test]
fn two_paths_that_become_one_location_are_denied_whichever_comes_first() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "said-twice", "");
    let terminal = Terminal { cluster: &cluster, namespace: "said-twice" };
    terminal.stores(&[class("said-twice"), service("web", &[80])]);
    for (first, older, newer) in [("without-slash", "/foo", "/foo/"), ("with-slash", "/foo/", "/foo")] {
        let host = format!("{first}.said-twice.example.com");
        let at = |name: &str, path: &str| routing(ingress(name, "said-twice", "web", 80), &host, &[path]);
        terminal.stores(&[at(first, older)]);
        let said = format!(
            "spec.rules[0].http.paths[0].path: {newer:?} and {older:?} of Ingress said-twice/{first} make the same \
             location: no change of any Ingress takes effect; keep the one without the slash [IG314 location-duplicated]"
        );
        terminal.denies(&at("second", newer), &[&said]);
    }
}

#[test]
fn what_changes_the_answers_of_other_ingresses_names_them() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "said-others", "");
    let terminal = Terminal { cluster: &cluster, namespace: "said-others" };
    terminal.stores(&[class("said-others"), service("web", &[80]), service("api", &[80])]);
    let host = "said-others.example.com";
    let at = |name: &str, path: &str| routing(ingress(name, "said-others", "web", 80), host, &[path]);
    terminal.stores(&[at("docs", "/docs/intro")]);
    terminal.stores_warned_in_the_end(
        &to(annotated(at("api", "/docs/[a-z0-9]+"), &[REGEX]), "api"),
        &["IG308 metadata.annotations[nginx.ingress.kubernetes.io/use-regex]: turns on regex for all of \
           said-others.example.com: visitors no longer reach \"/docs/intro\" of Ingress said-others/docs; use another host"],
    );
    terminal.does(&["delete", "ingress", "api"]);
    // Of two that are made in one second the name decides, and the last letter is the oldest.
    terminal.stores_warned_in_the_end(
        &to(at("also", "/docs/intro"), "api"),
        &["IG501 spec.rules[0].http.paths[0]: \"/docs/intro\" of said-others.example.com is a path of Ingress \
           said-others/docs too: that one is older and keeps the visitors; remove it from one of the two"],
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
    terminal.stores_warned(&canary, &["IG605 spec.rules[0].http.paths[0]: no other Ingress has host said-canary.example.com: visitors get 404 from \
           the default backend; apply the main Ingress first, with the same host, path and pathType"]);
    terminal.does(&["delete", "ingress", "new"]);
    terminal.stores(&[at("main", "web")]);
    terminal.stores(&[canary]);
}

#[test]
fn a_broken_host_is_mended_one_fault_at_a_time_and_denies_nobody_else() {
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
    // Somebody else's: what was there before is not theirs.
    terminal.stores_warned(
        &with("other", &["/shop(/|$)(.*)"]),
        &["IG302 spec.rules: \"/b[0-9\" of Ingress said-broken/old is an invalid regex (missing terminating ] for \
           character class): no change of any Ingress takes effect; mend that one first"],
    );
    let half = with("old", &["/a(.*)", "/b[0-9"]);
    let said = |path: &str, index: usize| {
        format!(
            "spec.rules[0].http.paths[{index}].path: {path:?} is an invalid regex (missing terminating ] for character \
             class): no change of any Ingress takes effect; put \\ before what is meant literally"
        )
    };
    terminal.stores_warned(&half, &[&format!("IG302 {}", said("/b[0-9", 1))]);
    // Another fault in its place is a new one.
    let worse = terminal.apply(&with("old", &["/a(.*)", "/c[0-9"]).to_string());
    let denial = denial("said-broken/old", &[&format!("{} [IG302 path-regex-invalid]", said("/c[0-9", 1))]) + "\n";
    assert!(worse.code == 1 && worse.stderr.ends_with(&denial), "{worse}");
    terminal.stores(&[with("old", &["/a(.*)", "/b[0-9]"])]);
}
