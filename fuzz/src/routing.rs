//! Paths, rewrites, aliases and other annotation values through the location model: bounded work, the same answer twice, no panic.
//!
//! The input is lines: `ingress NAME`, `host HOST`, `path TYPE PATH`, `annotation NAME VALUE`, `tls HOST`, `url URL`. `\n` in them is a line end.

use ingress_guard::analysis::analyze;
use ingress_guard::budget::Allowance;
use ingress_guard::cluster::{ClusterView, Inventory, Object};
use ingress_guard::engine::Evaluation;
use ingress_guard::explain::{RequestUrl, Style, explain_ingress, explain_url};
use ingress_guard::model::Ingress;
use ingress_guard::report::hosts;
use ingress_guard::routing::{Controllers, RouteChanges, RouteMap};
use serde_json::{Value, json};

use super::world::{CLUSTER, STRICT, assert_evaluated, assert_visible, state};

/// The most Ingresses and URLs of an input.
const MOST: usize = 4;

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (mut values, mut urls) = (vec![ingress("web", 0)], Vec::new());
    for line in text.lines() {
        let line = line.replace("\\n", "\n");
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        if let ("ingress", true) = (word, values.len() < MOST) {
            values.push(ingress(rest, values.len()));
        }
        if let ("url", true) = (word, urls.len() < MOST) {
            urls.push(rest.to_owned());
        }
        add(values.last_mut().expect("there is one"), word, rest);
    }
    let ingresses: Vec<Ingress> = values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect();
    let mut inventory = CLUSTER.clone();
    for ingress in &ingresses {
        inventory.apply(Object::Ingress(Box::new(ingress.clone())));
    }
    let engine = STRICT.engine();
    for ingress in &ingresses {
        let [full, again, fast] = [Allowance::full(), Allowance::full(), Allowance::fast()]
            .map(|allowance| (engine.run(ingress, state(&inventory), &allowance), allowance.steps));
        let (Evaluation { findings, spent, .. }, steps) = &full;
        assert_evaluated(findings.iter().map(|finding| finding.code));
        assert!(spent <= steps, "{spent} of {steps} steps");
        assert_eq!(findings, &again.0.findings, "the same evaluation twice");
        if !fast.0.exhausted {
            assert_eq!(findings, &fast.0.findings, "a smaller allowance that is enough");
        }
        let analysis = analyze(ingress, state(&inventory), &engine, &STRICT.policy);
        let explanation = explain_ingress(&analysis, state(&inventory), &STRICT.settings);
        assert_visible(&explanation.text(Style::Plain));
    }
    for url in urls.iter().filter_map(|url| RequestUrl::read(url).ok()) {
        let explanation = explain_url(&url, state(&inventory), &STRICT.settings, None).expect("no class is given");
        assert_visible(&explanation.text(Style::Plain));
    }
    changes(&inventory, &ingresses);
}

/// The route map, and the differences to the cluster without these Ingresses.
fn changes(inventory: &Inventory, ingresses: &[Ingress]) {
    let views = [state(&CLUSTER), state(inventory)].map(ClusterView::unrestricted);
    let dialects = views.each_ref().map(|view| STRICT.settings.dialects.with_observed_settings(view));
    let controllers = |at: usize| Controllers::new(&views[at], &STRICT.settings.classes, &dialects[at]);
    for host in hosts(&RouteMap::of(controllers(1))) {
        assert!(!host.controller.is_empty());
    }
    for change in RouteChanges::between(ingresses.iter(), controllers(0), controllers(1)).changes {
        assert_visible(&change.to_string());
    }
}

fn ingress(name: &str, number: usize) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "shop", "annotations": {},
            "creationTimestamp": format!("2026-01-01T00:00:0{number}Z"),
        },
        "spec": {"ingressClassName": "nginx", "rules": [], "tls": []},
    })
}

/// Adds the content of a line.
fn add(ingress: &mut Value, word: &str, rest: &str) {
    let rules = |ingress: &mut Value| ingress["spec"]["rules"].as_array().map_or(0, Vec::len);
    let push = |list: &mut Value, value: Value| list.as_array_mut().expect("a list").push(value);
    match word {
        "host" => push(&mut ingress["spec"]["rules"], json!({"host": rest, "http": {"paths": []}})),
        "path" => {
            let (of_type, path) = rest.split_once(' ').unwrap_or((rest, ""));
            if rules(ingress) == 0 {
                push(&mut ingress["spec"]["rules"], json!({"http": {"paths": []}}));
            }
            let last = rules(ingress) - 1;
            let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
            push(
                &mut ingress["spec"]["rules"][last]["http"]["paths"],
                json!({"path": path, "pathType": of_type, "backend": backend}),
            );
        }
        "annotation" => {
            let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
            let name = if name.contains('/') { name.to_owned() } else { format!("nginx.ingress.kubernetes.io/{name}") };
            ingress["metadata"]["annotations"][name] = value.into();
        }
        "tls" => push(&mut ingress["spec"]["tls"], json!({"hosts": [rest], "secretName": "web-tls"})),
        _ => {}
    }
}
