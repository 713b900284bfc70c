//! The ceilings that downgrade a finding: ratchet, dry run, waivers, namespaces, profiles, break-glass.

use ingress_guard::cluster::{Coverage, load_text};
use ingress_guard::model::Kind;
use serde_json::json;

use super::{BAD, GOOD, ask, create, recorded, reviewer, reviewer_over, spec, update};

use crate::work::took;

#[test]
fn a_path_inserted_before_a_broken_one_does_not_make_its_finding_new() {
    let reviewer = reviewer("", GOOD);
    let old = (json!({}), spec(&[("/old", "gone", 80)]));
    let inserted = (json!({}), spec(&[("/new", "web", 80), ("/old", "gone", 80)]));
    ask(&reviewer, &update(old.clone(), inserted)).assert(&["IG201"], &[]);
    let another_fault = (json!({}), spec(&[("/new", "missing", 80), ("/old", "gone", 80)]));
    let answer = ask(&reviewer, &update(old, another_fault));
    answer.assert(&["IG201"], &["IG201"]);
    assert!(answer.message.contains("missing") && !answer.message.contains("gone"), "{}", answer.message);
}

#[test]
fn an_unrelated_change_of_a_broken_object_warns_and_records_the_downgrade() {
    let old = (json!({}), spec(&[("/", "gone", 80)]));
    let mut new = old.clone();
    // The same path to ingress-nginx, and what its strict validation asks people to write.
    new.1["rules"][0]["http"]["paths"][0]["pathType"] = json!("ImplementationSpecific");
    new.1["defaultBackend"] = json!({"service": {"name": "web", "port": {"number": 80}}});
    let answer = ask(&reviewer("", GOOD), &update(old, new));
    answer.assert(&["IG201"], &[]);
    assert_eq!(answer.would_deny, ["IG201"]);
    assert_eq!(answer.body["response"]["auditAnnotations"]["downgraded"], "IG201=ratchet");
}

#[test]
fn the_same_backend_with_another_port_is_another_finding() {
    let old = (json!({}), spec(&[("/", "web", 81)]));
    let new = (json!({}), spec(&[("/", "web", 82)]));
    ask(&reviewer("", GOOD), &update(old, new)).assert(&[], &["IG202"]);
}

#[test]
fn on_a_dry_run_only_findings_of_the_object_itself_deny() {
    let reviewer = reviewer("", BAD);
    ask(&reviewer, &recorded("create-dryrun")).assert(&["IG201"], &[]);
    let mut own_fault = create(
        json!({"nginx.ingress.kubernetes.io/rewrite-target": "/$2"}),
        spec(&[("/api/(.*)", "wbe", 80), ("/other", "absent", 80)]),
    );
    own_fault["request"]["dryRun"] = json!(true);
    ask(&reviewer, &own_fault).assert(&["IG201", "IG311"], &["IG310"]);
}

#[test]
fn missing_references_can_always_warn_or_always_deny() {
    let warn = reviewer("missingReferences: warn", BAD);
    ask(&warn, &recorded("create")).assert(&["IG201"], &[]);
    let deny = reviewer("missingReferences: deny", BAD);
    ask(&deny, &recorded("create-dryrun")).assert(&[], &["IG201"]);
}

#[test]
fn a_waiver_with_a_reason_suppresses_the_finding_and_is_recorded() {
    let reviewer = reviewer("", BAD);
    let waived = |clause: &str| create(json!({"ingress-guard.io/ignore": clause}), spec(&[("/", "web", 80)]));
    let answer = ask(&reviewer, &waived("IG201 until=2026-11-22 reason=comes with the next release"));
    answer.assert(&[], &[]);
    assert_eq!(answer.body["response"]["auditAnnotations"]["downgraded"], "IG201=waiver (comes with the next release)");
    ask(&reviewer, &waived("service-not-found reason=by name")).assert(&[], &[]);
    ask(&reviewer, &waived("IG202 reason=another check")).assert(&[], &["IG201"]);
}

