//! Every difference between the model and a real nginx that `tests/nginx` has found, with the behaviour of nginx.

use ingress_guard::model::Host;
use ingress_guard::routing::{ConfigError, When};

use super::notation::{answer, ingresses, inventory, with_routes};

fn nginx_answers(view: &str, table: &[(&str, &str, &str)]) {
    for (host, request, expected) in table {
        assert_eq!(answer(view, host, request), *expected, "{host}{request}\n{view}");
    }
}

#[test]
fn a_host_ends_at_its_first_colon_whatever_follows() {
    let view = "shop/web @1\n  app.example.com\n    Prefix / web\n";
    let web = "app.example.com: shop/web Prefix /";
    nginx_answers(
        view,
        &[
            ("app.example.com:80:81", "/", web),
            ("app.example.com:http", "/", web),
            ("APP.example.com.:443", "/", web),
            ("app.example.comx", "/", "_: 404"),
        ],
    );
}

#[test]
fn a_request_line_contains_no_space() {
    let view = "shop/web @1\n  *\n    Prefix / web\n";
    nginx_answers(view, &[("x", "/x y", "_: 400"), ("x", "/x?y z", "_: 400"), ("x", "/x%20y", "_: shop/web Prefix /")]);
}

#[test]
fn a_wildcard_stands_for_one_label_of_letters_digits_underscores_and_hyphens() {
    let view = "shop/web @1\n  *.example.com\n    Prefix / web\n";
    let web = "*.example.com: shop/web Prefix /";
    nginx_answers(
        view,
        &[
            ("b.example.com", "/", web),
            ("b_1-x.example.com", "/", web),
            ("b$.example.com", "/", "_: 404"),
            (".example.com", "/", "_: 404"),
            ("x.y.example.com", "/", "_: 404"),
        ],
    );
}

#[test]
fn the_catch_all_of_a_default_backend_neither_redirects_nor_rewrites() {
    for annotation in [
        "permanent-redirect=https://elsewhere.example.com/x",
        "app-root=/home",
        "rewrite-target=/x",
        "use-regex=true",
        "force-ssl-redirect=true",
    ] {
        let view = format!("shop/web @1 {annotation}\n  default web\n");
        nginx_answers(&view, &[("x", "/", "_: shop/web default"), ("x", "/y", "_: shop/web default")]);
    }
}

#[test]
fn an_alias_of_two_hosts_belongs_to_the_first_server() {
    // The server without a host is `_`, which sorts after wildcards and digits and before letters.
    for (host, first) in
        [("*.example.com", "*.example.com"), ("9.example.com", "9.example.com"), ("app.example.com", "_")]
    {
        let view =
            format!("shop/web @1 server-alias=alias.example.net\n  *\n    Prefix / web\n  {host}\n    Prefix / web\n");
        nginx_answers(&view, &[("alias.example.net", "/", &format!("{first}: shop/web Prefix /"))]);
    }
}

#[test]
fn a_default_backend_without_rules_has_no_alias() {
    let view = "\
shop/catch-all @1 server-alias=alias.example.net
  default web
shop/web @2 server-alias=*.example.net
  app.example.com
    Prefix /bar web
  *
    Prefix /bar web
";
    nginx_answers(view, &[("alias.example.net", "/bar", "_: shop/web Prefix /bar")]);
}

#[test]
fn quotes_and_backslashes_belong_to_the_regex() {
    let view = "shop/web @1 use-regex=true\n  *\n    ImplementationSpecific /a\"b web\n    ImplementationSpecific /c\\\\d web\n";
    nginx_answers(
        view,
        &[
            ("x", "/a\"b", "_: shop/web ImplementationSpecific /a\"b"),
            ("x", "/c\\d", "_: shop/web ImplementationSpecific /c\\\\d"),
            ("x", "/c1", "_: 404"),
        ],
    );
}

#[test]
fn a_path_ending_in_two_slashes_redirects_the_one_with_one() {
    let view = "shop/web @1\n  *\n    ImplementationSpecific /foo// web\n";
    nginx_answers(
        view,
        &[
            ("x", "/foo/", "_: 301 Slash by shop/web ImplementationSpecific /foo//"),
            ("x", "/foo//", "_: 301 Slash by shop/web ImplementationSpecific /foo//"),
            ("x", "/foo", "_: 404"),
        ],
    );
    let both = "shop/web @1\n  *\n    ImplementationSpecific /foo// web\n    Prefix /foo web\n";
    nginx_answers(both, &[("x", "/foo/", "_: shop/web Prefix /foo")]);
}

#[test]
fn a_target_that_begins_with_the_scheme_redirects() {
    for (target, expected) in [
        ("$scheme://other.example.com/$1", "_: 302 Target by shop/web Prefix /foo"),
        ("https://other.example.com", "_: 302 Target by shop/web Prefix /foo"),
        ("http:/half", "_: shop/web Prefix /foo rewritten to http:/half"),
        ("$1", "_: 500 by shop/web Prefix /foo"),
    ] {
        let view = format!("shop/web @1 rewrite-target={target}\n  *\n    Prefix /foo web\n");
        nginx_answers(&view, &[("x", "/foo", expected)]);
    }
}

