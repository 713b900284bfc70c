//! Controllers that handle the Ingresses of some namespaces: by name, by the labels of the Namespace, or unknown.

use ingress_guard::analysis::analyze;
use ingress_guard::cluster::{Coverage, Inventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::explain::{RequestUrl, explain_url};
use ingress_guard::finding::Level;
use ingress_guard::model::Kind;

use crate::pages;

/// A controller with these flags, and an Ingress with an annotation that nginx refuses.
fn world(flags: &[&str], env: &str, labels: &str) -> Inventory {
    let flags = flags.iter().map(|flag| format!(", {flag:?}")).collect::<Vec<_>>().concat();
    let text = format!(
        "
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: nginx}}
spec: {{controller: k8s.io/ingress-nginx}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: shop, labels: {{{labels}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: shop}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: controller, namespace: ingress-nginx}}
spec:
  template:
    spec:
      containers:
      - image: registry.k8s.io/ingress-nginx/controller:v1.15.1
        args: [/nginx-ingress-controller{flags}]
        env: [{env}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  annotations: {{nginx.ingress.kubernetes.io/ssl-ciphers: NOPE}}
spec:
  ingressClassName: nginx
  rules:
  - host: app.example.com
    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
"
    );
    load_text("cluster.yaml", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the findings with their levels, and the outcome of a request.
fn evaluated(inventory: &Inventory) -> (String, String) {
    let config = Config::default();
    let ingress = inventory.ingress("shop", "web").unwrap();
    let analysis = analyze(ingress, pages::known(inventory), &config.engine(), &config.policy);
    let levels = analysis.verdict.distinct().filter(|decision| decision.level >= Level::Warn);
    let levels = levels
        .map(|decision| format!("{:?} {}: {}\n", decision.level, decision.finding.code, decision.finding.message));
    let request = RequestUrl::read("http://app.example.com/").unwrap();
    let explained = explain_url(&request, pages::known(inventory), &config.settings, None).unwrap();
    (levels.collect(), format!("{:?}", explained.outcome))
}

#[test]
fn the_labels_of_the_namespace_decide() {
    let with = |selector: &str, labels: &str| {
        evaluated(&world(&[&format!("--watch-namespace-selector={selector}")], "", labels))
    };
    for selector in ["team=shop", "team in (shop, blog),!legacy", "", "kubernetes.io/metadata.name=shop"] {
        let (found, _) = with(selector, "team: shop");
        assert!(found.contains("Deny IG611") && !found.contains("IG106"), "{selector}: {found}");
    }
    for selector in ["team=blog", "!team", "team notin (shop)"] {
        let (found, outcome) = with(selector, "team: shop");
        let unwatched = format!(
            "Warn IG106: namespace \"shop\" does not have the labels of --watch-namespace-selector ({selector})"
        );
        assert!(found.contains(&unwatched) && found.contains("Warn IG611"), "{selector}: {found}");
        assert_eq!(outcome, "DefaultBackend", "{selector}");
    }
}

#[test]
fn a_selector_that_cannot_be_evaluated_is_unknown() {
    let selector = ["--watch-namespace-selector=team=shop"];
    let mut hidden = world(&selector, "", "team: shop");
    hidden.cover(Kind::Namespace, Coverage::Forbidden);
    let secret = "{name: SELECTOR, valueFrom: {configMapKeyRef: {name: c, key: k}}}";
    for (name, inventory) in [
        ("hidden", hidden),
        ("invalid", world(&["--watch-namespace-selector=team in shop"], "", "team: shop")),
        ("both", world(&["--watch-namespace=shop", selector[0]], "", "team: shop")),
        ("from elsewhere", world(&["--watch-namespace-selector=$(SELECTOR)"], secret, "team: shop")),
    ] {
        let (found, outcome) = evaluated(&inventory);
        assert!(!found.contains("Deny") && !found.contains("IG106"), "{name}: {found}");
        assert!(found.contains("Warn IG611"), "{name}: {found}");
        assert_eq!(outcome, "Unknown", "{name}");
    }
}

#[test]
fn annotations_that_may_have_another_prefix_deny_nothing() {
    let secret = "{name: PREFIX, valueFrom: {configMapKeyRef: {name: c, key: k}}}";
    let with = |prefix: &str| evaluated(&world(&[&format!("--annotations-prefix={prefix}")], secret, "")).0;
    assert!(with("nginx.ingress.kubernetes.io").contains("Deny IG611"));
    let found = with("$(PREFIX)");
    assert!(!found.contains("Deny") && found.contains("Warn IG611"), "{found}");
    assert!(!with("example.com").contains("IG611"));
}
