//! Keys of the controller's ConfigMap that apply to every Ingress: redirects to HTTPS, buffers, statuses and blocked texts.

use ingress_guard::analysis::analyze;
use ingress_guard::cluster::{Inventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::explain::{RequestUrl, Style, explain_url};
use ingress_guard::finding::Level;

use crate::pages;

const CONFIG: &str = "
dialects: [{match: {controller: k8s.io/ingress-nginx}, engine: nginx, version: 1.15.1, configMap: infra/settings}]
";

/// An Ingress with TLS on the first of two hosts, and the ConfigMap with this data; empty: it does not exist.
fn world(data: &str, annotations: &str) -> Inventory {
    let settings = format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: infra}}\ndata: {{{data}}}\n"
    );
    let text = format!(
        "
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: nginx}}
spec: {{controller: k8s.io/ingress-nginx}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: tls, namespace: shop, annotations: {{{annotations}}}}}
spec:
  ingressClassName: nginx
  tls: [{{hosts: [tls.example.com], secretName: gone}}]
  rules:
  - host: tls.example.com
    http:
      paths:
      - {{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}
      - {{path: /open, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: plain, namespace: shop, annotations: {{{annotations}}}}}
spec:
  ingressClassName: nginx
  rules:
  - host: plain.example.com
    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: shop}}
