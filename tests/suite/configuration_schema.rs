//! The schema of the configuration file refuses what a process refuses: Helm and editors report it before pods do not start.

use ingress_guard::config::{self, Config};
use jsonschema::Validator;
use serde_json::Value;

use crate::pages::now;

/// Configurations that a process refuses, and the place at which the schema does. A key that may be null is a choice of two schemas, which
/// is refused as a whole.
const REFUSED: [(&str, &str); 37] = [
    ("checks: {IG999: deny}", "/checks"),
    ("checks: {ig999: deny}", "/checks"),
    ("checks: {tls-secret-notfound: deny}", "/checks"),
    ("checks: {IG201: refuse}", "/checks/IG201"),
    ("profile: strct", "/profile"),
    ("chekcs: {}", ""),
    ("rules: '9.9'", "/rules"),
    ("rules: ''", "/rules"),
    ("{secrets: watch, secretNamespaces: [shop]}", "/secretNamespaces"),
    ("support: \"two\\nlines\"", "/support"),
    ("namespaces: [{profile: observe}]", "/namespaces/0"),
    ("namespaces: [{match: a, selector: {matchLabels: {a: b}}}]", "/namespaces/0"),
    ("namespaces: [{match: a, checks: {IG999: deny}}]", "/namespaces/0/checks"),
    ("dialects: [{match: {}, engine: nginx}]", "/dialects/0/match"),
    ("dialects: [{match: {class: a, controller: b}, engine: nginx}]", "/dialects/0/match"),
    ("dialects: [{match: {class: a}, engine: apache}]", "/dialects/0/engine"),
    ("dialects: [{match: {class: a}, engine: nginx, version: '1.15'}]", "/dialects/0/version"),
    ("dialects: [{match: {class: a}, engine: nginx, configMap: nons}]", "/dialects/0/configMap"),
    ("dialects: [{match: {class: a}, engine: nginx, configMap: a/b/c}]", "/dialects/0/configMap"),
    ("discovery: {selector: ' '}", "/discovery/selector"),
    ("hostOwnership: [{hosts: ['*.'], namespaces: [a]}]", "/hostOwnership/0/hosts/0"),
    ("hostOwnership: [{hosts: ['a.*.example.com'], namespaces: [a]}]", "/hostOwnership/0/hosts/0"),
    ("exceptions: [{namespace: a, checks: [], owner: a, reason: a, until: '2027-01-31'}]", "/exceptions/0/checks"),
    (
        "exceptions: [{namespace: a, checks: [IG999], owner: a, reason: a, until: '2027-01-31'}]",
        "/exceptions/0/checks/0",
    ),
    ("exceptions: [{namespace: a, checks: [IG201], owner: a, reason: a, until: 31.1.2027}]", "/exceptions/0/until"),
    ("exceptions: [{namespace: a, checks: [IG201], owner: a, reason: a, until: '2027-13-31'}]", "/exceptions/0/until"),
    (
        "exceptions: [{namespace: a, checks: [IG201], owner: ' ', reason: a, until: '2027-01-31'}]",
        "/exceptions/0/owner",
    ),
    (
        "exceptions: [{namespace: a, checks: [IG201], owner: a, reason: \"a\\tb\", until: '2027-01-31'}]",
        "/exceptions/0/reason",
    ),
    ("exceptions: [{namespace: a, checks: [IG201], owner: a, reason: a}]", "/exceptions/0"),
    ("waivers: {checks: [IG999]}", "/waivers/checks/0"),
    ("waivers: {longestDays: -1}", "/waivers/longestDays"),
    ("override: {until: 2026-11-22T18:00:00Z, reason: a}", "/override"),
    ("override: {until: 2026-11-22T18:00:00Z, checks: {}, reason: a}", "/override"),
    ("override: {until: 2026-11-22T18:00:00Z, checks: {IG201: deny}, reason: a}", "/override"),
    ("override: {until: 2026-11-22T18:00:00Z, checks: {IG999: warn}, reason: a}", "/override"),
    ("override: {until: '2026-11-22 18:00', profile: observe, reason: a}", "/override"),
    ("override: {until: 2026-11-22T18:00:00Z, profile: observe, reason: ''}", "/override"),
];

