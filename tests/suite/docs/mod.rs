//! The documents: their commands, the output of these commands, their flags, and the generated reference of the
//! configuration.

mod commands;
mod reference;

use std::path::Path;
use std::process::{Command, Stdio};

use ingress_guard::checks;
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::Serving;
use crate::console;
use crate::registry::files_below;
use crate::skipped::skipped;
pub(crate) use reference::configuration;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
/// First words of blocks that need only the binary.
const LOCAL: [&str; 3] = ["ingress-guard", "curl", "echo"];
/// First words of blocks that the end-to-end tests run.
const IN_A_CLUSTER: [&str; 1] = ["kubectl"];

/// A shell in a copy of `examples`, with the binary in `PATH`.
struct Shell {
    folder: TempDir,
    status: i32,
    webhook: Option<Serving>,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
        let copied = Command::new("cp").arg("-r").arg(examples).arg(folder.path()).status().unwrap();
        assert!(copied.success());
        Self { folder, status: 0, webhook: None }
    }

    /// Returns the output that a terminal shows after the command.
    fn run(&mut self, command: &str) -> String {
        let command = if command.starts_with("curl ") {
            let webhook = self.webhook.get_or_insert_with(|| Serving::start(&["--manifests", "examples/cluster"]));
            command.replace("127.0.0.1:8443", &webhook.webhook.to_string())
        } else {
            command.to_owned()
        };
        let binaries = Path::new(env!("CARGO_BIN_EXE_ingress-guard")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("bash")
            .args(["-c", &format!("(exit {}); {{ {command}\n}} 2>&1", self.status)])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{}:{path}", binaries.display()))
            .env("KUBECONFIG", "/no/such/kubeconfig")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        self.status = output.status.code().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the output of `kubectl apply -f examples/ingress.yaml`, from the response to the same review. The
    /// end-to-end tests run the command itself.
    fn apply(&mut self) -> String {
        let answer = self.run(
            "curl -sk https://127.0.0.1:8443/validate -H 'content-type: application/json' \
             --data-binary @examples/reviews/bad.json",
        );
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let warnings = answer["response"]["warnings"].as_array().into_iter().flatten();
        let warnings = warnings.fold(String::new(), |all, text| all + "Warning: " + text.as_str().unwrap() + "\n");
        format!(
            "{warnings}Error from server (Forbidden): error when creating \"examples/ingress.yaml\": admission webhook \
             \"validate.ingress-guard.io\" denied the request: {}\n",
            answer["response"]["status"]["message"].as_str().unwrap()
        )
    }
}

#[test]
fn documented_commands_print_the_documented_output() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skipped("documented commands: curl not found");
    }
    let (mut commands, mut stale) = (0, Vec::new());
    for path in console::documents() {
        let mut shell = Shell::new();
        match console::verify(&path, &LOCAL, |command| shell.run(command)) {
            Ok(count) => commands += count,
            Err(difference) => stale.push(difference),
        }
    }
    let denial = console::verify(Path::new(README), &IN_A_CLUSTER, |command| {
        assert_eq!(command, "kubectl apply -f examples/ingress.yaml");
        Shell::new().apply()
    });
    stale.extend(denial.err());
    assert!(stale.is_empty(), "{}", stale.join("\n"));
    assert!(commands >= 10, "only {commands} commands were run");
}

#[test]
fn every_console_block_has_a_runner() {
    for path in console::documents() {
        for block in std::fs::read_to_string(&path).unwrap().split("```console\n").skip(1) {
            let word =
                block.strip_prefix("$ ").and_then(|command| command.split([' ', '\n']).next()).unwrap_or_default();
            let is_known = LOCAL.contains(&word) || IN_A_CLUSTER.contains(&word);
            assert!(is_known, "{}: no test runs {word:?}; use a text block", path.display());
        }
    }
}

#[test]
fn the_readme_is_short_and_counts_the_checks() {
    let readme = std::fs::read_to_string(README).unwrap();
    let lines = readme.lines().count();
    assert!(lines <= 150, "README.md has {lines} lines, at most 150");
    let checks = format!("**{} checks**", checks::ALL.len());
    assert!(readme.contains(&checks), "README.md does not contain {checks}");
}

/// Returns the anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches(['#', ' ']).to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_between_documents_have_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = ["docs", "chart", "deploy", "certs"].map(|folder| files_below(folder, "md")).concat();
    documents.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(Into::into));
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for document in documents {
        let text = std::fs::read_to_string(root.join(&document)).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http") && !link.contains(' ')) {
            seen += 1;
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = root.join(&document).parent().unwrap().join(path);
            let target = if path.is_empty() { root.join(&document) } else { target };
            let has_heading = || {
                let text = std::fs::read_to_string(&target).unwrap_or_default();
                text.lines().any(|line| line.starts_with('#') && anchor(line) == heading)
            };
            if !target.exists() || !heading.is_empty() && !has_heading() {
                wrong.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} links were found");
}