spec: {{clusterIP: 10.0.0.1, ports: [{{port: 80}}]}}
{}",
        if data.is_empty() { "" } else { &settings }
    );
    load_text("cluster.yaml", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the explanation of a request as text.
fn explained(data: &str, annotations: &str, url: &str) -> String {
    let config = Config::parse("guard.yaml", CONFIG).unwrap();
    let inventory = world(data, annotations);
    let request = RequestUrl::read(url).unwrap();
    let explained = explain_url(&request, pages::known(&inventory), &config.settings, None).unwrap();
    format!("{:?} {:?}\n{}", explained.outcome, explained.status, explained.text(Style::Plain))
}

/// Returns the findings about Ingress `plain` of at least warn, with their levels.
fn found(data: &str, annotations: &str) -> String {
    found_from(Level::Warn, data, annotations)
}

fn found_from(lowest: Level, data: &str, annotations: &str) -> String {
    let config = Config::parse("guard.yaml", CONFIG).unwrap();
    let inventory = world(data, annotations);
    let ingress = inventory.ingress("shop", "plain").unwrap();
    let analysis = analyze(ingress, pages::known(&inventory), &config.engine(), &config.policy);
    let decisions = analysis.verdict.distinct().filter(|decision| decision.level >= lowest);
    decisions
        .map(|decision| format!("{:?} {}: {}", decision.level, decision.finding.code, decision.finding.message))
        .collect::<Vec<_>>()
        .join("\n")
}

const NOTHING: &str = "hsts: 'true'";

#[test]
fn redirects_to_https_follow_the_config_map() {
    let at = |data: &str, annotations: &str, url: &str| explained(data, annotations, url);
    let to_https = |text: &str, status: u16| text.starts_with(&format!("Redirect Some({status})"));
    let (tls, plain) = ("http://tls.example.com/a/", "http://plain.example.com/a/");
    assert!(to_https(&at(NOTHING, "", tls), 308));
    assert!(!at("ssl-redirect: 'false'", "", tls).starts_with("Redirect"));
    assert!(!at(NOTHING, "", plain).starts_with("Redirect"));
    let forced = at("force-ssl-redirect: 'true'", "", plain);
    assert!(to_https(&forced, 308) && forced.contains("force-ssl-redirect of the ConfigMap"), "{forced}");
    let off = "nginx.ingress.kubernetes.io/force-ssl-redirect: 'false'";
    assert!(!at("force-ssl-redirect: 'true'", off, plain).starts_with("Redirect"));
    assert!(to_https(&at("http-redirect-code: '301'", "", tls), 301));
    assert!(to_https(&at("http-redirect-code: '200'", "", tls), 308), "the controller takes no other codes");
    let kept = at("preserve-trailing-slash: 'true', use-port-in-redirects: 'true'", "", tls);
    assert!(kept.contains("https://tls.example.com:443/a/"), "{kept}");
    let cut = at(NOTHING, "", tls);
    assert!(cut.contains("\"https://tls.example.com/a\""), "{cut}");
}

#[test]
fn some_locations_are_never_redirected() {
    let is_redirected =
        |data: &str, path: &str| explained(data, "", &format!("http://tls.example.com{path}")).starts_with("Redirect");
    for list in ["/x, /op", "/open"] {
        let data = format!("no-tls-redirect-locations: '{list}'");
        assert!(!is_redirected(&data, "/open/a") && is_redirected(&data, "/a"), "{list}");
    }
    for list in ["", "/other", "open"] {
        assert!(is_redirected(&format!("no-tls-redirect-locations: '{list}'"), "/open/a"), "{list}");
    }
}

#[test]
fn a_redirect_is_unknown_while_the_config_map_is() {
    let unknown = explained("", "", "http://tls.example.com/a");
    assert!(unknown.starts_with("Unknown") && unknown.contains("unless the ConfigMap sets ssl-redirect"), "{unknown}");
    let set = explained("", "nginx.ingress.kubernetes.io/ssl-redirect: 'true'", "http://tls.example.com/a");
    assert!(set.starts_with("Redirect"), "{set}");
}

#[test]
fn sizes_of_buffers_are_compared_with_those_of_the_config_map() {
    let busy = |size: &str| format!("nginx.ingress.kubernetes.io/proxy-busy-buffers-size: {size}");
    assert!(found(NOTHING, &busy("24k")).contains("IG611"));
    assert!(!found("proxy-buffer-size: 16k", &busy("24k")).contains("IG611"));
    assert!(found("proxy-buffer-size: 16k", &busy("8k")).contains("Warn IG611"));
    assert!(!found("proxy-buffers-number: '8'", &busy("24k")).contains("IG611"));
    let two = "nginx.ingress.kubernetes.io/proxy-buffers-number: '2'";
    assert!(found(NOTHING, two).contains("IG611"));
    assert!(!found("proxy-busy-buffers-size: 4k", two).contains("IG611"));
}

#[test]
fn an_ingress_with_a_blocked_text_is_not_loaded() {
    let list = "annotation-value-word-blocklist: 'load_module,{,lua'";
    let path = "nginx.ingress.kubernetes.io/app-root: '/{x'";
    let blocked = found(list, path);
    let message = "Warn IG609: \"{\" is in annotation-value-word-blocklist: the Ingress is not loaded";
    assert!(blocked.contains(message), "{blocked}");
    assert!(explained(list, path, "http://plain.example.com/").starts_with("DefaultBackend"));
    assert!(!found(NOTHING, path).contains("IG609"));
    assert!(!found(list, "nginx.ingress.kubernetes.io/app-root: /x").contains("IG609"));
}

#[test]
fn global_authentication_has_its_variables() {
    let target = "nginx.ingress.kubernetes.io/rewrite-target: /$auth_cookie";
    assert!(found(NOTHING, target).contains("IG312"));
    assert!(!found("global-auth-url: 'http://auth.example.com/'", target).contains("IG312"));
}

const OFF: &str = "nginx.ingress.kubernetes.io/enable-global-auth: 'false'";
const PLAIN: &str = "http://plain.example.com/";

#[test]
fn global_authentication_is_shown_unless_the_ingress_disables_it() {
    const STEP: &str = "global-auth-url of the ConfigMap asks \"http://auth.example.net/\" before each request";
    let data = "global-auth-url: 'http://auth.example.net/'";
    assert!(explained(data, "", PLAIN).contains(STEP), "{}", explained(data, "", PLAIN));
    let own = "nginx.ingress.kubernetes.io/auth-url: http://own.example.net/";
    for (data, annotations) in [(NOTHING, ""), (data, OFF), (data, own), ("global-auth-url: nowhere", "")] {
        assert!(!explained(data, annotations, PLAIN).contains("global-auth-url"), "{data} {annotations}");
    }
    let exempt = format!("{data}, no-auth-locations: '/x, /'");
    assert!(!explained(&exempt, "", PLAIN).contains("global-auth-url"));
}

#[test]
fn global_authentication_without_its_service_fails() {
    let gone = "global-auth-url: 'http://gone.shop.svc.cluster.local/'";
    let explained = |data: &str, annotations: &str| explained(data, annotations, PLAIN);
    let text = explained(gone, "");
    let detail = "Service shop/gone of global-auth-url of the ConfigMap does not exist: every request returns 500";
    assert!(text.starts_with("Broken Some(500)") && text.contains(detail), "{text}");
    let audited = |data: &str, annotations: &str| found_from(Level::Audit, data, annotations);
    let message = "Audit IG615: global-auth-url of the controller: Service \"gone\" does not exist";
    assert!(audited(gone, "").contains(message), "{}", audited(gone, ""));
    assert!(!explained(gone, OFF).starts_with("Broken") && !audited(gone, OFF).contains("IG615"));
    // Invalid annotations drop `auth-url`, so the global one applies.
    let dropped = "nginx.ingress.kubernetes.io/auth-url: http://own.example.net/, \
                   nginx.ingress.kubernetes.io/auth-always-set-cookie: sometimes";
    assert!(explained(gone, dropped).starts_with("Broken Some(500)"));
    assert!(!explained(NOTHING, dropped).starts_with("Broken"));
    let warned = "Warn IG608: \"sometimes\"";
    assert!(found(gone, dropped).contains(warned) && found(NOTHING, dropped).contains("Deny IG608: \"sometimes\""));
}

#[test]
fn global_authentication_behind_itself_fails() {
    let own = "global-auth-url: 'http://plain.example.com/verify'";
    assert!(explained(own, "", PLAIN).starts_with("Broken Some(500)"));
    // The authentication of another host asks this one, which is behind it.
    assert!(explained(own, "", "https://tls.example.com/").starts_with("Broken Some(500)"));
    assert!(found_from(Level::Audit, own, "").contains("is behind this authentication itself"));
    let exempt = format!("{own}, no-auth-locations: '/'");
    assert!(!explained(&exempt, "", PLAIN).starts_with("Broken"));
    // Its address may admit the request for the URL, and a snippet may answer it.
    for other in ["satisfy: any", "configuration-snippet: 'if ($uri = /verify) { return 204; }'"] {
        let other = format!("nginx.ingress.kubernetes.io/{other}");
        assert!(!explained(own, &other, PLAIN).starts_with("Broken"), "{other}");
        assert!(!found_from(Level::Audit, own, &other).contains("IG615"), "{other}");
    }
}

#[test]
fn auth_url_is_not_asked_for_exempt_locations() {
    let gone = "nginx.ingress.kubernetes.io/auth-url: http://gone.shop.svc/";
    let at = |data: &str, path: &str| explained(data, gone, &format!("https://tls.example.com{path}"));
    assert!(at(NOTHING, "/open").starts_with("Broken") && found(NOTHING, gone).contains("IG615"));
    let data = "no-auth-locations: '/open'";
    assert!(!at(data, "/open/x").starts_with("Broken") && at(data, "/other").starts_with("Broken"));
    assert!(!found("no-auth-locations: '/'", gone).contains("IG615"));
}