/// Configurations that a process refuses and a schema cannot; docs/configuration.md lists them.
const BEYOND: [(&str, &str); 3] = [
    ("checks: {IG201: deny, service-not-found: warn}", "set twice"),
    ("discovery: {selector: 'a in'}", "not a label selector"),
    ("override: {until: 2028-01-31T18:00:00Z, profile: observe, reason: a}", "more than 7 days from now"),
];

fn validator() -> Validator {
    jsonschema::options().build(&config::schema()).unwrap()
}

fn parse(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn refusal(text: &str) -> String {
    let refused = Config::parse_at("guard.yaml", text, now());
    refused.err().unwrap_or_else(|| panic!("accepted: {text}")).to_string()
}

#[test]
fn the_schema_refuses_what_a_process_refuses() {
    let validator = validator();
    for (text, place) in REFUSED {
        let message = refusal(text);
        let value = parse(text);
        let places: Vec<String> =
            validator.iter_errors(&value).map(|error| error.instance_path().to_string()).collect();
        assert!(places.iter().any(|found| found == place), "{text}: {places:?}; the process says {message}");
    }
}

#[test]
fn a_schema_cannot_express_three_faults() {
    let validator = validator();
    for (text, words) in BEYOND {
        let message = refusal(text);
        assert!(message.contains(words), "{message}");
        assert!(validator.is_valid(&parse(text)), "the schema refuses {text}: add it to the other list");
    }
}

#[test]
fn the_schema_accepts_what_a_process_accepts() {
    let validator = validator();
    let longest = format!("support: {}", "é".repeat(120));
    for text in [
        "{}",
        "checks: {IG202: 'off', service-not-found: deny}",
        "checks: {IG305: 'off', tls-secret-not-found: deny}",
        "{checks: {ig305: 'off', Ig306: deny}, waivers: {checks: [ig305]}}",
        "rules: latest",
        "rules: '0.1'",
        "{secrets: get, secretNamespaces: [shop]}",
        "secrets: watch",
        "support: ''",
        &longest,
        "namespaces: [{match: 'a-*', profile: strict}, {selector: {matchLabels: {a: b}}, checks: {IG201: 'off'}}]",
        "dialects: [{match: {class: a}, engine: nginx, version: unknown}, {match: {controller: a}, engine: traefik, version: v3.1.0}]",
        "dialects: [{match: {class: a}, engine: nginx, configMap: ingress-nginx/ingress-nginx-controller}]",
        "discovery: {mode: 'off', namespaces: [a], selector: 'app in (a, b)'}",
        "hostOwnership: [{hosts: ['*', '*.example.com', example.com], namespaces: [a]}]",
        "exceptions: [{namespace: 'a-*', checks: [IG201, path-shadowed], owner: a b, reason: a, until: 2027-01-31}]",
        "waivers: {longestDays: 90, checks: [IG305], reason: '*OPS-*'}",
        "waivers: {}",
        "override: {until: 2026-11-22T18:00:00Z, checks: {IG201: warn, path-shadowed: audit}, reason: INC-7}",
        "override: {until: '2026-11-22T18:00:00.5+01:00', profile: observe, reason: INC-7}",
        "override: {until: '2026-11-22T18:00Z', profile: observe, reason: INC-7}",
        "override: {until: '2026-11-22 18:00+01', profile: observe, reason: INC-7}",
    ] {
        Config::parse_at("guard.yaml", text, now()).unwrap_or_else(|error| panic!("{error}"));
        let value = parse(text);
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{text}: {errors:?}");
    }
}
