//! Large objects: an Ingress of any size gets every check but path matching, and nothing that the API server accepts is rejected.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{BAD, GOOD, ask, create, review, reviewer, update};

/// A spec with this number of paths of one Service.
fn spec(paths: usize, service: &str) -> Value {
    let path = |n| json!({"path": format!("/{n}"), "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": 80}}}});
    let paths: Vec<Value> = (0..paths).map(path).collect();
    json!({"ingressClassName": "nginx", "rules": [{"host": "app.example.com", "http": {"paths": paths}}]})
}

#[test]
fn twenty_thousand_finalizers_or_equal_tls_hosts_are_not_too_many() {
    let mut sent = create(json!({}), spec(1, "absent"));
    sent["request"]["object"]["metadata"]["finalizers"] = vec!["example.com/x"; 25_000].into();
    sent["request"]["object"]["spec"]["tls"] = json!([{"hosts": vec!["a.example.com"; 25_000]}]);
    let answer = ask(&reviewer("", GOOD), &sent);
    assert_eq!(answer.codes().1, ["IG201"], "{}", answer.body);
    assert!(!answer.body.to_string().contains("hosts and paths"), "{}", answer.body);
}

#[test]
fn twenty_thousand_paths_get_every_check_but_path_matching() {
    let answer = ask(&reviewer("", GOOD), &create(json!({}), spec(20_000, "absent")));
    assert!(!answer.allowed && answer.message.contains("IG201"), "{}", answer.message);
    let answer = ask(&reviewer("", GOOD), &create(json!({}), spec(20_000, "web")));
    answer.assert(&["IG902"], &[]);
    assert!(answer.warnings[0].contains("20001 hosts and paths, more than 10000"), "{:?}", answer.warnings);
    // An invalid regex is found in any number of paths.
    let mut sent = create(json!({"nginx.ingress.kubernetes.io/use-regex": "true"}), spec(20_000, "web"));
    sent["request"]["object"]["spec"]["rules"][0]["http"]["paths"][19_999]["path"] = json!("/a(");
    let answer = ask(&reviewer("", GOOD), &sent);
    assert!(answer.codes().1.contains(&"IG302".to_owned()), "{}", answer.body);
}

#[test]
fn a_write_that_raises_the_size_can_be_denied() {
    let deny = reviewer("oversized: deny", GOOD);
    let answer = ask(&deny, &create(json!({}), spec(10_000, "web")));
    answer.assert(&[], &["IG902"]);
    assert!(answer.message.contains("split the Ingress into several"), "{}", answer.message);
    let written = |before: usize, after: usize| {
        let snippet = |n: usize| json!({"nginx.ingress.kubernetes.io/proxy-body-size": format!("{n}m")});
        ask(&deny, &update((snippet(1), spec(before, "web")), (snippet(2), spec(after, "web"))))
    };
    written(11_000, 12_000).assert(&[], &["IG902"]);
    written(9_000, 12_000).assert(&[], &["IG902"]);
    written(12_000, 12_000).assert(&["IG902"], &[]);
    written(12_000, 11_000).assert(&["IG902"], &[]);
    written(12_000, 5_000).assert(&[], &[]);
    ask(&reviewer("{oversized: deny, profile: observe}", GOOD), &create(json!({}), spec(12_000, "web")))
        .assert(&["IG902"], &[]);
    ask(&reviewer("", GOOD), &create(json!({}), spec(9_000, "web"))).assert(&[], &[]);
}

#[test]
fn parts_that_are_not_evaluated_may_be_nested_to_any_depth() {
    for depth in [200, 5_000] {
        let deep = format!("{}1{}", "{\"f:a\":".repeat(depth), "}".repeat(depth));
        let mut padding = String::new();
        for n in 0..4_000 {
            let _ = write!(padding, "\"label-{n}.example.com/x\":\"y\",");
        }
        let mut sent = create(json!({}), spec(1, "absent"));
        sent["request"]["object"]["metadata"].as_object_mut().unwrap().remove("managedFields");
        sent["request"]["options"]["fieldManager"] = json!("");
        let sent = sent.to_string();
        let fields =
            format!("\"metadata\":{{\"managedFields\":[{{\"fieldsV1\":{deep}}}],\"labels\":{{{padding}\"a\":\"b\"}},");
        let sent = sent.replace("\"metadata\":{", &fields);
        assert!(sent.len() > 64 * 1024);
        let reviewed = review(&reviewer("", GOOD), sent.as_bytes()).unwrap();
        assert_eq!(reviewed.record.outcome.name(), "deny", "{depth}");
    }
}

#[test]
fn an_ingress_with_very_many_rules_has_an_answer() {
    let sent = |rules: &str| {
        let sent = create(json!({}), json!({"ingressClassName": "nginx", "rules": "@"}));
        sent.to_string().replace("\"@\"", &format!("[{rules}]"))
    };
    let rules = vec!["{}"; 200_000].join(",");
    let host = |number: usize| format!("{{\"host\":\"{number}.a\"}}");
    let hosts = (0..60_000).map(host).collect::<Vec<_>>().join(",");
    for rules in [rules, hosts] {
        let reviewed = review(&reviewer("profile: strict", BAD), sent(&rules).as_bytes()).unwrap();
        assert!(reviewed.steps <= 8_000_000, "{}", reviewed.steps);
    }
}
