//! Which reports on namespaces the background audit writes, and when.

use std::sync::Arc;

use ingress_guard::background::{
    ExistingReport, ReportChange, ReportSchedule, Since, StoredFinding, StoredVerdict, Verdicts,
};
use ingress_guard::finding::Level;
use ingress_guard::model::Key;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::skipped::skipped;

fn finding(code: &'static str, level: Level, message: &str) -> StoredFinding {
    StoredFinding {
        code,
        level,
        subject: message.into(),
        field: "spec.rules[0]".into(),
        message: message.into(),
        help: "change it".into(),
        is_readiness: false,
        service: None,
        waived: None,
    }
}

/// A cluster and its reports.
#[derive(Default)]
struct Cluster {
    now: Timestamp,
    verdicts: Verdicts,
    schedule: ReportSchedule,
    /// The seconds of the writes since the beginning, and the changes.
    written: Vec<(i64, ReportChange)>,
}

impl Cluster {
    fn new() -> Self {
        let mut cluster = Self { now: "2026-11-22T00:00:00Z".parse().unwrap(), ..Self::default() };
        cluster.verdicts.is_complete = true;
        cluster
    }

    fn set(&mut self, namespace: &str, name: &str, findings: Vec<StoredFinding>) {
        let verdict = StoredVerdict { findings, ..StoredVerdict::default() };
        self.verdicts.by_ingress.insert(Key::new(namespace, name), Arc::new(verdict));
    }

    /// Lets this number of seconds pass, with five steps in each.
    fn pass(&mut self, seconds: i64, is_made: bool) {
        self.schedule.observe(&Arc::new(self.verdicts.clone()));
        for _ in 0..seconds * 5 {
            if let Some(change) = self.schedule.next(|name| name == "ending", self.now) {
                self.written.push((self.now.as_second(), change.clone()));
                self.schedule.done(change, is_made, self.now);
            }
            self.now += SignedDuration::from_millis(200);
        }
    }

    /// Returns the changes since the last call: the namespace, and the report in the format of `openreports.io`.
    fn changes(&mut self) -> Vec<(Box<str>, Option<Value>)> {
        let object = |change: ReportChange| {
            let namespace = change.namespace;
            let content = change.content;
            let object = content.map(|it| it.object("openreports.io/v1alpha1", "Report", &namespace, true));
            (namespace, object)
        };
        std::mem::take(&mut self.written).into_iter().map(|(_, change)| object(change)).collect()
    }
}

#[test]
fn a_report_has_one_result_for_each_check_and_ingress() {
    let mut cluster = Cluster::new();
    let deny = |message| finding("IG201", Level::Deny, message);
    let findings = vec![deny("first"), deny("second"), finding("IG307", Level::Warn, "third")];
    cluster.set("shop", "web", [findings, vec![finding("IG308", Level::Audit, "fourth")]].concat());
    cluster.set("blog", "web", vec![]);
    cluster.pass(5, true);
    let changes = cluster.changes();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let result = |policy, rule, result, severity, message| {
        json!({
            "source": "ingress-guard", "policy": policy, "rule": rule, "category": "Ingress", "severity": severity, "result": result,
            "scored": true, "message": message,
            "resources": [{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "namespace": "shop", "name": "web"}],
            "properties": {"documentation": format!("ingress-guard explain {rule}")},
            "timestamp": {"seconds": 1_795_305_600, "nanos": 0},
        })
    };
    let report = changes[0].1.clone().unwrap();
    let first = "spec.rules[0]: first; change it (and 1 more finding of this check)";
    assert_eq!(
        report["results"],
        json!([
            result("service-not-found", "IG201", "fail", "high", first),
            result("path-trailing-slash", "IG307", "warn", "medium", "spec.rules[0]: third; change it"),
        ])
    );
    assert_eq!(report["summary"], json!({"pass": 0, "fail": 1, "warn": 1, "error": 0, "skip": 0}));
    assert_eq!(report["source"], "ingress-guard");
    assert_eq!(report["metadata"]["name"], "ingress-guard");
    assert_eq!(report["metadata"]["labels"], json!({"app.kubernetes.io/managed-by": "ingress-guard"}));
}

