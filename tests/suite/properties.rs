//! Properties of every check in every example of every page, evaluated by the whole engine under `strict`.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ingress_guard::budget::Allowance;
use ingress_guard::checks;
use ingress_guard::cluster::{Coverage, Inventory};
use ingress_guard::config::Config;
use ingress_guard::finding::{Finding, Level};
use ingress_guard::model::{Ingress, Key, Kind};
use ingress_guard::policy::{Circumstances, Policy, Profile};

use crate::pages::{circumstances, examples, inventory, known, sources};

type Identities = BTreeSet<(&'static str, Box<str>)>;

/// Returns the decisions on an Ingress with the configuration of the example.
fn findings(config: &Config, inventory: &Inventory, ingress: &Ingress) -> Vec<Finding> {
    config.engine().run(ingress, known(inventory), &Allowance::full()).findings
}

/// Returns the findings about the Ingress, without those about ingress-guard itself.
fn identities(findings: &[Finding]) -> Identities {
    let relevant = findings.iter().filter(|finding| finding.code != "IG902");
    relevant.map(|finding| (finding.code, finding.subject.clone())).collect()
}

fn strict(config: &Config) -> Policy {
    Policy { profile: Profile::Strict, ..config.policy.clone() }
}

/// Calls back for each Ingress of each example.
fn each(mut request: impl FnMut(&Config, &Inventory, &Ingress)) {
    for check in checks::ALL {
        for (config, inventory, ingresses) in examples(check.page) {
            for ingress in &ingresses {
                request(&config, &inventory, ingress);
            }
        }
    }
}

#[test]
fn the_order_of_inserts_does_not_matter() {
    for check in checks::ALL {
        for (config, manifests) in sources(check.page) {
            let documents: Vec<&str> = manifests.split("\n---\n").collect();
            let reversed = documents.iter().rev().copied().collect::<Vec<_>>().join("\n---\n");
            let [one, other] = [&manifests, &reversed].map(|manifests| inventory(&config, manifests));
            for ingress in one.ingresses() {
                let [one, other] = [&one, &other].map(|store| findings(&config, store, ingress));
                assert_eq!(one, other, "{}\n{manifests}", check.code);
            }
        }
    }
}

#[test]
fn less_knowledge_adds_no_finding() {
    let mut lost = HashSet::new();
    let (mut evaluated, mut wrong) = (0, Vec::new());
    for check in checks::ALL {
        for (config, manifests) in sources(check.page) {
            let full = inventory(&config, &manifests);
            for kind in Kind::ALL {
                let mut less = inventory(&config, &manifests);
                less.cover(kind, Coverage::Forbidden);
                for ingress in full.ingresses() {
                    evaluated += 1;
                    let all = identities(&findings(&config, &full, ingress));
                    let some = identities(&findings(&config, &less, ingress));
                    // IG203 is the less severe form of IG202; the controller determines which of the two is reported.
                    let milder = |(code, subject): &&(&'static str, Box<str>)| {
                        *code == "IG203" && all.contains(&("IG202", subject.clone()))
                    };
                    let new: Vec<_> = some.difference(&all).filter(|it| !milder(it)).collect();
                    let key = &ingress.meta.key;
                    if !new.is_empty() {
                        wrong.push(format!("{}: without {kind} {key} has additional findings {new:?}", check.code));
                    }
                    lost.extend(all.difference(&some).map(|(code, _)| (*code, kind)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(evaluated > 100 && lost.len() > 50, "{evaluated} Ingresses, {} findings were lost", lost.len());
}

/// Returns the findings that may be reported, with the level that each of them could have under `strict`.
fn levels(findings: &[Finding]) -> BTreeMap<(&'static str, Box<str>), Level> {
    let relevant = findings.iter().filter(|finding| finding.code != "IG902");
    let key = |finding: &Finding| {
        let level = checks::find(finding.code).unwrap().levels.strict.min(finding.ceiling.strict);
        ((finding.code, finding.subject.clone()), level)
    };
    let mut levels = BTreeMap::new();
    for (key, level) in relevant.map(key) {
        let worst = levels.entry(key).or_insert(level);
        *worst = level.max(*worst);
    }
    levels
}

/// Returns the findings of `some` that `all` does not have, or has at a lower level.
fn additional(some: &[Finding], all: &[Finding]) -> Vec<String> {
    let (some, all) = (levels(some), levels(all));
    // IG203 is the less severe form of IG202; the controller determines which of the two is reported.
    let milder =
        |(code, subject): &(&'static str, Box<str>)| *code == "IG203" && all.contains_key(&("IG202", subject.clone()));
    let new = some.iter().filter(|(key, level)| !milder(key) && all.get(key).is_none_or(|had| had < level));
    new.map(|((code, subject), level)| {
        format!("{code} {subject} ({level}, was {:?})", all.get(&(*code, subject.clone())))
    })
    .collect()
}

/// Calls back with each example and the same example without one of its objects.
fn without_each(mut request: impl FnMut(&Config, &Inventory, Inventory, Kind, &Key)) {
    for check in checks::ALL {
        for (mut config, manifests) in sources(check.page) {
            // Without IngressClasses, annotations are evidence of a controller.
            config.settings.classes.from_annotations = false;
            let full = inventory(&config, &manifests);
            for kind in Kind::ALL {
                for object in full.objects(kind) {
                    let mut less = full.clone();
                    less.delete(kind, &object.key());
                    request(&config, &full, less, kind, &object.key());
                }
            }
        }
    }
}

/// Inventories without one object, whose coverage is incomplete: for its kind, or for any.
#[test]
fn files_that_lack_an_object_add_no_finding() {
    let (mut evaluated, mut wrong) = (0, BTreeSet::new());
    without_each(|config, full, less, kind, lacking| {
        for partial in [&[kind][..], &Kind::ALL] {
            let mut less = less.clone();
            for kind in partial {
                less.cover(*kind, Coverage::Partial);
            }
            config.restrict(&mut less);
            for ingress in less.ingresses() {
                evaluated += 1;
                let new = additional(&findings(config, &less, ingress), &findings(config, full, ingress));
                if !new.is_empty() {
                    wrong.insert(format!(
                        "without {kind} {lacking} {} has additional findings {new:?}",
                        ingress.meta.key
                    ));
                }
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(evaluated > 1000, "{evaluated}");
}

/// An unreadable object counts as unknown, whatever its contents.
#[test]
fn an_unreadable_object_adds_no_finding() {
    let (mut evaluated, mut wrong) = (0, BTreeSet::new());
    without_each(|config, full, mut less, kind, unreadable| {
        less.apply_unreadable(kind, unreadable.clone());
        for ingress in less.ingresses() {
            evaluated += 1;
            let new = additional(&findings(config, &less, ingress), &findings(config, full, ingress));
            if !new.is_empty() {
                wrong.insert(format!(
                    "{kind} {unreadable} cannot be read: {} has additional findings {new:?}",
                    ingress.meta.key
                ));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(evaluated > 500, "{evaluated}");
}

#[test]
fn a_dry_run_never_denies_problems_that_other_objects_may_fix() {
    let mut downgraded = 0;
    each(|config, inventory, ingress| {
        let circumstances = circumstances(ingress, true);
        let verdict = strict(config).decide(findings(config, inventory, ingress), &circumstances);
        let rests = |finding: &&Finding| !finding.rests_on.is_empty();
        assert_eq!(verdict.at(Level::Deny).filter(rests).count(), 0, "{}", ingress.meta.key);
        downgraded += verdict.at(Level::Warn).filter(rests).count();
    });
    assert!(downgraded > 50, "{downgraded}");
}

#[test]
fn pre_existing_findings_are_never_denied() {
    let mut downgraded = 0;
    each(|config, inventory, ingress| {
        // An update without a relevant change.
        let found = findings(config, inventory, ingress);
        let preexisting = found.iter().map(|finding| (finding.code, finding.subject.clone())).collect();
        let of_update = Circumstances { preexisting: Some(&preexisting), ..circumstances(ingress, false) };
        let verdict = strict(config).decide(found, &of_update);
        assert!(!verdict.denies(), "{}", ingress.meta.key);
        downgraded += verdict.decisions.iter().filter(|decision| decision.downgraded.is_some()).count();
    });
    assert!(downgraded > 50, "{downgraded}");
}
