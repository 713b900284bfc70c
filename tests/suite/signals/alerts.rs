//! The alerts of the chart: their form, their runbooks and their tests.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{assert_metrics_exist, read, yaml};
use crate::promtool::promtool;
use crate::registry::files_below;

const RULES: &str = "chart/files/alerts.yaml";
/// The sections of a runbook, as in those of other projects.
const SECTIONS: [&str; 4] = ["Meaning", "Impact", "Diagnosis", "Mitigation"];

fn rules() -> Vec<Value> {
    let file = yaml(RULES);
    let groups = file["groups"].as_array().unwrap().iter();
    groups.flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn text<'a>(rule: &'a Value, at: &str) -> &'a str {
    rule.pointer(at).and_then(Value::as_str).unwrap_or_else(|| panic!("no {at} in {rule}"))
}

#[test]
fn each_alert_has_a_severity_a_duration_and_a_runbook() {
    let overview = read("docs/runbooks/README.md");
    let mut pages: BTreeSet<_> = files_below("docs/runbooks", "md").into_iter().collect();
    assert!(pages.remove(std::path::Path::new("docs/runbooks/README.md")));
    for rule in rules() {
        let alert = text(&rule, "/alert");
        assert!(alert.starts_with("IngressGuard") || alert.starts_with("IngressServes"), "{alert}");
        assert!(text(&rule, "/for").ends_with(['m', 'h']), "{alert}");
        assert!(["critical", "warning"].contains(&text(&rule, "/labels/severity")), "{alert}");
        for annotation in ["summary", "description"] {
            assert!(text(&rule, &format!("/annotations/{annotation}")).ends_with('.'), "{alert}: {annotation}");
        }
        let url = text(&rule, "/annotations/runbook_url");
        let (_, path) = url.split_once("/blob/main/").unwrap();
        let page = read(path);
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert!(page.starts_with(&format!("# {alert}\n")), "{path} is not about {alert}");
        assert_eq!(headings, SECTIONS, "{path}");
        assert!(pages.remove(std::path::Path::new(path)), "{path} belongs to two alerts");
        let name = path.rsplit('/').next().unwrap();
        let row = format!("| [{alert}]({name}) | {} |", text(&rule, "/labels/severity"));
        assert!(overview.contains(&row), "no {row} in docs/runbooks/README.md");
    }
    assert!(pages.is_empty(), "runbooks of no alert: {pages:?}");
}

#[test]
fn alerts_use_existing_metrics() {
    let expressions: Vec<String> = rules().iter().map(|rule| text(rule, "/expr").to_owned()).collect();
    assert_metrics_exist(&expressions.join("\n"));
}

#[test]
fn each_alert_has_a_test_in_which_it_fires() {
    let tests = read("tests/alerts/firing.yaml");
    for rule in rules() {
        let fires = format!("ALERTS{{alertname=\"{}\",alertstate=\"firing\"", text(&rule, "/alert"));
        assert!(tests.contains(&fires), "no {fires}");
    }
}

#[test]
fn the_quiet_day_has_the_metrics_of_each_alert() {
    let day = read("tests/alerts/quiet-day.yaml");
    let mut names = BTreeSet::new();
    for rule in rules() {
        let words = text(&rule, "/expr").split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        names.extend(words.filter(|word| word.starts_with("ingress_guard_")).map(str::to_owned));
    }
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(day.contains(&name), "{name} has no series: its alert cannot fire on the quiet day");
    }
}

#[test]
fn promtool_accepts_the_rules_and_their_tests_pass() {
    let what = "the alerts";
    let Some((is_good, output)) = promtool(what, &["check", "rules", "--lint=all", "--lint-fatal", RULES], "") else {
        return;
    };
    assert!(is_good, "{output}");
    for tests in files_below("tests/alerts", "yaml") {
        let (is_good, output) = promtool(what, &["test", "rules", tests.to_str().unwrap()], "").unwrap();
        assert!(is_good, "{output}");
    }
}
