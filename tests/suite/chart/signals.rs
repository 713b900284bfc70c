//! Monitors, alerts and the dashboard.

use std::fs;

use serde_json::{Value, json};

use super::{CHART, Helm};

#[test]
fn monitors_select_the_pods_from_any_namespace() {
    let Some(helm) = Helm::find() else { return };
    for (value, kind, endpoints) in
        [("serviceMonitor", "ServiceMonitor", "endpoints"), ("podMonitor", "PodMonitor", "podMetricsEndpoints")]
    {
        let relabelings = json!([{"action": "drop", "regex": "a"}]);
        let mut values = json!({});
        values[value] = json!({"enabled": true, "namespace": "monitoring", "labels": {"release": "prometheus"}, "annotations": {"a": "b"},
                               "interval": "15s", "scrapeTimeout": "5s", "relabelings": relabelings, "metricRelabelings": relabelings});
        let objects = helm.template(&values);
        let monitor = objects.one(kind);
        let metadata = &monitor["metadata"];
        assert_eq!(
            (&metadata["namespace"], &metadata["labels"]["release"]),
            (&json!("monitoring"), &json!("prometheus"))
        );
        assert_eq!(metadata["annotations"], json!({"a": "b"}));
        assert_eq!(monitor["spec"]["namespaceSelector"], json!({"matchNames": ["ingress-guard"]}));
        let expected = json!({"port": "health", "path": "/metrics", "interval": "15s", "scrapeTimeout": "5s",
                              "relabelings": relabelings, "metricRelabelings": relabelings});
        assert_eq!(monitor["spec"][endpoints], json!([expected]));
        let labels = &objects.one("Deployment")["spec"]["template"]["metadata"]["labels"];
        for (name, value) in monitor["spec"]["selector"]["matchLabels"].as_object().unwrap() {
            assert_eq!(labels[name], *value);
        }
    }
    let both = json!({"serviceMonitor": {"enabled": true}, "podMonitor": {"enabled": true}});
    assert!(helm.refusal(&both).contains("each pod is scraped twice"));
}

/// The groups of rules in `chart/files/alerts.yaml`.
fn groups() -> Vec<Value> {
    let file: Value =
        serde_saphyr::from_str(&fs::read_to_string(format!("{CHART}/files/alerts.yaml")).unwrap()).unwrap();
    file["groups"].as_array().unwrap().clone()
}

fn rules(groups: Vec<Value>) -> Vec<Value> {
    groups.into_iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

#[test]
fn the_prometheus_rule_contains_every_alert_that_is_not_disabled() {
    let Some(helm) = Helm::find() else { return };
    let rendered = |values: Value| -> Vec<Value> {
        let objects = helm.template(&json!({"prometheusRule": values}));
        objects.one("PrometheusRule")["spec"]["groups"].as_array().unwrap().clone()
    };
    let with_runbooks = |base: Option<&str>| {
        let mut groups = groups();
        for rule in groups.iter_mut().flat_map(|group| group["rules"].as_array_mut().unwrap()) {
            let annotations = rule["annotations"].as_object_mut().unwrap();
            let page = annotations.remove("runbook_url").unwrap();
            let page = page.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            annotations.extend(base.map(|base| ("runbook_url".to_owned(), json!(format!("{base}/{page}")))));
        }
        groups
    };
    // The repository is not published: no link is better than a wrong one.
    assert_eq!(rendered(json!({"enabled": true})), with_runbooks(None));
    let copied = "https://runbooks.example.com/guard";
    for url in [copied, "https://runbooks.example.com/guard/"] {
        assert_eq!(rendered(json!({"enabled": true, "runbookBaseUrl": url})), with_runbooks(Some(copied)));
    }
    let all = rules(groups());
    let first = &all[0]["alert"];
    let changed = rules(rendered(json!({"enabled": true, "disabled": [first], "alertLabels": {"team": "a"}})));
    assert_eq!(changed.len(), all.len() - 1);
    for rule in changed {
        assert_ne!(rule["alert"], *first);
        assert_eq!(rule["labels"]["team"], "a");
        assert!(rule["labels"]["severity"].is_string(), "{rule}");
    }
    let objects = helm
        .template(&json!({"prometheusRule": {"enabled": true, "namespace": "monitoring", "labels": {"role": "alert"},
                                                           "annotations": {"a": "b"}}}));
    let metadata = &objects.one("PrometheusRule")["metadata"];
    assert_eq!((&metadata["namespace"], &metadata["labels"]["role"]), (&json!("monitoring"), &json!("alert")));
    assert_eq!(metadata["annotations"], json!({"a": "b"}));
}

#[test]
fn the_dashboard_is_a_config_map_for_grafana() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.template(
        &json!({"grafanaDashboard": {"enabled": true, "namespace": "monitoring", "annotations": {"a": "b"}}}),
    );
    let map = objects.one("ConfigMap/ingress-guard-dashboard");
    assert_eq!(map["metadata"]["namespace"], "monitoring");
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    assert_eq!(map["metadata"]["annotations"], json!({"a": "b"}));
    let rendered: Value = serde_json::from_str(map["data"]["ingress-guard.json"].as_str().unwrap()).unwrap();
    let file: Value =
        serde_json::from_str(&fs::read_to_string(format!("{CHART}/files/dashboard.json")).unwrap()).unwrap();
    assert_eq!(rendered, file);
}
