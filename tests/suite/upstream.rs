//! The cases of ingress-nginx's own webhook tests (v1.15.1: `test/e2e/admission`, `test/e2e/settings/validations`,
//! `test/e2e/ingress/deep_inspection.go`, `TestCheckIngress`, `TestCheckWarning`, `TestValidatePathType`,
//! `TestInspectIngress`, `TestMergeAlternativeBackends`, `TestGetBackendServers`), evaluated under `strict` for a
//! controller of that version: the same verdict, or the reason for a different one. Bodies without an Ingress are
//! tested in `admission/bodies.rs`, objects that are being deleted in `admission/pass.rs`.

use ingress_guard::budget::Allowance;
use ingress_guard::cluster::Object;
use ingress_guard::config::Config;
use ingress_guard::finding::Level;
use ingress_guard::model::Ingress;
use serde_json::json;

use crate::explain::findings::assert_agrees;
use crate::pages::{circumstances, known};
use crate::routing::notation::{ingresses, inventory};

/// The result of the upstream webhook; for canaries, which it does not check, the result of its controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UpstreamVerdict {
    Allows,
    Warns,
    Denies,
    /// Stored, but no request reaches it.
    Drops,
}

use UpstreamVerdict::{Allows, Denies, Drops, Warns};

/// One case; `..CASE` is the only Ingress in the cluster of a controller with default settings.
#[derive(Clone, Copy)]
struct Case {
    of: &'static str,
    /// In the notation of the routing tests; the last Ingress is the reviewed one.
    view: &'static str,
    /// Settings of the dialect in addition to the version.
    dialect: &'static str,
    /// Configuration in addition to profile and dialect.
    config: &'static str,
    /// Changes that the notation cannot express.
    change: fn(&mut Ingress),
    upstream: UpstreamVerdict,
    findings: &'static [&'static str],
    /// The reason for a different verdict; empty if it is the same.
    why: &'static str,
}

const CASE: Case =
    Case { of: "", view: "", dialect: "", config: "", change: |_| (), upstream: Allows, findings: &[], why: "" };

const OTHER_CLASS: fn(&mut Ingress) = |ingress| ingress.class_name = Some("nginx-other".into());

/// Names the class in the annotation only.
const BY_ANNOTATION: fn(&mut Ingress) = |ingress| {
    let annotated = json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "nginx"}}, "spec": {}});
    ingress.meta.annotations = serde_json::from_value::<Ingress>(annotated).unwrap().meta.annotations;
    ingress.class_name = None;
};

const INSPECTED: &str = "protects the files of the controller's container; since 1.13.7 such a path is quoted, harmless \
                         and served";
const ANY_PATH: &str = "kube-apiserver rejects it before it calls webhooks";

