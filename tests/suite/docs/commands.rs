//! The commands and flags in Markdown exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::Command;
use ingress_guard::cli;

use crate::registry::files_below;

/// Flags of other programs that documents mention without the program.
const FOREIGN: [&str; 21] = [
    "--annotations-prefix",
    "--configmap",
    "--deep-inspect",
    "--default-backend-service",
    "--default-server-port",
    "--default-ssl-certificate",
    "--disable-catch-all",
    "--disable-full-test",
    "--disable-svc-external-name",
    "--dry-run",
    "--enable-annotation-validation",
    "--enable-ssl-passthrough",
    "--enable-topology-aware-routing",
    "--ingress-class",
    "--ingress-class-by-name",
    "--reset-then-reuse-values",
    "--reuse-values",
    "--set",
    "--watch-ingress-without-class",
    "--watch-namespace",
    "--watch-namespace-selector",
];

/// Returns the code of a document: the lines of fenced blocks, and inline code.
fn code(document: &str) -> (Vec<String>, Vec<String>) {
    let (mut blocks, mut inline) = (Vec::new(), Vec::new());
    let mut fenced = false;
    for line in document.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            blocks.push(line.trim_start_matches("$ ").to_owned());
        } else {
            inline.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    (blocks, inline)
}

/// Returns the words of each call of the program in a piece of code.
fn calls(code: &str) -> Vec<Vec<&str>> {
    let parts = code.split(['|', ';', '\'', '"', '(', ')']).map(str::trim);
    let calls = parts.filter_map(|part| part.strip_prefix("ingress-guard "));
    calls.map(|call| call.split_whitespace().take_while(|word| !word.starts_with('#')).collect()).collect()
}

fn flags(command: &Command) -> BTreeSet<String> {
    let flags = command.get_arguments().filter_map(|argument| argument.get_long()).map(|long| format!("--{long}"));
    flags.chain(["--help".to_owned(), "--version".to_owned()]).collect()
}

#[test]
fn documented_commands_and_flags_exist() {
    let command = cli::command();
    let known: BTreeMap<String, BTreeSet<String>> =
        command.get_subcommands().map(|command| (command.get_name().to_owned(), flags(command))).collect();
    let every: BTreeSet<&str> = known.values().flatten().map(String::as_str).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents: Vec<_> =
        ["docs", "chart", "deploy", "certs", "src"].map(|folder| files_below(folder, "md")).concat();
    documents.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(Into::into));
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for document in documents {
        let (blocks, inline) = code(&std::fs::read_to_string(root.join(&document)).unwrap());
        for code in blocks.iter().chain(&inline) {
            for call in calls(code) {
                seen += 1;
                let Some((name, words)) = call.split_first() else { continue };
                // `ingress-guard --help`, or a placeholder in capitals.
                if name.starts_with('-') || name.starts_with(|c: char| !c.is_ascii_lowercase()) {
                    continue;
                }
                let Some(flags) = known.get(*name) else {
                    wrong.push(format!("{}: no command {name:?}: {code}", document.display()));
                    continue;
                };
                for word in words.iter().filter(|word| word.starts_with("--")) {
                    let flag = word.split('=').next().unwrap_or_default();
                    if !flags.contains(flag) {
                        wrong.push(format!("{}: {name} has no flag {flag}: {code}", document.display()));
                    }
                }
            }
        }
        for flag in inline.iter().filter(|code| code.starts_with("--")) {
            let flag = flag.split([' ', '=']).next().unwrap_or_default();
            if !every.contains(flag) && !FOREIGN.contains(&flag) {
                wrong.push(format!("{}: no command has the flag {flag}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 20, "only {seen} commands were found");
}
