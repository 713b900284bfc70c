//! The composite action of GitHub: its steps run in a shell with the variables that the action gives them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{BINARY, ROOT, Runner, VERSION, items, steps, text, yaml};

/// Runs the step with this name; `inputs` replace the defaults of the action.
fn step(runner: &mut Runner, name: &str, inputs: &[(&str, &str)]) -> (i32, String) {
    let action = yaml("action.yml");
    let defaults = action["inputs"].as_object().unwrap();
    let mut known: BTreeMap<String, String> =
        defaults.iter().map(|(name, input)| (format!("inputs.{name}"), text(&input["default"]).to_owned())).collect();
    for (name, value) in inputs {
        let known =
            known.get_mut(&format!("inputs.{name}")).unwrap_or_else(|| panic!("the action has no input {name}"));
        (*value).clone_into(known);
    }
    for (context, value) in [
        ("github.action_path", ROOT),
        ("github.action_repository || github.repository", "platform/ingress-guard"),
        ("github.server_url", "https://git.example.com"),
    ] {
        known.insert(context.to_owned(), value.to_owned());
    }
    let steps = steps(&action);
    let step = steps.iter().find(|step| step["name"] == name).unwrap();
    for (name, value) in step["env"].as_object().unwrap() {
        let value = text(value);
        let expression = value.strip_prefix("${{ ").and_then(|value| value.strip_suffix(" }}"));
        runner.set(name, expression.map_or(value, |expression| &known[expression]));
    }
    runner.run(text(&step["run"]))
}

fn install(runner: &mut Runner, inputs: &[(&str, &str)]) -> (i32, String) {
    step(runner, "Install ingress-guard", inputs)
}

fn check(runner: &mut Runner, inputs: &[(&str, &str)]) -> (i32, String) {
    step(runner, "Check Ingresses", inputs)
}

fn archive(version: &str) -> String {
    let arch = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    format!("ingress-guard-{version}-linux-{arch}.tar.gz")
}

#[test]
fn each_input_is_used_and_each_output_comes_from_a_step() {
    let source = fs::read_to_string(format!("{ROOT}/action.yml")).unwrap();
    let action = yaml("action.yml");
    for (name, input) in action["inputs"].as_object().unwrap() {
        assert!(source.contains(&format!("inputs.{name}")), "{name}");
        assert!(
            input["default"].is_string(),
            "{name}: without a default, the value of a missing input is not documented"
        );
    }
    let script = fs::read_to_string(format!("{ROOT}/action/check.sh")).unwrap();
    for (name, output) in action["outputs"].as_object().unwrap() {
        assert_eq!(output["value"], format!("${{{{ steps.check.outputs.{name} }}}}"));
        assert!(script.contains(&format!("echo \"{name}=")), "{name}");
    }
}

#[test]
fn the_release_of_the_action_is_installed_after_its_checksum_is_verified() {
    let mut runner = Runner::new().with_releases();
    runner.release(&archive(VERSION));
    let (code, output) = install(&mut runner, &[]);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains(&format!("\ningress-guard {} (commit ", env!("CARGO_PKG_VERSION"))), "{output}");
    assert_eq!(runner.read("path"), format!("{}\n", runner.path("temp/ingress-guard/bin").display()));
    let base = format!("https://git.example.com/platform/ingress-guard/releases/download/{VERSION}");
    assert_eq!(runner.read("released/asked"), format!("{base}/{}\n{base}/SHA256SUMS\n", archive(VERSION)));
}

#[test]
fn nothing_is_installed_if_the_checksum_differs_or_the_release_is_missing() {
    let other = "0".repeat(64);
    for (sums, version, error) in [
        (Some(format!("{other}  {}\n", archive(VERSION))), "", "does not have the checksum of its release"),
        // The archive is in no line.
        (Some(format!("{other}  other.tar.gz\n")), "", "does not have the checksum of its release"),
        (Some(String::new()), "", "does not have the checksum of its release"),
        (None, "", "has no SHA256SUMS: use another version"),
        (None, "v9.9.9", "release v9.9.9 of platform/ingress-guard has no "),
        (None, "latest", "neither a release, such as v0.1.0, nor \"source\""),
        (None, "v1.0.0/../../other", "neither a release, such as v0.1.0, nor \"source\""),
    ] {
        let mut runner = Runner::new().with_releases();
        runner.release(&archive(VERSION));
        match &sums {
            Some(sums) => fs::write(runner.path("released/SHA256SUMS"), sums).unwrap(),
            None => fs::remove_file(runner.path("released/SHA256SUMS")).unwrap(),
        }
        let (code, output) = install(&mut runner, &[("version", version)]);
        assert_eq!(code, 1, "{output}");
        assert!(output.contains("::error title=ingress-guard::") && output.contains(error), "{error}: {output}");
        assert!(!runner.path("temp/ingress-guard/bin/ingress-guard").exists() && runner.read("path").is_empty());
    }
}

