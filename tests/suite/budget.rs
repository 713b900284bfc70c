//! The budget of an evaluation: no Ingress takes longer than its steps, and none hides a denial by being costly.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ingress_guard::budget::{Allowance, Budget};
use ingress_guard::checks::{Check, Context, Findings, Settings};
use ingress_guard::cluster::Inventory;
use ingress_guard::config::Config;
use ingress_guard::engine::{Engine, Evaluation};
use ingress_guard::finding::{Level, Levels};
use ingress_guard::model::{FieldPath, Host, Ingress, Kind, Kinds};
use ingress_guard::policy::Policy;
use ingress_guard::routing::When;
use serde_json::{Value, json};

use crate::admission::{Answer, GOOD, ask, create, reviewer, update};
use crate::engine::TEMPLATE;
use crate::hostile;
use crate::pages::known;
use crate::work::took;

const REGEX: &str = "nginx.ingress.kubernetes.io/use-regex";

/// Evaluates with all checks and asserts that the time fits the steps. A debug build is about ten times slower.
fn evaluate(inventory: &Inventory, ingress: &Ingress, what: &str) -> Evaluation {
    let engine = Config::default().engine();
    let (time, evaluation) = took(|| engine.run(ingress, known(inventory), &Allowance::full()));
    assert!(evaluation.spent <= Allowance::full().steps, "{what}: {} steps", evaluation.spent);
    let factor = if cfg!(debug_assertions) { 60 } else { 4 };
    let bound = factor * Duration::from_nanos(25) * (evaluation.spent + 100_000);
    assert!(time < bound, "{what} took {time:?} for {} steps, more than {bound:?}", evaluation.spent);
    evaluation
}

#[test]
fn every_annotation_with_hostile_values_fits_its_steps() {
    let inventory = hostile::inventory([]);
    for (n, name) in hostile::annotations().chain(["ingress-guard.io/ignore"]).enumerate() {
        for (what, value) in hostile::values(20_000).iter().skip(n % 2).step_by(2) {
            let shape = hostile::SHAPES[n % hostile::SHAPES.len()];
            let ingress = hostile::ingress(shape, 60, [(name, &**value)]);
            evaluate(&inventory, &ingress, &format!("{name}: {what}, many {shape}"));
        }
    }
}

#[test]
fn all_annotations_together_fit_their_steps() {
    let inventory = hostile::inventory([]);
    for (what, value) in hostile::values(2_000) {
        for shape in hostile::SHAPES {
            // A canary has no routes of its own.
            let annotations = hostile::annotations().filter(|name| *name != "canary").map(|name| (name, &*value));
            let ingress = hostile::ingress(shape, 400, annotations);
            evaluate(&inventory, &ingress, &format!("{what}, many {shape}"));
        }
    }
}

fn path(path: &str) -> Value {
    json!({"path": path, "pathType": "ImplementationSpecific",
           "backend": {"service": {"name": "web", "port": {"number": 80}}}})
}

fn spec<'a>(paths: impl IntoIterator<Item = &'a str>) -> Value {
    let paths: Vec<Value> = paths.into_iter().map(path).collect();
    json!({"ingressClassName": "nginx", "rules": [{"host": "app.example.com", "http": {"paths": paths}}]})
}

fn denied(answer: &Answer) -> Vec<String> {
    answer.codes().1
}

#[test]
fn a_regex_that_pcre2_gives_up_hides_no_invalid_one() {
    let paths = [r"/(?:\b|\B|$){30}(?=q)", "/(a+)+$", "/a("];
    let answer = ask(&reviewer("", GOOD), &create(json!({(REGEX): "true"}), spec(paths)));
    assert_eq!(denied(&answer), ["IG302"], "{}", answer.body);
}

/// A path that takes PCRE2 as long to compile as any of its length.
fn costly(n: usize) -> String {
    let names = (b'a'..=b'z').flat_map(|a| (b'a'..=b'z').map(move |b| (char::from(a), char::from(b))));
    let groups: Vec<String> = names.take(550).map(|(a, b)| format!("(?<{a}{b}>)")).collect();
    format!("/{n}{}", groups.concat())
}

