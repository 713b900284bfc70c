//! Upper bounds for the cost of an Ingress of any size, and proof that no input makes the model panic.

use std::fmt::Write as _;
use std::time::Duration;

use ingress_guard::budget::Budget;
use ingress_guard::model::{Host, Ingress, PathType};
use ingress_guard::routing::{
    Routes, Scheme, Server, When, alternatives_at_the_top, host_name, is_plainly_regex, literal_prefix,
    nests_repetitions, normalized, pattern_samples, pieces, plain_samples, runaway,
};
use proptest::prelude::*;

use super::notation::{ingresses, inventory, with_routes};
use crate::work::worked;

const HOST: &str = "app.example.com";

/// Asserts a bound that is meant for a release build. The debug build is about ten times slower.
fn within(bound: Duration, begun: Duration, what: &str) {
    let allowed = if cfg!(debug_assertions) { 50 * bound } else { 4 * bound };
    let took = worked().saturating_sub(begun);
    assert!(took < allowed, "{what} took {took:?}, more than {allowed:?}");
}

const TENTH: Duration = Duration::from_millis(100);

fn one_ingress(annotations: &str, paths: &[String]) -> Vec<Ingress> {
    let mut lines = format!("shop/web @1 {annotations}\n  {HOST}\n");
    for path in paths {
        let _ = writeln!(lines, "    ImplementationSpecific {path} web");
    }
    ingresses(&lines)
}

fn server<'a>(routes: &Routes<'a>) -> std::rc::Rc<Server<'a>> {
    routes.server(&Host::parse(HOST), When::After).found().unwrap()
}

/// Counts the answers until the budget is exceeded.
fn answered(routes: &Routes<'_>, requests: &[String]) -> usize {
    let answers = requests.iter().map(|request| routes.answer(Scheme::Http, HOST, request, When::After));
    answers.take_while(Result::is_ok).count()
}

#[test]
fn ten_thousand_plain_paths_on_one_host() {
    let paths: Vec<String> = (0..10_000).map(|number| format!("/app/v{number}/part")).collect();
    let samples = |path: &String| [path.to_owned(), format!("{path}/x"), format!("{path}x")];
    let requests: Vec<String> = paths.iter().step_by(10).flat_map(samples).collect();
    let preexisting = inventory(one_ingress("", &paths));
    with_routes(&preexisting, |routes| {
        let begun = worked();
        let server = server(routes);
        assert_eq!(server.locations.len(), 20_001);
        assert!(server.config_errors(routes.budget()).unwrap().is_empty());
        assert_eq!(answered(routes, &requests), 3_000);
        within(TENTH, begun, "10,000 plain paths");
    });
}

/// Returns a path for a number.
type Numbered = fn(usize) -> String;

/// Builds the server, finds its configuration errors, and sends three requests for each path.
#[test]
fn ten_thousand_paths_of_a_thousand_ingresses_to_one_service() {
    let path = |n: usize| format!("    Prefix /app/v{n} web\n");
    let one = |n: usize| {
        let canary = if n == 999 { " canary=true canary-weight=10" } else { "" };
        format!("shop/web-{n} @1{canary}\n  {HOST}\n{}", (10 * n..10 * (n + 1)).map(path).collect::<String>())
    };
    let preexisting = inventory(ingresses(&(0..1_000).map(one).collect::<String>()));
    with_routes(&preexisting, |routes| {
        let begun = worked();
        // web-999 is a canary and first in reverse alphabetical order: no location is created.
        assert_eq!(server(routes).locations.len(), 1);
        within(TENTH, begun, "1,000 Ingresses of one Service");
    });
}

#[test]
fn five_thousand_patterns_on_one_host() {
    // The kind of paths, and whether every sample gets an answer.
    let cases: [(&str, Numbered, bool); 4] = [
        ("that are all text", |number| format!("/app/{number:05}"), true),
        ("with a beginning of their own", |number| format!("/app{number}(/|$)(.*)"), true),
        ("with one beginning", |number| format!("/app/(v{number}|w{number})(/|$)(.*)"), false),
        ("that backtrack", |number| format!("/(.*)/(.*)/(.*)/v{number}"), false),
    ];
    for (what, path, is_all) in cases {
        let paths: Vec<String> = (0..5_000).map(path).collect();
        let long = format!("/app/{}", "x/y/".repeat(40));
        let samples = |path: &String| {
            let mut samples = pattern_samples(path, &Budget::default()).unwrap();
            samples.resize(3, long.clone());
            samples
        };
        let requests: Vec<String> = paths.iter().flat_map(samples).collect();
        let preexisting = inventory(one_ingress("use-regex=true", &paths));
        with_routes(&preexisting, |routes| {
            let begun = worked();
            let server = server(routes);
            assert_eq!(server.locations.len(), 5_001);
            assert!(server.config_errors(routes.budget()).unwrap().is_empty(), "{what}");
            let answered = answered(routes, &requests);
            within(TENTH, begun, &format!("5,000 patterns {what}"));
            assert_eq!(answered == requests.len(), is_all, "5,000 patterns {what}: {answered} answers");
        });
    }
}

