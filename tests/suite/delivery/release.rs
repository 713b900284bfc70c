//! The files of a release besides the binaries.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{BINARY, ROOT, Runner, VERSION, items, steps, text, yaml};

#[test]
fn the_krew_manifest_has_the_checksums_of_the_archives() {
    let dist = tempfile::tempdir().unwrap();
    let amd64 = format!("ingress-guard-{VERSION}-linux-amd64.tar.gz");
    for name in [&amd64, "ingress-guard-v0.0.0-linux-arm64.tar.gz", &format!("ingress-guard-{VERSION}.cdx.json")] {
        fs::write(dist.path().join(name), name).unwrap();
    }
    let run = |step: &str| {
        let mut command = Command::new(format!("{ROOT}/deploy/dist.sh"));
        let command = command.arg(step).env("DIST", dist.path()).env("REPOSITORY", "platform/ingress-guard");
        command.output().unwrap()
    };
    for step in ["krew", "sums"] {
        let output = run(step);
        assert!(output.status.success(), "{step}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let sums = fs::read_to_string(dist.path().join("SHA256SUMS")).unwrap();
    let sum = |name: &str| sums.lines().find_map(|line| line.strip_suffix(&format!("  {name}"))).unwrap().to_owned();
    assert_eq!(sums.lines().count(), 4);
    sum("krew.yaml");
    sum(&format!("ingress-guard-{VERSION}.cdx.json"));

    let manifest: Value = serde_saphyr::from_str(&fs::read_to_string(dist.path().join("krew.yaml")).unwrap()).unwrap();
    assert_eq!(manifest["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!((text(&manifest["metadata"]["name"]), text(&manifest["spec"]["version"])), ("ingress-guard", VERSION));
    assert_eq!(manifest["spec"]["homepage"], "https://github.com/platform/ingress-guard");
    // Only the archive of this version.
    let platforms: Vec<&Value> = items(&manifest["spec"]["platforms"]).collect();
    let [platform] = platforms[..] else { panic!("{manifest}") };
    assert_eq!(platform["selector"]["matchLabels"], serde_json::json!({"os": "linux", "arch": "amd64"}));
    assert_eq!((text(&platform["sha256"]), text(&platform["bin"])), (sum(&amd64).as_str(), "ingress-guard"));
    let uri = format!("https://github.com/platform/ingress-guard/releases/download/{VERSION}/{amd64}");
    assert_eq!(platform["uri"], uri);

    fs::remove_file(dist.path().join(&amd64)).unwrap();
    assert!(!run("krew").status.success(), "a manifest without platforms is useless");
}

#[test]
fn make_install_installs_the_plugin_of_kubectl_manual_pages_and_completions() {
    let runner = Runner::new();
    // The build takes minutes; the options of cargo are those of the real one.
    runner.program(
        "cargo",
        &format!(
            "[ \"$1 $2 $3 $4 $6\" = 'install --locked --path . --root' ]\nmkdir -p \"$7/bin\"\ncp {BINARY} \"$7/bin\"\n"
        ),
    );
    let prefix = runner.path("pre fix").display().to_string();
    let (code, output) = runner.run(&format!("make --no-print-directory -C {ROOT} install PREFIX='{prefix}'"));
    assert_eq!(code, 0, "{output}");
    for file in [
        "bin/kubectl-ingress_guard",
        "bin/kubectl_complete-ingress_guard",
        "share/man/man1/ingress-guard-explain.1",
        "share/bash-completion/completions/ingress-guard",
        "share/fish/vendor_completions.d/ingress-guard.fish",
        "share/zsh/site-functions/_ingress-guard",
    ] {
        let content = fs::read(Path::new(&prefix).join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(!content.is_empty(), "{file}");
    }
    let (code, output) = runner.run(&format!("'{prefix}/bin/kubectl-ingress_guard' --help"));
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("Usage: kubectl ingress-guard <COMMAND>"), "{output}");
    let (code, output) = runner.run(&format!("'{prefix}/bin/kubectl-ingress_guard' check"));
    assert_eq!(code, 2, "{output}");
    assert!(output.contains("Usage: kubectl ingress-guard check <PATH>..."), "{output}");
    let (code, output) = runner.run(&format!("'{prefix}/bin/kubectl_complete-ingress_guard' ch"));
    assert_eq!((code, output.lines().count()), (0, 3), "{output}");
}

#[test]
fn a_release_waits_for_the_checks_of_its_commit() {
    let release = yaml(".github/workflows/release.yml");
    assert_eq!(release["jobs"]["ci"]["uses"], "./.github/workflows/ci.yml");
    assert!(items(&release["jobs"]["publish"]["needs"]).any(|job| job == "ci"));
    assert!(yaml(".github/workflows/ci.yml")["on"].as_object().unwrap().contains_key("workflow_call"));
}

#[test]
fn only_the_last_job_of_a_release_may_write() {
    let workflow = yaml(".github/workflows/release.yml");
    assert_eq!(workflow["permissions"], serde_json::json!({}));
    for (name, job) in workflow["jobs"].as_object().unwrap() {
        let writes = job["permissions"].as_object().unwrap().values().any(|access| access == "write");
        assert_eq!(writes, name == "publish", "{name}");
        // It runs no code of dependencies.
        let runs =
            items(&job["steps"]).any(|step| ["cargo", "archive"].iter().any(|word| text(&step["run"]).contains(word)));
        assert!(!(writes && runs), "{name}");
    }
    let all = steps(&workflow);
    let checkout = |step: &&&Value| text(&step["uses"]).starts_with("actions/checkout@");
    assert!(all.iter().filter(checkout).all(|step| step["with"]["persist-credentials"] == false));
}
