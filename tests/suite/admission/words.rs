//! The text of denials and warnings, and their limits at the API server.

use std::collections::BTreeSet;

use ingress_guard::admission::warning;
use ingress_guard::cluster::{Coverage, load_text};
use ingress_guard::finding::{Finding, Level};
use ingress_guard::model::{FieldPath, Key, Kind};
use ingress_guard::policy::{Ceiling, Decision, Unconfirmed};
use serde_json::{Value, json};

use super::{BAD, GOOD, ask, create, recorded, reviewer, reviewer_over, spec};

const DETAILS: &str = "run \"ingress-guard explain IG201\" for details";
const WAIVER: &str = "or waive with annotation ingress-guard.io/ignore: \"IG201 reason=…\"";

#[test]
fn a_denial_is_forbidden_and_its_message_is_complete() {
    let answer = ask(&reviewer("", BAD), &recorded("create"));
    let status = &answer.body["response"]["status"];
    assert_eq!(status["code"], 403);
    assert_eq!(status["reason"], "Forbidden");
    let details = &status["details"];
    assert_eq!(
        (&details["group"], &details["kind"], &details["name"]),
        (&json!("networking.k8s.io"), &json!("Ingress"), &json!("web"))
    );
    let causes = details["causes"].as_array().unwrap();
    assert_eq!((causes.len(), &causes[0]["reason"]), (1, &json!("IG201")));
    let (field, message) = (causes[0]["field"].as_str().unwrap(), causes[0]["message"].as_str().unwrap());
    assert_eq!(field, "spec.rules[0].http.paths[0].backend.service.name");
    assert!(message.ends_with("; did you mean \"wbe\"?"), "{message}");
    assert_eq!(
        answer.message,
        format!(
            "Ingress default/web is denied: 1 finding\n{field}: {message} [IG201 service-not-found]\n{DETAILS}\n{WAIVER}"
        )
    );
    assert_eq!(answer.body["response"]["auditAnnotations"], json!({"denied": "IG201"}));
}

/// The lines of a denial after the header and its only finding.
fn last_lines(config: &str, review: &Value) -> Vec<String> {
    let answer = ask(&reviewer(config, BAD), review);
    assert!(!answer.allowed, "{config}: {:#}", answer.body);
    answer.message.lines().skip(2).map(str::to_owned).collect()
}

#[test]
fn a_denial_ends_with_the_contact_line_the_command_and_the_waiver_if_allowed() {
    let create = recorded("create");
    let with_waiver = [DETAILS, WAIVER].as_slice();
    let without_waiver = [DETAILS].as_slice();
    for (config, lines) in [
        ("", with_waiver),
        ("support: 'ask #ingress'", &["ask #ingress", DETAILS, WAIVER]),
        ("waiverHint: false", without_waiver),
        ("profile: strict", without_waiver),
        ("{profile: strict, waiverHint: true}", with_waiver),
        ("namespaces: [{match: 'def*', waivers: false}]", without_waiver),
        ("{waiverHint: true, namespaces: [{match: 'def*', waivers: false}]}", without_waiver),
        ("namespaces: [{match: 'def*', profile: strict}]", without_waiver),
        ("{profile: strict, namespaces: [{match: 'def*', profile: guard}]}", with_waiver),
    ] {
        assert_eq!(last_lines(config, &create), lines, "{config}");
    }
    // IG315 cannot be waived, so a waiver of IG201 beside it would not lift the denial.
    let unwaivable = ask(&reviewer("", GOOD), &super::create(json!({}), spec(&[("/a\nb", "web", 80)])));
    assert!(unwaivable.message.ends_with("run \"ingress-guard explain IG315\" for details"), "{}", unwaivable.message);
    let both = ask(&reviewer("", BAD), &super::create(json!({}), spec(&[("/a\nb", "web", 80)])));
    both.assert(&[], &["IG201", "IG315"]);
    assert!(!both.message.contains("waive with"), "{}", both.message);
    let wrong_port = super::create(json!({}), spec(&[("/", "gone", 80), ("/api", "web", 81)]));
    let several = ask(&reviewer("", GOOD), &wrong_port);
    several.assert(&[], &["IG201", "IG202"]);
    assert!(several.message.ends_with("ignore: \"IG201 reason=…; IG202 reason=…\""), "{}", several.message);
}