#[test]
fn a_report_is_written_on_change_at_most_once_a_minute_and_deleted_without_a_problem() {
    let mut cluster = Cluster::new();
    let bad = || vec![finding("IG201", Level::Deny, "gone")];
    for round in 0..30 {
        cluster.set("shop", "web", if round % 2 == 0 { bad() } else { vec![] });
        cluster.pass(10, true);
    }
    let times: Vec<i64> = cluster.written.iter().map(|(second, _)| *second).collect();
    assert!(times.len() > 2 && times.windows(2).all(|pair| pair[1] - pair[0] >= 60), "{times:?}");
    cluster.changes();
    cluster.set("shop", "web", bad());
    cluster.pass(120, true);
    // An equal verdict, and a different one with the same content, change nothing.
    cluster.changes();
    cluster.set("shop", "web", bad());
    cluster.pass(120, true);
    assert_eq!(cluster.changes(), []);
    cluster.verdicts.by_ingress.clear();
    cluster.pass(1, true);
    assert_eq!(cluster.changes(), [("shop".into(), None)]);
    cluster.pass(120, true);
    assert_eq!(cluster.changes(), []);
}

#[test]
fn five_reports_a_second_are_written() {
    let mut cluster = Cluster::new();
    for index in 0..300 {
        cluster.set(&format!("team-{index}"), "web", vec![finding("IG201", Level::Deny, "gone")]);
    }
    cluster.pass(30, true);
    assert_eq!(cluster.written.len(), 150);
    cluster.pass(31, true);
    assert_eq!(cluster.written.len(), 300);
}

#[test]
fn a_hand_over_changes_only_what_is_different() {
    let mut cluster = Cluster::new();
    for namespace in ["same", "changed", "healed"] {
        cluster.set(namespace, "web", vec![finding("IG201", Level::Deny, "gone")]);
    }
    cluster.pass(5, true);
    let start: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    let since: Since = [(("web".into(), "IG201".into()), start)].into();
    let existing: Vec<ExistingReport> = std::mem::take(&mut cluster.written)
        .into_iter()
        .map(|(_, change)| ExistingReport {
            since: since.clone(),
            digest: change.content.unwrap().digest,
            namespace: change.namespace,
        })
        .chain([ExistingReport { namespace: "vanished".into(), digest: String::new(), since: Since::new() }])
        .collect();
    cluster.schedule = ReportSchedule::default();
    cluster.schedule.recover(existing);
    cluster.set("healed", "web", vec![]);
    cluster.set("changed", "api", vec![finding("IG201", Level::Deny, "gone")]);
    cluster.now += SignedDuration::from_hours(1);
    cluster.pass(5, true);
    let changes = cluster.changes();
    let names: Vec<(&str, bool)> = changes.iter().map(|(name, report)| (&**name, report.is_some())).collect();
    assert_eq!(names, [("changed", true), ("healed", false), ("vanished", false)]);
    // The time of a problem that lasts is that of the first holder.
    let results = &changes[0].1.as_ref().unwrap()["results"];
    let seconds: Vec<i64> = [0, 1].map(|index| results[index]["timestamp"]["seconds"].as_i64().unwrap()).into();
    assert_eq!((results[1]["resources"][0]["name"].as_str(), seconds[1]), (Some("web"), start.as_second()));
    assert!(seconds[0] > seconds[1] + 3600, "{seconds:?}");
}

