//! Signals of a real API server: how it counts and records writes that fail open, and the traces that it sends.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::cluster::{self, Cluster};
use crate::objects::{class, ingress, service};
use crate::promtool::promtool;
use crate::skipped::skipped;
use crate::terminal::Terminal;
use crate::webhook::Webhook;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The samples of the writes that failed open: their series, and their values.
fn failed_open(cluster: &Cluster) -> Vec<(String, u64)> {
    let text = cluster.kubectl(&["get", "--raw", "/metrics"]).ok();
    let samples = text.lines().filter(|line| line.starts_with("apiserver_admission_webhook_fail_open_count{"));
    samples
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series.to_owned(), value.parse().unwrap()))
        .collect()
}

/// A test of promtool in which Prometheus scrapes these values of an API server, half an hour before and now, and the alert fires.
fn rule_test(before: &[(String, u64)], now: &[(String, u64)]) -> String {
    let mut series = String::new();
    for (name, value) in now {
        let name = name.replace('}', ",job=\"apiserver\",instance=\"1\"}");
        let before = before.iter().find(|(other, _)| *other == name.replace(",job=\"apiserver\",instance=\"1\"", ""));
        let before = before.map_or("_x30".to_owned(), |(_, value)| format!("{value}x29"));
        let _ = writeln!(series, "      - series: '{name}'\n        values: {before} {value}x10");
    }
    format!(
        "rule_files: [{ROOT}/chart/files/alerts.yaml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    \
         input_series:\n      - {{series: 'up{{job=\"apiserver\",instance=\"1\"}}', values: 1x40}}\n{series}    promql_expr_test:\n      \
         - expr: ALERTS{{alertname=\"IngressGuardFailOpen\",alertstate=\"firing\"}}\n        eval_time: 32m\n        exp_samples:\n          \
         - labels: ALERTS{{alertname=\"IngressGuardFailOpen\",alertstate=\"firing\",severity=\"critical\"}}\n            value: 1\n      \
         - {{expr: 'ALERTS{{alertname=\"IngressGuardFailOpen\",alertstate=\"firing\"}}', eval_time: 29m, exp_samples: []}}\n"
    )
}

/// The commands of all runbooks that begin with `kubectl`.
fn commands() -> Vec<String> {
    let pages = std::fs::read_dir(format!("{ROOT}/docs/runbooks")).unwrap();
    let pages = pages.map(|page| std::fs::read_to_string(page.unwrap().path()).unwrap());
    let commands = pages.flat_map(|page| {
        let commands = page.lines().filter_map(|line| line.trim_start().strip_prefix("$ "));
        commands.filter(|command| command.starts_with("kubectl ")).map(str::to_owned).collect::<Vec<_>>()
    });
    commands.collect()
}

