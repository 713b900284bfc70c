//! A placeholder may become any value, also the one that it replaces here: an Ingress with placeholders has no finding that the
//! same Ingress with these values does not have. The examples of all pages are the Ingresses.

use std::collections::BTreeSet;

use ingress_guard::analysis::{Analysis, Applied, Placeholders, analyze, analyze_applied};
use ingress_guard::checks;
use ingress_guard::cluster::Inventory;
use ingress_guard::config::Config;
use ingress_guard::engine::Engine;
use ingress_guard::finding::Level;
use ingress_guard::model::{Annotations, Backend, FieldPath, Host, Ingress, Kind, PortRef};
use serde_json::{Value, json};

use crate::pages;

/// The texts of a value with a placeholder for the whole, for its first part, or for its end.
fn replaced(value: &str) -> Vec<String> {
    let part = value.split(['.', '/', ',']).find(|part| !part.is_empty() && *part != "*").unwrap_or_default();
    let mut texts = vec!["${WHOLE}".to_owned()];
    if !part.is_empty() && part != value {
        texts.push(value.replacen(part, "${PART}", 1));
    }
    if let Some(rest) = value.strip_prefix('/').filter(|rest| !rest.is_empty()) {
        texts.push(format!("/{}", "${REST}".replace("REST", if rest.contains('/') { "REST_OF_PATH" } else { "REST" })));
    }
    texts
}

/// Returns the Ingress with a placeholder in each of its values in turn. A value that is at fault itself can hide other faults: the
/// placeholder of an annotation stands for a value that the controller accepts.
fn with_placeholders(ingress: &Ingress, faulty: &BTreeSet<String>) -> Vec<Ingress> {
    let mut all = Vec::new();
    let mut add = |value: &str, set: &dyn Fn(&mut Ingress, String)| {
        for text in replaced(value) {
            let mut copy = ingress.clone();
            set(&mut copy, text);
            all.push(copy);
        }
    };
    if let Some(class) = &ingress.class_name {
        add(class, &|copy, text| copy.class_name = Some(text.into()));
    }
    let is_accepted = |key: &str| !faulty.contains(&FieldPath::annotation(key).to_string());
    for (key, value) in ingress.meta.annotations.iter().filter(|(key, _)| is_accepted(key)) {
        add(value, &|copy, text| {
            let others = ingress.meta.annotations.iter().filter(|(other, _)| *other != key);
            copy.meta.annotations = others.chain([(key, &*text)]).collect::<Annotations>();
        });
    }
    for (at, entry) in ingress.tls.iter().enumerate() {
        for (of, host) in entry.hosts.iter().enumerate() {
            add(&host.to_string(), &|copy, text| copy.tls[at].hosts[of] = Host::parse(&text));
        }
        if let Some(name) = &entry.secret_name {
            add(name, &|copy, text| copy.tls[at].secret_name = Some(text.into()));
        }
    }
    for (at, rule) in ingress.rules.iter().enumerate() {
        if rule.host != Host::Any {
            add(&rule.host.to_string(), &|copy, text| copy.rules[at].host = Host::parse(&text));
        }
        for (of, path) in rule.paths.iter().enumerate() {
            add(&path.path, &|copy, text| copy.rules[at].paths[of].path = text.into());
            if let Backend::Service { name, port } = &*path.backend {
                add(name, &|copy, text| {
                    let backend = Backend::Service { name: text.into(), port: port.clone() };
                    copy.rules[at].paths[of].backend = backend.into();
                });
                add("port", &|copy, text| {
                    let port = Some(PortRef::Name(text.into()));
                    copy.rules[at].paths[of].backend = Backend::Service { name: name.clone(), port }.into();
                });
            }
        }
    }
    all
}

/// The code and the field of a finding. Its message may be less certain: `requests fail` where the controller is unknown.
type Said = (&'static str, String);

fn said(analysis: &Analysis<'_>, at: impl Fn(Level) -> bool) -> BTreeSet<Said> {
    let found = analysis.verdict.decisions.iter().filter(|decision| at(decision.level));
    let found = found.map(|decision| &decision.finding).filter(|finding| finding.code != "IG902");
    found.map(|finding| (finding.code, finding.field.to_string())).collect()
}

/// The world of an Ingress with placeholders as `check` has it.
fn world(inventory: &Inventory, ingress: &Ingress) -> Inventory {
    let mut world = inventory.clone();
    world.expect_placeholders();
    world.apply_unreadable(Kind::Ingress, ingress.meta.key.clone());
    world
}

/// Analyses an Ingress with placeholders.
fn with_unknown_values<'a>(copy: &'a Ingress, world: &Inventory, engine: &Engine, config: &Config) -> Analysis<'a> {
    let applied = Applied { has_placeholders: true, ..Applied::default() };
    analyze_applied(copy, pages::known(world), applied, engine, &config.policy)
}

