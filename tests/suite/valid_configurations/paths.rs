//! Valid paths, regexes, rewrites and hosts that look wrong, and problems of large Ingresses.

use ingress_guard::budget::Allowance;
use ingress_guard::checks;
use ingress_guard::config::Config;
use ingress_guard::engine::Engine;
use ingress_guard::finding::Level;
use ingress_guard::policy::Policy;
use serde_json::json;

use super::{
    NGINX, NO_ANNOTATIONS, NO_FINDINGS, class, decisions_under, findings, findings_under, ingress, nginx, rule,
    service, store,
};
use crate::admission::{GOOD, ask, reviewer, spec, update};
use crate::pages::known;
use crate::work::took;

const REGEX: (&str, &str) = ("nginx.ingress.kubernetes.io/use-regex", "true");
const CANARY: (&str, &str) = ("nginx.ingress.kubernetes.io/canary", "true");
const HOST: &str = "app.example.com";

fn rewrite(target: &str) -> (&'static str, &str) {
    ("nginx.ingress.kubernetes.io/rewrite-target", target)
}

/// Returns a rule with one path of a type.
fn typed(host: &str, path: &str, path_type: &str, service: &str) -> String {
    format!(
        "{{host: {host:?}, http: {{paths: [{{path: {path:?}, pathType: {path_type}, \
         backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}]}}}}"
    )
}

fn regex(path: &str) -> String {
    typed(HOST, path, "ImplementationSpecific", "web")
}

fn plain(name: &str, paths: &[&str]) -> String {
    ingress(name, NO_ANNOTATIONS, &nginx(&[rule(HOST, paths)]))
}

/// Evaluates it as if it were stored on this day of 2026.
fn since(day: &str, manifest: &str) -> String {
    manifest.replace("namespace: shop", &format!("namespace: shop, creationTimestamp: \"2026-{day}T00:00:00Z\""))
}

#[test]
fn unusual_characters_are_allowed_in_literal_paths() {
    let odd = ["/odata/$metadata", "/c++/docs", "/v1.2", "/wiki/Foo_(bar)", "/{id}", "/a[1]", "/~user", "/@x", "/a b"];
    for path in odd {
        for path_type in ["Prefix", "Exact", "ImplementationSpecific"] {
            let web = ingress("web", NO_ANNOTATIONS, &nginx(&[typed(HOST, path, path_type, "web")]));
            assert_eq!(findings(&format!("{NGINX}{web}")), NO_FINDINGS, "{path} {path_type}");
        }
    }
    // Next to the regex of another Ingress they may not be served, which is a warning at most.
    let web = plain("web", &odd);
    let api = ingress("api", &[REGEX, rewrite("/$2")], &nginx(&[regex("/api(/|$)(.*)")]));
    let reported = findings(&format!("{NGINX}{web}{api}"));
    assert!(reported.iter().all(|line| line.starts_with("warn IG30")), "{reported:?}");
}

#[test]
fn a_rewritten_api_does_not_affect_a_frontend_in_either_order() {
    let web = plain("web", &["/", "/static", "/favicon.ico", "/.well-known/security.txt"]);
    let api = ingress("api", &[REGEX, rewrite("/$2")], &nginx(&[regex("/api(/|$)(.*)")]));
    for (first, second) in [("01-01", "02-01"), ("02-01", "01-01")] {
        let view = format!("{NGINX}{}{}", since(first, &web), since(second, &api));
        assert_eq!(findings(&view), NO_FINDINGS);
    }
    // Both in one Ingress, as charts do: the frontend gets the original path.
    let both = nginx(&[regex("/api(/|$)(.*)"), regex("/()(.*)")]);
    assert_eq!(findings(&format!("{NGINX}{}", ingress("web", &[REGEX, rewrite("/$2")], &both))), NO_FINDINGS);
}

#[test]
fn the_old_rewrite_tutorial_is_never_denied() {
    let web = ingress("web", &[rewrite("/$1")], &nginx(&[rule("hello-world.example", &["/"])]));
    assert_eq!(findings(&format!("{NGINX}{web}")), ["warn IG311 web"]);
    assert_eq!(findings_under("profile: strict", &format!("{NGINX}{web}")), ["warn IG311 web"]);
}