#[test]
fn an_expired_incomplete_or_refused_waiver_waives_nothing_and_is_reported() {
    let bad = reviewer("", BAD);
    let waived =
        |clause: &str, path: &str| create(json!({"ingress-guard.io/ignore": clause}), spec(&[(path, "web", 80)]));
    for clause in
        ["IG201 until=2026-11-21 reason=late", "IG201", "IG201 reason=", "IG999 reason=typo", "IG201 soon reason=x"]
    {
        ask(&bad, &waived(clause, "/")).assert(&["IG903"], &["IG201"]);
    }
    let unwaivable = waived("IG315 reason=I know better", "/a\nb");
    ask(&reviewer("", GOOD), &unwaivable).assert(&["IG903"], &["IG315"]);
    let forbidden = reviewer("namespaces: [{match: 'def*', waivers: false}]", BAD);
    ask(&forbidden, &waived("IG201 reason=please", "/")).assert(&["IG903"], &["IG201"]);
    // An update is decided twice, and reports it once.
    let update = update(
        (json!({}), spec(&[("/old", "web", 80)])),
        (json!({"ingress-guard.io/ignore": "IG201 reason=please"}), spec(&[("/", "web", 80)])),
    );
    ask(&forbidden, &update).assert(&["IG903"], &["IG201"]);
}

#[test]
fn namespaces_have_their_own_levels_by_name_or_label() {
    let create = recorded("create");
    ask(&reviewer("namespaces: [{match: 'def*', profile: observe}]", BAD), &create).assert(&["IG201"], &[]);
    ask(&reviewer("namespaces: [{match: other, profile: observe}]", BAD), &create).assert(&[], &["IG201"]);
    ask(&reviewer("namespaces: [{match: '*', checks: {IG201: off}}]", BAD), &create).assert(&[], &[]);
    ask(
        &reviewer("{checks: {IG201: off}, namespaces: [{match: default, checks: {service-not-found: deny}}]}", BAD),
        &create,
    )
    .assert(&[], &["IG201"]);

    // The API server labels every Namespace with its name. The rule might apply to a Namespace that is not in the inventory yet.
    let by_name = "namespaces: [{selector: {matchLabels: {kubernetes.io/metadata.name: default}}, profile: observe}]";
    let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n";
    ask(&reviewer(by_name, &format!("{BAD}{namespace}")), &create).assert(&["IG201"], &[]);
    ask(&reviewer(by_name, BAD), &create).assert(&["IG201"], &[]);

    let by_label = "namespaces: [{selector: {matchLabels: {stage: test}}, profile: observe}]";
    let labelled = |stage| {
        format!("{BAD}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: default, labels: {{stage: {stage}}}}}\n")
    };
    ask(&reviewer(by_label, &labelled("test")), &create).assert(&["IG201"], &[]);
    ask(&reviewer(by_label, &labelled("production")), &create).assert(&[], &["IG201"]);
}

#[test]
fn a_namespace_with_unknown_labels_caps_at_warn() {
    let mut inventory = load_text("cluster", BAD).unwrap();
    inventory.cover(Kind::Namespace, Coverage::NotSynced);
    let config = "namespaces: [{selector: {matchLabels: {stage: test}}, profile: observe}]";
    let answer = ask(&reviewer_over(config, inventory), &recorded("create"));
    answer.assert(&["IG201"], &[]);
    assert_eq!(answer.body["response"]["auditAnnotations"]["downgraded"], "IG201=namespace-unknown");
}

#[test]
fn profiles_and_overrides_set_the_level() {
    let create_bad = recorded("create");
    let observed = ask(&reviewer("profile: observe", BAD), &create_bad);
    observed.assert(&["IG201"], &[]);
    assert_eq!(observed.would_deny, ["IG201"], "what guard would deny is counted while observing");
    ask(&reviewer("{profile: observe, checks: {IG201: deny}}", BAD), &create_bad).assert(&["IG201"], &[]);
    ask(&reviewer("checks: {IG201: warn}", BAD), &create_bad).assert(&["IG201"], &[]);
    ask(&reviewer("checks: {IG201: audit}", BAD), &create_bad).assert(&[], &[]);
    ask(&reviewer("checks: {IG201: off}", BAD), &create_bad).assert(&[], &[]);

    let mut tls = spec(&[("/", "web", 80)]);
    tls["tls"] = json!([{"hosts": ["app.example.com"], "secretName": "absent"}]);
    ask(&reviewer("", GOOD), &create(json!({}), tls.clone())).assert(&["IG401"], &[]);
    ask(&reviewer("profile: strict", GOOD), &create(json!({}), tls.clone())).assert(&[], &["IG401"]);
    // Pending is pending, whatever the level.
    let pending = json!({"cert-manager.io/issuer": "letsencrypt"});
    ask(&reviewer("{profile: strict, checks: {IG401: deny}}", GOOD), &create(pending, tls)).assert(&[], &[]);
}

