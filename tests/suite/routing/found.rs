//! Every difference between the model and a real nginx that `tests/nginx` has found, with the behaviour of nginx.

use ingress_guard::model::Host;
use ingress_guard::routing::{ConfigError, Received, ReloadBlock, Scheme, Version, When};

use crate::explain::random::assert_lines_agree;

use super::notation::{answer, ingresses, inventory, with_routes, with_version};

fn nginx_answers(view: &str, table: &[(&str, &str, &str)]) {
    for (host, request, expected) in table {
        assert_eq!(answer(view, host, request), *expected, "{host}{request}\n{view}");
    }
    assert_lines_agree(view);
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

#[test]
fn a_name_that_nginx_already_has_is_ignored() {
    // `.example.com` is ignored with `*.example.com` before it, and takes `example.com` along.
    let view = "\
shop/below @1 server-alias=*.example.com
  *
    Prefix / below
shop/both @2 server-alias=.example.com
  app.example.net
    Prefix / both
";
    nginx_answers(
        view,
        &[("example.com", "/", "_: shop/below Prefix /"), ("a.example.com", "/", "_: shop/below Prefix /")],
    );
    let own = format!("{view}shop/own @3\n  example.com\n    Prefix / own\n");
    nginx_answers(&own, &[("example.com", "/", "_: shop/below Prefix /")]);
    // It is ignored with `example.com` before it, and takes the names below along.
    let view = "\
shop/web @1 server-alias=.app.example.com
  app.example.com
    Prefix / web
";
    nginx_answers(
        view,
        &[("app.example.com", "/", "app.example.com: shop/web Prefix /"), ("b.app.example.com", "/", "_: 404")],
    );
}

#[test]
fn the_redirect_from_www_comes_with_a_location() {
    let redirect = "shop/www @2 from-to-www-redirect=true\n  app.example.com\n    Prefix /a web\n";
    let web = |annotations: &str| format!("shop/web @1{annotations}\n  app.example.com\n    Prefix /a web\n");
    let asked = "www.app.example.com";
    let redirected = "app.example.com: 308 to the other name";
    nginx_answers(redirect, &[(asked, "/a", redirected), (asked, "/%2", "app.example.com: 400")]);
    // The path of another Ingress is older.
    nginx_answers(&format!("{}{redirect}", web("")), &[(asked, "/a", "_: 404")]);
    // A canary was the first to use the Service.
    nginx_answers(&format!("{}{redirect}", web(" canary=true")), &[(asked, "/a", "_: 404")]);
    // The server with the redirect does not return the 403 of the other one.
    let forbidden = "shop/tls @3 auth-tls-secret=ca\n  app.example.com\n    Prefix /b web\n";
    let view = format!("{redirect}{forbidden}");
    nginx_answers(
        &view,
        &[(asked, "/a", redirected), ("app.example.com", "/a", "app.example.com: 403 by auth-tls-secret")],
    );
}

#[test]
fn one_of_two_locations_makes_nginx_redirect_to_the_slash() {
    let view = "\
shop/web @1
  app.example.com
    Prefix /foo// web
shop/denied @2 allowlist-source-range=10.0.0.0/33
  app.example.com
    Exact /foo// web
";
    nginx_answers(view, &[("app.example.com", "/foo/", "app.example.com: 301 Slash by shop/denied Exact /foo//")]);
}

#[test]
fn variables_of_locations_are_empty_in_the_redirect_of_a_host() {
    for (alias, root, to) in [
        ("app.example.net", "/$1$service_name", "/"),
        (r"~^([a-z]+)\.example\.", "/$1/$2", "/app/"),
        (r"~^([a-z]+)\.example\.", "/$host$literal_dollar$proxy_upstream_name", "/app.example.net$-"),
        (r"~^([a-z]+)\.(example)\.", "/$2/$auth_cookie", "/example/"),
        ("*.example.net", "/$1", "/"),
    ] {
        let view = format!("shop/web @1 server-alias={alias} app-root={root}\n  app.example.org\n    Prefix /a web\n");
        let target = with_routes(&inventory(ingresses(&view)), |routes| {
            let received = Received { scheme: Scheme::Http, host: "app.example.net", target: "/" };
            let answer = routes.answer(Scheme::Http, "app.example.net", "/", When::After).unwrap().found().unwrap();
            routes.redirect_target(&answer, received)
        });
        assert_eq!(target, Some(format!("http://app.example.net{to}")), "{alias} {root}");
    }
}

/// The Ingress that stops the controller of these Ingresses.
fn stopped_by(view: &str) -> Option<String> {
    with_version(&inventory(ingresses(view)), Version::new(1, 15, 1), |routes| {
        let block = ReloadBlock::of(*routes.controllers(), *routes.controller())?;
        Some(format!("{}{}", block.ingress, if block.is_likely { "" } else { "?" }))
    })
}

#[test]
fn a_canary_that_is_not_loaded_does_not_crash_the_controller() {
    let main = "shop/web @1\n  app.example.com\n    Prefix / web\n";
    let canary = |annotations: &str| format!("{main}shop/next @2 canary=true{annotations}\n  app.example.com\n");
    assert_eq!(stopped_by(&canary("")).as_deref(), Some("shop/next"));
    assert_eq!(stopped_by(&canary(" ssl-ciphers=bad;")), None);
    // Nor with no other Ingress.
    let lone = canary("").replace(main, "");
    assert_eq!(stopped_by(&lone), None);
    let unloaded = canary("").replace("shop/web @1", "shop/web @1 ssl-ciphers=bad;");
    assert_eq!(stopped_by(&unloaded), None);
}

#[test]
fn nginx_compares_names_only_of_several_servers() {
    let alone = "shop/web @1 server-alias=*.a.*\n  *\n    Prefix / web\n";
    assert_eq!(stopped_by(alone), None);
    assert_eq!(stopped_by(&alone.replace("*.a.*", "*.")).as_deref(), Some("shop/web"));
    assert_eq!(stopped_by(&alone.replace("*.a.*", "*.a.*,~(x)")).as_deref(), Some("shop/web"));
    let other = format!("{alone}shop/other @2\n  app.example.com\n    Prefix / web\n");
    assert_eq!(stopped_by(&other).as_deref(), Some("shop/web"));
}

#[test]
fn the_location_for_authentication_stands_beside_one_that_answers_503() {
    let view = |annotations: &str| format!("shop/web @1 {annotations}\n  app.example.com\n    Prefix / web\n");
    let denied = "allowlist-source-range=10.0.0.0/33";
    let unknown = "auth-url=http://auth.test/$undefined";
    let auth = "auth-url=http://auth.test/";
    for (annotations, is_stopped) in [
        (format!("{unknown} {denied}"), true),
        (format!("{auth} auth-cache-key=$undefined {denied}"), true),
        (format!("{auth} proxy-buffer-size=0 {denied}"), true),
        (format!("proxy-buffer-size=0 {denied}"), false),
        (format!("{auth} proxy-max-temp-file-size=1k {denied}"), false),
        // There is no such location if a value of it is the reason for the 503.
        (format!("{unknown} auth-method=FOO"), false),
        (format!("{unknown} auth-always-set-cookie=x"), false),
        (format!("{auth} auth-signin=http://login.test/$undefined {denied}"), false),
        (format!("{unknown} auth-tls-secret=ca"), false),
    ] {
        assert_eq!(stopped_by(&view(&annotations)).is_some(), is_stopped, "{annotations}");
    }
}

#[test]
fn a_variable_exists_if_a_location_has_its_directives() {
    let user = "shop/user @2 rewrite-target=/$cors\n  app.example.com\n    Prefix /user web\n";
    let cors = |path: &str| format!("shop/cors @3 enable-cors=true\n  app.example.com\n    Prefix {path} web\n{user}");
    assert_eq!(stopped_by(&cors("/other")), None);
    // Its only path is that of an older Ingress.
    assert_eq!(stopped_by(&cors("/user")).as_deref(), Some("shop/user"));
}

#[test]
fn an_alias_with_a_dot_is_a_name_of_its_domain() {
    let view = "shop/web @1 server-alias=.example.com\n  example.com\n    Prefix / web\n";
    nginx_answers(view, &[(".example.com", "/", "_: 404")]);
    let other = view.replace("  example.com", "  app.example.org");
    nginx_answers(&other, &[(".example.com", "/", "app.example.org: shop/web Prefix /")]);
}

#[test]
fn a_canary_makes_no_server_that_has_its_host_before_an_alias() {
    let view = "shop/web @1 server-alias=.app.example.com\n  example.com\n    Prefix / web\n\
                shop/next @2 canary=true server-alias=app.example.com\n  app.example.com\n    Prefix / web\n";
    nginx_answers(view, &[("app.example.com", "/", "example.com: shop/web Prefix /")]);
}

#[test]
fn the_redirect_of_www_has_its_name_before_an_alias_with_a_dot() {
    let view = |annotation: &str| {
        format!(
            "shop/web @1 server-alias=.example.com\n  app.example.org\n    Prefix / web\n\
             shop/www @2{annotation}\n  www.example.com\n    Prefix / web\n"
        )
    };
    nginx_answers(&view(""), &[("b.example.com", "/", "app.example.org: shop/web Prefix /")]);
    nginx_answers(&view(" from-to-www-redirect=true"), &[("b.example.com", "/", "_: 404")]);
}

#[test]
fn a_host_that_answers_403_needs_no_match() {
    let view = "shop/web @1 auth-tls-secret=absent\n  app.example.com\n    Prefix /a web\n\
                shop/regex @2 use-regex=true\n  app.example.com\n    Prefix /(?I)Q web\n";
    with_routes(&inventory(ingresses(view)), |routes| {
        let answer = routes.answer(Scheme::Http, "app.example.com", "/b", When::After).unwrap().found().unwrap();
        assert_eq!(routes.refusal(&answer).map(|refusal| refusal.status), Some(403));
    });
}

#[test]
fn rules_of_a_canary_keep_their_order_in_the_server_of_unknown_hosts() {
    let view = "shop/web @1\n  app.example.com\n    Prefix / web\n\
                shop/next @2 canary=true\n  b.example.com\n    Prefix /x web\n  *\n    Prefix /x web\n  a.example.com\n    Prefix /x web\n";
    with_routes(&inventory(ingresses(view)), |routes| {
        let server = routes.server(&Host::Any, When::After).found().unwrap();
        let places: Vec<_> = server.locations.iter().filter_map(|it| Some(it.at?.field().to_string())).collect();
        assert_eq!(places, ["spec.rules[0].http.paths[0]"; 2]);
    });
}

#[test]
fn authentication_that_is_not_configured_sets_no_variable() {
    let view =
        |url: &str| format!("shop/web @1 auth-url={url} app-root=/$auth_cookie\n  app.example.com\n    Prefix / web\n");
    assert_eq!(stopped_by(&view("http://auth.test/")), None);
    assert_eq!(stopped_by(&view("auth.test")).as_deref(), Some("shop/web"));
}

#[test]
fn a_canary_with_the_service_of_a_default_backend_is_a_location() {
    let view = "\
shop/a0 @0
  default gone:8080
  app.example.com
    Prefix /foo/ web
shop/a1 @0 canary=true
  app.example.com
    Prefix /foo/ gone:8080
";
    nginx_answers(view, &[("app.example.com", "/foo/x", "app.example.com: shop/a1 Prefix /foo/")]);
}
