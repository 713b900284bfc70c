//! The messages of the findings of all check pages: one form, limited length, printable characters.

use std::collections::BTreeSet;

use ingress_guard::admission::warning;
use ingress_guard::budget::Allowance;
use ingress_guard::checks;
use ingress_guard::finding::{Finding, Level};
use ingress_guard::model::Key;
use ingress_guard::policy::Decision;

use crate::pages::{examples, known};

/// Proper nouns, which are capitalised everywhere.
const PROPER_NOUNS: [&str; 11] = [
    "ConfigMap",
    "EndpointSlice",
    "Exact",
    "GKE",
    "HTTP",
    "Ingress",
    "IngressClass",
    "Namespace",
    "Pod",
    "Secret",
    "Service",
];

/// Returns every distinct finding of the default engine for the examples of all pages.
fn findings() -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for check in checks::ALL {
        for (config, inventory, ingresses) in examples(check.page) {
            let engine = config.engine();
            let found = ingresses
                .iter()
                .flat_map(|ingress| engine.run(ingress, known(&inventory), &Allowance::full()).findings);
            findings.extend(found.filter(|finding| seen.insert((finding.code, finding.to_string()))));
        }
    }
    findings
}

/// Whether it is a value, the code of a check, a proper noun, or a lower-case word.
fn begins_well(text: &str) -> bool {
    let word = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let is_code = word.starts_with("IG") && word.len() == 5 && checks::find(word).is_some();
    text.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit() || c == '"' || c == '$')
        || is_code
        || PROPER_NOUNS.contains(&word)
}

#[test]
fn every_check_reports_something_on_its_page() {
    let reported: BTreeSet<&str> = findings().iter().map(|finding| finding.code).collect();
    // An example on a page cannot make a check panic, and is not a review. IG8xx is about writes of other objects.
    let silent: Vec<_> = checks::ALL
        .iter()
        .map(|check| check.code)
        .filter(|code| {
            !["IG801", "IG802", "IG804", "IG805", "IG901", "IG904"].contains(code) && !reported.contains(code)
        })
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn messages_start_in_lower_case_and_end_without_a_full_stop() {
    for Finding { code, message, help, .. } in findings() {
        for text in [&message, &help].into_iter().filter(|text| !text.is_empty()) {
            assert!(begins_well(text), "{code}: {text}");
            assert!(!text.ends_with(['.', ' ', ':', ';']), "{code}: {text}");
        }
    }
}

/// A subject identifies a finding in several versions of an Ingress, so an item that moves within a list keeps it.
#[test]
fn subjects_contain_no_list_index() {
    for Finding { code, subject, .. } in findings() {
        let opened = subject.match_indices('[').filter_map(|(at, _)| subject[at + 1..].split_once(']'));
        let index = opened.map(|(inside, _)| inside).find(|inside| inside.parse::<usize>().is_ok());
        assert!(index.is_none() && !subject.contains("spec."), "{code}: {subject}");
    }
}

#[test]
fn messages_contain_no_control_characters() {
    for finding in findings() {
        assert!(!finding.to_string().contains(char::is_control), "{}: {finding:?}", finding.code);
    }
}

#[test]
fn messages_state_the_problem_and_then_its_effect() {
    for Finding { code, message, .. } in findings() {
        assert!(message.contains(": "), "{code}: {message}");
    }
}

#[test]
fn messages_fit_into_a_warning_with_a_name_of_40_characters() {
    let key = Key::new(&"n".repeat(19), &"n".repeat(20));
    // A manifest is not a review, so its findings are never warnings of the API server.
    let is_of_review =
        |finding: &Finding| checks::find(finding.code).is_some_and(|check| check.applies != checks::Applies::Manifests);
    let warnings = findings().into_iter().filter(is_of_review).map(|finding| {
        let decision = Decision { finding, level: Level::Warn, downgraded: None, waived: None };
        warning(&key, &decision)
    });
    let long: Vec<String> = warnings.filter(|warning| warning.ends_with('…') || warning.contains("… IG")).collect();
    assert!(long.is_empty(), "longer than 256 characters:\n{}", long.join("\n"));
}