#[test]
fn the_level_of_classless_ingresses_follows_the_configuration() {
    let mut classless = spec(&[("/", "web", 80)]);
    classless.as_object_mut().unwrap().remove("ingressClassName");
    let review = create(json!({}), classless);
    ask(&reviewer("", GOOD), &review).assert(&["IG102"], &[]);
    ask(&reviewer("classes: {classless: served}", GOOD), &review).assert(&[], &[]);
    ask(&reviewer("classes: {classless: ignored}", GOOD), &review).assert(&[], &["IG102"]);
    ask(&reviewer("{classes: {classless: ignored}, checks: {IG102: warn}}", GOOD), &review).assert(&["IG102"], &[]);
}

#[test]
fn break_glass_users_and_groups_are_only_warned() {
    let create = recorded("create");
    for config in ["breakGlass: {users: [admin]}", "breakGlass: {groups: ['system:masters']}"] {
        let answer = ask(&reviewer(config, BAD), &create);
        answer.assert(&["IG201"], &[]);
        assert_eq!(answer.body["response"]["auditAnnotations"]["downgraded"], "IG201=break-glass");
    }
    ask(&reviewer("breakGlass: {users: [root]}", BAD), &create).assert(&[], &["IG201"]);
}

#[test]
fn unknown_objects_never_deny() {
    // In an empty cluster every object is missing; a kind that is unknown instead is not reported as missing.
    let missed = [(Kind::IngressClass, "IG101"), (Kind::Ingress, "IG101"), (Kind::Service, "IG201")];
    let served = "classes: {assume: [nginx]}";
    let empty = load_text("cluster", "").unwrap();
    ask(&reviewer_over("", empty), &recorded("create")).assert(&["IG201"], &["IG101"]);
    for (kind, code) in missed {
        for coverage in [Coverage::NotSynced, Coverage::Forbidden, Coverage::Disabled, Coverage::FetchedByName] {
            let mut inventory = load_text("cluster", "").unwrap();
            inventory.cover(kind, coverage);
            let config = if kind == Kind::Service { served } else { "" };
            let (warned, denied) = ask(&reviewer_over(config, inventory), &recorded("create")).codes();
            assert!(!denied.contains(&code.to_owned()) && !warned.contains(&code.to_owned()), "{kind} {coverage:?}");
        }
    }
    // Without the classes the controller is unknown, even if an annotation names a class that ingress-nginx handles.
    let rewrite = json!({"kubernetes.io/ingress.class": "nginx", "nginx.ingress.kubernetes.io/rewrite-target": "/$2"});
    let mut annotated = spec(&[("/api(.*)", "wbe", 80)]);
    annotated.as_object_mut().unwrap().remove("ingressClassName");
    for coverage in [Coverage::NotSynced, Coverage::Forbidden] {
        let mut inventory = load_text("cluster", BAD).unwrap();
        inventory.cover(Kind::IngressClass, coverage);
        let answer = ask(&reviewer_over("", inventory), &create(rewrite.clone(), annotated.clone()));
        assert!(answer.allowed, "{:#}", answer.body);
        assert!(answer.body["response"]["auditAnnotations"].to_string().contains("IG902"), "{:#}", answer.body);
    }
    let mut inventory = load_text("cluster", BAD).unwrap();
    inventory.cover(Kind::Service, Coverage::Disabled);
    ask(&reviewer_over("", inventory), &recorded("create")).assert(&[], &[]);
    for coverage in [Coverage::Forbidden, Coverage::NotSynced] {
        let mut inventory = load_text("cluster", BAD).unwrap();
        inventory.cover(Kind::Service, coverage);
        ask(&reviewer_over("", inventory), &recorded("create")).assert(&["IG902"], &[]);
    }
}

#[test]
fn a_long_waiver_for_many_findings_is_cheap() {
    let paths: Vec<String> = (0..2000).map(|n| format!("/p{n}")).collect();
    let paths: Vec<(&str, &str, u16)> = paths.iter().map(|path| (&**path, "absent", 80)).collect();
    let reason = "r".repeat(250_000);
    let clauses = "IG201 until=2020-01-01 reason=old;".repeat(5000);
    let waived = json!({"ingress-guard.io/ignore": format!("IG201 reason={reason};{clauses}")});
    let (took, answer) = took(|| ask(&reviewer("checks: {IG903: off}", GOOD), &create(waived, spec(&paths))));
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
    assert!(answer.allowed);
    assert!(answer.body.to_string().len() < 2000, "{}", answer.body.to_string().len());
}
