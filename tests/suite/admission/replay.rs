//! Every recorded review, in a cluster in which its Ingress works and in one in which it does not, with the expected response.
//! `UPDATE_PAGES=1` writes the responses again.

use std::path::Path;

use serde_json::Value;

use super::{BAD, GOOD, ask, recorded, reviewer};

#[test]
fn recorded_reviews_get_the_expected_responses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reviews");
    let mut names: Vec<String> = std::fs::read_dir(root.join("recorded"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names.len(), 13, "a recording is missing: {names:?}");
    for (cluster, manifests) in [("good", GOOD), ("bad", BAD)] {
        let reviewer = reviewer("", manifests);
        for name in &names {
            let answer = ask(&reviewer, &recorded(name)).body;
            let path = root.join("expected").join(format!("{name}.{cluster}.json"));
            if std::env::var_os("UPDATE_PAGES").is_some() {
                std::fs::write(&path, format!("{answer:#}\n")).unwrap();
            }
            let expected: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(answer, expected, "{}", path.display());
        }
    }
}

#[test]
fn recorded_reviews_have_the_expected_outcomes() {
    let (good, bad) = (reviewer("", GOOD), reviewer("", BAD));
    for (name, in_good, in_bad) in [
        ("create", "allow", "deny"),
        ("create-dryrun", "allow", "warn"),
        ("delete", "pass", "pass"),
        ("delete-all", "pass", "pass"),
        ("delete-dryrun", "pass", "pass"),
        ("deletecollection", "pass", "pass"),
        // The stored object references the same missing Service under another path, so the finding is new.
        ("replace", "allow", "deny"),
        ("ssa-create", "allow", "deny"),
        ("ssa-update-dryrun", "allow", "warn"),
        ("status-update", "pass", "pass"),
        ("update", "allow", "deny"),
        ("update-by-serviceaccount", "pass", "pass"),
        ("update-dryrun", "allow", "warn"),
    ] {
        assert_eq!(ask(&good, &recorded(name)).verdict, in_good, "{name} where it serves");
        assert_eq!(ask(&bad, &recorded(name)).verdict, in_bad, "{name} where it does not");
    }
}
