//! `tests/data/path-table.tsv` and `tests/data/host-table.tsv`, row by row (section 9.1).

use std::fs;

use super::notation::{answer, neutral_answer};
use crate::explain::random::assert_lines_agree;

fn rows(name: &str) -> Vec<Vec<String>> {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Formats `/;/aaa` of type Prefix as lines of the notation; a path may have its own type.
fn rules(kind: &str, paths: &str) -> String {
    let paths = paths.split(';').map(|path| match path.strip_suffix(')').and_then(|path| path.split_once('(')) {
        Some((path, kind)) => format!("    {kind} {path} web\n"),
        None => format!("    {kind} {path} web\n"),
    });
    format!("shop/web @1\n  app.example.com\n{}", paths.collect::<String>())
}

/// Returns the answer that a cell of the table stands for.
fn expected(cell: &str, kind: &str, paths: &str, request: &str) -> String {
    let (what, rest) = cell.split_once(' ').unwrap_or((cell, ""));
    let matched = match rest {
        path if path.starts_with('/') => format!("{kind} {}", path.split(' ').next().unwrap()),
        "Exact" => format!("Exact {request}"),
        _ => format!("{kind} {}", paths.split(';').next().unwrap()),
    };
    match what {
        "match" => format!("app.example.com: shop/web {matched}"),
        "404-default" => "app.example.com: 404".to_owned(),
        "301" => format!("app.example.com: 301 Slash by shop/web {kind} {}", rest.split(' ').nth(1).unwrap()),
        _ => panic!("{cell}: unknown cell"),
    }
}

#[test]
fn every_row_of_the_path_table_is_correct() {
    let rows = rows("path-table.tsv");
    assert_eq!(rows.len(), 21);
    for row in &rows {
        let [_, kind, paths, request, _, _, plain, regex] = row.as_slice() else { panic!("{row:?}") };
        let view = rules(kind, paths);
        assert_eq!(answer(&view, "app.example.com", request), expected(plain, kind, paths, request), "{row:?}");
        assert_lines_agree(&view);
        if regex.starts_with("depends") {
            // The row with two types of one path is tested separately.
            assert_eq!(kind, "Mixed");
            continue;
        }
        let switched = format!("{view}shop/other @2 use-regex=true\n  app.example.com\n    Prefix /other other\n");
        assert_eq!(answer(&switched, "app.example.com", request), expected(regex, kind, paths, request), "{row:?}");
        assert_lines_agree(&switched);
    }
}

/// Row 18 on a host with regexes: "Exact if the Ingress of the Prefix rule has no regex/rewrite itself; else the one
/// listed first".
#[test]
fn exact_and_prefix_of_one_path_on_a_host_of_patterns() {
    let other = "shop/other @2 use-regex=true\n  app.example.com\n    Prefix /other other\n";
    let web = |annotation: &str, paths: [&str; 2]| {
        format!(
            "shop/web @1{annotation}\n  app.example.com\n    {} /foo web\n    {} /foo web\n{other}",
            paths[0], paths[1]
        )
    };
    for paths in [["Prefix", "Exact"], ["Exact", "Prefix"]] {
        let foo = |annotation| answer(&web(annotation, paths), "app.example.com", "/foo");
        assert_eq!(foo(""), "app.example.com: shop/web Exact /foo");
        assert_eq!(foo(" use-regex=true"), format!("app.example.com: shop/web {} /foo", paths[0]));
        assert_lines_agree(&web("", paths));
        assert_lines_agree(&web(" use-regex=true", paths));
    }
}

/// The rules of the Kubernetes documentation, for controllers without known settings.
#[test]
fn every_row_of_the_path_table_is_correct_for_kubernetes_rules() {
    for row in &rows("path-table.tsv") {
        let [_, kind, paths, request, matches, note, ..] = row.as_slice() else { panic!("{row:?}") };
        let by = match note.strip_prefix("by ") {
            Some(path) => format!("{kind} {path}"),
            None if kind == "Mixed" => "Exact /foo".to_owned(),
            None => format!("{kind} {paths}"),
        };
        let expected = match matches.as_str() {
            "yes" => format!("app.example.com: shop/web {by}"),
            "no" => "app.example.com: 404".to_owned(),
            _ => panic!("{row:?}"),
        };
        assert_eq!(neutral_answer(&rules(kind, paths), "app.example.com", request), expected, "{row:?}");
    }
}

#[test]
fn other_controllers_ignore_nginx_annotations() {
    let view = "shop/web @1 use-regex=true rewrite-target=/$1 app-root=/app server-alias=b.example.com\n  app.example.com\n    Prefix /a(.*) web\n";
    assert_eq!(neutral_answer(view, "app.example.com", "/abc"), "app.example.com: 404");
    assert_eq!(neutral_answer(view, "app.example.com", "/a(.*)/b"), "app.example.com: shop/web Prefix /a(.*)");
    assert_eq!(neutral_answer(view, "app.example.com", "/"), "app.example.com: 404");
    assert_eq!(neutral_answer(view, "b.example.com", "/a(.*)"), "_: 404");
}

#[test]
fn a_default_backend_gets_unmatched_requests() {
    let web = "shop/web @1\n  app.example.com\n    Prefix /a web\n";
    let own = "shop/own @2\n  default own\n  app.example.com\n    Exact /b own\n";
    let bare = "shop/bare @3\n  default bare\n";
    let ask = |view: &str, path| neutral_answer(view, "app.example.com", path);
    assert_eq!(ask(web, "/c"), "app.example.com: 404");
    assert_eq!(ask(&format!("{web}{bare}"), "/c"), "app.example.com: shop/bare default");
    assert_eq!(ask(&format!("{web}{own}{bare}"), "/c"), "app.example.com: shop/own default");
    assert_eq!(ask(&format!("{web}{own}{bare}"), "/a/c"), "app.example.com: shop/web Prefix /a");
    assert_eq!(neutral_answer(&format!("{web}{bare}"), "x", "/a"), "_: shop/bare default");
    // For a host that it has, ingress-nginx consults no other Ingress (section 2.3).
    assert_eq!(answer(&format!("{web}{bare}"), "app.example.com", "/c"), "app.example.com: 404");
}

#[test]
fn of_two_prefixes_that_differ_by_a_slash_the_older_wins() {
    let view = "shop/web @1\n  *\n    Prefix /a web\nshop/other @2\n  *\n    Prefix /a/ web\n    Exact /a other\n";
    assert_eq!(neutral_answer(view, "x", "/a/b"), "_: shop/web Prefix /a");
    assert_eq!(neutral_answer(view, "x", "/a"), "_: shop/other Exact /a");
}

#[test]
fn every_row_of_the_host_table_is_correct() {
    let rows = rows("host-table.tsv");
    assert_eq!(rows.len(), 10);
    for row in &rows {
        let [_, rule_hosts, request, matches, _] = row.as_slice() else { panic!("{row:?}") };
        let hosts: Vec<&str> = rule_hosts.split(" + ").map(|host| if host == "(empty)" { "*" } else { host }).collect();
        let of = |number: usize, host| format!("shop/web{number} @1\n  {host}\n    Prefix /of{number} web\n");
        let view = hosts.iter().enumerate().map(|(number, host)| of(number, host)).collect::<Vec<_>>().concat();
        // Only the first host has this path.
        let got = answer(&view, request, "/of0");
        if row[0] == "k8s" {
            assert_eq!(got, neutral_answer(&view, request, "/of0"), "{row:?}");
        }
        let first = if hosts[0] == "*" { "_" } else { hosts[0] };
        let expected = match matches.as_str() {
            "yes" => format!("{first}: shop/web0 Prefix /of0"),
            "no" => "_: 404".to_owned(),
            "exact server only" => format!("{request}: 404"),
            _ => panic!("{row:?}"),
        };
        assert_eq!(got, expected, "{row:?}");
        assert_lines_agree(&view);
    }
}