#[test]
fn a_failed_write_is_repeated_after_a_minute_and_a_namespace_that_ends_is_left_alone() {
    let mut cluster = Cluster::new();
    cluster.set("shop", "web", vec![finding("IG201", Level::Deny, "gone")]);
    cluster.set("ending", "web", vec![finding("IG201", Level::Deny, "gone")]);
    cluster.pass(30, false);
    assert_eq!(cluster.changes().len(), 1);
    cluster.pass(60, true);
    let changes = cluster.changes();
    assert_eq!(changes.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["shop"]);
}

#[test]
fn incomplete_verdicts_change_no_report() {
    let mut cluster = Cluster::new();
    cluster.schedule.recover([ExistingReport { namespace: "shop".into(), digest: "old".into(), since: Since::new() }]);
    cluster.verdicts = Verdicts::default();
    cluster.pass(120, true);
    assert_eq!(cluster.changes(), []);
}

#[test]
fn a_report_is_smaller_than_a_mebibyte_and_counts_the_rest() {
    let mut cluster = Cluster::new();
    for index in 0..5_000 {
        cluster.set("shop", &format!("web-{index:05}"), vec![finding("IG201", Level::Deny, &"é".repeat(400))]);
    }
    cluster.pass(1, true);
    let report = cluster.changes().remove(0).1.unwrap();
    let size = report.to_string().len();
    assert!((800_000..1_000_000).contains(&size), "{size}");
    let results = report["results"].as_array().unwrap();
    assert_eq!(report["summary"]["fail"], 5_000);
    let expected = format!(
        "{} more problems are not listed, because the report would be too large; run \"ingress-guard audit\"",
        5_001 - results.len()
    );
    let last = results.last().unwrap();
    assert_eq!((last["message"].as_str(), &last["policy"]), (Some(&*expected), &json!("not-listed")));
}

/// Reads a report with the Go types of `openreports.io`; `None`: Go is missing.
fn read_by_go(report: &Value) -> Option<String> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    if Command::new("go").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        skipped("reports read with the types of OpenReports: go not found");
        return None;
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports");
    let mut child = Command::new("go")
        .args(["run", "."])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(report.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_types_of_openreports_read_both_kinds() {
    let mut cluster = Cluster::new();
    cluster.set("shop", "web", vec![finding("IG201", Level::Deny, "gone"), finding("IG307", Level::Warn, "slash")]);
    cluster.pass(1, true);
    let (_, change) = cluster.written.remove(0);
    let content = change.content.unwrap();
    // Policy Reporter reads PolicyReports into types with the same fields.
    let kinds =
        [("openreports.io/v1alpha1", "Report", "ingress-guard"), ("wgpolicyk8s.io/v1alpha2", "PolicyReport", "")];
    for (api_version, kind, source) in kinds {
        let report = content.object(api_version, kind, "shop", !source.is_empty());
        let Some(read) = read_by_go(&report) else { return };
        assert_eq!(
            read,
            format!(
                "{source} service-not-found IG201 fail high 1795305600 Ingress/shop/web\n\
                 {source} path-trailing-slash IG307 warn medium 1795305600 Ingress/shop/web\n\
                 {{Pass:0 Fail:1 Warn:1 Error:0 Skip:0}}\n"
            )
        );
    }
}

#[test]
fn namespaces_whose_reports_change_all_the_time_delay_no_other() {
    let mut cluster = Cluster::new();
    let mut changed = None;
    // More reports change than are written in a minute.
    for minute in 0..12 {
        for index in 0..400 {
            let message = format!("minute {minute}");
            cluster.set(&format!("busy-{index:03}"), "web", vec![finding("IG201", Level::Deny, &message)]);
        }
        if minute == 3 {
            cluster.set("quiet", "web", vec![finding("IG201", Level::Deny, "new")]);
            changed = Some(cluster.now.as_second());
        }
        cluster.pass(60, true);
    }
    let written = cluster.written.iter().find(|(_, change)| *change.namespace == *"quiet").expect("a report");
    assert!(written.0 - changed.unwrap() <= 120, "{} s", written.0 - changed.unwrap());
}