#[rustfmt::skip]
const CASES: &[Case] = &[
    // admission.go
    Case { of: "overlap, no canary", upstream: Denies, findings: &["deny IG501"],
           view: "shop/first @0\n  a.example.com\n    Prefix / web\nshop/second @1\n  a.example.com\n    Prefix / web", ..CASE },
    Case { of: "overlap in any rule", upstream: Denies, findings: &["deny IG501"],
           view: "shop/first @0\n  a.example.com\n    Prefix /safe-path-1 web\n    Prefix /conflict-path web\n\
                   shop/second @1\n  a.example.com\n    Prefix /safe-path-2 web\n    Prefix /conflict-path web", ..CASE },
    Case { of: "overlap with canary",
           view: "shop/first @0\n  a.example.com\n    Prefix / web\n\
                   shop/second @1 canary=true canary-by-header=CanaryByHeader\n  a.example.com\n    Prefix / slow", ..CASE },
    Case { of: "invalid path", upstream: Denies, why: INSPECTED,
           view: "shop/first @0\n  a.example.com\n    Prefix /mypage web\nshop/second @1\n  a.example.com\n    Prefix /etc/nginx web", ..CASE },
    Case { of: "blocklist char", upstream: Denies, findings: &["deny IG603"],
           view: "shop/new @0 connection-proxy-header=a;}\n  a.example.com\n    Prefix / web", ..CASE },
    Case { of: "blocklist word", upstream: Denies, findings: &["deny IG603"],
           view: "shop/new @0 connection-proxy-header=set_by_lua\n  a.example.com\n    Prefix / web", ..CASE },
    Case { of: "wrong pathType, Exact", upstream: Denies, findings: &["deny IG301", "deny IG303"],
           view: "shop/new @0\n  a.example.com\n    Exact /foo/bar/[a-z]{3} web", ..CASE },
    Case { of: "wrong pathType, Prefix", upstream: Denies, findings: &["deny IG301", "deny IG303"],
           view: "shop/new @0\n  a.example.com\n    Prefix /foo/bar/[a-z]{3} web", ..CASE },
    Case { of: "right pathType", findings: &["warn IG311"], why: "allowed by both; every sub-path is rewritten to /new/backend",
           view: "shop/new @0 use-regex=true rewrite-target=/new/backend\n  a.example.com\n    ImplementationSpecific /foo/bar/[a-z]{3} web", ..CASE },
    Case { of: "right pathType, plain", view: "shop/new @0\n  a.example.com\n    Prefix /bloblo web", ..CASE },
    Case { of: "valid v1 with ingressClassName", view: "shop/extensions @0\n  extensions\n    Prefix / echo", ..CASE },
    Case { of: "valid v1 with class annotation",
           change: BY_ANNOTATION,
           findings: &["warn IG104"], why: "served by both; the annotation is deprecated since Kubernetes 1.18",
           view: "shop/extensions @0\n  extensions-class\n    Prefix / echo", ..CASE },
    Case { of: "unknown class and invalid snippet", change: OTHER_CLASS, findings: &["deny IG101"],
           why: "this controller ignores it; ingress-guard reports that no other controller handles it either",
           view: "shop/new @0 configuration-snippet=invalid\n  a.example.com\n    Prefix / web", ..CASE },
    // validations.go
    Case { of: "risk level, low and medium", dialect: "settings: {annotations-risk-level: Medium, allow-snippet-annotations: true}",
           view: "shop/new @0 default-backend=web denylist-source-range=1.1.1.1/32\n  a.example.com\n    Prefix / web", ..CASE },
    Case { of: "risk level, high and critical", dialect: "settings: {annotations-risk-level: Medium, allow-snippet-annotations: true}",
           upstream: Denies, findings: &["deny IG609", "deny IG609"],
           view: "shop/new @0 modsecurity-transaction-id=bla modsecurity-snippet=x\n  a.example.com\n    Prefix / web", ..CASE },
    // deep_inspection.go
    Case { of: "deep inspection", upstream: Drops, why: INSPECTED,
           view: "shop/new @0\n  a.example.com\n    ImplementationSpecific /bla{alias /var/run/secrets/;}location ~* ^/abcd web", ..CASE },
    // TestInspectIngress
    Case { of: "inspect: /var/run/secrets", upstream: Denies, why: INSPECTED,
           view: "shop/new @0\n  a.example.com\n    Exact /var/run/secrets web\n    Exact /mypage web", ..CASE },
    Case { of: "inspect: /etc/nginx", upstream: Denies, why: INSPECTED,
           view: "shop/new @0\n  a.example.com\n    Exact /mypage web\n    Exact /etc/nginx web", ..CASE },
    Case { of: "inspect: invalid.etc.com", view: "shop/new @0\n  invalid.etc.com\n    Exact /mypage web", ..CASE },
    // TestCheckIngress
    Case { of: "UID not a UUID", upstream: Denies, why: "kube-apiserver sets the UID of every object, and files have none",
           view: "shop/new @0\n  example.com\n    Prefix / web", ..CASE },
    Case { of: "class and host", view: "shop/new @0\n  example.com\n    Prefix / web", ..CASE },
    Case { of: "another host", view: "shop/new @0\n  test.example.com\n    Prefix / web", ..CASE },
    Case { of: "another annotation prefix", upstream: Denies,
           why: "ingress-guard does not know --annotations-prefix and therefore does not report another common prefix",
           view: "shop/new @0 backend-protocol=GRPC\n  example.com\n    Prefix / web", ..CASE },
    Case { of: "snippets off", upstream: Denies, findings: &["deny IG609"],
           view: "shop/new @0 server-snippet=bla\n  example.com\n    Prefix / web", ..CASE },
    // Upstream rejects a word of annotation-value-word-blocklist, which each cluster sets; ingress-guard reports the
    // missing ConfigMap.
    Case { of: "blocklist, custom-headers", upstream: Denies, findings: &["deny IG604"],
           view: "shop/new @0 custom-headers=invalid_directive\n  example.com\n    Prefix / web", ..CASE },
    Case { of: "DisableCatchAll", config: "checks: {catch-all-host: deny}", upstream: Denies, findings: &["deny IG505"],
           view: "shop/new @0\n  default web", ..CASE },
    Case { of: "another namespace than watched", dialect: "watchNamespaces: [other]", findings: &["deny IG106"],
           why: "upstream allows it because no controller serves it; ingress-guard reports that", view: "shop/new @0\n  example.com\n    Prefix / web", ..CASE },
    // TestCheckWarning
    Case { of: "warning: enable-influxdb", upstream: Warns, findings: &["warn IG610"],
           view: "shop/new @0 enable-influxdb=true\n  a.example.com\n    Prefix / web", ..CASE },
    Case { of: "warning: path type", dialect: "settings: {strict-validate-path-type: false}", upstream: Warns,
           why: "the path is served while the setting is off",
           view: "shop/new @0\n  a.example.com\n    Prefix /xpto{$2} web\n    Exact /ok web", ..CASE },
    Case { of: "warning: four", upstream: Denies, findings: &["deny IG303", "warn IG610", "warn IG610", "warn IG610"],
           view: "shop/new @0 enable-influxdb=true influxdb-host=x secure-verify-ca-secret=x\n  a.example.com\n    Prefix /xpto{$2} web\n    Exact /ok web", ..CASE },
    // TestValidatePathType
    Case { of: "valid path types", findings: &["warn IG307", "warn IG307"],
           why: "allowed by both; a request without the last slash gets 301",
           view: "shop/new @0\n  a.example.com\n    Prefix /test web\n    Exact /xpto/ab0/x_ss-9 web\n    Prefix /.well-known/acme-challenge/ web\n    \
                   Exact /bla/ web", ..CASE },
    Case { of: "ImplementationSpecific is free", view: "shop/new @0 use-regex=true\n  a.example.com\n    ImplementationSpecific /foo.+ web", ..CASE },
    Case { of: "Exact /foo.+", upstream: Denies, findings: &["deny IG303"], view: "shop/new @0 use-regex=true\n  a.example.com\n    Exact /foo.+ web", ..CASE },
    Case { of: "Exact xpto/lala", upstream: Denies, why: ANY_PATH, view: "shop/new @0\n  a.example.com\n    Exact xpto/lala web", ..CASE },
    Case { of: "Prefix /foo/bar/[a-z]{3}", upstream: Denies, findings: &["deny IG303"],
           view: "shop/new @0 use-regex=true\n  a.example.com\n    Prefix /foo/bar/[a-z]{3} web", ..CASE },
    Case { of: "Prefix with a newline", upstream: Denies, findings: &["deny IG303", "deny IG315"],
           change: |ingress| ingress.rules[0].paths[0].path = "/foo\nbar".into(),
           view: "shop/new @0\n  a.example.com\n    Prefix /foo web", ..CASE },
    Case { of: "Prefix /$lala/test", upstream: Denies, findings: &["deny IG303"], view: "shop/new @0\n  a.example.com\n    Prefix /$lala/test web", ..CASE },
    Case { of: "Prefix #lala/test", upstream: Denies, findings: &["deny IG303"], view: "shop/new @0\n  a.example.com\n    Prefix #lala/test web", ..CASE },
    Case { of: "Exact /xpto/lala", view: "shop/new @0\n  a.example.com\n    Exact /xpto/lala web", ..CASE },
    // TestMergeAlternativeBackends and TestGetBackendServers
    Case { of: "canary of an equal host, path and type", view: "shop/main @0\n  example.com\n    Prefix / web\n\
                   shop/canary @1 canary=true canary-weight=10\n  example.com\n    Prefix / new", ..CASE },
    Case { of: "canary of one of several hosts", view: "shop/main @0\n  foo.bar\n    Prefix / other\n  example.com\n    Prefix / web\n\
                   shop/canary @1 canary=true canary-weight=10\n  example.com\n    Prefix / new", ..CASE },
    Case { of: "canary of itself", upstream: Drops, findings: &["deny IG605"], view: "shop/main @0\n  example.com\n    Prefix / web\n\
                   shop/canary @1 canary=true canary-weight=10\n  example.com\n    Prefix / web", ..CASE },
    Case { of: "canary without main", upstream: Drops, findings: &["deny IG605"],
           view: "shop/canary @1 canary=true canary-weight=10\n  example.com\n    Prefix / new", ..CASE },
    Case { of: "canary of another path type", upstream: Drops, findings: &["deny IG605"], view: "shop/main @0\n  example.com\n    Exact /a web\n\
                   shop/canary @1 canary=true canary-weight=10\n  example.com\n    Prefix /a new", ..CASE },
    Case { of: "canary without host", view: "shop/main @0\n  *\n    Prefix / web\n\
                   shop/canary @1 canary=true canary-weight=10\n  *\n    Prefix / new", ..CASE },
    Case { of: "canary of a default backend", view: "shop/main @0\n  default web\n\
                   shop/canary @1 canary=true canary-weight=10\n  default new", ..CASE },
    Case { of: "canary of no default backend", upstream: Drops,
           why: "only rules of canaries are evaluated: this one affects no other Ingress, and requests return 404 as before",
           view: "shop/canary @1 canary=true canary-weight=10\n  default new", ..CASE },
    Case { of: "canary that is older than the Service's main rule", upstream: Drops, findings: &["deny IG607"],
           view: "shop/canary @0 canary=true canary-weight=10\n  example.com\n    Prefix /a web\n\
                   shop/main @1\n  example.com\n    Prefix /b web", ..CASE },
];

