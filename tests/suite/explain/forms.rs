//! The JSON form, and text that goes to a terminal.

use ingress_guard::analysis::analyze;
use ingress_guard::cluster::{LiveReads, Snapshot};
use ingress_guard::config::Config;
use ingress_guard::explain::{RequestUrl, Style, explain_ingress, explain_url};
use serde_json::{Value, json};

use crate::pages;

/// The first cluster of the page.
fn snapshot() -> Snapshot {
    let page = include_str!("../../../docs/explain.md");
    let (config, manifests) = pages::sources(page).into_iter().next().unwrap();
    Snapshot { inventory: pages::inventory(&config, &manifests), live_reads: LiveReads::default(), taken: pages::now() }
}

fn explained(snapshot: &Snapshot, url: &str) -> ingress_guard::explain::Explanation {
    explain_url(&RequestUrl::read(url).unwrap(), snapshot.state(), &Config::default().settings, None).unwrap()
}

#[test]
fn json_has_the_keys_that_others_rely_on() {
    let snapshot = snapshot();
    let explanation = serde_json::to_value(explained(&snapshot, "https://app.example.com/api/x")).unwrap();
    let steps = explanation["steps"].as_array().unwrap();
    let links: Vec<&str> = steps.iter().map(|step| step["what"].as_str().unwrap()).collect();
    assert_eq!(
        links,
        ["class", "host", "path", "rewrite", "service", "port", "endpoints", "certificate"],
        "each link in its order"
    );
    assert!(steps.iter().all(|step| step["ok"] == true && step["detail"].is_string()), "{steps:?}");
    let mut rest = explanation.clone();
    rest.as_object_mut().unwrap().remove("steps");
    assert_eq!(
        rest,
        json!({
            "schemaVersion": 1, "url": "https://app.example.com/api/x", "notes": [], "controller": "k8s.io/ingress-nginx",
            "outcome": "service", "status": null,
            "ingress": "shop/web", "field": "spec.rules[0].http.paths[0]", "location": "~* \"^/api(/|$)(.*)\"",
            "upstreamPath": "/x",
            "backend": {"namespace": "shop", "service": "api", "port": "http", "readyEndpoints": 2},
            "certificate": {"secret": "shop/app-tls", "state": "ok"}, "nearMisses": []
        })
    );
    let outcome = |url: &str| serde_json::to_value(explained(&snapshot, url)).unwrap();
    let redirect = outcome("http://app.example.com/api/x");
    assert_eq!((&redirect["outcome"], &redirect["status"]), (&json!("redirect"), &json!(308)));
    assert_eq!(redirect["redirect"], "https://app.example.com/api/x");
    assert_eq!(redirect["certificate"], Value::Null);
    let absent = outcome("https://app.example.org/");
    assert_eq!((&absent["outcome"], &absent["status"]), (&json!("default-backend"), &json!(404)));
    assert_eq!(outcome("https://app.example.com/api/%zz")["outcome"], "bad-request");

    let ingress = snapshot.inventory.ingress("shop", "web").unwrap();
    let config = Config::default();
    let analysis = analyze(ingress, snapshot.state(), &config.engine(), &config.policy);
    let paths = serde_json::to_value(explain_ingress(&analysis, snapshot.state(), &config.settings)).unwrap();
    assert_eq!((&paths["findings"], &paths["notEvaluated"]), (&json!([]), &json!([])));
    assert_eq!(paths["ingress"], "shop/web");
    assert_eq!(paths["paths"][0]["own"], true);
    assert_eq!(paths["paths"][0]["explanation"]["outcome"], "service");
}

#[test]
fn a_terminal_gets_the_first_broken_link_in_bold_and_nothing_that_moves_its_cursor() {
    let config = Config::default();
    let manifests = "
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: \"web\\e[2J\", namespace: \"shop; rm -rf\"}
spec:
  ingressClassName: nginx
  rules:
    - host: app.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: \"x\\e[31m\\n`reboot`\", port: {number: 80}}}}]}
";
    let inventory = pages::inventory(&config, manifests);
    let snapshot = Snapshot { inventory, live_reads: LiveReads::default(), taken: pages::now() };
    let explanation = explained(&snapshot, "http://app.example.com/");
    let plain = explanation.text(Style::Plain);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    assert_eq!(explanation.broken().unwrap().what, "service");
    assert!(!plain.contains("kubectl"), "no command is offered with a name that means something to a shell: {plain}");
    let terminal = explanation.text(Style::Terminal);
    let bold: Vec<&str> = terminal.lines().filter(|line| line.contains("\u{1b}[1m")).collect();
    assert!(matches!(bold[..], [line] if line.contains("✗ service")), "{bold:?}");
    let codes = ["\u{1b}[1m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"];
    let stripped = codes.iter().fold(terminal, |text, code| text.replace(code, ""));
    assert_eq!(stripped, plain);
}