#[test]
fn an_ingress_that_is_too_costly_for_a_check_that_cannot_be_waived_is_denied() {
    let costly: Vec<String> = (0..100).map(costly).collect();
    let paths = || costly.iter().map(String::as_str);
    let answer = ask(&reviewer("", GOOD), &create(json!({(REGEX): "true"}), spec(paths().chain(["/a("]))));
    assert!(denied(&answer).contains(&"IG302".to_owned()), "{}", answer.body);
    assert!(answer.message.contains("the Ingress itself is too costly"), "{}", answer.message);
    // It is not less costly than before: the update of a label's kind, here of one path, passes.
    let before = || (json!({(REGEX): "true"}), spec(paths()));
    let after = (json!({(REGEX): "true"}), spec(paths().chain(["/b"])));
    let answer = ask(&reviewer("", GOOD), &update(before(), after));
    assert!(answer.allowed, "{}", answer.message);
    // The stored object was too costly to see whether it had the fault.
    let after = (json!({(REGEX): "true"}), spec(["/a("]));
    let answer = ask(&reviewer("", GOOD), &update(before(), after));
    assert_eq!(denied(&answer), ["IG302"], "{}", answer.body);
}

#[test]
fn an_ingress_beside_costly_ones_is_allowed_with_a_warning() {
    let costly: Vec<String> = (0..150).map(costly).collect();
    let object = |name: &str, paths: Vec<&str>| -> Ingress {
        let metadata = json!({"namespace": "shop", "name": name, "annotations": {(REGEX): "true"}});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec(paths)})).unwrap()
    };
    let inventory = hostile::inventory([object("other", costly.iter().map(String::as_str).collect())]);
    let evaluation = evaluate(&inventory, &object("web", vec!["/b"]), "beside costly paths");
    let texts: Vec<String> = evaluation.findings.iter().map(|finding| format!("{} {finding}", finding.code)).collect();
    assert!(texts.iter().all(|text| !text.starts_with("IG302")), "{texts:#?}");
    assert!(texts.iter().any(|text| text.starts_with("IG902") && text.contains("IG302")), "{texts:#?}");
    // Its own fault is found first.
    let evaluation = evaluate(&inventory, &object("web", vec!["/a("]), "beside costly paths");
    assert!(evaluation.findings.iter().any(|finding| finding.code == "IG302"), "{:#?}", evaluation.findings);
}

#[test]
fn the_verdict_and_the_steps_do_not_depend_on_the_load() {
    let paths: Vec<String> = (0..3_000).map(|n| format!("/app/(v{n}|w)+(/|$)(.*)")).collect();
    let ingress: Ingress = serde_json::from_value(json!({
        "metadata": {"namespace": "shop", "name": "web", "annotations": {(REGEX): "true"}},
        "spec": spec(paths.iter().map(String::as_str)),
    }))
    .unwrap();
    let inventory = hostile::inventory([]);
    let engine = Config::default().engine();
    let run = || engine.run(&ingress, known(&inventory), &Allowance::full());
    let alone = run();
    assert!(alone.exhausted);
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        for other in others {
            let other = other.join().unwrap();
            assert_eq!((other.spent, &other.findings), (alone.spent, &alone.findings));
        }
    });
}

#[test]
fn five_checks_may_keep_all_texts_that_one_check_may_have() {
    let budget = Budget::new(&Allowance::full(), 0);
    let of_one_check = || {
        let mut found = Findings::new("IG201", &budget);
        for n in 0..250 {
            found.add(FieldPath::spec(), format!("{n}"), "a message");
        }
        found.into_inner()
    };
    let kept = (0..7).map(|_| of_one_check().iter().filter(|finding| &*finding.message == "a message").count());
    assert_eq!(kept.collect::<Vec<_>>(), [200, 200, 200, 200, 200, 0, 0]);
}

fn exhausts(cx: &Context<'_>, out: &mut Findings<'_>) {
    out.add(FieldPath::spec(), "before", "found before it ran out");
    while cx.weighed(cx.routes().budget().spend(1_000)).is_some() {}
    out.add(FieldPath::spec(), "after", "found after it ran out");
}

