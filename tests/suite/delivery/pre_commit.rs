//! The hooks of pre-commit, run by pre-commit itself in a temporary repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{ROOT, Runner, VERSION, items, text, yaml};
use crate::skipped::skipped;

const PRE_COMMIT: &str = "pre-commit==4.7.0";

/// The program in a virtual environment, which is kept for later runs. `None` if it cannot be installed.
fn installed() -> Option<PathBuf> {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PRE_COMMIT);
    let program = environment.join("bin/pre-commit");
    let does = |command: &mut Command| {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if !does(Command::new(&program).arg("--version")) {
        let is_created = does(Command::new("git").arg("--version"))
            && does(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))
            && does(Command::new(environment.join("bin/pip")).args(["install", PRE_COMMIT]));
        if !is_created {
            skipped("the hooks of pre-commit: no Git, or Python 3 with venv and pip cannot install pre-commit");
            return None;
        }
    }
    Some(program)
}

#[test]
fn both_hooks_check_directories_and_not_the_staged_files() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let ids: Vec<(&str, &str)> = items(&hooks).map(|hook| (text(&hook["id"]), text(&hook["language"]))).collect();
    assert_eq!(ids, [("ingress-guard", "rust"), ("ingress-guard-system", "system")]);
    for hook in items(&hooks) {
        assert_eq!(hook["pass_filenames"], false);
        assert_eq!((text(&hook["entry"]), &hook["types"][0]), ("ingress-guard check --render never", &"yaml".into()));
    }
    let example = yaml("examples/ci/pre-commit.yaml");
    assert_eq!((text(&example["repos"][0]["rev"]), text(&example["repos"][0]["hooks"][0]["id"])), (VERSION, ids[0].0));
}

#[test]
fn the_hook_stops_a_commit_with_a_finding() {
    let Some(program) = installed() else { return };
    let mut runner = Runner::new().with_binary();
    let cache = runner.path("cache").display().to_string();
    runner.set("PRE_COMMIT_HOME", &cache);
    for (name, value) in [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")] {
        runner.set(name, value);
    }
    for role in ["AUTHOR", "COMMITTER"] {
        runner.set(&format!("GIT_{role}_NAME"), "a");
        runner.set(&format!("GIT_{role}_EMAIL"), "a@example.com");
    }
    let hooks = runner.path("hooks");
    let run = |script: &str| runner.run(script);
    let made = run(&format!(
        "git init -q {hooks} && cp {ROOT}/.pre-commit-hooks.yaml {hooks}\n\
         cd {hooks} && git add . && git commit -qm hooks && git tag {VERSION}",
        hooks = hooks.display(),
    ));
    assert_eq!(made.0, 0, "{}", made.1);

    // The example, with the repository of the test and the hook that needs no build.
    let config = fs::read_to_string(format!("{ROOT}/examples/ci/pre-commit.yaml")).unwrap();
    let config = config.replace("https://github.com/OWNER/ingress-guard", &hooks.display().to_string());
    let config = config.replace("id: ingress-guard\n", "id: ingress-guard-system\n");
    fs::write(runner.path("work/.pre-commit-config.yaml"), config).unwrap();
    let (code, output) = run(&format!(
        "git init -q && mkdir deploy && cp ingress.yaml deploy && {program} validate-config\n\
         {program} install && git add deploy && git commit -m first",
        program = program.display(),
    ));
    assert_eq!(code, 1, "{output}");
    assert!(output.contains("ingress-guard check"), "{output}");
    assert!(output.contains("Failed") && output.contains("deny[IG310 rewrite-capture-missing]"), "{output}");
    assert!(output.contains("--> deploy/ingress.yaml:15:49"), "{output}");

    let (code, output) = run(
        "sed -i 's#rewrite-target: /$3#rewrite-target: /$2#' deploy/ingress.yaml\ngit add deploy\ngit commit -m first",
    );
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("Passed"), "{output}");

    // No staged file is YAML.
    let (code, output) = run("echo text >notes.txt && git add notes.txt && git commit -m second");
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("Skipped"), "{output}");
}
