//! Rules of an earlier release, and overrides for a limited time.

use std::sync::Arc;

use ingress_guard::admission::Reviewer;
use ingress_guard::checks::{self, Applies, Check, Raise, Release};
use ingress_guard::cluster::{SharedInventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::finding::{Level, Levels};
use ingress_guard::model::Kinds;
use ingress_guard::policy::Policy;
use serde_json::json;

use super::{BAD, GOOD, ask, create, recorded, reviewer, spec};
use crate::pages::now;

#[test]
fn an_override_lowers_levels_until_it_ends() {
    // The reviews are of 2026-11-22T06:00:00Z.
    let with =
        |until: &str, levels: &str| format!("override: {{until: {until}, {levels}, reason: 'INC-7: registry down'}}");
    let observe = ask(&reviewer(&with("2026-11-28T00:00:00Z", "profile: observe"), BAD), &recorded("create"));
    observe.assert(&["IG201"], &[]);
    assert_eq!(observe.would_deny, ["IG201"]);
    assert_eq!(observe.body["response"]["auditAnnotations"]["downgraded"], "IG201=override (INC-7: registry down)");
    ask(&reviewer(&with("2026-11-28T00:00:00Z", "checks: {IG201: warn}"), BAD), &recorded("create"))
        .assert(&["IG201"], &[]);
    ask(&reviewer(&with("2026-11-28T00:00:00Z", "checks: {IG201: audit}"), BAD), &recorded("create")).assert(&[], &[]);
    ask(&reviewer(&with("2026-11-21T00:00:00Z", "profile: observe"), BAD), &recorded("create")).assert(&[], &["IG201"]);
}

#[test]
fn denials_show_the_override_in_force() {
    let config = "override: {until: 2026-11-28T00:00:00Z, checks: {IG202: warn}, reason: INC-7}";
    let answer = ask(&reviewer(config, BAD), &recorded("create"));
    answer.assert(&[], &["IG201"]);
    let line = "an override is in force: IG202 warn until 2026-11-28T00:00:00Z (INC-7)\n";
    assert!(answer.message.contains(line), "{}", answer.message);
}

#[test]
fn an_override_applies_in_namespaces_with_levels_of_their_own() {
    let config = "
override: {until: 2026-11-28T00:00:00Z, profile: observe, reason: INC-7}
namespaces: [{match: default, profile: strict, checks: {IG201: deny}}]
";
    ask(&reviewer(config, BAD), &recorded("create")).assert(&["IG201"], &[]);
}

/// A reviewer with the rules of a release that is older than all checks.
fn before_all_checks(config: &str) -> Arc<Reviewer> {
    let mut config = Config::parse("config", config).unwrap();
    config.policy.rules = Some(Release(0, 0));
    let inventory = SharedInventory::new(load_text("cluster", BAD).unwrap());
    Arc::new(Reviewer::new(inventory, config.engine(), config.policy, now))
}

#[test]
fn checks_of_later_releases_warn_and_count_as_would_deny() {
    let answer = ask(&before_all_checks(""), &recorded("create"));
    answer.assert(&["IG201"], &[]);
    assert_eq!(answer.would_deny, ["IG201"]);
    assert_eq!(answer.body["response"]["auditAnnotations"]["downgraded"], "IG201=rules");
    let check = checks::find("IG201").unwrap();
    let policy = |rules| Policy { rules, ..Policy::default() };
    assert_eq!(policy(Some(Release(0, 0))).level(check), Level::Warn);
    assert_eq!(policy(Some(Release(0, 1))).level(check), Level::Deny);
    ask(&reviewer("rules: '0.1'", BAD), &recorded("create")).assert(&[], &["IG201"]);
    ask(&reviewer("rules: latest", BAD), &recorded("create")).assert(&[], &["IG201"]);
}

#[test]
fn a_level_that_the_configuration_sets_does_not_depend_on_the_release() {
    ask(&before_all_checks("checks: {IG201: deny}"), &recorded("create")).assert(&[], &["IG201"]);
    let of_namespace = "namespaces: [{match: default, checks: {IG201: deny}}]";
    ask(&before_all_checks(of_namespace), &recorded("create")).assert(&[], &["IG201"]);
}

/// A check whose levels were raised twice.
static OUT_OF_SIGHT: Check = Check {
    code: "IG299",
    name: "out-of-sight",
    summary: "",
    levels: Levels::both(Level::Deny),
    since: Release(0, 2),
    raised: &[
        Raise { release: Release(1, 0), before: Levels::new(Level::Warn, Level::Deny) },
        Raise { release: Release(0, 4), before: Levels::both(Level::Warn) },
    ],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: "",
    run: |_, _| (),
};

#[test]
fn a_check_knows_its_levels_in_each_release() {
    let warn = Levels::both(Level::Warn);
    let strict = Levels::new(Level::Warn, Level::Deny);
    let check = &OUT_OF_SIGHT;
    let levels = [(0, 1), (0, 2), (0, 3), (0, 4), (0, 9), (1, 0), (2, 0)].map(|(a, b)| check.levels_in(Release(a, b)));
    let wanted = [None, Some(warn), Some(warn), Some(strict), Some(strict), Some(check.levels), Some(check.levels)];
    assert_eq!(levels, wanted);
}

#[test]
fn no_check_is_newer_than_this_program() {
    for check in checks::ALL {
        assert!((Release::FIRST..=Release::CURRENT).contains(&check.since), "{}", check.code);
        let mut raised = check.raised.iter();
        assert!(raised.all(|raise| raise.release > check.since && raise.release <= Release::CURRENT), "{}", check.code);
    }
}

#[test]
fn rules_that_change_between_two_reviews_apply_to_the_second() {
    let reviewer = reviewer("", GOOD);
    let review = create(json!({}), spec(&[("/", "gone", 80)]));
    ask(&reviewer, &review).assert(&[], &["IG201"]);
    let config = Config::parse("config", "checks: {IG201: warn}").unwrap();
    let (engine, policy) = (config.engine(), config.policy);
    reviewer.rules().publish(ingress_guard::admission::Rules { engine, policy, text: "".into() });
    ask(&reviewer, &review).assert(&["IG201"], &[]);
}
