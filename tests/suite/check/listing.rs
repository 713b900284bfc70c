//! What text, table, github and gitlab list of many findings.

use std::fs;
use std::process::Command;

use ingress_guard::finding::Level;
use ingress_guard::report::{Report, Text, summary};
use serde_json::Value;

use super::{CLASS, SERVICE, check, folder, ingress};

/// Eight Ingresses whose Service is missing, and one with a wrong port.
fn many() -> tempfile::TempDir {
    let mut files: Vec<(String, String)> =
        (1..=8).map(|number| (format!("{number}.yaml"), ingress(&format!("app-{number}"), "wbe", 80))).collect();
    files.push(("9.yaml".to_owned(), ingress("app-9", "web", 81)));
    files.push(("cluster.yaml".to_owned(), format!("{CLASS}---\n{SERVICE}")));
    folder(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
}

const SELECT: [&str; 3] = [".", "--complete", "--select=IG201,IG202"];

#[test]
fn many_findings_of_one_check_are_cut_and_counted() {
    let folder = many();
    let out = check(folder.path(), &SELECT).out;
    assert_eq!(out.matches("deny[IG201").count(), 5, "{out}");
    let rest = "deny IG201: 3 more: 6.yaml:14:19, 7.yaml:14:19, 8.yaml:14:19 (--max-per-code 0 lists all)\n";
    assert!(out.contains(rest), "{out}");
    let end = "\
LEVEL  CODE   CHECK                   FINDINGS  INGRESSES
deny   IG201  service-not-found       8         8
deny   IG202  service-port-not-found  1         1

9 Ingresses analyzed; findings: 9 deny\n";
    assert!(out.ends_with(end), "{out}");

    let all = check(folder.path(), &[&SELECT[..], &["--max-per-code", "0"]].concat()).out;
    assert_eq!(all.matches("deny[IG201").count(), 8, "{all}");
    assert!(!all.contains(" more: "), "{all}");
}

#[test]
fn findings_can_be_grouped_by_ingress() {
    let both = ingress("shop", "web", 81).replace("      - path: /\n", "      - path: /a\n        pathType: Prefix\n        backend: {service: {name: wbe, port: {number: 80}}}\n      - path: /\n");
    let folder = folder(&[
        ("a.yaml", &both),
        ("b.yaml", &ingress("blog", "wbe", 80)),
        ("c.yaml", &format!("{CLASS}---\n{SERVICE}")),
    ]);
    let headings = |arguments: &[&str]| {
        let out = check(folder.path(), &[&SELECT[..], arguments].concat()).out;
        let starts = |line: &&str| line.starts_with("Ingress ") || line.starts_with("deny[");
        let cut = |line: &str| line.split_once(']').map_or(line.to_owned(), |(code, _)| code.to_owned());
        out.lines().filter(starts).map(cut).collect::<Vec<_>>()
    };
    let [first, second] = ["deny[IG201 service-not-found", "deny[IG202 service-port-not-found"];
    assert_eq!(headings(&[]), [first, first, second]);
    assert_eq!(
        headings(&["--group", "object"]),
        ["Ingress default/blog: 1 finding", first, "Ingress default/shop: 2 findings", first, second]
    );
}

#[test]
fn findings_at_level_audit_are_listed_on_request() {
    let text = ingress("web", "web", 80).replace("pathType: Prefix", "pathType: Exact");
    let audited = "profile: guard\nchecks: {IG201: audit}\n";
    let folder = folder(&[("a.yaml", &text), ("b.yaml", CLASS), ("config", audited)]);
    let arguments = |more: &'static str| ["a.yaml", "b.yaml", "--complete", "--select=IG201", "--config=config", more];
    for (format, listed) in
        [("text", "audit[IG201"), ("table", "audit  IG201"), ("github", "::notice title=IG201"), ("gitlab", "IG201")]
    {
        let of = |more: &'static str| check(folder.path(), &[&arguments(more)[..], &["-o", format]].concat()).out;
        assert!(!of("--show=warn").contains(listed), "{format}");
        assert!(of("--show=audit").contains(listed), "{format}: {}", of("--show=audit"));
    }
    let out = check(folder.path(), &arguments("--group=code")).out;
    assert!(out.starts_with("1 Ingress analyzed; findings: 1 audit (--show audit lists them)\n"), "{out}");
}

/// Problems of the input follow the findings, because the findings are the result.
#[test]
fn denials_come_first_and_unreadable_parts_last() {
    let folder = folder(&[
        ("a.yaml", "apiVersion: v1\nkind: Service\n\tmetadata: {}\n"),
        ("b.yaml", &ingress("web", "web", 80)),
        (
            "c.yaml",
            &ingress("old", "web", 80).replace(
                "metadata: {name: old}",
                "metadata: {name: old, annotations: {nginx.ingress.kubernetes.io/use-regexp: \"true\"}}",
            ),
        ),
        ("d.yaml", CLASS),
    ]);
    let out = check(folder.path(), &[".", "--assume-exists", "ingressclass/x"]).out;
    let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("{text}: {out}"));
    assert!(at("warn[IG601") < at("error: a.yaml:2"), "{out}");
    assert!(at("error: a.yaml:2") < at("2 Ingresses analyzed"), "{out}");
}