#[test]
fn hosts_that_share_a_domain_do_not_share_paths() {
    let wildcard = ingress("any", NO_ANNOTATIONS, &nginx(&[rule("*.apps.example.com", &["/", "/foo/"])]));
    let exact = ingress("web", NO_ANNOTATIONS, &nginx(&[rule("web.apps.example.com", &["/", "/foo", "/c++"])]));
    let api = nginx(&[typed("api.apps.example.com", "/x(/|$)(.*)", "ImplementationSpecific", "web")]);
    let api = ingress("api", &[REGEX, rewrite("/$2")], &api);
    let hostless = ingress("all", NO_ANNOTATIONS, &nginx(&[rule("", &["/foo", "/(x"])]));
    let reported = findings(&format!("{NGINX}{wildcard}{exact}{api}{hostless}"));
    assert!(reported.iter().all(|line| !line.contains(" IG3")), "{reported:?}");
}

#[test]
fn hostless_ingresses_of_different_controllers_do_not_collide() {
    let inside = format!("ingressClassName: inside, rules: [{}]", rule("", &["/foo/", "/c++"]));
    let api = "rules: [{http: {paths: [{path: \"/(api)(.*)\", pathType: ImplementationSpecific, \
               backend: {service: {name: web, port: {number: 80}}}}]}}]";
    let view = format!(
        "{NGINX}{}{}{}{}",
        class("inside", "k8s.io/ingress-nginx-inside"),
        ingress("web", NO_ANNOTATIONS, &nginx(&[rule("", &["/foo"])])),
        ingress("inside", NO_ANNOTATIONS, &inside),
        ingress("foreign", &[REGEX], &format!("ingressClassName: inside, {api}")),
    );
    assert_eq!(findings(&view), NO_FINDINGS);
}

#[test]
fn canaries_of_flagger_and_argo_have_the_paths_of_the_main_ingress() {
    let view = |path: &str, main: &[(&str, &str)], more: &[(&str, &str)], day: &str| {
        let of = |service: &str| nginx(&[typed(HOST, path, "ImplementationSpecific", service)]);
        let canary = [main, &[CANARY, ("nginx.ingress.kubernetes.io/canary-weight", "0")], more].concat();
        findings(&format!(
            "{NGINX}{}{}{}",
            service("web-canary", "ports: [{port: 80}]"),
            since("02-01", &ingress("web", main, &of("web"))),
            since(day, &ingress("web-canary", &canary, &of("web-canary"))),
        ))
    };
    for day in ["01-01", "03-01"] {
        assert_eq!(view("/", &[], &[], day), NO_FINDINGS, "{day}");
        assert_eq!(view("/api(/|$)(.*)", &[REGEX, rewrite("/$2")], &[], day), NO_FINDINGS, "{day}");
        // Argo Rollouts copies every annotation of the stable Ingress, Flagger a selection of them.
        assert_eq!(view("/api/", &[], &[REGEX, rewrite("/$9")], day), NO_FINDINGS, "{day}");
    }
}

#[test]
fn other_controllers_have_their_own_path_rules() {
    let spec = |class: &str| {
        let paths = [regex("/api/.*"), regex("/("), rule(HOST, &["/foo", "/foo/"]), typed(HOST, "/", "Exact", "web")];
        format!("ingressClassName: {class}, rules: [{}]", paths.join(", "))
    };
    for controller in ["haproxy.org/ingress-controller", "ingress.k8s.aws/alb", "example.com/own"] {
        let foreign = ingress("web", &[REGEX, rewrite("/$3")], &spec("foreign"));
        let reported = findings(&format!("{NGINX}{}{foreign}", class("foreign", controller)));
        assert!(reported.iter().all(|line| !line.contains(" IG3")), "{controller}: {reported:?}");
    }
    let deleted = ingress("web", &[REGEX, rewrite("/$3")], &spec("deleted"));
    let reported = findings(&format!("{NGINX}{deleted}"));
    assert!(reported.iter().all(|line| !line.contains(" IG3")), "{reported:?}");
}