/// Level and code of the findings on the last Ingress above audit level.
fn reported(case: &Case) -> Vec<String> {
    let dialect = format!(
        "{{match: {{controller: k8s.io/ingress-nginx}}, engine: nginx, version: 1.15.1{}{}}}",
        if case.dialect.is_empty() { "" } else { ", " },
        case.dialect
    );
    let text = format!("profile: strict\ndialects: [{dialect}]\n{}", case.config);
    let config = Config::parse("upstream", &text).unwrap();
    let mut ingresses = ingresses(case.view);
    (case.change)(ingresses.last_mut().unwrap());
    let written = ingresses.last().unwrap().clone();
    let services: Vec<String> = ingresses
        .iter()
        .flat_map(Ingress::backends)
        .filter_map(|at| match at.backend {
            ingress_guard::model::Backend::Service { name, .. } => Some(name.to_string()),
            ingress_guard::model::Backend::Resource => None,
        })
        .collect();
    let mut inventory = inventory(ingresses);
    for name in services {
        let service = json!({"metadata": {"namespace": "shop", "name": name}, "spec": {"type": "ExternalName",
                             "externalName": "web.example.net"}});
        inventory.apply(Object::Service(serde_json::from_value(service).unwrap()));
    }
    assert_agrees(&config, &inventory);
    let findings = config.engine().run(&written, known(&inventory), &Allowance::full()).findings;
    let decisions = config.policy.decide(findings, &circumstances(&written, false)).decisions;
    let above_audit = decisions.into_iter().filter(|decision| decision.level > Level::Audit);
    let mut codes: Vec<String> =
        above_audit.map(|decision| format!("{} {}", decision.level, decision.finding.code)).collect();
    codes.sort();
    codes
}

#[test]
fn every_case_has_upstreams_verdict_or_a_reason() {
    let mut wrong = Vec::new();
    for case in CASES {
        let reported = reported(case);
        let denies = reported.iter().any(|code| code.starts_with("deny"));
        let same = match case.upstream {
            Allows => reported.is_empty(),
            Warns => !reported.is_empty() && !denies,
            Denies | Drops => denies,
        };
        if reported != case.findings || same != case.why.is_empty() {
            wrong.push(format!("{}: {:?} there, {reported:?} here; {}", case.of, case.upstream, case.why));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