/// Where most checks did not run, the report does not state "no findings".
#[test]
fn a_report_states_first_that_most_checks_were_not_evaluated() {
    let folder = folder(&[("a.yaml", &ingress("web", "web", 80).replace("nginx", "edge"))]);
    let out = check(folder.path(), &["a.yaml"]).out;
    let first = out.lines().next().unwrap();
    let numbers: Vec<usize> = first.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(first.ends_with(" checks were not evaluated"), "{out}");
    assert!(matches!(*numbers, [1, not, all] if not * 2 > all && not < all), "{first}");
    assert!(out.contains("\n1 Ingress analyzed; the evaluated checks found nothing\n"), "{out}");
    assert!(!out.contains("no findings"), "{out}");
}

#[test]
fn github_gets_the_annotations_that_it_shows_and_a_job_summary() {
    let mut files: Vec<(String, String)> =
        (1..=14).map(|number| (format!("{number:02}.yaml"), ingress(&format!("app-{number}"), "wbe", 80))).collect();
    files.push(("cluster.yaml".to_owned(), format!("{CLASS}---\n{SERVICE}")));
    let folder = folder(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
    fs::write(folder.path().join("summary.md"), "## before\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    let arguments = [".", "--complete", "--select=IG201", "-o", "github"];
    let output =
        command.arg("check").args(arguments).env("GITHUB_STEP_SUMMARY", "summary.md").current_dir(&folder).output();
    let out = String::from_utf8(output.unwrap().stdout).unwrap();
    assert_eq!(out.matches("::error ").count(), 10, "{out}");
    assert!(
        out.ends_with("\n4 more: GitHub shows 10 annotations of each kind; the job summary lists the findings\n"),
        "{out}"
    );
    let summary = fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(
        summary.starts_with("## before\n## ingress-guard\n\n14 Ingresses analyzed; findings: 14 deny"),
        "{summary}"
    );
    assert_eq!(
        summary.matches("\n| deny | IG201 | default/app\\-").count()
            + summary.matches("\n| deny | IG201 | default/app-").count(),
        14,
        "{summary}"
    );
}

/// The fields that GitLab requires, with its values of severity.
#[test]
fn gitlab_gets_its_code_quality_report() {
    let folder = many();
    fs::write(folder.path().join("broken.yaml"), "apiVersion: v1\nkind: Service\n\tmetadata: {}\n").unwrap();
    let out = check(folder.path(), &[".", "-o", "gitlab"]).out;
    let issues: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert!(!issues.is_empty());
    for issue in &issues {
        for field in ["description", "check_name", "fingerprint", "severity"] {
            assert!(issue[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {issue:#}");
        }
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap()));
        let location = &issue["location"];
        let line = [&location["lines"]["begin"], &location["positions"]["begin"]["line"]];
        assert!(line.iter().any(|line| line.as_u64().is_some_and(|line| line > 0)), "{issue:#}");
        assert!(!location["path"].as_str().unwrap().starts_with('.'), "{issue:#}");
    }
    assert!(issues.iter().any(|issue| issue["check_name"] == "input" && issue["severity"] == "blocker"), "{issues:#?}");
}

#[test]
fn the_counts_are_printed_if_every_output_goes_to_a_file() {
    let folder = many();
    let outcome = check(folder.path(), &[&SELECT[..], &["-o", "html=report.html", "-o", "junit=report.xml"]].concat());
    assert_eq!(outcome.out, "");
    assert_eq!(outcome.err, "HTML report written to report.html\n9 Ingresses analyzed; findings: 9 deny\n");
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("\"1.yaml:14\""), "the page names the file and the line");
}

#[test]
fn lines_are_wrapped_between_words_at_the_width_of_the_terminal() {
    let mut report = Report::new(10);
    report
        .assumptions
        .push("no IngressClass in the files: 1 Ingress evaluated for ingress-nginx by its annotations".to_owned());
    let at = |width| summary(&report, &Text { width, ..Text::default() });
    let wrapped = at(Some(40));
    assert!(wrapped.lines().all(|line| line.chars().count() <= 40), "{wrapped}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&wrapped), words(&at(None)));
    assert_eq!(at(None).lines().count(), 2);
    assert!(Text::default().listing.show == Level::Warn);
}
