//! `--fix` and `--diff` on files.

use std::fs;
use std::process::Command;

use super::{CLASS, Outcome, SERVICE, check, check_with, folder, ingress};

#[test]
fn fixes_are_applied_in_place_and_remaining_findings_are_reported() {
    let before = format!(
        "\u{feff}# ours\r\n{}---\r\n{}---\r\n{}---\r\n{}",
        CLASS.replace('\n', "\r\n"),
        SERVICE.replace('\n', "\r\n"),
        ingress("web", "web", 81).replace('\n', "\r\n"),
        ingress("two", "web", 82).replace('\n', "\r\n")
    );
    let folder = folder(&[("a.yaml", &before)]);
    let path = folder.path().join("a.yaml");
    let diff = check(folder.path(), &["a.yaml", "--diff"]);
    assert_eq!(diff.code, 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), before, "--diff writes nothing");
    assert!(diff.out.starts_with("--- a/a.yaml\n+++ b/a.yaml\n@@ "), "{}", diff.out);

    let fixed = check(folder.path(), &["a.yaml", "--fix"]);
    assert_eq!((fixed.code, fixed.err.as_str()), (0, "a.yaml: 2 fixed\n"), "{}", fixed.out);
    let after = fs::read_to_string(&path).unwrap();
    assert_eq!(after, before.replace("number: 81\r", "number: 80\r").replace("number: 82\r", "number: 80\r"));
    assert_eq!(check(folder.path(), &["a.yaml", "--diff"]).out, "");
}

#[test]
fn the_output_of_diff_is_a_patch_that_applies() {
    let before = format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81));
    let folder = folder(&[
        ("deep/a.yaml", &before),
        (
            "b.json",
            "{\"kind\":\"Ingress\",\"apiVersion\":\"networking.k8s.io/v1\",\"metadata\":{\"name\":\"j\"},\"spec\":{\"ingressClassName\":\"nginx\",\"defaultBackend\":{\"service\":{\"name\":\"web\",\"port\":{\"number\":8}}}}}",
        ),
    ]);
    let diff = check(folder.path(), &[".", "--diff"]).out;
    fs::write(folder.path().join("fix.patch"), &diff).unwrap();
    let applied = Command::new("patch").args(["-p1", "-i", "fix.patch"]).current_dir(folder.path()).output().unwrap();
    assert!(applied.status.success(), "{diff}\n{}", String::from_utf8_lossy(&applied.stdout));
    assert_eq!(check(folder.path(), &["."]).code, 0);
}

#[test]
fn git_and_patch_find_the_files_however_they_were_named() {
    let good = format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 80));
    let name = "a folder/größe.yaml";
    let folder = folder(&[(name, &good.replace("number: 80", "number: 81"))]);
    let whole = folder.path().join(name);
    for named in [".", "./a folder", name, "a folder/../a folder/größe.yaml", whole.to_str().unwrap()] {
        fs::write(&whole, good.replace("number: 80", "number: 81")).unwrap();
        let diff = check(folder.path(), &[named, "--diff"]).out;
        fs::write(folder.path().join("fix.patch"), &diff).unwrap();
        for tool in [&["git", "apply", "fix.patch"][..], &["patch", "-p1", "-i", "fix.patch"]] {
            fs::write(&whole, good.replace("number: 80", "number: 81")).unwrap();
            let applied = Command::new(tool[0]).args(&tool[1..]).current_dir(folder.path()).output().unwrap();
            assert!(applied.status.success(), "{named}, {tool:?}: {diff}\n{applied:?}");
            assert_eq!(fs::read_to_string(&whole).unwrap(), good, "{named}, {tool:?}");
        }
    }
}

#[test]
fn a_fix_that_changes_other_text_is_printed_as_a_json_patch() {
    let text =
        format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81).replace("number: 81", "number: &port 81"));
    let folder = folder(&[("a.yaml", &text)]);
    let outcome = check(folder.path(), &["a.yaml", "--fix"]);
    assert_eq!(outcome.code, 1);
    assert_eq!(fs::read_to_string(folder.path().join("a.yaml")).unwrap(), text);
    let said = "a.yaml:20:29: IG202 not fixed: an anchor or alias would apply the change elsewhere too; JSON patch for Ingress default/web: [{\"op\":\"test\",";
    assert!(outcome.err.starts_with(said), "{}", outcome.err);
}

#[test]
fn waived_findings_are_not_fixed() {
    let waiver = "metadata: {name: web, annotations: {ingress-guard.io/ignore: IG202 reason=later}}";
    let text =
        format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81).replace("metadata: {name: web}", waiver));
    let folder = folder(&[("a.yaml", &text)]);
    assert_eq!(check(folder.path(), &["a.yaml", "--diff"]).out, "");
    let outcome = check(folder.path(), &["a.yaml"]);
    assert_eq!(outcome.code, 0);
    assert!(outcome.out.starts_with("1 Ingress analyzed; findings: 1 waived\n"), "{}", outcome.out);
}

#[test]
fn fixes_are_offered_only_where_they_are_applied() {
    let text = format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81));
    let offers = |outcome: Outcome| {
        assert!(outcome.code == 1 && outcome.out.contains("help: use its only port 80"), "{}", outcome.out);
        outcome.out.contains("--fix applies")
    };
    let plain = folder(&[("web.yaml", &text)]);
    assert!(offers(check(plain.path(), &["."])));
    assert!(!offers(check_with(plain.path(), &["-"], text.as_bytes())));
    let named = folder(&[("web.yaml", &text), ("kustomization.yaml", "resources: [web.yaml]\n")]);
    assert!(!offers(check(named.path(), &["."])));
}
