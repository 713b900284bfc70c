//! The entry points for pipelines: the GitHub action, the jobs in `examples/ci`, the hooks of pre-commit, the files of a release, and the image.

mod action;
mod image;
mod jobs;
mod pre_commit;
mod release;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::registry::files_below;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const BINARY: &str = env!("CARGO_BIN_EXE_ingress-guard");
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

fn yaml(path: impl AsRef<Path>) -> Value {
    let path = Path::new(ROOT).join(path);
    serde_saphyr::from_str(&fs::read_to_string(&path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A runner of a pipeline: a working directory with the examples, and programs in `PATH` before those of the machine.
struct Runner {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl Runner {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["programs", "temp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let copied =
            Command::new("cp").args(["-r", &format!("{ROOT}/examples")]).arg(folder.path().join("work")).status();
        assert!(copied.unwrap().success());
        let mut runner = Self { folder, variables: BTreeMap::new() };
        let machine = std::env::var("PATH").unwrap();
        for (name, value) in [
            ("PATH", format!("{}:{machine}", runner.path("programs").display())),
            ("HOME", runner.path("temp").display().to_string()),
            ("KUBECONFIG", "/no/such/kubeconfig".to_owned()),
            ("RUNNER_TEMP", runner.path("temp").display().to_string()),
            ("GITHUB_PATH", runner.path("path").display().to_string()),
            ("GITHUB_OUTPUT", runner.path("output").display().to_string()),
            ("CI_PROJECT_DIR", runner.path("work").display().to_string()),
        ] {
            runner.set(name, &value);
        }
        runner
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Adds a program to `PATH`, as a shell script.
    fn program(&self, name: &str, script: &str) {
        executable(&self.path("programs").join(name), script);
    }

    /// Adds the real binary to `PATH`.
    fn with_binary(self) -> Self {
        std::os::unix::fs::symlink(BINARY, self.path("programs/ingress-guard")).unwrap();
        self
    }

    /// Adds a `curl` that reads `https://host/…/NAME` from `NAME` in the folder `released`.
    fn with_releases(self) -> Self {
        fs::create_dir(self.path("released")).unwrap();
        self.program(
            "curl",
            "out=\nwhile [ $# -gt 0 ]; do case $1 in\n\
             --output | -o) out=$2; shift ;;\n--retry | --proto) shift ;;\nhttps://*) url=$1 ;;\nesac; shift; done\n\
             echo \"$url\" >>\"$RELEASED/asked\"\nname=${url##*/}\ncp \"$RELEASED/$name\" \"${out:-$name}\" || exit 22\n",
        );
        let mut runner = self;
        let released = runner.path("released").display().to_string();
        runner.set("RELEASED", &released);
        runner
    }

    /// Puts a release of the real binary into the folder `released`: an archive and its checksum.
    fn release(&self, archive: &str) {
        let released = self.path("released");
        // Packing the debug build takes seconds.
        executable(&released.join("ingress-guard"), &format!("exec {BINARY} \"$@\"\n"));
        let pack = format!("tar -czf {archive} ingress-guard && sha256sum {archive} >SHA256SUMS");
        assert!(Command::new("bash").args(["-c", &pack]).current_dir(released).status().unwrap().success());
    }

    /// Runs a script as GitHub and GitLab do, and returns its exit code and output.
    fn run(&self, script: &str) -> (i32, String) {
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &format!("exec 2>&1\n{script}")])
            .current_dir(self.path("work"))
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }
}

fn executable(path: &Path, script: &str) {
    fs::write(path, format!("#!/usr/bin/env bash\n{script}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The workflows of GitHub that this repository contains or shows, and the action.
fn workflows() -> Vec<(PathBuf, Value)> {
    let mut paths = files_below("examples/ci", "yaml");
    paths.extend([PathBuf::from("action.yml"), PathBuf::from(".github/workflows/release.yml")]);
    let all = paths.into_iter().map(|path| (path.clone(), yaml(&path)));
    all.filter(|(_, file)| file["jobs"].is_object() || file["runs"].is_object()).collect()
}

/// The steps of a workflow or of an action.
fn steps(file: &Value) -> Vec<&Value> {
    let jobs = file["jobs"].as_object().into_iter().flat_map(|jobs| jobs.values());
    jobs.chain([&file["runs"]]).flat_map(|job| items(&job["steps"])).collect()
}

#[test]
fn scripts_of_workflows_contain_no_expressions_and_their_actions_are_pinned() {
    let workflows = workflows();
    assert!(workflows.len() >= 5);
    for (path, file) in workflows {
        let source = fs::read_to_string(Path::new(ROOT).join(&path)).unwrap();
        for step in steps(&file) {
            assert!(!text(&step["run"]).contains("${{"), "{}: {step}", path.display());
            let uses = text(&step["uses"]);
            let Some((action, at)) = uses.split_once('@') else { continue };
            let is_commit = at.len() == 40 && at.chars().all(|c| c.is_ascii_hexdigit());
            // The version of a commit stands in a comment.
            let is_named = source.contains(&format!("{uses} # v"));
            let is_own = (action, at) == ("OWNER/ingress-guard", VERSION);
            assert!(is_own || is_commit && is_named, "{}: {uses}", path.display());
        }
        // A step of its own has the default shell of GitHub, which ignores failures on the left side of a pipe.
        for step in steps(&file).into_iter().filter(|step| text(&step["run"]).contains('|')) {
            assert_eq!(step["shell"], "bash", "{}: {step}", path.display());
        }
    }
}
