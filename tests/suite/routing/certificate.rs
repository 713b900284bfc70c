//! The certificate of a host, for ingress-nginx and for other controllers: sections 5.1 to 5.4.

use ingress_guard::cluster::ClusterView;
use ingress_guard::config::Config;
use ingress_guard::model::{Host, Ingress};
use ingress_guard::routing::{Controllers, HostCertificate, Routes};

use crate::pages::{self, fixtures};

const NGINX: &str = "k8s.io/ingress-nginx";
const OTHER: &str = "example.com/edge";

/// Returns a Secret with a certificate for some hosts, `FROM..UNTIL`.
fn secret(name: &str, certificate: &str) -> String {
    format!(
        "---
apiVersion: v1
kind: Secret
metadata: {{name: {name}, namespace: shop}}
stringData:
  tls.crt: certificate({certificate})
  tls.key: key(own)
"
    )
}

/// Returns an Ingress with this metadata and spec, created at that second.
fn ingress(second: u8, annotations: &str, tls: &str, host: &str) -> String {
    format!(
        "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web-{second}, namespace: shop, creationTimestamp: '2026-01-01T00:00:0{second}Z', annotations: {{{annotations}}}}}
spec:
  ingressClassName: edge
  tls: [{tls}]
  rules: [{{host: '{host}', http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]
"
    )
}

/// Formats the certificate that a client of a host gets: its Secret and whether it is valid.
fn shown(controller: &str, config: &str, objects: &str, host: &str) -> String {
    let config = Config::parse("test", config).unwrap();
    let class = format!(
        "{{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {{name: edge}}, spec: {{controller: {controller}}}}}\n"
    );
    let inventory = pages::inventory(&config, &fixtures::expand(&(class + objects)));
    let view = ClusterView::unrestricted(pages::known(&inventory));
    let controllers = Controllers::new(&view, &config.settings.classes, &config.settings.dialects);
    let any: &Ingress = inventory.ingresses().next().unwrap();
    let routes = Routes::of(controllers, controllers.of(any), None);
    let found = HostCertificate::of(&Host::parse(host), &routes, &view);
    format!("{}: {}", found.secret.unwrap_or("-"), found.state)
}

const APP: &str = "app.example.com";
const YEARS: &str = "2026-01-01..2027-06-01";

#[test]
fn the_certificate_of_a_host_depends_on_the_controller_family() {
    let good = secret("good", &format!("app.example.com; {YEARS}"));
    let wild = secret("wild", &format!("*.example.com; {YEARS}"));
    let other = secret("other", &format!("other.example.com; {YEARS}"));
    let secrets = good + &wild + &other;
    let named = "{hosts: [app.example.com], secretName: SECRET}";
    let of = |secret: &str| named.replace("SECRET", secret);
    let one = |tls: &str| ingress(1, "", tls, APP);
    let good = "good: valid until 2027-06-01";
    let wild = "wild: valid until 2027-06-01";
    let plain = "-: no TLS";
    let default = "-: the controller's default certificate";
    for (ingresses, host, on_nginx, elsewhere) in [
        (one(&of("good")), APP, good, good),
        (one(""), APP, plain, plain),
        (one("{hosts: [app.example.com]}"), APP, default, default),
        (one("{hosts: [x.example.org], secretName: other}"), APP, "-: no spec.tls entry for the host", default),
        // The entry that names the host decides, before any other; for other controllers the requested name decides.
        (one(&format!("{}, {{secretName: good}}", of("other"))), APP, "other: not valid for the host", good),
        (one("{hosts: ['*.example.com'], secretName: wild}"), APP, wild, wild),
        (one("{secretName: good}"), APP, good, good),
        (one("{secretName: other}"), APP, "other: not valid for the host", "other: not valid for the host"),
        (
            one("{hosts: ['*.example.com'], secretName: absent}"),
            APP,
            "absent: the Secret does not exist",
            "absent: the Secret does not exist",
        ),
        // The oldest Ingress with TLS decides; for other controllers any Ingress with a certificate.
        (one(&of("other")) + &ingress(2, "", &of("good"), APP), APP, "other: not valid for the host", good),
        (ingress(2, "", &of("good"), APP) + &one(""), APP, good, good),
        // A canary has no effect, but only for controllers with canaries.
        (
            ingress(1, "nginx.ingress.kubernetes.io/canary: 'true'", &of("good"), APP) + &ingress(2, "", "", APP),
            APP,
            plain,
            good,
        ),
        // A host without its own entry has the certificate of the wildcard host above it.
        (one("") + &ingress(2, "", "{hosts: ['*.example.com'], secretName: wild}", "*.example.com"), APP, wild, wild),
        // The certificate of a wildcard host must cover all of it; for other controllers the requested name.
        (
            ingress(1, "", "{hosts: ['*.example.com'], secretName: good}", "*.example.com"),
            APP,
            "good: not valid for the host",
            good,
        ),
        (ingress(1, "", "{hosts: ['*.example.com'], secretName: wild}", "*.example.com"), "*.example.com", wild, wild),
        // Rules without a host have no certificate; for other controllers the entry counts.
        (ingress(1, "", &of("good"), ""), APP, plain, good),
        (ingress(1, "", &of("good"), ""), "", plain, plain),
    ] {
        let objects = secrets.clone() + &ingresses;
        assert_eq!(shown(NGINX, "", &objects, host), on_nginx, "{host} {ingresses}");
        assert_eq!(shown(OTHER, "", &objects, host), elsewhere, "elsewhere: {host} {ingresses}");
    }
}

#[test]
fn an_alias_gets_the_certificate_of_its_host_if_it_covers_the_alias() {
    let alias = "nginx.ingress.kubernetes.io/server-alias: app.example.net";
    let entry = "{hosts: [app.example.com], secretName: own}";
    let main = ingress(1, alias, entry, APP);
    let both = secret("own", &format!("app.example.com, app.example.net; {YEARS}"));
    let one = secret("own", &format!("app.example.com; {YEARS}"));
    let sibling = secret("wild", &format!("*.example.net; {YEARS}"))
        + &ingress(2, "", "{hosts: ['*.example.net'], secretName: wild}", "*.example.net");
    let net = |objects: String| shown(NGINX, "", &objects, "app.example.net");
    assert_eq!(net(both + &main), "own: valid until 2027-06-01");
    assert_eq!(net(one.clone() + &main), "own: not valid for the host");
    assert_eq!(net(one.clone() + &main + &sibling), "wild: valid until 2027-06-01");
    assert_eq!(shown(NGINX, "", &(one + &main), APP), "own: valid until 2027-06-01");
}

#[test]
fn a_name_that_redirects_to_its_twin_has_the_certificate_of_the_twin() {
    let to = "nginx.ingress.kubernetes.io/from-to-www-redirect: 'true'";
    let main = ingress(1, to, "{hosts: [app.example.com], secretName: own}", APP);
    let www =
        |names: &str| shown(NGINX, "", &(secret("own", &format!("{names}; {YEARS}")) + &main), "www.app.example.com");
    assert_eq!(www("app.example.com, www.app.example.com"), "own: valid until 2027-06-01");
    assert_eq!(www("app.example.com"), "own: not valid for the host");
}

#[test]
fn whether_a_secret_is_usable_depends_on_the_controller() {
    let entry = "{hosts: [app.example.com], secretName: own}";
    let with = |secret: String| secret + &ingress(1, "", entry, APP);
    let both = |secret: String| [NGINX, OTHER].map(|controller| shown(controller, "", &with(secret.clone()), APP));
    assert_eq!(both(secret("own", "app.example.com; 2025-01-01..2025-06-01")), ["own: expired on 2025-06-01"; 2]);
    assert_eq!(both(secret("own", "app.example.com; 2030-01-01..2031-01-01")), ["own: not valid before 2030-01-01"; 2]);
    // ingress-nginx discards a valid pair if its ca.crt is invalid.
    let bad_ca = secret("own", &format!("app.example.com; {YEARS}")) + "  ca.crt: nonsense\n";
    assert_eq!(both(bad_ca), ["own: the ca.crt of the Secret cannot be read", "own: valid until 2027-06-01"]);
    let empty = "---\n{apiVersion: v1, kind: Secret, metadata: {name: own, namespace: shop}, stringData: {tls.crt: '', tls.key: ''}}\n";
    assert_eq!(both(empty.to_owned()), ["own: the Secret has an empty tls.crt"; 2]);
    assert_eq!(both(String::new()), ["own: the Secret does not exist"; 2]);
    // Issuance is pending.
    let pending = |objects: &str| {
        let asking = ingress(1, "cert-manager.io/issuer: letsencrypt", entry, APP);
        shown(NGINX, "", &(objects.to_owned() + &asking), APP)
    };
    assert_eq!(pending(""), "own: issuance is pending");
    assert_eq!(pending(empty), "own: issuance is pending");
    // Secrets are not watched: any of them may cover the host.
    let good = with(secret("own", &format!("app.example.com; {YEARS}")));
    assert_eq!(shown(NGINX, "secrets: off", &good, APP), "own: unknown");
    assert_eq!(shown(OTHER, "secrets: off", &good, APP), "-: unknown");
    // A default certificate may cover the host; the AWS controller reads no Secrets.
    let uncovered = ingress(1, "", "{hosts: [x.example.org], secretName: absent}", APP);
    let config = format!("dialects: [{{match: {{controller: {NGINX}}}, engine: nginx, defaultCertificate: true}}]");
    assert_eq!(shown(NGINX, &config, &uncovered, APP), "-: the controller's default certificate");
    assert_eq!(shown("ingress.k8s.aws/alb", "", &with(String::new()), APP), "-: unknown");
}

#[test]
fn a_common_name_counts_only_for_an_entry_that_names_the_host() {
    let objects = |tls: &str| secret("named", &format!("CN=app.example.com; {YEARS}")) + &ingress(1, "", tls, APP);
    let served = "named: has a common name, but no subject alternative name";
    let ignored = "named: has a common name only, and spec.tls does not name the host";
    for (tls, on_nginx) in [
        ("{hosts: [app.example.com], secretName: named}", served),
        ("{secretName: named}", ignored),
        ("{hosts: ['*.example.com'], secretName: named}", ignored),
        ("{hosts: [b.example.com], secretName: named}", "-: no spec.tls entry for the host"),
    ] {
        assert_eq!(shown(NGINX, "", &objects(tls), APP), on_nginx, "{tls}");
    }
    assert_eq!(shown(OTHER, "", &objects("{secretName: named}"), APP), served);
}