#[test]
fn a_host_broken_by_another_ingress_denies_no_write() {
    let twice = since("01-01", &plain("bad", &["/foo", "/foo/"]));
    let invalid = since("01-01", &ingress("bad", &[REGEX], &nginx(&[regex("/bad("), regex("/worse[")])));
    for bad in [twice, invalid] {
        for good in [
            plain("web", &["/", "/shop"]),
            ingress("web", &[REGEX, rewrite("/$2")], &nginx(&[regex("/api(/|$)(.*)")])),
            since("02-01", &plain("web", &["/shop"])),
        ] {
            let reported = findings(&format!("{NGINX}{bad}{good}"));
            assert!(reported.iter().all(|line| !line.starts_with("deny") || line.ends_with(" bad")), "{reported:?}");
        }
    }
}

#[test]
fn nothing_that_depends_on_an_unknown_version_denies() {
    // Controllers since 1.12 drop this target, older ones use it: then the host matches regexes.
    let target = rewrite("/$1?from=api");
    let regexes = ingress("web", &[target], &nginx(&[regex("/api/(.*)")]));
    let twice = ingress("web", &[target], &nginx(&[rule(HOST, &["/foo", "/foo/"])]));
    let denied = |view: &str, config: &str| {
        let reported = findings_under(config, &format!("{NGINX}{view}"));
        reported.into_iter().filter(|line| line.contains("deny IG301") || line.contains("deny IG314")).count()
    };
    let version = |version: &str| {
        format!("dialects: [{{match: {{controller: k8s.io/ingress-nginx}}, engine: nginx, version: {version}}}]")
    };
    for view in [&regexes, &twice] {
        assert_eq!(denied(view, ""), 0, "{view}");
        assert_eq!(denied(view, &version("1.11.0")), 0, "{view}");
        assert_eq!(denied(view, &version("1.13.0")), 1, "{view}");
    }
}

#[test]
fn an_unreachable_regex_problem_is_not_reported() {
    // A path for one word must not be mistaken for the prefix of a path for every word.
    let words = [regex("/.+"), regex("/[a-z]+/edit"), typed(HOST, "/x(/|$)(.*)", "ImplementationSpecific", "other")];
    let web = ingress("web", &[REGEX], &nginx(&words));
    assert_eq!(findings(&format!("{NGINX}{}{web}", service("other", "ports: [{port: 80}]"))), NO_FINDINGS);
}

#[test]
fn control_characters_never_reach_a_message() {
    let paths = ["/a\nb", "/x?\ry", "/tab\there/", "/\n/", "/(\n", "/.*\r"];
    let rules: Vec<String> = paths.iter().map(|path| regex(path)).chain([rule(HOST, &paths)]).collect();
    for annotations in [&[][..], &[REGEX], &[rewrite("/")]] {
        let odd = ingress("web", annotations, &nginx(&rules));
        let inventory = store(&format!("{NGINX}{odd}{}", ingress("api", &[REGEX], &nginx(&[regex("/api(/|$)(.*)")]))));
        for ingress in inventory.ingresses() {
            let found = Config::default().engine().run(ingress, known(&inventory), &Allowance::full());
            for finding in found.findings {
                assert!(!finding.to_string().contains(char::is_control), "{finding:?}");
            }
        }
    }
}

/// A name, a function from numbers to paths, the annotations.
type Form<'a> = (&'a str, &'a dyn Fn(usize) -> String, &'a [(&'a str, &'a str)]);

#[test]
fn time_grows_linearly_with_the_number_of_paths() {
    let many = |count: usize, form: &dyn Fn(usize) -> String, annotations: &[(&str, &str)]| {
        let paths: Vec<String> = (0..count).map(form).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        format!("{NGINX}{}", ingress("web", annotations, &nginx(&[rule(HOST, &paths)])))
    };
    let letters = "a".repeat(180);
    let forms: [Form<'_>; 8] = [
        ("plain", &|n| format!("/p{n}"), &[]),
        ("with a slash", &|n| format!("/p{n}/"), &[]),
        ("literal regexes", &|n| format!("/p{n}(/|$)(.*)"), &[]),
        ("plain on a regex host", &|n| format!("/p{n}"), &[REGEX]),
        ("regexes", &|n| format!("/p{n}(/|$)(.*)"), &[REGEX, rewrite("/$2")]),
        ("regexes that begin alike", &|n| format!("/[a-z]+/p{n}"), &[REGEX]),
        ("regexes that run away", &|n| format!("/p{n}/(a+)+$"), &[REGEX]),
        ("long ones", &|n| format!("/{letters}/{n}/?(.*)"), &[REGEX]),
    ];
    for (name, form, annotations) in forms {
        let time = |count, engine: &Engine| {
            let inventory = store(&many(count, form, annotations));
            let ingress = inventory.ingress("shop", "web").unwrap();
            took(|| engine.run(ingress, known(&inventory), &Allowance::full())).0
        };
        let settings = || Config::default().settings;
        let every = Config::default().engine();
        let (half, whole) = (time(2500, &every), time(5000, &every));
        // Generous, because tests are not optimized.
        if whole.as_millis() < 2000 && whole < 4 * half {
            continue;
        }
        let each = checks::ALL
            .iter()
            .map(|check| (check.code, time(5000, &Engine::new(vec![check], settings(), &Policy::default()))));
        let slow: Vec<_> = each.filter(|(_, time)| time.as_millis() > 50).collect();
        panic!("{name}: {half:?}, {whole:?}; {slow:?}");
    }
}

