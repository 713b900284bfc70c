//! The jobs of `examples/ci`: docs/ci.md shows the same files, and their scripts run with the real binary. Programs of others are
//! replaced by scripts that print manifests.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{ROOT, Runner, VERSION, items, steps, text, yaml};
use crate::registry::files_below;

/// Prints the Ingress of the examples, two of whose backends do not exist, and the objects around it.
const RENDERED: &str = "for file in ingress.yaml cluster/*.yaml; do echo ---; cat \"$file\"; done\n";

fn step<'v>(file: &'v Value, name: &str) -> &'v str {
    text(&steps(file).into_iter().find(|step| step["name"] == name).unwrap()["run"])
}

#[test]
fn the_document_shows_the_files() {
    let document = fs::read_to_string(format!("{ROOT}/docs/ci.md")).unwrap();
    let files = ["examples/ci", "examples/argocd"].map(|folder| files_below(folder, "yaml")).concat();
    assert!(files.len() >= 6);
    for file in files {
        let text = fs::read_to_string(Path::new(ROOT).join(&file)).unwrap();
        assert!(
            document.contains(&format!("```yaml\n{text}```\n")),
            "docs/ci.md does not show {} as it is",
            file.display()
        );
        assert!(
            document.contains(&format!("](../{})", file.display())),
            "docs/ci.md has no link to {}",
            file.display()
        );
    }
}

#[test]
fn the_jobs_name_the_version_of_this_repository_and_inputs_of_the_action() {
    let action = yaml("action.yml");
    for file in files_below("examples/ci", "yaml") {
        let source = fs::read_to_string(Path::new(ROOT).join(&file)).unwrap();
        assert!(source.contains(VERSION), "{}", file.display());
        let file = yaml(&file);
        for step in steps(&file).into_iter().filter(|step| text(&step["uses"]).starts_with("OWNER/")) {
            for (name, value) in step["with"].as_object().unwrap() {
                let default = &action["inputs"][name]["default"];
                assert!(default.is_string() && *default != *value, "{name}");
            }
        }
    }
}

#[test]
fn github_checks_what_a_chart_renders() {
    let runner = Runner::new().with_binary();
    runner.program("helm", &format!("[ \"$*\" = 'template shop charts/shop' ]\n{RENDERED}"));
    let script = step(&yaml("examples/ci/github.yaml"), "Check what the chart renders").to_owned();
    let (code, output) = runner.run(&script);
    assert_eq!(code, 1, "{output}");
    assert!(output.contains("::error title=IG201 service-not-found,"), "{output}");
}

#[test]
fn gitlab_verifies_the_release_and_reports_findings() {
    let job = yaml("examples/ci/gitlab.yaml")["ingress-guard"].clone();
    let scripts = ["before_script", "script"].iter().flat_map(|key| items(&job[*key]).map(text));
    let script = scripts.collect::<Vec<_>>().join("\n");
    // Not in the directory for temporary files, which jobs on one machine share.
    let runner = || {
        let mut runner = Runner::new().with_releases();
        for (name, value) in job["variables"].as_object().unwrap() {
            runner.set(name, text(value));
        }
        let programs = runner.path("programs").display().to_string();
        runner.set("INGRESS_GUARD_PATHS", "ingress.yaml cluster");
        runner.release(&format!("ingress-guard-{VERSION}-linux-amd64.tar.gz"));
        let script = script.replace("/tmp/ingress-guard", &format!("{programs}/gitlab"));
        (runner, script)
    };
    let (mut guarded, script) = runner();
    guarded.set("INGRESS_GUARD_SELECT", "IG201");
    guarded.set("INGRESS_GUARD_COMPLETE", "true");
    let (code, output) = guarded.run(&script);
    assert_eq!(code, 1, "{output}");
    assert!(output.contains("deny[IG201 service-not-found]"), "{output}");
    for (format, expected) in [("junit", "<failure"), ("codequality", "\"severity\": \"critical\"")] {
        let report = guarded.read(&format!("work/{}", text(&job["artifacts"]["reports"][format])));
        assert!(report.contains(expected), "the {format} report of a failed job is an artifact: {report}");
    }
    assert_eq!(
        (&job["artifacts"]["when"], &job["variables"]["INGRESS_GUARD_RENDER"]),
        (&"always".into(), &"never".into())
    );

    let (forged, script) = runner();
    fs::write(
        forged.path("released/SHA256SUMS"),
        format!("{}  ingress-guard-{VERSION}-linux-amd64.tar.gz\n", "0".repeat(64)),
    )
    .unwrap();
    let (code, output) = forged.run(&script);
    assert_ne!(code, 0, "{output}");
    assert!(!output.contains("Ingress"), "nothing of the archive was run: {output}");
}

#[test]
fn flux_builds_the_manifests_without_a_cluster() {
    let script = step(&yaml("examples/ci/flux.yaml"), "Check what Flux would apply").to_owned();
    let arguments =
        "build kustomization shop --dry-run --path apps/shop --kustomization-file clusters/production/shop.yaml";
    let runner = Runner::new().with_binary();
    runner.program("flux", &format!("[ \"$*\" = '{arguments}' ] || exit 64\n{RENDERED}"));
    let (code, output) = runner.run(&script);
    assert_eq!(code, 1, "{output}");
    assert!(output.contains("::error title=IG310 rewrite-capture-missing,file=-,line="), "{output}");
}

#[test]
fn a_tool_that_fails_fails_the_job() {
    for (tool, file, name) in [
        ("helm", "examples/ci/github.yaml", "Check what the chart renders"),
        ("flux", "examples/ci/flux.yaml", "Check what Flux would apply"),
    ] {
        let runner = Runner::new().with_binary();
        // It ends in the middle of its output.
        runner.program(tool, "cat cluster/shop.yaml\nexit 7\n");
        let script = step(&yaml(file), name).to_owned();
        let (code, output) = runner.run(&script);
        assert_ne!(code, 0, "{tool}: {output}");
    }
}

#[test]
fn the_client_of_argo_cd_comes_from_its_server() {
    let mut runner = Runner::new().with_releases();
    let job = yaml("examples/ci/argocd.yaml")["jobs"]["check"].clone();
    runner.set("ARGOCD_SERVER", text(&job["env"]["ARGOCD_SERVER"]));
    fs::write(runner.path("released/argocd-linux-amd64"), "#!/usr/bin/env bash\n").unwrap();
    let script = step(&yaml("examples/ci/argocd.yaml"), "Install the client of Argo CD").to_owned();
    let (code, output) = runner.run(&script);
    assert_eq!(code, 0, "{output}");
    assert_eq!(runner.read("released/asked"), "https://argocd.example.com/download/argocd-linux-amd64\n");
    let folder = runner.read("path");
    assert!(Path::new(folder.trim_end()).join("argocd").is_file(), "{folder}");
}