#[test]
fn a_newline_in_a_path_never_reaches_a_header() {
    let review = create(json!({}), spec(&[("/a\nb", "absent", 80), ("/c\td\u{85}\u{7f}", "absent", 80)]));
    let mut dry_run = review.clone();
    dry_run["request"]["dryRun"] = json!(true);
    for answer in [ask(&reviewer("", GOOD), &review), ask(&reviewer("profile: observe", GOOD), &dry_run)] {
        for warning in &answer.warnings {
            assert!(!warning.contains(char::is_control), "{warning:?}");
        }
        for line in answer.message.lines() {
            assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
    let answer = ask(&reviewer("profile: observe", GOOD), &review);
    assert!(answer.warnings.iter().any(|warning| warning.contains(r"/a\nb")), "{:?}", answer.warnings);
}

fn decision(message: &str, downgraded: Option<Ceiling>) -> Decision {
    let finding = Finding::new("IG201", FieldPath::spec(), "", message);
    Decision { finding, level: Level::Warn, downgraded, waived: None }
}

#[test]
fn a_warning_starts_with_the_name_of_its_ingress() {
    let key = Key::new("shop", "web");
    assert_eq!(warning(&key, &decision("a: b", None)), "shop/web IG201 spec: a: b");
    assert_eq!(
        warning(&key, &decision("a: b", Some(Ceiling::Unconfirmed(Unconfirmed::NotReceived(Kind::Ingress))))),
        "shop/web IG201 spec: a: b (not confirmed: changes of Ingress objects are not received)"
    );
}

#[test]
fn a_name_is_cut_before_the_message_and_keeps_40_characters() {
    // The longest names that the API server accepts: 63 and 253 characters.
    let key = Key::new(&"n".repeat(63), &"é".repeat(253));
    let short = warning(&key, &decision("a: b", None));
    assert_eq!(short.chars().count(), 256);
    assert!(short.starts_with(&format!("{}/é", "n".repeat(63))) && short.ends_with("é… IG201 spec: a: b"), "{short}");
    let long = warning(&key, &decision(&"m".repeat(300), None));
    assert_eq!(long.chars().count(), 256);
    assert!(long.starts_with(&format!("{}… IG201 spec: mm", "n".repeat(39))) && long.ends_with("m…"), "{long}");
}

#[test]
fn warnings_are_bounded() {
    let long = format!("/{}", "é".repeat(3000));
    let paths: Vec<(String, String)> =
        (0..40).map(|n| (format!("{long}{n}\n"), format!("{}{n}", "s".repeat(60)))).collect();
    let paths: Vec<(&str, &str, u16)> = paths.iter().map(|(path, service)| (&**path, &**service, 80)).collect();
    let answer = ask(&reviewer("profile: observe", GOOD), &create(json!({}), spec(&paths)));
    assert!(answer.allowed);
    assert_eq!(answer.warnings.len(), 9);
    assert_eq!(answer.warnings[8], "default/web and 112 more findings");
    let total: usize = answer.warnings.iter().map(|warning| warning.chars().count()).sum();
    assert!(total <= 4096, "past that the API server drops them: {total}");
    assert!(answer.warnings.iter().all(|warning| warning.chars().count() <= 256));
}

#[test]
fn warnings_that_would_deny_come_first() {
    // IG401 warns by its level. IG502 would deny, but the user is listed under breakGlass.
    let config = "{hostOwnership: [{hosts: [app.example.com], namespaces: [shop]}], breakGlass: {users: [admin]}}";
    let mut spec = spec(&[("/", "web", 80)]);
    spec["tls"] = json!([{"hosts": ["app.example.com"], "secretName": "absent"}]);
    ask(&reviewer(config, GOOD), &create(json!({}), spec)).assert(&["IG502", "IG401"], &[]);
}

/// The distinct warning lines of 50 Ingresses of one apply, each with another name, path and host.
fn lines_of_an_apply(config: &str, unknown: Option<Kind>) -> BTreeSet<String> {
    let mut inventory = load_text("cluster", GOOD).unwrap();
    if let Some(kind) = unknown {
        inventory.cover(kind, Coverage::NotSynced);
    }
    let reviewer = reviewer_over(config, inventory);
    let answers = (0..50).map(|number| {
        let mut spec = spec(&[(&format!("/{number}"), "gone", 80)]);
        spec["rules"][0]["host"] = json!(format!("app-{number}.example.com"));
        if number % 2 == 0 {
            spec["tls"] = json!([{"hosts": [format!("app-{number}.example.com")], "secretName": "web-tls"}]);
        }
        let mut review = create(json!({}), spec);
        let name = json!(format!("web-{number}"));
        review["request"]["name"] = name.clone();
        review["request"]["object"]["metadata"]["name"] = name;
        ask(&reviewer, &review)
    });
    answers.flat_map(|answer| answer.warnings).collect()
}

#[test]
fn warnings_about_the_platform_are_equal_for_all_ingresses_of_an_apply() {
    let lines = lines_of_an_apply("{checks: {IG401: off}}", Some(Kind::Service));
    assert_eq!(lines.iter().collect::<Vec<_>>(), ["IG902 checks not evaluated: the Service cache has not synced yet"]);
    // Each Ingress has its own line for its own findings, although their texts are equal.
    let lines = lines_of_an_apply("{profile: observe, checks: {IG401: off}}", None);
    assert_eq!(lines.len(), 50, "{lines:#?}");
    assert!(lines.iter().all(|line| line.starts_with("default/web-") && line.contains(" IG201 ")), "{lines:#?}");
}

#[test]
fn a_denial_of_five_thousand_findings_is_bounded() {
    let paths: Vec<String> = (0..5000).map(|n| format!("/p{n}")).collect();
    let paths: Vec<(&str, &str, u16)> = paths.iter().map(|path| (&**path, "absent", 80)).collect();
    let answer = ask(&reviewer("", GOOD), &create(json!({}), spec(&paths)));
    assert!(!answer.allowed);
    assert!(answer.message.starts_with("Ingress default/web is denied: 5000 findings\n"), "{}", answer.message);
    assert_eq!(answer.message.lines().count(), 54);
    assert_eq!(answer.message.lines().nth(51), Some("and 4950 more"));
    assert!(answer.message.len() < 16_384);
}

#[test]
fn the_keys_of_audit_annotations_are_valid() {
    let answer = ask(&reviewer("profile: observe", BAD), &recorded("create"));
    let annotations = answer.body["response"]["auditAnnotations"].as_object().unwrap();
    assert!(!annotations.is_empty());
    assert!(annotations.keys().all(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '-')), "{annotations:?}");
}

#[test]
fn the_token_of_doctor_is_repeated_in_dry_runs_only() {
    let reviewer = reviewer("", GOOD);
    let token = "0123456789abcdef0123456789abcdef";
    let repeated = |value: &str, is_dry_run: bool| {
        let mut review = recorded(if is_dry_run { "create-dryrun" } else { "create" });
        review["request"]["object"]["metadata"]["annotations"] = json!({"ingress-guard.io/doctor": value});
        let warnings = ask(&reviewer, &review).warnings;
        warnings.iter().filter(|warning| warning.starts_with("ingress-guard.io/doctor")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(repeated(token, true), [format!("ingress-guard.io/doctor: {token}")]);
    assert_eq!(repeated(token, false), [""; 0]);
    // Nothing but a token is repeated.
    for other in ["", "0123", &token.to_uppercase(), &format!("{token}0"), "0123456789abcdef0123456789abcde\n"] {
        assert_eq!(repeated(other, true), [""; 0], "{other:?}");
    }
    let mut denied = recorded("create-dryrun");
    denied["request"]["object"]["metadata"]["annotations"] =
        json!({"ingress-guard.io/doctor": token, "nginx.ingress.kubernetes.io/rewrite-target": "/$2"});
    denied["request"]["object"]["spec"] = spec(&[("/", "web", 80)]);
    let answer = ask(&reviewer, &denied);
    assert_eq!(answer.warnings.first().map(String::as_str), Some(&*format!("ingress-guard.io/doctor: {token}")));
}
