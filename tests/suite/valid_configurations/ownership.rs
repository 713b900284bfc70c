//! Hosts and aliases under `hostOwnership` that a namespace may use although others own hosts beside them.

use ingress_guard::config::Config;

use super::{NGINX, NO_FINDINGS, decisions_under, ingress, nginx, rule, store};

const PLATFORM: &str = "hostOwnership:
  - {hosts: ['*.example.com', '*'], namespaces: [platform]}
  - {hosts: [shop.example.com, '*.shop.example.com'], namespaces: [shop]}
  - {hosts: ['*.team.example.com', team.example.com, team.example.org], namespaces: [team]}
";
const TENANTS: &str = "hostOwnership:
  - {hosts: ['*.team.example.com', team.example.com], namespaces: [team]}
  - {hosts: [shop.example.com, '*.shop.example.com', '*.shop.example.org'], namespaces: [shop]}
";

/// Returns the findings on an Ingress of a namespace with this host and this `server-alias`.
fn findings(config: &str, namespace: &str, host: &str, alias: &str) -> Vec<String> {
    let aliases = [("nginx.ingress.kubernetes.io/server-alias", alias)];
    let ingress = ingress("web", if alias.is_empty() { &[] } else { &aliases }, &nginx(&[rule(host, &["/"])]));
    let objects = format!("{NGINX}{ingress}").replace("namespace: shop", &format!("namespace: {namespace}"));
    decisions_under(&Config::parse("test", config).unwrap(), &store(&objects), false)
}

#[test]
fn a_wildcard_of_the_platform_stands_beside_the_hosts_of_tenants() {
    for (namespace, host, alias) in [
        ("platform", "*.example.com", ""),
        ("platform", "a.example.com", "*.example.com"),
        ("platform", "a.example.com", ".example.com, ~^.*\\.example\\.com$, ~.*, shop.*"),
        ("platform", "", ""),
        ("shop", "*.shop.example.com", "shop.example.com, ~^[a-z]+\\.shop\\.example\\.com$"),
        ("shop", "shop.example.com", ".shop.example.com"),
    ] {
        assert_eq!(findings(PLATFORM, namespace, host, alias), NO_FINDINGS, "{namespace} {host} {alias}");
    }
}

#[test]
fn a_regex_below_the_own_domain_is_not_reported() {
    for config in [PLATFORM, TENANTS] {
        for alias in [
            r"~^[a-z]+\.team\.example\.com$",
            r"~^([a-z0-9-]+)\.(dev|test)\.team\.example\.com$",
            r"~^www\d+\.Team\.Example\.com$",
            r"~^(a|b|www\.c)\.team\.example\.com$",
            r"~^team\.example\.com$",
            r"~\.team\.example\.com$",
            "*.team.example.com",
            ".team.example.com",
        ] {
            assert_eq!(findings(config, "team", "team.example.com", alias), NO_FINDINGS, "{config} {alias}");
        }
    }
}

#[test]
fn an_alias_that_meets_no_assigned_host_is_not_reported() {
    for alias in [
        "*.example.net",
        "other.example.com",
        r"~^[a-z]+\.example\.net$",
        "*.a.example.com",
        "example.com",
        "shop.example",
    ] {
        assert_eq!(findings(TENANTS, "other", "x.example.net", alias), NO_FINDINGS, "{alias}");
    }
    // A wildcard of a rule stands for one label.
    assert_eq!(findings(TENANTS, "other", "*.com", ""), NO_FINDINGS);
}

#[test]
fn a_name_that_stands_for_an_assigned_host_is_denied() {
    for alias in [
        "shop.example.com",
        "SHOP.example.com.",
        "a.shop.example.com",
        "*.example.com",
        "*.com",
        ".example.com",
        ".shop.example.com",
        "shop.*",
        "shop.example.*",
        r"~^shop\.example\.com$",
        r"~^Shop\.example\.com$",
        r"~^sho[p]\.example\.com$",
        r"~^(x|shop)\.example\.com$",
        r"~shop\.",
        r"~^shop\.(?=example)",
        r"~^a\.shop\.example\.org$",
        r"~^[a-z]+\.shop\.example\.org$",
        r"~^sh[m-p&&o]p\.example\.com$",
        r"~^[a-z]+\.[a-z]+\.example\.[a-z]+$",
        r"~^[a-z]+-[0-9][0-9]\.",
        r"~^[a-z][a-z]\d\.[a-z.]+$",
        "~.*",
        "~.",
        "~^",
    ] {
        assert_eq!(findings(TENANTS, "other", "x.example.net", alias), ["deny IG502 web"], "{alias}");
        assert_eq!(findings(PLATFORM, "other", "shop.team.example.org", alias).len(), 2, "{alias}");
    }
    for host in ["*.example.com", "shop.example.com", "a.b.shop.example.com", "*.a.shop.example.com"] {
        assert_eq!(findings(TENANTS, "other", host, ""), ["deny IG502 web"], "{host}");
    }
    // Also for a namespace with other hosts, and for one whose own host is within the wildcard.
    assert_eq!(findings(TENANTS, "team", "*.example.com", ""), ["deny IG502 web"]);
    assert_eq!(findings(PLATFORM, "shop", "*.example.com", ""), ["deny IG502 web"]);
    assert_eq!(findings(PLATFORM, "platform", "shop.example.com", ""), ["deny IG502 web"]);
    assert_eq!(findings(PLATFORM, "team", "", ""), ["deny IG502 web"]);
}

#[test]
fn a_regex_that_cannot_be_decided_warns() {
    for alias in [r"~^(?=q)[a-z]+-[0-9]", r"~^q[a-z]+(?=\.)", r"~^[a-z]+\.example\.org?$"] {
        assert_eq!(findings(TENANTS, "other", "x.example.net", alias), ["warn IG502 web"], "{alias}");
    }
}

#[test]
fn the_most_specific_host_applies_in_every_order() {
    let entries = [
        "{hosts: ['*'], namespaces: [rest]}",
        "{hosts: ['*.example.com'], namespaces: [platform]}",
        "{hosts: ['*.a.example.com'], namespaces: [shop]}",
        "{hosts: [x.a.example.com], namespaces: [team]}",
        "{hosts: [X.a.example.com.], namespaces: [other]}",
    ];
    for turn in 0..entries.len() {
        let mut turned = entries.to_vec();
        turned.rotate_left(turn);
        for entries in [turned.join(", "), turned.iter().rev().copied().collect::<Vec<_>>().join(", ")] {
            let config = format!("hostOwnership: [{entries}]");
            for (host, owners) in [
                ("x.a.example.com", &["team", "other"][..]),
                ("y.a.example.com", &["shop"]),
                ("*.a.example.com", &["shop"]),
                ("a.example.com", &["platform"]),
                ("example.com", &["rest"]),
                ("", &["rest"]),
            ] {
                for namespace in ["rest", "platform", "shop", "team", "other"] {
                    let denied = findings(&config, namespace, host, "").contains(&"deny IG502 web".to_owned());
                    assert_eq!(denied, !owners.contains(&namespace), "{config} {namespace} {host}");
                }
            }
        }
    }
}
