//! IG310 and IG311 advise one target per Ingress. Following all their help texts at once removes their findings.

use std::collections::{BTreeMap, BTreeSet};

use ingress_guard::analysis::{Applied, analyze, analyze_applied};
use ingress_guard::cluster::Inventory;
use ingress_guard::config::Config;
use ingress_guard::finding::Finding;

use crate::pages::{inventory, known};

const CASES: [(&str, &[&str]); 9] = [
    ("/$3", &["/", "/v2", "/api(/|$)(.*)"]),
    ("/$2", &["/", "/api/(.*)"]),
    ("/$2", &["/api(.*)", "/api/v1", "/blog/.*"]),
    ("/$1", &["/", "/c++/docs", "/api/(.*)"]),
    ("/v1", &["/", "/app/.*", "/files/*", "/shop/"]),
    ("/v1/", &["/a(.*)"]),
    ("$1", &["/hook"]),
    ("v1", &["/hook"]),
    ("https://new.example.com/$2", &["/old/(.*)"]),
];

/// A cluster with an Ingress that has these paths on each of the hosts.
fn manifests(target: &str, paths: &[String], hosts: &[&str]) -> String {
    let backend = "pathType: ImplementationSpecific, backend: {service: {name: web, port: {number: 80}}}";
    let paths: Vec<String> = paths.iter().map(|path| format!("{{path: '{path}', {backend}}}")).collect();
    let rule = |host: &&str| format!("{{host: {host}.example.com, http: {{paths: [{}]}}}}", paths.join(", "));
    let rules: Vec<String> = hosts.iter().map(rule).collect();
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {{name: nginx}}, \
         spec: {{controller: k8s.io/ingress-nginx}}}}\n---\n\
         {{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: shop}}, spec: {{ports: [{{port: 80}}]}}}}\n---\n\
         {{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: web, namespace: shop, \
         annotations: {{nginx.ingress.kubernetes.io/rewrite-target: '{target}'}}}}, \
         spec: {{ingressClassName: nginx, rules: [{}]}}}}\n",
        rules.join(", ")
    )
}

fn cluster(target: &str, paths: &[String], hosts: &[&str]) -> Inventory {
    inventory(&Config::default(), &manifests(target, paths, hosts))
}

/// The findings of both checks on an Ingress that has these paths on two hosts.
fn findings(target: &str, paths: &[String]) -> Vec<Finding> {
    let (config, cluster) = (Config::default(), cluster(target, paths, &["a", "b"]));
    let ingress = cluster.ingress("shop", "web").unwrap();
    let verdict = analyze(ingress, known(&cluster), &config.engine(), &config.policy).verdict;
    let found = verdict.distinct().map(|decision| decision.finding.clone());
    found.filter(|finding| matches!(finding.code, "IG310" | "IG311")).collect()
}

/// Splits `use path "…", target "…"` into what it changes and the new value.
fn advice(help: &str) -> BTreeMap<&str, String> {
    let parts = help.strip_prefix("use ").unwrap_or_else(|| panic!("{help}")).split("\", ");
    let change = parts.map(|part| part.split_once(' ').unwrap());
    change.map(|(what, value)| (what, value.trim_matches('"').replace("\\\\", "\\"))).collect()
}

#[test]
fn following_the_advice_removes_the_findings() {
    for (target, paths) in CASES {
        let mut paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let before = findings(target, &paths);
        assert!(!before.is_empty(), "{target} {paths:?}");
        let mut targets = BTreeSet::new();
        for finding in &before {
            let mut advice = advice(&finding.help);
            let subject = finding.subject.strip_suffix(&format!(" Prefix target={target}")).unwrap();
            let subject = subject.strip_prefix("a.example.com ").unwrap_or_else(|| panic!("{subject}"));
            targets.insert(advice.remove("target").unwrap_or_else(|| target.to_owned()));
            let at = paths.iter().position(|path| path == subject).unwrap_or_else(|| panic!("{subject} twice"));
            if let Some(path) = advice.remove("path") {
                paths[at] = path;
            }
        }
        assert_eq!(targets.len(), 1, "{target} {paths:?}: several targets");
        let after = findings(targets.first().unwrap(), &paths);
        assert!(after.is_empty(), "{targets:?} {paths:?}: {after:?}");
    }
}

#[test]
fn a_path_on_two_hosts_is_reported_once() {
    let paths = ["/app/(.*)".to_owned(), "/".to_owned()];
    let codes: Vec<&str> = findings("/$2", &paths).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["IG310", "IG311"]);
}

#[test]
fn a_host_that_an_update_adds_is_denied_although_its_problem_reads_the_same() {
    let config = Config::default();
    let paths = ["/app(.*)".to_owned()];
    let (before, after) = (cluster("/$2", &paths, &["a"]), cluster("/$2", &paths, &["a", "b"]));
    let [stored, updated] = [&before, &after].map(|cluster| cluster.ingress("shop", "web").unwrap());
    let analyzed = |updated, state| {
        let applied = Applied { stored: Some((stored, known(&before))), ..Applied::default() };
        analyze_applied(updated, state, applied, &config.engine(), &config.policy).verdict
    };
    assert!(!analyzed(stored, known(&before)).denies());
    assert!(analyzed(updated, known(&after)).denies());
}

#[test]
fn a_baseline_does_not_accept_a_host_that_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let [file, baseline] = ["web.yaml", "baseline.json"].map(|name| folder.path().join(name));
    let check = |hosts: &[&str], flags: &[&str]| {
        std::fs::write(&file, manifests("/$2", &["/app(.*)".to_owned()], hosts)).unwrap();
        let [file, baseline] = [&file, &baseline].map(|path| path.to_str().unwrap());
        let (code, stdout, _) = crate::binary::run(&[&["check", file, "--baseline", baseline], flags].concat());
        (code, stdout.matches("deny[IG310").count())
    };
    assert_eq!(check(&["a"], &["--write-baseline"]), (0, 0));
    assert_eq!(check(&["a"], &[]), (0, 0));
    assert_eq!(check(&["a", "b"], &[]), (1, 1));
    assert_eq!(check(&["a", "b"], &["--write-baseline"]).0, 0);
    assert_eq!(check(&["b"], &[]), (0, 0), "each host has its own entry");
}