#[test]
fn a_runaway_regex_costs_only_its_own_match() {
    let a = |times| "a".repeat(times);
    for (path, request) in [
        ("/(a+)+$", format!("/{}!", a(5_000))),
        ("/(a|aa)+$", format!("/{}!", a(5_000))),
        ("/(.*)*(.*)*(.*)*[xy]$", format!("/{}!", "ab/".repeat(2_000))),
        ("/(([a-z])+.)+[A-Z]([a-z])+$", format!("/{}", a(5_000))),
        ("/(?R)?(a(?R)?)*[xy]", format!("/{}", a(5_000))),
        ("/(?=(a+)+[bc])", format!("/{}", a(200))),
    ] {
        let preexisting = inventory(one_ingress("use-regex=true", &[path.to_owned(), "/b".to_owned()]));
        with_routes(&preexisting, |routes| {
            let begun = worked();
            assert_eq!(answered(routes, &[request]), 0, "{path}");
            within(TENTH, begun, path);
            assert_eq!(answered(routes, &["/b".to_owned()]), 1, "{path}");
        });
    }
}

/// Each almost exhausts the limits of PCRE2 without a match, for a request that is compared with all of them.
#[test]
fn five_thousand_patterns_that_almost_exceed_the_limit() {
    let paths: Vec<String> = (0..5_000).map(|number| format!("/(a|aa)+[yz](?#{number})")).collect();
    let request = format!("/{}b", "a".repeat(12));
    let one = inventory(one_ingress("use-regex=true", &paths[..1]));
    assert_eq!(with_routes(&one, |routes| answered(routes, std::slice::from_ref(&request))), 1, "it runs away");
    let preexisting = inventory(one_ingress("use-regex=true", &paths));
    with_routes(&preexisting, |routes| {
        let begun = worked();
        let answered = answered(routes, &vec![request; 100]);
        assert!(answered < 100, "{answered}");
        within(10 * TENTH, begun, "5,000 patterns that nearly run away");
    });
}

/// Texts of characters with a meaning for PCRE2, nginx or ingress-guard.
fn text() -> impl Strategy<Value = String> {
    let meaningful = proptest::sample::select(r#"/\.*+?()[]{}|^$%-"'#;:=!<>PRK0123ab"#.chars().collect::<Vec<_>>());
    let character = prop_oneof![4 => meaningful, 1 => any::<char>()];
    let characters = prop::collection::vec(character, 0..40).prop_map(String::from_iter);
    prop_oneof![6 => characters.prop_map(|text| format!("/{text}")), 1 => any::<String>()]
}

proptest! {
    #[test]
    fn no_input_makes_the_model_panic(paths in prop::collection::vec(text(), 1..5), target in text(),
                                     host in text(), request in text(), use_regex: bool, exact: bool) {
        for text in paths.iter().chain([&target, &host, &request]) {
            prop_assert!(text.starts_with(literal_prefix(text)));
            let (_, _) = (alternatives_at_the_top(text), is_plainly_regex(text));
            let (_, _) = (normalized(text), host_name(text));
            let _ = (pieces(text).count(), nests_repetitions(text), runaway(text, &Budget::default()));
            for sample in pattern_samples(text, &Budget::default()).unwrap_or_default() {
                prop_assert!(normalized(&sample).is_some(), "{sample:?}");
            }
            prop_assert!(!plain_samples(text, PathType::Prefix).is_empty());
        }
        let mut ingress = serde_json::json!({
            "metadata": {"namespace": "shop", "name": "web", "annotations": {
                "nginx.ingress.kubernetes.io/rewrite-target": target,
                "nginx.ingress.kubernetes.io/use-regex": use_regex.to_string(),
                "nginx.ingress.kubernetes.io/server-alias": host,
            }},
            "spec": {"ingressClassName": "nginx", "rules": [{"host": HOST, "http": {"paths": []}}]},
        });
        let path_type = if exact { "Exact" } else { "Prefix" };
        let backend = serde_json::json!({"service": {"name": "web", "port": {"number": 80}}});
        ingress["spec"]["rules"][0]["http"]["paths"] = paths
            .iter()
            .map(|path| serde_json::json!({"path": path, "pathType": path_type, "backend": backend}))
            .collect();
        let preexisting = inventory([serde_json::from_value::<Ingress>(ingress).unwrap()]);
        with_routes(&preexisting, |routes| {
            let _ = server(routes).config_errors(routes.budget()).map(|faults| faults.len());
            for location in &server(routes).locations {
                // The result does not matter.
                let _ = (location.rewritten(request.as_bytes(), routes.budget()), location.directive());
            }
            for path in paths.iter().chain([&request]) {
                let _ = routes.answer(Scheme::Http, HOST, path, When::After);
                let _ = routes.answer(Scheme::Https, &host, path, When::Before);
            }
        });
    }
}