fn new_findings(config: &Config, inventory: &Inventory, ingresses: &[Ingress]) -> Vec<String> {
    let engine = config.engine();
    let as_written = |ingress| analyze(ingress, pages::known(inventory), &engine, &config.policy);
    let mut wrong = Vec::new();
    // cert-manager creates solvers in the cluster.
    for ingress in ingresses.iter().filter(|ingress| !ingress.is_acme_solver) {
        let before = as_written(ingress);
        let faulty: BTreeSet<String> = said(&before, |_| true).into_iter().map(|(_, field)| field).collect();
        let world = world(inventory, ingress);
        for copy in with_placeholders(ingress, &faulty) {
            if Placeholders::of(&copy).is_none() {
                continue;
            }
            let after = with_unknown_values(&copy, &world, &engine, config);
            for level in [Level::Warn, Level::Deny] {
                let new = &said(&after, |found| found >= level) - &said(&before, |found| found >= level);
                wrong.extend(
                    new.into_iter().map(|found| format!("{level} {found:?}\n  for {}", in_short(&copy, ingress))),
                );
            }
        }
        for other in ingresses.iter().filter(|other| other.meta.key != ingress.meta.key) {
            let after = analyze(other, pages::known(&world), &engine, &config.policy);
            let new =
                &said(&after, |level| level == Level::Deny) - &said(&as_written(other), |level| level == Level::Deny);
            let key = &ingress.meta.key;
            wrong
                .extend(new.into_iter().map(|found| format!("deny {found:?} of another than {key}, which is unknown")));
        }
    }
    wrong
}

/// The fields of an Ingress with placeholders, and the whole Ingress.
fn in_short(copy: &Ingress, ingress: &Ingress) -> String {
    let text = format!("{copy:?}");
    let at = text.find("${").unwrap_or_default();
    format!("{} of {ingress:?}", &text[at.saturating_sub(60)..text.len().min(at + 40)])
}

#[test]
fn a_placeholder_has_no_finding_that_a_value_has_not() {
    let mut wrong = Vec::new();
    let (mut ingresses, mut kept) = (0, 0);
    for check in checks::ALL {
        for (config, inventory, all) in pages::examples(check.page) {
            ingresses += all.len();
            wrong.extend(new_findings(&config, &inventory, &all).into_iter().map(|it| format!("{}: {it}", check.code)));
            // Placeholders elsewhere leave findings.
            for ingress in &all {
                let mut copy = ingress.clone();
                let Some(host) = copy.rules.first_mut().map(|rule| &mut rule.host) else { continue };
                *host = Host::parse("app.${DOMAIN}");
                let world = world(&inventory, &copy);
                let engine = config.engine();
                let after = with_unknown_values(&copy, &world, &engine, &config);
                kept += said(&after, |level| level >= Level::Warn).len();
            }
        }
    }
    assert!(wrong.is_empty(), "{} in {ingresses} Ingresses:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
    assert!(kept > 100, "{kept} findings beside a placeholder");
}

#[test]
fn an_error_about_a_port_names_what_is_expected() {
    let read = |number: Value| {
        let backend = json!({"service": {"name": "web", "port": {"number": number}}});
        serde_json::from_value::<Ingress>(json!({"spec": {"defaultBackend": backend}}))
            .map_err(|error| error.to_string())
    };
    assert_eq!(read(json!("http")).unwrap_err(), "invalid type: string \"http\", expected a port number");
    assert_eq!(read(json!(80.5)).unwrap_err(), "invalid type: floating point `80.5`, expected a port number");
    assert_eq!(read(json!(5_000_000_000_i64)).unwrap_err(), "a port number has at most 32 bits");
    for accepted in [json!(80), json!(-1), json!("${PORT}"), Value::Null] {
        read(accepted).unwrap();
    }
}
