//! `check --cluster`: files overlaid on the cluster, the predicted result compared with that of `kubectl apply`.

use serde_json::{Value, json};

use crate::cluster;
use crate::explain::run;
use crate::objects::{class, host, ingress, list, service};
use crate::terminal::Terminal;

#[test]
fn route_changes_are_reported_before_apply() {
    let Some(cluster) = cluster::shared() else { return };
    let namespace = "check";
    cluster.kubectl(&["create", "namespace", namespace]).ok();
    let terminal = Terminal { cluster: &cluster, namespace };
    terminal.stores(&[
        class("checked"),
        service("web", &[80]),
        ingress("old", "checked", "web", 80),
        ingress("bad", "checked", "absent", 80),
    ]);
    let write = |objects: &[Value]| cluster.supervisor().write("checked.json", list(objects));
    let check = |objects: &[Value]| {
        let file = write(objects);
        let arguments = ["check", file.to_str().unwrap(), "--cluster", "-n", namespace, "-o", "json"];
        let output = run(cluster.admin(), &arguments);
        assert_eq!(output.stderr, "", "{output}");
        (output.code, serde_json::from_str::<Value>(&output.stdout).unwrap())
    };
    // Another backend for the stored Ingress, and the problem that the other Ingress already has.
    let next = [service("next", &[80]), ingress("old", "checked", "next", 80), ingress("bad", "checked", "absent", 80)];
    let (code, report) = check(&next);
    assert_eq!(code, 0, "{report:#}");
    let levels: Vec<&Value> = report["findings"].as_array().unwrap().iter().map(|it| &it["level"]).collect();
    assert!(levels.iter().all(|level| *level != "deny"), "{report:#}");
    assert!(report["findings"].as_array().unwrap().iter().any(|it| it["code"] == "IG201"), "{report:#}");
    let url = format!("https://{}/", host("old", "checked"));
    let moves = json!([{"url": url, "before": "Service check/web:80", "after": "Service check/next:80"}]);
    assert_eq!(report["routeChanges"]["changes"], moves);

    let (code, report) = check(&[ingress("new", "checked", "absent", 80)]);
    assert_eq!(code, 1, "this finding is new: {report:#}");

    terminal.stores(&next);
    let (_, report) = check(&next);
    assert_eq!(report["routeChanges"], json!({"changes": [], "more": 0, "notCompared": 0}));
}