/// Configuration errors, by the path that causes them.
fn refused(view: &str, host: &str) -> Vec<String> {
    with_routes(&inventory(ingresses(view)), |routes| {
        let server = routes.server(&Host::parse(host), When::After).found().unwrap();
        let faults = server.config_errors(routes.budget()).unwrap();
        let words = faults.iter().map(|fault| match fault {
            ConfigError::Duplicate(one, _) => format!("duplicate {}", one.path),
            ConfigError::Pattern { location, reason, .. } => format!("{}: {reason}", location.path),
            ConfigError::PathTooLong(location) => format!("path of {} bytes", location.path.len()),
            ConfigError::TargetTooLong(location) => format!("target of {} bytes", location.target.map_or(0, str::len)),
        });
        words.collect()
    })
}

#[test]
fn a_capture_group_must_not_have_the_name_of_an_nginx_variable() {
    for (group, is_refused) in [
        ("uri", true),
        ("HOST", true),
        ("args", false),
        ("service_name", false),
        ("ssl_cipher", false),
        ("mine", false),
    ] {
        let path = format!("/(?<{group}>x)");
        let view = format!("shop/web @1 use-regex=true\n  *\n    ImplementationSpecific {path} web\n");
        let reason = format!("{path}: nginx has a variable \"{group}\" of its own");
        assert_eq!(refused(&view, ""), if is_refused { vec![reason] } else { vec![] });
        // In a path that is not a regex it is not a group.
        assert_eq!(refused(&view.replace(" use-regex=true", ""), ""), [""; 0]);
    }
}

#[test]
fn nginx_reads_paths_of_four_kilobytes_at_most() {
    // The whole path as written: a trailing slash, `^`, `(?i)` and backslashes count.
    for (annotation, text, longest) in [
        ("", "x", 4092),
        (" use-regex=true", "x", 4092),
        (" rewrite-target=/", "x", 4089),
        ("", "\\", 2046),
        ("", "$", 241),
    ] {
        for (length, is_too_long) in [(longest, false), (longest + 1, true)] {
            let path = format!("/{}", text.repeat(length - 1));
            let view = format!("shop/web @1{annotation}\n  *\n    ImplementationSpecific {path} web\n");
            assert_eq!(!refused(&view, "").is_empty(), is_too_long, "{annotation} {text:?} {length}");
        }
    }
}

#[test]
fn a_target_too_long_for_nginx_is_not_an_absent_target() {
    for (length, expected) in [(4094, vec![]), (4095, vec!["target of 4095 bytes"; 1])] {
        let target = format!("/{}", "x".repeat(length - 1));
        let view = format!("shop/web @1 rewrite-target={target}\n  *\n    Exact /foo web\n");
        // The implicit `/` is affected too.
        let refused = refused(&view, "");
        assert_eq!(refused.iter().map(String::as_str).take(1).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn an_invalid_annotation_blocks_a_location_or_the_whole_host() {
    // Section 7.0: `return 503` in its locations; 5.7: `return 403` on the server.
    let web = "shop/web @1 allowlist-source-range=10.0.0.0/33 permanent-redirect=https://x.example.com\n  *\n    Prefix /foo web\n";
    let other = "shop/other @2\n  *\n    Prefix /bar other\n";
    let refused = "_: 503 by allowlist-source-range";
    nginx_answers(&format!("{web}{other}"), &[("x", "/foo", refused), ("x", "/bar", "_: shop/other Prefix /bar")]);
    let tls = |created| format!("shop/tls @{created} auth-tls-secret=ca\n  *\n    Prefix /baz tls\n");
    nginx_answers(&format!("{other}{}", tls(3)), &[("x", "/bar", "_: 403 by auth-tls-secret")]);
    // Other valid locations of the host have no influence.
    nginx_answers(&format!("{}{other}", tls(1)), &[("x", "/bar", "_: 403 by auth-tls-secret")]);
}

#[test]
fn the_catch_all_of_a_default_backend_is_blocked_as_well() {
    let view = "shop/web @1 allowlist-source-range=10.0.0.0/33\n  default web\n";
    nginx_answers(view, &[("x", "/", "_: 503 by allowlist-source-range")]);
}

#[test]
fn a_canary_blocks_its_host_as_well() {
    let main = "shop/web @1\n  app.example.com\n    Prefix / web\n";
    let canary = "shop/next @2 canary=true auth-tls-secret=ca\n  app.example.com\n    Prefix / next\n";
    nginx_answers(&format!("{main}{canary}"), &[("app.example.com", "/", "app.example.com: 403 by auth-tls-secret")]);
}

#[test]
fn an_alias_with_a_leading_dot_is_the_same_name_as_without() {
    let view = "\
shop/dot @2 server-alias=.example.net
  *.example.org
    Prefix / web
shop/web @1 server-alias=*.example.net
  app.example.com
    Prefix / web
";
    nginx_answers(view, &[("b.example.net", "/", "*.example.org: shop/dot Prefix /")]);
    let view = "\
shop/dot @2 server-alias=.app.example.com
  *.example.org
    Prefix / web
shop/web @1
  app.example.com
    Prefix / web
";
    nginx_answers(view, &[("app.example.com", "/", "*.example.org: shop/dot Prefix /")]);
}