#[test]
fn the_binary_can_be_built_from_the_action() {
    let mut runner = Runner::new();
    // The build takes minutes; the command is recorded.
    runner.program(
        "cargo",
        &format!(
            "echo \"$PWD: $*\"\nwhile [ \"$1\" != --root ]; do shift; done\nln -s {BINARY} \"$2/bin/ingress-guard\"\n"
        ),
    );
    let (code, output) = install(&mut runner, &[("version", "source")]);
    assert_eq!(code, 0, "{output}");
    let root = runner.path("temp/ingress-guard");
    assert!(output.starts_with(&format!("{ROOT}: install --locked --path . --root {}\n", root.display())), "{output}");
    assert_eq!(runner.read("path"), format!("{}/bin\n", root.display()));
}

#[test]
fn check_annotates_writes_sarif_and_fails_the_step() {
    let mut runner = Runner::new().with_binary();
    let inputs = [("paths", "ingress.yaml\ncluster\n"), ("args", "--complete --select 'IG20?' --ignore \"IG202\"")];
    let (code, output) = check(&mut runner, &inputs);
    assert_eq!(code, 1, "{output}");
    assert!(output.starts_with("::error title=IG201 service-not-found,file=ingress.yaml,line=26,"), "{output}");
    assert!(!output.contains("IG202") && !output.contains("IG310"), "{output}");
    let sarif = runner.path("temp/ingress-guard.sarif");
    assert_eq!(runner.read("output"), format!("exit-code=1\nsarif={}\n", sarif.display()));
    let report: Value = serde_json::from_str(&fs::read_to_string(sarif).unwrap()).unwrap();
    assert_eq!(report["runs"][0]["results"][0]["ruleId"], "IG201");
}

#[test]
fn inputs_of_the_action_are_flags_of_check() {
    let mut runner = Runner::new().with_binary();
    fs::write(runner.path("work/my config.yaml"), "checks: {IG310: warn}\n").unwrap();
    let inputs = [("paths", "ingress.yaml"), ("config", "my config.yaml")];
    assert_eq!(check(&mut runner, &inputs).0, 0);
    let (code, output) = check(&mut runner, &[&inputs[..], &[("fail-on", "warn")]].concat());
    assert_eq!(code, 1, "{output}");
    assert!(runner.read("output").starts_with("exit-code=0\n"));
}

#[test]
fn charts_are_rendered_only_if_the_input_asks_for_it() {
    let mut runner = Runner::new().with_binary();
    let marker = runner.path("rendered");
    for tool in ["helm", "kustomize", "kubectl"] {
        runner.program(tool, &format!("touch {}\nexit 1\n", marker.display()));
    }
    fs::create_dir(runner.path("work/chart")).unwrap();
    fs::write(runner.path("work/chart/Chart.yaml"), "apiVersion: v2\nname: shop\nversion: 1.0.0\n").unwrap();
    check(&mut runner, &[("paths", "chart")]);
    assert!(!marker.exists(), "the default runs no program");
    let (_, output) = check(&mut runner, &[("paths", "chart"), ("render", "auto")]);
    assert!(marker.exists(), "{output}");
}

#[test]
fn no_input_becomes_a_command_or_a_flag() {
    let mut runner = Runner::new().with_binary();
    for input in ["paths", "args", "config", "fail-on", "render"] {
        for value in
            ["$(touch stolen)", "`touch stolen`", "; touch stolen", "\"; touch stolen; \"", "'$(touch stolen)'"]
        {
            let (code, output) = check(&mut runner, &[(input, value)]);
            assert_eq!(code, 2, "{input}: {value}: {output}");
            assert!(!runner.path("work/stolen").exists(), "{input}: {value}");
        }
    }
    let (code, output) = check(&mut runner, &[("paths", "--help")]);
    assert_eq!(code, 2, "{output}");
    assert!(output.contains("::error file=--help::No such file or directory"), "{output}");
    let (code, output) = check(&mut runner, &[("args", "--select 'IG201")]);
    assert_eq!(code, 2, "{output}");
    assert!(output.contains("::error title=ingress-guard::input \"args\" has a quote without an end"), "{output}");
}

#[test]
fn without_paths_the_action_only_installs() {
    let action = yaml("action.yml");
    let run = items(&action["runs"]["steps"]).map(|step| (text(&step["name"]), text(&step["if"])));
    let conditions: Vec<(&str, &str)> = run.collect();
    assert_eq!(conditions[0].1, "");
    assert_eq!(conditions[1], ("Check Ingresses", "inputs.paths != ''"));
    // Findings are uploaded although they have failed the step before.
    assert!(conditions[2].1.contains("!cancelled()") && conditions[2].1.contains("steps.check.outputs.sarif != ''"));
}

#[test]
fn the_shell_scripts_are_executable_and_stop_at_an_error() {
    for script in ["action/check.sh", "action/install.sh", "deploy/dist.sh"] {
        let text = fs::read_to_string(format!("{ROOT}/{script}")).unwrap();
        assert!(text.contains("\nset -euo pipefail\n"), "{script}");
        let mode = fs::metadata(format!("{ROOT}/{script}")).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script}");
    }
}
