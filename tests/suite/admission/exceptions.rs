//! Exceptions of the configuration, and the bounds of waivers in annotations.

use serde_json::{Value, json};

use super::{BAD, GOOD, ask, create, recorded, reviewer, spec};

fn excepted(more: &str) -> String {
    format!(
        "exceptions: [{{namespace: 'def*', checks: [IG201], owner: platform, reason: vendor chart, until: 2026-11-22{more}}}]"
    )
}

#[test]
fn an_exception_lowers_its_findings_and_is_recorded() {
    let answer = ask(&reviewer(&excepted(""), BAD), &recorded("create"));
    answer.assert(&[], &[]);
    assert_eq!(answer.would_deny, ["IG201"]);
    assert_eq!(answer.body["response"]["auditAnnotations"]["downgraded"], "IG201=exception (vendor chart)");
    for narrowed in [", name: web", ", name: 'w*'", ", field: 'spec.rules*'", ", field: '*.service.name'"] {
        ask(&reviewer(&excepted(narrowed), BAD), &recorded("create")).assert(&[], &[]);
    }
}

#[test]
fn an_exception_covers_nothing_else() {
    for narrowed in [", name: other", ", field: 'spec.tls*'"] {
        ask(&reviewer(&excepted(narrowed), BAD), &recorded("create")).assert(&[], &["IG201"]);
    }
    let of_other = |from: &str, to: &str| excepted("").replace(from, to);
    for other in [
        of_other("'def*'", "shop"),
        of_other("[IG201]", "[IG202]"),
        // It has ended.
        of_other("2026-11-22", "2026-11-21"),
    ] {
        ask(&reviewer(&other, BAD), &recorded("create")).assert(&[], &["IG201"]);
    }
}

#[test]
fn the_platform_can_except_what_annotations_cannot_waive() {
    let config = "exceptions: [{namespace: '*', checks: [IG315], owner: x, reason: y, until: 2027-01-01}]";
    let review = create(json!({}), spec(&[("/a\nb", "web", 80)]));
    ask(&reviewer("", GOOD), &review).assert(&[], &["IG315"]);
    ask(&reviewer(config, GOOD), &review).assert(&[], &[]);
}

fn waived(clause: &str) -> Value {
    create(json!({"ingress-guard.io/ignore": clause}), spec(&[("/", "web", 80)]))
}

#[test]
fn a_waiver_beyond_the_bounds_waives_nothing_and_is_reported() {
    let reviewer = reviewer("waivers: {longestDays: 30, checks: [IG201, IG305], reason: 'OPS-*'}", BAD);
    ask(&reviewer, &waived("IG201 until=2026-12-22 reason=OPS-12")).assert(&[], &[]);
    for (clause, reason) in [
        ("IG201 reason=OPS-12", "it has no end (waivers.longestDays: 30)"),
        ("IG201 until=2026-12-23 reason=OPS-12", "it ends after more than 30 days (waivers.longestDays)"),
        ("IG201 until=2026-12-22 reason=because", "its reason does not match \"OPS-*\" (waivers.reason)"),
    ] {
        let answer = ask(&reviewer, &waived(clause));
        answer.assert(&["IG903"], &["IG201"]);
        assert!(answer.warnings[0].contains(&format!("not allowed: {reason}: nothing is waived")), "{answer:?}");
    }
    let answer = ask(&reviewer, &waived("IG202 until=2026-12-01 reason=OPS-1"));
    assert!(answer.warnings[0].contains("waivers.checks does not contain IG202"), "{answer:?}");
}

#[test]
fn denials_mention_only_waivers_within_the_bounds() {
    let message = |config: &str| ask(&reviewer(config, BAD), &recorded("create")).message;
    assert!(message("waivers: {longestDays: 30}").ends_with(": \"IG201 until=… reason=…\""));
    assert!(message("waivers: {checks: [IG201]}").ends_with(": \"IG201 reason=…\""));
    assert!(!message("waivers: {checks: [IG305]}").contains("or waive"));
}

#[test]
fn an_exploit_cannot_be_waived_by_an_annotation() {
    use ingress_guard::checks;
    assert!(!checks::find("IG613").unwrap().waivable);
}
