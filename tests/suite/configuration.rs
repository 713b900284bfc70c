//! The configuration file: accepted values, and error messages for misspelled keys and invalid values.

use ingress_guard::checks::Release;
use ingress_guard::cluster::{Coverage, Inventory};
use ingress_guard::config::{Config, SecretsMode};
use ingress_guard::finding::Level;
use ingress_guard::model::{Key, Kind};
use ingress_guard::policy::{MissingReferences, Profile};
use ingress_guard::routing::Version;
use serde_json::json;

use crate::pages::now;

fn error(text: &str) -> String {
    Config::parse_at("guard.yaml", text, now()).expect_err("must not parse").to_string()
}

#[test]
fn every_schema_key_is_read() {
    let text = "
profile: strict
checks: {IG305: off, service-not-found: warn}
rules: '0.1'
missingReferences: denyWhenPersisted
missingReferencesFor:
  - {managers: ['argocd-*'], namespaces: ['preview-*'], effect: denyOnChange}
secrets: off
secretNamespaces: [shop]
revealOtherNamespaces: false
expiryWarningDays: 30
classes: {assume: [internal], classless: ignored, controllers: [k8s.io/ingress-nginx]}
dialects:
  - match: {controller: k8s.io/ingress-nginx}
    engine: nginx
    version: 1.15.1
    annotationClass: nginx
    watchNamespaces: [shop]
    defaultCertificate: true
    extraVariables: [my_variable]
    configMap: ingress-nginx/ingress-nginx-controller
    settings: {allow-snippet-annotations: \"true\"}
  - match: {class: edge}
    engine: traefik
hostOwnership:
  - {hosts: ['*.shop.example.com'], namespaces: [shop]}
breakGlass: {users: [root], groups: ['system:masters']}
namespaces:
  - match: 'legacy-*'
    profile: observe
    checks: {IG202: audit}
    waivers: false
  - selector: {matchLabels: {stage: test}}
    classes: [internal]
support: 'ask #ingress, https://wiki.example.com/ingress'
waiverHint: true
override: {until: 2026-11-22T18:00:00Z, profile: observe, checks: {IG302: warn}, reason: INC-7}
exceptions:
  - {namespace: 'vendor-*', name: web, checks: [path-shadowed], field: 'spec.rules*', owner: platform, reason: chart, until: 2027-01-31}
waivers: {longestDays: 90, checks: [IG305, path-shadowed], reason: 'OPS-*'}
";
    let config = Config::parse_at("guard.yaml", text, now()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.policy.profile, Profile::Strict);
    assert_eq!(config.policy.rules, Some(Release(0, 1)));
    assert_eq!(config.policy.missing_references_for[0].effect, MissingReferences::DenyOnChange);
    let in_force = config.policy.override_at(now()).unwrap();
    assert_eq!(in_force.to_string(), "profile observe, IG302 warn until 2026-11-22T18:00:00Z (INC-7)");
    let exception = &config.policy.exceptions[0];
    assert_eq!((exception.checks.as_slice(), exception.owner.as_str()), (&["IG306"][..], "platform"));
    assert!(exception.is_for(&Key::new("vendor-a", "web")) && !exception.is_for(&Key::new("vendor-a", "api")));
    assert_eq!(config.policy.waiver_bounds.longest_days, Some(90));
    assert_eq!(config.settings.waiver_bounds.checks, Some(vec!["IG305", "IG306"]));
    assert_eq!(config.policy.missing_references, MissingReferences::DenyWhenPersisted);
    let levels: Vec<_> = config.policy.checks.0.iter().map(|(code, level)| (*code, *level)).collect();
    let wanted = [
        ("IG102", Level::Deny),
        ("IG107", Level::Deny),
        ("IG201", Level::Warn),
        ("IG305", Level::Off),
        ("IG502", Level::Deny),
    ];
    assert_eq!(levels, wanted);
    let classes: Vec<_> = config.settings.class_rules.iter().map(|rule| rule.classes.as_deref()).collect();
    assert_eq!(classes, [None, Some(&["internal".to_owned()][..])]);
    assert!(
        config.engine().needs().contains(Kind::Namespace)
            && !Config::default().engine().needs().contains(Kind::Namespace)
    );
    assert_eq!(config.secrets, SecretsMode::Off);
    assert!(!config.settings.reveal_other_namespaces);
    assert_eq!(config.settings.expiry_warning_days, 30);
    assert!(config.settings.classes.assumes("internal") && config.settings.classes.assumes("contour"));
    let dialect = config.settings.dialects.of_class("any", "k8s.io/ingress-nginx", "shop");
    assert_eq!(dialect.version, Some(Version::new(1, 15, 1)));
    // The ConfigMap takes precedence over the default of the version.
    assert_eq!((dialect.allows_snippets(), dialect.validates_annotations()), (Some(true), Some(true)));
    assert!(dialect.default_certificate);
    assert_eq!(config.settings.dialects.config_maps(), [Key::new("ingress-nginx", "ingress-nginx-controller")]);
    // Settings that the ConfigMap can change are unknown until it has been read.
    assert_eq!((dialect.risk_level(), dialect.is_strict_about_path_types()), (None, None));
    assert_eq!(config.policy.namespaces.len(), 2);
    assert!(!config.policy.namespaces[0].waivers && config.policy.namespaces[1].waivers);
    assert_eq!(config.policy.support.as_deref(), Some("ask #ingress, https://wiki.example.com/ingress"));
    assert_eq!(config.policy.waiver_hint, Some(true));

    let mut inventory = Inventory::default();
    config.restrict(&mut inventory);
    assert_eq!(inventory.coverage(Kind::Secret), Coverage::Disabled);
}

#[test]
fn an_empty_file_is_the_default() {
    for text in ["", "# nothing\n", "{}"] {
        let config = Config::parse("guard.yaml", text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.policy.profile, Profile::Guard);
        assert_eq!(config.secrets, SecretsMode::Get);
    }
}

#[test]
fn mistyped_keys_and_values_get_a_place_and_a_suggestion() {
    for (text, expected) in [
        ("profil: guard", r#"guard.yaml:1:1: unknown key "profil"; did you mean "profile"?"#),
        ("profile: gaurd", r#"guard.yaml:1:10: unknown value "gaurd"; did you mean "guard"?"#),
        ("checks: {IG201: warning}", r#"guard.yaml:1:17: unknown value "warning"; use one of off, audit, warn, deny"#),
        ("namespaces:\n  - matches: x", r#"guard.yaml:2:5: unknown key "matches"; did you mean "match"?"#),
        ("breakGlass: {user: [root]}", r#"guard.yaml:1:14: unknown key "user"; did you mean "users"?"#),
        ("checks: {IG2O1: warn}", r#"guard.yaml: checks: unknown check "IG2O1"; did you mean"#),
        ("checks: {service-not-fond: warn}", r#"unknown check "service-not-fond"; did you mean "service-not-found"?"#),
        ("checks: {everything: warn}", r#"unknown check "everything"; run "ingress-guard checks" for the list"#),
        ("checks: {IG201: warn, service-not-found: deny}", "IG201 service-not-found is set twice, by code and by name"),
        ("namespaces: [{checks: {IG1: off}, match: x}]", r#"namespaces[0].checks: unknown check "IG1""#),
        ("namespaces: [{profile: observe}]", "guard.yaml: namespaces[0]: set either match or selector"),
        (
            "dialects: [{match: {class: x}, engine: nginx, configMap: controller}]",
            "dialects[0].configMap: not the name of a ConfigMap; use the form \"namespace/name\"",
        ),
        (
            "dialects: [{match: {class: x}, engine: nginx, configMap: a/b/c}]",
            "dialects[0].configMap: not the name of a ConfigMap; use the form \"namespace/name\"",
        ),
        ("dialects: [{match: {}, engine: nginx}]", "guard.yaml: dialects[0].match: set either controller or class"),
        (
            "dialects: [{match: {class: x}, engine: nginx, version: newest}]",
            r#"dialects[0].version: not a version; use the form "1.15.1""#,
        ),
        (
            "hostOwnership: [{hosts: [a.b, 'a.*'], namespaces: [x]}]",
            "hostOwnership[0].hosts[1]: must be a host, a domain",
        ),
        ("hostOwnership: [{hosts: ['*a.b'], namespaces: [x]}]", "hostOwnership[0].hosts[0]: must be a host, a domain"),
        ("hostOwnership: [{hosts: [''], namespaces: [x]}]", "hostOwnership[0].hosts[0]: must be a host, a domain"),
        ("hostOwnership: [{hosts: ['*.'], namespaces: [x]}]", "hostOwnership[0].hosts[0]: must be a host, a domain"),
        ("rules: '0.9'", r#"guard.yaml: rules: not a release that this program has the rules of; use "latest" or a"#),
        ("rules: newest", "guard.yaml: rules: not a release that this program has the rules of"),
        ("missingReferencesFor: [{managers: [x]}]", "missing field `effect`"),
        ("override: {until: 2026-11-22T18:00:00Z, profile: observe}", "missing field `reason`"),
        ("override: {reason: x, profile: observe}", "missing field `until`"),
        (
            "override: {until: tonight, profile: observe, reason: x}",
            "guard.yaml: override.until: not a time with a time zone",
        ),
        (
            "override: {until: 2026-11-22, profile: observe, reason: x}",
            "guard.yaml: override.until: not a time with a time zone",
        ),
        (
            "override: {until: 2026-11-29T18:00:00Z, profile: observe, reason: x}",
            "override.until: more than 7 days from now",
        ),
        ("override: {until: 2026-11-22T18:00:00Z, reason: x}", "guard.yaml: override: lowers nothing; set profile"),
        (
            "override: {until: 2026-11-22T18:00:00Z, reason: ' ', profile: observe}",
            "override.reason: must be one line of 1 to",
        ),
        ("override: {until: 2026-11-22T18:00:00Z, reason: x, profile: guard}", r#"unknown value "guard""#),
        (
            "override: {until: 2026-11-22T18:00:00Z, reason: x, checks: {IG201: deny}}",
            "override.checks: IG201 is deny, but an override lowers levels to warn or audit",
        ),
        (
            "exceptions: [{namespace: x, checks: [], owner: a, reason: b, until: 2027-01-01}]",
            "exceptions[0].checks: must name",
        ),
        (
            "exceptions: [{namespace: x, checks: [IG2O1], owner: a, reason: b, until: 2027-01-01}]",
            r#"exceptions[0].checks: unknown check "IG2O1"; did you mean"#,
        ),
        (
            "exceptions: [{namespace: x, checks: [IG201], owner: a, reason: b, until: soon}]",
            r#"exceptions[0].until: not a date; use the form "2027-01-31""#,
        ),
        ("exceptions: [{namespace: x, checks: [IG201], reason: b, until: 2027-01-01}]", "missing field `owner`"),
        ("waivers: {checks: [IG1]}", r#"guard.yaml: waivers.checks: unknown check "IG1""#),
        ("profile: guard\nprofile: strict", "guard.yaml:2:1:"),
        ("profile: [guard", "guard.yaml:"),
        ("expiryWarningDays: -1", "guard.yaml:1:20:"),
    ] {
        let error = error(text);
        assert!(error.contains(expected), "{text:?}\n  got      {error}\n  expected {expected}");
    }
}

#[test]
fn the_contact_line_is_one_line_of_at_most_120_characters() {
    let parse = |support: &str| Config::parse("guard.yaml", &json!({"support": support}).to_string());
    let longest = "é".repeat(120);
    assert_eq!(parse(&longest).unwrap().policy.support, Some(longest.clone()));
    assert_eq!(parse("").unwrap().policy.support, None);
    for support in [format!("{longest}x").as_str(), "ask\nme", "\u{1b}[1mask"] {
        let error = parse(support).expect_err("must not parse").to_string();
        assert!(error.starts_with("guard.yaml: support: must be one line of at most 120 characters"), "{error}");
    }
}

#[test]
fn the_sample_configuration_is_valid_and_has_every_key() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/config.yaml");
    Config::read(path.as_ref()).unwrap_or_else(|error| panic!("{error}"));
    let text = std::fs::read_to_string(path).unwrap();
    let schema = ingress_guard::config::schema();
    for key in schema["properties"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("{key}:")), "examples/config.yaml does not show {key}");
    }
}

#[test]
fn namespaces_of_secrets_contradict_a_watch() {
    assert_eq!(
        error("secrets: watch\nsecretNamespaces: [shop]"),
        "guard.yaml: secretNamespaces: not possible with \"secrets: watch\", which reads all namespaces; use \"secrets: get\""
    );
}
