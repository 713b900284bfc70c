//! The dashboard for Grafana: its expressions and its form.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::{assert_metrics_exist, read};
use crate::promtool::promtool;

/// Columns of a dashboard.
const COLUMNS: u64 = 24;

fn dashboard() -> Value {
    serde_json::from_str(&read("chart/files/dashboard.json")).unwrap()
}

fn panels(dashboard: &Value) -> Vec<&Value> {
    dashboard["panels"].as_array().unwrap().iter().collect()
}

fn expressions(dashboard: &Value) -> Vec<&str> {
    let targets = panels(dashboard).into_iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets.map(|target| target["expr"].as_str().unwrap()).collect()
}

#[test]
fn the_dashboard_uses_existing_metrics() {
    assert_metrics_exist(&expressions(&dashboard()).join("\n"));
}

#[test]
fn promtool_accepts_the_expressions_of_the_dashboard() {
    let dashboard = dashboard();
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for (number, expression) in expressions(&dashboard).iter().enumerate() {
        let expression = expression.replace("$__rate_interval", "5m").replace("$__range", "1h");
        let _ = writeln!(rules, "  - record: panel:expression:{number}\n    expr: {}", Value::from(expression));
    }
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), rules).unwrap();
    let arguments = ["check", "rules", file.path().to_str().unwrap()];
    let Some((is_good, output)) = promtool("the dashboard", &arguments, "") else { return };
    assert!(is_good, "{output}");
}

/// The rules of Grafana that a wrong file breaks silently: a panel without data source, with a used id, or below another one.
#[test]
fn the_panels_are_complete_and_do_not_overlap() {
    let dashboard = dashboard();
    for (field, value) in [("uid", "ingress-guard"), ("title", "ingress-guard")] {
        assert_eq!(dashboard[field], value);
    }
    assert!(dashboard["id"].is_null(), "an id belongs to one installation");
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
    let (mut ids, mut titles, mut cells) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()) && titles.insert(title), "twice: {title}");
        let number = |field: &str| panel["gridPos"][field].as_u64().unwrap_or_else(|| panic!("{title}: {field}"));
        let (x, y, width, height) = (number("x"), number("y"), number("w"), number("h"));
        assert!(width > 0 && height > 0 && x + width <= COLUMNS, "{title}");
        for column in x..x + width {
            for row in y..y + height {
                assert!(cells.insert((column, row)), "{title} is on top of another panel");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(["stat", "table", "timeseries"].contains(&panel["type"].as_str().unwrap()), "{title}");
        assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{title}: no description");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}");
        let names: BTreeSet<_> = targets.iter().map(|target| target["refId"].as_str().unwrap()).collect();
        assert_eq!(names.len(), targets.len(), "{title}");
        for source in targets.iter().map(|target| &target["datasource"]).chain([&panel["datasource"]]) {
            assert_eq!((&source["type"], &source["uid"]), (&"prometheus".into(), &"${datasource}".into()), "{title}");
        }
    }
    assert!(cells.len() > 100);
}
