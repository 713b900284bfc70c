//! A fix works: for every finding of every page that offers a patch, the patched Ingress no longer has it, and has no new
//! finding.

use std::collections::BTreeSet;
use std::sync::Arc;

use ingress_guard::budget::Allowance;
use ingress_guard::checks;
use ingress_guard::cluster::Object;
use ingress_guard::config::Config;
use ingress_guard::finding::Finding;
use ingress_guard::validation;
use serde_json::Value;

use crate::pages::{inventory, known, sources};

/// The Ingresses among these manifests, as the JSON that an API server would store.
fn documents(manifests: &str) -> Vec<Value> {
    let documents = manifests.split("---\n").map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    documents.filter(|document| document["kind"] == "Ingress").collect()
}

/// What the whole engine says of an Ingress in the place of the stored one.
fn evaluate(config: &Config, manifests: &str, document: &Value) -> Vec<Finding> {
    let mut inventory = inventory(config, manifests);
    let mut ingress = Object::Ingress(Box::new(validation::read(document).unwrap()));
    ingress.set_written(Some(Arc::new(document.clone())), None);
    inventory.apply(ingress.clone());
    let ingress = ingress.ingress().unwrap();
    config.engine().run(ingress, known(&inventory), &Allowance::full()).findings
}

fn identities(findings: &[Finding]) -> BTreeSet<(&'static str, Box<str>)> {
    findings.iter().map(|finding| (finding.code, finding.subject.clone())).collect()
}

#[test]
fn a_fix_removes_its_finding_and_adds_none() {
    let mut exercised = BTreeSet::new();
    for check in checks::ALL {
        for (config, manifests) in sources(check.page) {
            for document in documents(&manifests) {
                let before = evaluate(&config, &manifests, &document);
                for finding in &before {
                    let Some(fix) = &finding.fix else { continue };
                    let patch = serde_json::to_value(fix).unwrap();
                    assert_eq!(patch[0]["op"], "test", "{finding}: {patch}");
                    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
                    let mut fixed = document.clone();
                    json_patch::patch(&mut fixed, &patch).unwrap_or_else(|error| panic!("{finding}: {error}"));
                    let after = identities(&evaluate(&config, &manifests, &fixed));
                    assert!(!after.contains(&(finding.code, finding.subject.clone())), "{finding}: still there");
                    let new: Vec<_> = after.difference(&identities(&before)).cloned().collect();
                    assert!(new.is_empty(), "{finding}: {new:?}");
                    exercised.insert(finding.code);
                }
            }
        }
    }
    for check in checks::ALL.iter().filter(|check| exercised.contains(check.code)) {
        let facts = check.facts(true);
        assert!(check.page.contains(&facts), "{}: its page shows no example with a fix", check.code);
    }
    assert!(exercised.len() >= 4, "only {exercised:?} have fixes on their pages");
}
