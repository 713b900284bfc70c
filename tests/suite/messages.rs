//! What findings say, over every finding of every page: one form, short, and safe to print.

use std::collections::BTreeSet;

use ingress_guard::admission::warning;
use ingress_guard::checks;
use ingress_guard::finding::{Finding, Level};
use ingress_guard::model::Key;
use ingress_guard::policy::Decision;

use crate::pages::{known, worlds};

/// Words that begin with a capital wherever they stand.
const PROPER_NOUNS: [&str; 5] = ["ConfigMap", "Exact", "GKE", "HTTP", "IngressClass"];

/// Everything that the default engine says of the worlds of all pages, each once.
fn findings() -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for check in checks::ALL {
        for (config, inventory, ingresses) in worlds(check.page) {
            let engine = config.engine();
            let found = ingresses.iter().flat_map(|ingress| engine.run(ingress, known(&inventory), None).findings);
            findings.extend(found.filter(|finding| seen.insert((finding.code, finding.to_string()))));
        }
    }
    findings
}

/// A value, a check's code, a proper noun, or a lower-case word.
fn begins_well(text: &str) -> bool {
    let word = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let is_code = word.starts_with("IG") && word.len() == 5 && checks::find(word).is_some();
    text.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit() || c == '"' || c == '$')
        || is_code
        || PROPER_NOUNS.contains(&word)
}

#[test]
fn every_check_with_a_rule_says_something_on_its_page() {
    let said: BTreeSet<&str> = findings().iter().map(|finding| finding.code).collect();
    // A page cannot make a check fail.
    let silent: Vec<_> =
        checks::ALL.iter().map(|check| check.code).filter(|code| *code != "IG901" && !said.contains(code)).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn messages_begin_small_and_end_without_a_full_stop() {
    for Finding { code, message, help, .. } in findings() {
        for text in [&message, &help].into_iter().filter(|text| !text.is_empty()) {
            assert!(begins_well(text), "{code}: {text}");
            assert!(!text.ends_with(['.', ' ', ':', ';']), "{code}: {text}");
        }
    }
}

#[test]
fn messages_hold_no_control_character() {
    for finding in findings() {
        assert!(!finding.to_string().contains(char::is_control), "{}: {finding:?}", finding.code);
    }
}

#[test]
fn messages_say_the_fault_and_then_what_comes_of_it() {
    for Finding { code, message, .. } in findings() {
        assert!(message.contains(": "), "{code}: {message}");
    }
}

#[test]
fn messages_fit_into_a_warning_with_a_name_of_40_characters() {
    let key = Key::new(&"n".repeat(19), &"n".repeat(20));
    let warnings = findings().into_iter().map(|finding| {
        let decision = Decision { finding, level: Level::Warn, downgraded: None, waived: None };
        warning(&key, &decision)
    });
    let long: Vec<String> = warnings.filter(|warning| warning.ends_with('…') || warning.contains("… IG")).collect();
    assert!(long.is_empty(), "longer than 256 characters:\n{}", long.join("\n"));
}
