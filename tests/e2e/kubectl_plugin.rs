//! The binary as a plugin, run by a real kubectl. It needs no cluster.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::assets;

/// kubectl with the links of the plugin in `PATH`.
struct Kubectl {
    program: PathBuf,
    folder: TempDir,
}

impl Kubectl {
    fn with_plugin() -> Option<Self> {
        let kubectl = Self { program: assets::find()?.join("kubectl"), folder: tempfile::tempdir().unwrap() };
        for name in ["kubectl-ingress_guard", "kubectl_complete-ingress_guard"] {
            symlink(env!("CARGO_BIN_EXE_ingress-guard"), kubectl.folder.path().join(name)).unwrap();
        }
        Some(kubectl)
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(&self.program)
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .envs([("PATH", self.folder.path()), ("HOME", self.folder.path())])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code().unwrap(), text)
    }
}

#[test]
fn kubectl_runs_the_plugin_under_both_spellings() {
    let Some(kubectl) = Kubectl::with_plugin() else { return };
    let arguments = ["check", "examples/ingress.yaml", "examples/cluster", "--complete", "--select", "IG201"];
    for name in ["ingress-guard", "ingress_guard"] {
        let (code, output) = kubectl.run(&[&[name], &arguments[..]].concat());
        assert_eq!(code, 1, "{output}");
        assert!(output.starts_with("deny[IG201 service-not-found]"), "{output}");
    }
    let (code, output) = kubectl.run(&["ingress-guard", "explain"]);
    assert_eq!(code, 2, "{output}");
    assert!(output.contains("Usage: kubectl ingress-guard explain "), "{output}");
    let (code, output) = kubectl.run(&["plugin", "list"]);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("/kubectl-ingress_guard\n") && !output.contains("warning"), "{output}");
}

#[test]
fn kubectl_completes_commands_and_flags_of_the_plugin() {
    let Some(kubectl) = Kubectl::with_plugin() else { return };
    let completed = |words: &[&str]| {
        let (code, output) = kubectl.run(&[&["__complete", "ingress-guard"], words].concat());
        assert_eq!(code, 0, "{output}");
        output
    };
    let commands = completed(&["ch"]);
    assert!(commands.starts_with("check\tCheck manifest files before they are applied\n"), "{commands}");
    assert!(commands.contains(":4\n"), "{commands}");
    assert!(completed(&["check", "--fail-on", "d"]).starts_with("deny\n"));
    assert!(completed(&["check", "--compl"]).starts_with("--complete\t"));
    let files = completed(&["check", "exam"]);
    assert!(files.starts_with(":0\n"), "the shell completes files: {files}");
}
