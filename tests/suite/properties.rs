//! What holds for every check in every world of every page, judged by the whole engine under `strict`.

use std::collections::{BTreeSet, HashSet};

use ingress_guard::checks;
use ingress_guard::cluster::{Coverage, Inventory};
use ingress_guard::config::Config;
use ingress_guard::finding::{Finding, Level};
use ingress_guard::model::{Ingress, Kind};
use ingress_guard::policy::{Circumstances, Policy, Profile};

use crate::pages::{circumstances, inventory, known, sources, worlds};

type Identities = BTreeSet<(&'static str, Box<str>)>;

/// What the world's own configuration makes of an Ingress.
fn findings(config: &Config, inventory: &Inventory, ingress: &Ingress) -> Vec<Finding> {
    config.engine().run(ingress, known(inventory), None).findings
}

/// What is said of the Ingress, not of ourselves.
fn identities(findings: &[Finding]) -> Identities {
    let said = findings.iter().filter(|finding| finding.code != "IG902");
    said.map(|finding| (finding.code, finding.subject.clone())).collect()
}

fn strict(config: &Config) -> Policy {
    Policy { profile: Profile::Strict, ..config.policy.clone() }
}

/// Calls back for each Ingress of each world.
fn each(mut visit: impl FnMut(&Config, &Inventory, &Ingress)) {
    for check in checks::ALL {
        for (config, inventory, ingresses) in worlds(check.page) {
            for ingress in &ingresses {
                visit(&config, &inventory, ingress);
            }
        }
    }
}

#[test]
fn what_comes_first_into_the_store_does_not_matter() {
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
fn to_know_less_accuses_nobody() {
    let mut lost = HashSet::new();
    let (mut judged, mut wrong) = (0, Vec::new());
    for check in checks::ALL {
        for (config, manifests) in sources(check.page) {
            let full = inventory(&config, &manifests);
            for kind in Kind::ALL {
                let mut less = inventory(&config, &manifests);
                less.cover(kind, Coverage::Forbidden);
                for ingress in full.ingresses() {
                    judged += 1;
                    let all = identities(&findings(&config, &full, ingress));
                    let some = identities(&findings(&config, &less, ingress));
                    // IG203 is IG202 in milder words: which of the two it is depends on the controller.
                    let milder = |(code, subject): &&(&'static str, Box<str>)| {
                        *code == "IG203" && all.contains(&("IG202", subject.clone()))
                    };
                    let new: Vec<_> = some.difference(&all).filter(|it| !milder(it)).collect();
                    let who = &ingress.meta.key;
                    if !new.is_empty() {
                        wrong.push(format!("{}: without {kind} {who} is accused of {new:?}", check.code));
                    }
                    lost.extend(all.difference(&some).map(|(code, _)| (*code, kind)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(judged > 100 && lost.len() > 50, "{judged} Ingresses, {} findings were lost", lost.len());
}

/// Files that hold one Ingress of a cluster less, and do not claim to be all of it.
#[test]
fn files_that_lack_an_ingress_accuse_nobody() {
    let (mut judged, mut wrong) = (0, BTreeSet::new());
    for check in checks::ALL {
        for (config, manifests) in sources(check.page) {
            let full = inventory(&config, &manifests);
            for lacking in full.ingresses() {
                let mut less = inventory(&config, &manifests);
                less.delete(Kind::Ingress, &lacking.meta.key);
                less.cover(Kind::Ingress, Coverage::Partial);
                for ingress in less.ingresses() {
                    judged += 1;
                    let all = identities(&findings(&config, &full, ingress));
                    let some = identities(&findings(&config, &less, ingress));
                    wrong.extend(some.difference(&all).map(|new| {
                        format!(
                            "{}: without {} {} is accused of {new:?}",
                            check.code, lacking.meta.key, ingress.meta.key
                        )
                    }));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged > 100, "{judged}");
}

#[test]
fn a_dry_run_never_denies_what_other_objects_may_mend() {
    let mut spared = 0;
    each(|config, inventory, ingress| {
        let circumstances = circumstances(ingress, true);
        let verdict = strict(config).judge(findings(config, inventory, ingress), &circumstances);
        let rests = |finding: &&Finding| !finding.rests_on.is_empty();
        assert_eq!(verdict.at(Level::Deny).filter(rests).count(), 0, "{}", ingress.meta.key);
        spared += verdict.at(Level::Warn).filter(rests).count();
    });
    assert!(spared > 50, "{spared}");
}

#[test]
fn what_was_there_before_is_never_denied() {
    let mut spared = 0;
    each(|config, inventory, ingress| {
        // An update that changes nothing that matters.
        let found = findings(config, inventory, ingress);
        let held = found.iter().map(|finding| (finding.code, finding.subject.clone())).collect();
        let of_update = Circumstances { held: Some(&held), ..circumstances(ingress, false) };
        let verdict = strict(config).judge(found, &of_update);
        assert!(!verdict.denies(), "{}", ingress.meta.key);
        spared += verdict.rulings.iter().filter(|ruling| ruling.spared.is_some()).count();
    });
    assert!(spared > 50, "{spared}");
}