fn finds(cx: &Context<'_>, out: &mut Findings<'_>) {
    if cx.weighed(cx.routes().budget().spend(10_000)).is_some() {
        out.add(FieldPath::spec(), "found", "found with its reserve");
    }
}

static EXHAUSTS: Check = Check { run: exhausts, ..TEMPLATE };
static FINDS: Check = Check { code: "IG202", name: "service-port-not-found", run: finds, ..TEMPLATE };
static WARNS: Check = Check {
    code: "IG203",
    name: "service-target-port-used",
    levels: Levels::both(Level::Warn),
    run: finds,
    ..TEMPLATE
};
static NOT_WAIVABLE: Check =
    Check { code: "IG302", name: "path-regex-invalid", waivable: false, run: exhausts, ..TEMPLATE };

fn texts(checks: Vec<&'static Check>) -> Vec<String> {
    let ingress: Ingress = serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": {}})).unwrap();
    let engine = Engine::new(checks, Settings::default(), &Policy::default());
    let evaluation = engine.run(&ingress, known(&Inventory::default()), &Allowance::full());
    evaluation.findings.iter().map(|finding| format!("{} {}", finding.code, finding.subject)).collect()
}

#[test]
fn a_check_that_can_deny_has_a_reserve_that_no_other_uses_up() {
    let budget = "IG902 the evaluation exceeded its budget (too many hosts, paths or regexes, or too complex ones)";
    // What is found after a check ran out may be due to what it did not look up.
    assert_eq!(texts(vec![&EXHAUSTS, &FINDS]), ["IG201 before", "IG202 found", budget]);
    // The order of findings is that of the list, although the check that can deny runs first. It leaves a part to the other.
    assert_eq!(texts(vec![&WARNS, &EXHAUSTS]), ["IG203 found", "IG201 before", budget]);
    assert_eq!(texts(vec![&WARNS, &FINDS]), ["IG203 found", "IG202 found"]);
    assert_eq!(texts(vec![&FINDS, &NOT_WAIVABLE]), ["IG202 found", "IG302 before", budget]);
}

fn finds_at_a_price(cx: &Context<'_>, out: &mut Findings<'_>) {
    let _ = cx.server(&Host::parse("app.example.com"), When::After);
    let _ = cx.routes().budget().spend(35_000);
    out.add(FieldPath::spec(), "costly", "found at a price");
}

static FINDS_AT_A_PRICE: Check =
    Check { run: finds_at_a_price, needs: Kinds::of(&[Kind::Ingress, Kind::IngressClass]), ..TEMPLATE };

#[test]
fn a_check_that_runs_again_beside_an_unloaded_ingress_may_exceed_a_small_allowance() {
    // It is not loaded, and the controller may still serve its previous version: a denial is evaluated with both.
    let with = |name: &str, annotations: Value| -> Ingress {
        let metadata = json!({"namespace": "shop", "name": name, "annotations": annotations});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec(["/"])})).unwrap()
    };
    let unloaded = with("unloaded", json!({"nginx.ingress.kubernetes.io/limit-rps": "x"}));
    let dialects = "dialects: [{match: {controller: k8s.io/ingress-nginx}, engine: nginx, version: 1.15.1}]";
    let settings = Config::parse("test", dialects).unwrap().settings;
    let engine = Engine::new(vec![&FINDS_AT_A_PRICE], settings, &Policy::default());
    let exhausts = |stored: &[Ingress], allowance: &Allowance| {
        engine.run(&with("web", json!({})), known(&hostile::inventory(stored.to_vec())), allowance).exhausted
    };
    assert!(!exhausts(&[], &Allowance::fast()));
    assert!(
        exhausts(std::slice::from_ref(&unloaded), &Allowance::fast()),
        "a larger allowance may give another result"
    );
    assert!(!exhausts(std::slice::from_ref(&unloaded), &Allowance::full()));
    // What could not be found again is not certain.
    let levels = |stored: &[Ingress], allowance: &Allowance| {
        let evaluation = engine.run(&with("web", json!({})), known(&hostile::inventory(stored.to_vec())), allowance);
        evaluation.findings.iter().map(|finding| (finding.code, finding.ceiling.guard)).collect::<Vec<_>>()
    };
    let code = FINDS_AT_A_PRICE.code;
    assert_eq!(levels(&[], &Allowance::fast()), [(code, Level::Deny)]);
    assert_eq!(levels(std::slice::from_ref(&unloaded), &Allowance::full()), [(code, Level::Deny)]);
    assert_eq!(levels(&[unloaded], &Allowance::fast()), [(code, Level::Warn), ("IG902", Level::Warn)]);
}