/// Runs a filter of jq over a log line that has everything the filters of runbooks select.
fn filtered(filter: &str) -> String {
    let line = r#"{"message":"reviewed","target":"panic","namespace":"shop","duration_us":600000,"denial":"denied"}"#;
    let command = format!("printf '%s' '{line}' | jq {filter}");
    let output = Command::new("bash").args(["-c", &command]).output().unwrap();
    assert!(output.status.success(), "{filter}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the command of the runbook that finds what was stored; returns its output.
fn stored_without_evaluation(cluster: &Cluster) -> Option<String> {
    if Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_err() {
        skipped("the audit log after an outage: jq not found");
        return None;
    }
    let runbook = std::fs::read_to_string(format!("{ROOT}/docs/runbooks/fail-open.md")).unwrap();
    let (_, rest) = runbook.split_once("$ jq ").unwrap();
    let (command, _) = rest.split_once("```").unwrap();
    let output = Command::new("bash")
        .args(["-c", &format!("jq {command}")])
        .current_dir(cluster.supervisor().folder())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_api_server_counts_and_records_what_it_stores_while_no_process_runs_and_the_alert_fires() {
    let Some(cluster) = cluster::shared() else { return };
    let mut webhook = Webhook::watching(&cluster, "signals-open", "");
    let terminal = Terminal { cluster: &cluster, namespace: "signals-open" };
    terminal.stores(&[class("signals-open"), service("web", &[80])]);
    let bad = |name: &str| ingress(name, "signals-open", "wbe", 80);
    terminal.refuses(&bad("before"), &["[IG201 service-not-found]"]);

    let before = failed_open(&cluster);
    webhook.kill();
    terminal.stores(&[bad("meanwhile")]);
    let now = failed_open(&cluster);
    let total = |samples: &[(String, u64)]| samples.iter().map(|(_, value)| value).sum::<u64>();
    assert!(total(&now) > total(&before), "{before:?} {now:?}");
    assert!(now.iter().any(|(series, _)| series.contains("name=\"validate.ingress-guard.io\"")), "{now:?}");

    if let Some(found) = stored_without_evaluation(&cluster) {
        let records =
            |name: &str| found.lines().any(|line| line.contains(&format!(" create signals-open/{name} admin")));
        assert!(records("meanwhile") && !records("before"), "{found}");
    }
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), rule_test(&before, &now)).unwrap();
    let arguments = ["test", "rules", file.path().to_str().unwrap()];
    let Some((is_good, output)) = promtool("the alert of a real API server", &arguments, "") else { return };
    assert!(is_good, "{output}\n{}", rule_test(&before, &now));
}

#[test]
fn metrics_of_a_process_over_a_cluster_are_documented_and_valid() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "signals-metrics", "");
    let terminal = Terminal { cluster: &cluster, namespace: "signals-metrics" };
    terminal.stores(&[class("signals-metrics"), service("web", &[80])]);
    terminal.refuses(&ingress("bad", "signals-metrics", "wbe", 80), &["[IG201 service-not-found]"]);
    // The class is part of the metrics once its watch has delivered it.
    let class_is_known = "ingress_guard_reload_blocked{class=\"signals-metrics\"} 0";
    webhook.wait(Duration::from_secs(20), || webhook.metrics().contains(class_is_known));

    let response = webhook.metrics();
    let (_, text) = response.split_once("\r\n\r\n").unwrap();
    let page = std::fs::read_to_string(format!("{ROOT}/docs/metrics.md")).unwrap();
    let documented: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let found: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(found.len() > 30, "{text}");
    let undocumented: Vec<_> = found.difference(&documented).collect();
    assert!(undocumented.is_empty(), "not in docs/metrics.md: {undocumented:?}");
    let denied = "ingress_guard_denied_ingresses{ingress_namespace=\"signals-metrics\"} 1";
    assert!(text.lines().any(|line| line == denied), "{text}");

    let Some((is_good, output)) = promtool("metrics over a cluster", &["check", "metrics"], text) else { return };
    assert!(is_good && output.is_empty(), "{output}");
}

#[test]
fn log_lines_have_the_message_of_a_denial_and_the_trace_of_the_api_server() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "signals-log", "");
    let terminal = Terminal { cluster: &cluster, namespace: "signals-log" };
    terminal.stores(&[class("signals-log"), service("web", &[80])]);
    terminal.refuses(&ingress("bad", "signals-log", "wbe", 80), &["[IG201 service-not-found]"]);
    terminal.stores(&[ingress("good", "signals-log", "web", 80)]);
    let reviews = webhook.reviews();
    let of = |name: &str| reviews.iter().find(|review| review["name"] == name).unwrap();
    let message = of("bad")["denial"].as_str().unwrap();
    assert!(message.starts_with("Ingress signals-log/bad is denied: 1 finding\nspec.rules[0]"), "{message}");
    assert!(of("good").get("denial").is_none(), "{reviews:?}");
    let ids: BTreeSet<&str> = ["bad", "good"].map(|name| of(name)["trace_id"].as_str().unwrap()).into();
    assert!(ids.len() == 2 && ids.iter().all(|id| id.len() == 32), "{ids:?}");
}

#[test]
fn the_commands_of_runbooks_are_accepted() {
    let Some(cluster) = cluster::shared() else { return };
    let has_jq = Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_ok();
    let mut commands = commands();
    commands.sort();
    commands.dedup();
    // Without a kubelet there are no pods and no rollouts, and cert-manager is not installed.
    let missing = ["POD", "rollout", "describe certificates", "certificaterequests"];
    commands.retain(|command| missing.iter().all(|word| !command.contains(word)));
    assert!(commands.len() >= 10, "{commands:?}");
    for command in commands {
        let (kubectl, filter) = command.split_once(" | jq ").unwrap_or((&command, ""));
        let mut words: Vec<String> = kubectl.split_whitespace().skip(1).map(|word| word.replace('\'', "")).collect();
        if words[0] == "delete" {
            words.push("--dry-run=server".to_owned());
        }
        let output = cluster.kubectl(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let is_answer = ["yes\n", "no\n"].contains(&output.stdout.as_str());
        // The account of the runbooks does not exist here.
        let is_refused = command.contains(" --as ") && output.stderr.contains("is forbidden: User");
        assert!(output.code == 0 || is_answer || is_refused, "{command}: {output}");
        if has_jq && !filter.is_empty() {
            assert_ne!(filtered(filter), "", "{command}");
        }
    }
}
