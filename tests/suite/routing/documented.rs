//! The behaviour that the documents and end-to-end tests of ingress-nginx specify (sections 9.2 to 9.4).

use super::notation::{answer, ingresses, inventory, with_routes};
use crate::explain::random::assert_lines_agree;
use ingress_guard::model::Host;
use ingress_guard::routing::When;

fn answers(view: &str, host: &str, table: &[(&str, &str)]) {
    for (request, expected) in table {
        assert_eq!(answer(view, host, request), format!("{host}: {expected}"), "{request}\n{view}");
    }
    assert_lines_agree(view);
}

fn directives(view: &str, host: &str) -> Vec<String> {
    with_routes(&inventory(ingresses(view)), |routes| {
        let server = routes.server(&Host::parse(host), When::After).found().unwrap();
        server.locations.iter().map(ingress_guard::routing::Location::directive).collect()
    })
}

#[test]
fn use_regex_makes_a_case_insensitive_regex() {
    let view = "shop/web @1 use-regex=true\n  test.com\n    ImplementationSpecific /foo/.* web\n";
    assert_eq!(directives(view, "test.com"), [r#"~* "^/foo/.*""#, r#"~* "^/""#]);
}

#[test]
fn the_longest_path_comes_first() {
    let view = "\
shop/one @1
  test.com
    Prefix /foo/bar service1
    Prefix /foo/bar/ service2
shop/two @2 rewrite-target=/$1
  test.com
    ImplementationSpecific /foo/bar/(.+) service3
";
    assert_eq!(directives(view, "test.com")[0], r#"~* "^/foo/bar/(.+)""#);
    answers(
        view,
        "test.com",
        &[
            ("/foo/bar/1", "shop/two ImplementationSpecific /foo/bar/(.+) rewritten to /1"),
            ("/foo/bar/", "shop/one Prefix /foo/bar/"),
            ("/foo/bar", "shop/one Prefix /foo/bar"),
        ],
    );
}

#[test]
fn a_longer_regex_hides_a_short_path() {
    let view = "\
shop/web @1 use-regex=true
  test.com
    Prefix /foo/bar/bar test
    ImplementationSpecific /foo/bar/[A-Z0-9]{3} test
";
    let pattern = "shop/web ImplementationSpecific /foo/bar/[A-Z0-9]{3}";
    answers(view, "test.com", &[("/foo/bar/bar", pattern), ("/foo/bar/b", "404")]);
}

#[test]
fn one_ingress_enables_regexes_for_the_whole_host() {
    let view = "\
shop/plain @1
  test.com
    Prefix /foo web
shop/pattern @2 use-regex=true rewrite-target=/new/backend
  test.com
    ImplementationSpecific /foo.+ web
";
    assert!(directives(view, "test.com").contains(&r#"~* "^/foo""#.to_owned()));
    answers(
        view,
        "test.com",
        &[
            ("/foo", "shop/plain Prefix /foo"),
            ("/FOO", "shop/plain Prefix /foo"),
            ("/foo/bar", "shop/pattern ImplementationSpecific /foo.+ rewritten to /new/backend"),
        ],
    );
}

#[test]
fn the_rewrite_example() {
    let view = "\
shop/web @1 use-regex=true rewrite-target=/$2
  rewrite.bar.com
    ImplementationSpecific /something(/|$)(.*) http-svc
";
    let rewritten = |path: &str| format!("shop/web ImplementationSpecific /something(/|$)(.*) rewritten to {path}");
    answers(
        view,
        "rewrite.bar.com",
        &[
            ("/something", &rewritten("/")),
            ("/something/", &rewritten("/")),
            ("/something/new", &rewritten("/new")),
            ("/somethingx", "404"),
        ],
    );
}

#[test]
fn the_end_to_end_tests_of_rewrite_target() {
    let root = "shop/web @1 rewrite-target=/\n  rewrite.bar.com\n    Prefix /something web\n";
    answers(root, "rewrite.bar.com", &[("/something", "shop/web Prefix /something rewritten to /")]);

    let solver = "\
shop/web @1 rewrite-target=/new/backend
  rewrite.bar.com
    Prefix / web
shop/solver @2
  rewrite.bar.com
    Prefix /.well-known/acme/challenge solver
";
    answers(
        solver,
        "rewrite.bar.com",
        &[
            ("/.well-known/acme/challenge", "shop/solver Prefix /.well-known/acme/challenge"),
            ("/x", "shop/web Prefix / rewritten to /new/backend"),
        ],
    );

    let captured = "\
shop/web @1 use-regex=true rewrite-target=/new/backend/$1
  rewrite.bar.com
    ImplementationSpecific /foo/bar/(.+) web
";
    let rewritten = "shop/web ImplementationSpecific /foo/bar/(.+) rewritten to /new/backend/bar";
    answers(captured, "rewrite.bar.com", &[("/foo/bar/bar", rewritten), ("/foo/bar/", "404")]);
}

/// e2e `ingress/pathtype_prefix.go` and `pathtype_exact.go` (section 2.7).
#[test]
fn the_end_to_end_tests_of_path_types() {
    let plain = "shop/web @1\n  test.com\n    Prefix /aaa web\n    Exact /exact web\n";
    answers(
        plain,
        "test.com",
        &[
            ("/aaa", "shop/web Prefix /aaa"),
            ("/aaaccc", "404"),
            ("/exact", "shop/web Exact /exact"),
            ("/exact/", "404"),
        ],
    );
    let patterns = "\
shop/web @1 use-regex=true
  test.com
    Prefix /id/[0-9]+$ a
    Prefix /id/[0-9]{3}$ b
    Prefix /id/[0-9]+/post/[a-zA-Z]+$ c
";
    answers(
        patterns,
        "test.com",
        &[
            ("/id/1", "shop/web Prefix /id/[0-9]+$"),
            ("/id/123", "shop/web Prefix /id/[0-9]{3}$"),
            ("/id/1234", "shop/web Prefix /id/[0-9]+$"),
            ("/id/1/post/abc", "shop/web Prefix /id/[0-9]+/post/[a-zA-Z]+$"),
            ("/id/123a", "404"),
            ("/id/1/post/1", "404"),
        ],
    );
}

/// e2e `ingress/without_host.go` (section 2.3).
#[test]
fn a_host_without_paths_uses_its_own_default_backend_only() {
    let view = "shop/web @1\n  default web\n  foo\n";
    answers(view, "foo", &[("/x", "shop/web default")]);
    assert_eq!(answer(view, "bar", "/x"), "_: 404");
}

/// e2e `servicebackend/service_nil_backend.go` (section 0).
#[test]
fn a_resource_backend_has_no_location() {
    let view = "shop/web @1\n  test.com\n    Prefix /valid web\n    Prefix /empty resource\n";
    answers(view, "test.com", &[("/valid", "shop/web Prefix /valid"), ("/empty", "404")]);
}

/// `TestGetBackendServers`: three main Ingresses, and canaries that exchange two Services (section 7.1).
#[test]
fn an_ingress_that_shares_a_service_with_an_older_canary_gets_no_location() {
    let view = "\
shop/main-a @1
  test.com
    Prefix /a svc-1
shop/canary-a @2 canary=true
  test.com
    Prefix /a svc-2
shop/main-b @3
  test.com
    Prefix /b svc-2
shop/canary-b @4 canary=true
  test.com
    Prefix /b svc-1
";
    answers(view, "test.com", &[("/a", "shop/main-a Prefix /a"), ("/b", "shop/canary-b Prefix /b"), ("/c", "404")]);
}