#[test]
fn an_evaluation_ends_when_its_client_has_gone() {
    let ingress: Ingress = serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": {}})).unwrap();
    let engine = Engine::new(vec![&EXHAUSTS, &FINDS], Settings::default(), &Policy::default());
    let allowance = Allowance { cancelled: Some(Arc::new(AtomicBool::new(true))), ..Allowance::full() };
    let evaluation = engine.run(&ingress, known(&Inventory::default()), &allowance);
    assert_eq!((evaluation.spent, evaluation.not_evaluated.len()), (0, 2));
}

#[test]
fn an_ingress_with_many_regexes_gets_every_check_that_reads_it_once() {
    let paths: Vec<String> = (0..5_000).map(|n| format!("/app/v{n}(/|$)(.*)")).collect();
    let ingress: Ingress = serde_json::from_value(json!({
        "metadata": {"namespace": "shop", "name": "web", "annotations": {(REGEX): "true", "nginx.ingress.kubernetes.io/typo": "x"}},
        "spec": spec(paths.iter().map(String::as_str)),
    }))
    .unwrap();
    let evaluation = evaluate(&hostile::inventory([]), &ingress, "many regexes");
    let left_out: Vec<&str> = evaluation.not_evaluated.iter().map(|entry| entry.check.code).collect();
    let matching = ["IG301", "IG306", "IG308", "IG309", "IG310", "IG311", "IG316", "IG317", "IG503"];
    assert!(left_out.iter().all(|code| matching.contains(code)), "{left_out:?}");
    assert!(evaluation.findings.iter().any(|finding| finding.code == "IG601"), "{:?}", evaluation.findings);
}

#[test]
fn many_findings_keep_few_texts() {
    let value = "x;".repeat(128 * 1024);
    let ingress = hostile::ingress("paths", 2_000, [("ingress-guard.io/ignore", &*value)]);
    let evaluation = evaluate(&Inventory::default(), &ingress, "clauses");
    let of = |code: &str| evaluation.findings.iter().filter(|finding| finding.code == code).count();
    assert_eq!(of("IG903"), 101);
    let inventory = hostile::inventory([]);
    let value = "a".repeat(200_000);
    let absent = serde_json::to_string(&spec(["/"])).unwrap().replace("\"web\"", "\"absent\"");
    let mut spec: Value = serde_json::from_str(&absent).unwrap();
    let one = spec["rules"][0]["http"]["paths"][0].clone();
    spec["rules"][0]["http"]["paths"] = (0..5_000)
        .map(|n| {
            let mut path = one.clone();
            path["path"] = json!(format!("/{n}"));
            path
        })
        .collect();
    let ingress: Ingress = serde_json::from_value(json!({
        "metadata": {"namespace": "shop", "name": "web", "annotations": {"nginx.ingress.kubernetes.io/app-root": value}},
        "spec": spec,
    }))
    .unwrap();
    let evaluation = evaluate(&inventory, &ingress, "findings");
    let absent: Vec<_> = evaluation.findings.iter().filter(|finding| finding.code == "IG201").collect();
    assert_eq!(absent.len(), 5_000, "each counts for the verdict");
    assert!(absent[199].message.contains("does not exist"), "{}", absent[199]);
    assert_eq!(&*absent[200].message, "one of 4800 more findings, whose details are left out");
    let bytes = evaluation.findings.iter().map(|finding| finding.message.len() + finding.subject.len()).max();
    assert!(bytes.unwrap() < 2_000, "{bytes:?}");
}
