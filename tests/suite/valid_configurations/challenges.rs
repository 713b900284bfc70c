//! HTTP-01 challenges of cert-manager, before the Service of the solver is in the cache.

use super::{NGINX, NO_ANNOTATIONS, NO_FINDINGS, WEB, findings, findings_under, ingress, nginx, rule};

/// The settings under which most findings deny.
const STRICT: &str = "
profile: strict
checks: {tls-required: deny, catch-all-host: deny}
namespaces: [{match: '*', waivers: false, classes: [nginx]}]
";
const TOKEN: &str = "/.well-known/acme-challenge/LPsIwTo7o8BoG0-vjCyGQGBWSVIPxI-i_X336eUOQZo";
const SOLVER: &str = "cm-acme-http-solver-9m4fd";

/// A path as cert-manager writes it.
fn challenge(path: &str, path_type: &str, service: &str) -> String {
    format!(
        "{{path: {path:?}, pathType: {path_type}, backend: {{service: {{name: {service}, port: {{number: 8089}}}}}}}}"
    )
}

/// An Ingress as cert-manager creates it, for an issuer with the class `class`.
fn solver(class: &str, paths: &str, more: &str) -> String {
    format!(
        "{NGINX}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: cm-acme-http-solver-x7k2p
  namespace: shop
  labels: {{acme.cert-manager.io/http01-solver: \"true\", acme.cert-manager.io/http-token: \"868\"}}
  annotations: {{nginx.ingress.kubernetes.io/whitelist-source-range: \"0.0.0.0/0,::/0\"}}
spec:
  {class}
  {more}
  rules: [{{host: app.example.com, http: {{paths: [{paths}]}}}}]
"
    )
}

#[test]
fn cert_manager_solver_ingresses_are_not_reported() {
    for class in ["ingressClassName: nginx", "ingressClassName: nginx-of-the-issuer", ""] {
        for path_type in ["Exact", "ImplementationSpecific"] {
            let solver = solver(class, &challenge(TOKEN, path_type, SOLVER), "");
            assert_eq!(findings(&solver), NO_FINDINGS);
            assert_eq!(findings_under(STRICT, &solver), NO_FINDINGS);
        }
    }
}

#[test]
fn the_label_of_a_solver_exempts_nothing_but_challenges() {
    let denied = |paths: &str, more: &str| {
        let reported = findings_under(STRICT, &solver("ingressClassName: other", paths, more));
        // The class does not exist, so that the missing Service warns.
        for finding in ["deny IG101", "deny IG107", "warn IG201"] {
            assert!(reported.contains(&format!("{finding} cm-acme-http-solver-x7k2p")), "{paths}: {reported:?}");
        }
    };
    let genuine = challenge(TOKEN, "Exact", SOLVER);
    denied(&challenge("/", "Prefix", SOLVER), "");
    denied(&challenge(TOKEN, "Exact", "absent"), "");
    denied(&challenge("/.well-known/acme-challenge/", "Prefix", SOLVER), "");
    denied(&challenge("/.well-known/acme-challenge/a|/", "ImplementationSpecific", SOLVER), "");
    denied(&challenge("/.well-known/acme-challenge/.*", "ImplementationSpecific", SOLVER), "");
    denied(&challenge("/.well-known/acme-challenge/\n", "ImplementationSpecific", SOLVER), "");
    denied(&format!("{genuine}, {}", challenge("/admin", "Prefix", "absent")), "");
    denied(&genuine, &format!("defaultBackend: {}", WEB.replace("web", "absent")));
}

#[test]
fn checks_that_cannot_be_waived_apply_to_solvers() {
    let genuine = challenge(TOKEN, "Exact", SOLVER);
    let ownership = "hostOwnership: [{hosts: ['*.example.com'], namespaces: [platform]}]";
    let solver = solver("ingressClassName: nginx", &genuine, "");
    assert_eq!(findings_under(ownership, &solver), ["deny IG502 cm-acme-http-solver-x7k2p"]);
    let catch_all = solver.replace("host: app.example.com, ", "");
    assert_eq!(findings_under(STRICT, &catch_all), ["deny IG505 cm-acme-http-solver-x7k2p"]);
    let wrong = solver.replace("whitelist-source-range: \"0.0.0.0/0,::/0\"", "auth-secret: htpasswd");
    assert_eq!(findings(&wrong), ["deny IG608 cm-acme-http-solver-x7k2p"]);
}

/// With `http01.ingress.name` in the issuer cert-manager adds the path to an existing Ingress.
#[test]
fn a_challenge_in_an_existing_ingress_is_not_reported() {
    let rewriting: &[(&str, &str)] =
        &[("nginx.ingress.kubernetes.io/rewrite-target", "/$2"), ("nginx.ingress.kubernetes.io/use-regex", "true")];
    let api = "path: '/api(/|$)(.*)', pathType: ImplementationSpecific";
    let rewritten = nginx(&[rule("app.example.com", &["/api"]).replace("path: \"/api\", pathType: Prefix", api)]);
    let canary: &[(&str, &str)] =
        &[("nginx.ingress.kubernetes.io/canary", "true"), ("nginx.ingress.kubernetes.io/canary-weight", "10")];
    let plain = nginx(&[rule("app.example.com", &["/"])]);
    for (annotations, spec) in [(NO_ANNOTATIONS, &plain), (rewriting, &rewritten), (canary, &plain)] {
        let before = ingress("web", annotations, spec);
        let main = if annotations == canary { ingress("main", NO_ANNOTATIONS, &plain) } else { String::new() };
        for path_type in ["Exact", "ImplementationSpecific"] {
            let added = challenge(TOKEN, path_type, SOLVER);
            let to_rule = before.replace("paths: [", &format!("paths: [{added}, "));
            let to_new_rule =
                before.replace("rules: [", &format!("rules: [{{host: b.example.com, http: {{paths: [{added}]}}}}, "));
            for config in ["", "profile: strict"] {
                let expected = findings_under(config, &format!("{NGINX}{main}{before}"));
                for after in [&to_rule, &to_new_rule] {
                    let mut found = findings_under(config, &format!("{NGINX}{main}{after}"));
                    // The annotation of that Ingress applies to the challenge as well, which then fails.
                    found.retain(|line| annotations != rewriting || line != "warn IG311 web");
                    assert_eq!(found, expected, "{config} {after}");
                }
            }
        }
    }
    // The other paths of that Ingress are evaluated.
    let absent = rule("app.example.com", &["/"]).replace(WEB, "{service: {name: absent, port: {number: 80}}}");
    let with_challenge =
        nginx(&[absent]).replace("paths: [", &format!("paths: [{}, ", challenge(TOKEN, "Exact", SOLVER)));
    assert_eq!(findings(&format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, &with_challenge))), ["deny IG201 web"]);
}

/// The ACME server sends the requests of a challenge over HTTP.
#[test]
fn a_host_with_challenges_only_needs_no_tls() {
    let config = "checks: {tls-required: deny}";
    let secured = "tls: [{hosts: [app.example.com]}], ".to_owned() + &nginx(&[rule("app.example.com", &["/"])]);
    let challenge = challenge(TOKEN, "Exact", SOLVER);
    let added =
        secured.replace("rules: [", &format!("rules: [{{host: b.example.com, http: {{paths: [{challenge}]}}}}, "));
    let denied = |spec: &str| {
        let found = findings_under(config, &format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, spec)));
        found.iter().any(|line| line.starts_with("deny"))
    };
    assert!(!denied(&added));
    assert!(denied(&added.replace("rules: [", &format!("rules: [{}, ", rule("b.example.com", &["/"])))));
}