#[test]
fn hundreds_of_regexes_are_evaluated_completely() {
    let paths: Vec<String> = (0..500).map(|n| regex(&format!("/p{n}(/|$)(.*)"))).collect();
    let inventory = store(&format!("{NGINX}{}", ingress("web", &[REGEX, rewrite("/$2")], &nginx(&paths))));
    assert_eq!(decisions_under(&Config::default(), &inventory, false), NO_FINDINGS);
    let ingress = inventory.ingress("shop", "web").unwrap();
    let evaluation = Config::default().engine().run(ingress, known(&inventory), &Allowance::full());
    assert!(evaluation.not_evaluated.is_empty() && evaluation.findings.iter().all(|f| f.ceiling.guard > Level::Off));
}

#[test]
fn a_pre_existing_path_problem_blocks_no_write() {
    let reviewer = reviewer("", GOOD);
    let on = |regex: bool| if regex { json!({REGEX.0: REGEX.1}) } else { json!({}) };
    for (regex, code, old, inserted, repaired, worse) in [
        (false, "IG301", &["/api/.*", "/b/.*"][..], "/new", "/api", "/c/.*"),
        (false, "IG314", &["/foo", "/foo/"], "/new", "/foo", "/new/"),
        (true, "IG302", &["/x(", "/y["], "/new", "/x", "/z("),
    ] {
        let paths = |paths: &[&str]| spec(&paths.iter().map(|path| (*path, "web", 80)).collect::<Vec<_>>());
        let to = |new: &[&str]| ask(&reviewer, &update((on(regex), paths(old)), (on(regex), paths(new))));
        for new in [&[&[inserted], old].concat()[..], &[repaired, old[1]]] {
            let answer = to(new);
            assert!(answer.allowed, "{code} {new:?}: {}", answer.message);
        }
        let mut label = update((on(regex), paths(old)), (on(regex), paths(old)));
        label["request"]["object"]["metadata"]["labels"] = json!({"team": "shop"});
        assert!(ask(&reviewer, &label).allowed, "{code}: a label");
        let answer = to(&[&[inserted, worse], old].concat());
        assert!(!answer.allowed && answer.message.contains(worse), "{code}: {}", answer.message);
    }
}

/// An older canary was the first to use the Service of the older path, which has no location then.
#[test]
fn paths_without_a_location_are_not_duplicates() {
    let of = |name: &str, day: &str, annotations: &[(&str, &str)], host: &str, path: &str, service: &str| {
        let spec = format!(
            "ingressClassName: nginx, rules: [{{host: {host}, http: {{paths: [{{path: {path}, pathType: Prefix, \
             backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}]}}}}]"
        );
        since(day, &ingress(name, annotations, &spec))
    };
    let weight = ("nginx.ingress.kubernetes.io/canary-weight", "10");
    let canary = of("canary", "01-01", &[CANARY, weight], "new.example.com", "/api", "api");
    let old = of("old", "01-02", NO_ANNOTATIONS, "app.example.com", "/next", "api");
    let young = of("young", "01-03", NO_ANNOTATIONS, "app.example.com", "/next", "web");
    let duplicates = |others: &str| {
        let world = format!("{NGINX}{}{others}{old}{young}", service("api", "ports: [{port: 80}]"));
        findings(&world).into_iter().filter(|found| found.contains("IG501")).count()
    };
    assert_eq!((duplicates(&canary), duplicates("")), (0, 2));
}
