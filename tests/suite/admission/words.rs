//! What people read: denials, warnings, and what the API server would do to them.

use serde_json::json;

use super::{BAD, GOOD, ask, create, recorded, reviewer, spec};

#[test]
fn a_denial_is_forbidden_and_its_message_says_everything() {
    let answer = ask(&reviewer("", BAD), &recorded("create"));
    let status = &answer.body["response"]["status"];
    assert_eq!(status["code"], 403);
    assert_eq!(status["reason"], "Forbidden");
    assert_eq!(
        answer.message,
        "Ingress default/web would not serve:\n\
         spec.rules[0].http.paths[0].backend.service.name: Service \"web\" does not exist in namespace \"default\": \
         requests return 503; did you mean \"wbe\"? [IG201 service-not-found]"
    );
    assert_eq!(
        status["details"],
        json!({"name": "web", "group": "networking.k8s.io", "kind": "Ingress", "causes": [{
            "reason": "IG201",
            "message": "Service \"web\" does not exist in namespace \"default\": requests return 503; did you mean \"wbe\"?",
            "field": "spec.rules[0].http.paths[0].backend.service.name",
        }]})
    );
    assert_eq!(answer.body["response"]["auditAnnotations"], json!({"denied": "IG201"}));
}

#[test]
fn a_newline_in_a_path_never_reaches_a_header() {
    let review = create(json!({}), spec(&[("/a\nb", "nobody", 80), ("/c\td\u{85}\u{7f}", "nobody", 80)]));
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

#[test]
fn warnings_are_short_and_few_and_the_worst_come_first() {
    let long = format!("/{}", "é".repeat(3000));
    let paths: Vec<(String, String)> =
        (0..40).map(|n| (format!("{long}{n}\n"), format!("{}{n}", "s".repeat(60)))).collect();
    let paths: Vec<(&str, &str, u16)> = paths.iter().map(|(path, service)| (&**path, &**service, 80)).collect();
    let answer = ask(&reviewer("profile: observe", GOOD), &create(json!({}), spec(&paths)));
    assert!(answer.allowed);
    assert_eq!(answer.warnings.len(), 9);
    assert_eq!(answer.warnings[8], "and 112 more findings");
    let total: usize = answer.warnings.iter().map(|warning| warning.chars().count()).sum();
    assert!(total <= 4096, "past that the API server drops them: {total}");
    assert!(answer.warnings.iter().all(|warning| warning.chars().count() <= 256));
}

#[test]
fn a_denial_of_five_thousand_faults_is_bounded() {
    let paths: Vec<String> = (0..5000).map(|n| format!("/p{n}")).collect();
    let paths: Vec<(&str, &str, u16)> = paths.iter().map(|path| (&**path, "nobody", 80)).collect();
    let answer = ask(&reviewer("", GOOD), &create(json!({}), spec(&paths)));
    assert!(!answer.allowed);
    assert_eq!(answer.message.lines().count(), 52);
    assert!(answer.message.ends_with("\nand 4950 more"), "{}", answer.message);
    assert!(answer.message.len() < 16_384);
}

#[test]
fn audit_annotations_have_keys_that_the_api_server_takes() {
    let answer = ask(&reviewer("profile: observe", BAD), &recorded("create"));
    let annotations = answer.body["response"]["auditAnnotations"].as_object().unwrap();
    assert!(!annotations.is_empty());
    assert!(annotations.keys().all(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '-')), "{annotations:?}");
}
