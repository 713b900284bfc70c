//! The walls of the house: who may use whom, how large a room may be, and that documents name files that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::registry::files_below;

/// From the foundation up: a module uses those before it in this list, and itself.
const LAYERS: [&[&str]; 11] = [
    &["model"],
    &["finding"],
    &["cluster", "document"],
    &["routing"],
    &["checks"],
    &["engine", "policy"],
    &["analysis", "admission"],
    &["config"],
    &["report", "explain"],
    &["server", "telemetry"],
    &["cli"],
];

fn layer(module: &str) -> usize {
    LAYERS.iter().position(|layer| layer.contains(&module)).unwrap_or_else(|| panic!("{module} is in no layer"))
}

/// `src/checks/tls/x.rs` → `checks`
fn module(path: &Path) -> String {
    let first = path.components().nth(1).unwrap().as_os_str().to_str().unwrap();
    first.strip_suffix(".rs").unwrap_or(first).to_owned()
}

fn sources() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = files_below("src", "rs").into_iter();
    files
        .map(|path| (module(&path), path.display().to_string(), fs::read_to_string(root.join(&path)).unwrap()))
        .collect()
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for (module, path, text) in sources().iter().filter(|(module, ..)| module != "main" && module != "lib") {
        // Whatever the form: `use crate::x`, `crate::x::f()`, `pub use crate::x`.
        for used in text.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if used != *module && !used.is_empty() && layer(&used) > layer(module) {
                wrong.push(format!("{path} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_these_rooms_open_these_doors() {
    // A crate, and the modules that may name it. Where a certificate's key belongs to it only rustls can say.
    let doors: [(&str, &[&str]); 11] = [
        ("axum", &["server"]),
        ("hyper", &["server"]),
        ("rustls", &["server", "model"]),
        ("kube", &["cluster", "cli"]),
        ("tokio", &["server", "cli", "main", "cluster", "admission"]),
        ("prometheus_client", &["telemetry", "server"]),
        ("tracing", &["telemetry", "server", "cli", "cluster"]),
        ("serde_saphyr", &["cluster", "config", "document"]),
        ("granit_parser", &["document"]),
        ("tower_http", &["server"]),
        ("k8s_openapi", &["admission", "server"]),
    ];
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        for (door, rooms) in doors {
            let opens = text.contains(&format!("{door}::")) && !text.contains(&format!("_{door}::"));
            if opens && !rooms.contains(&module.as_str()) {
                wrong.push(format!("{path} uses {door}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn checks_neither_wait_nor_speak_nor_look_at_the_clock() {
    for (module, path, text) in sources() {
        if matches!(module.as_str(), "checks" | "routing" | "model" | "finding") {
            for word in [
                "async ",
                ".await",
                "println!",
                "tracing::",
                "std::fs",
                "std::net",
                "std::process",
                "SystemTime",
                "Instant",
                "Timestamp::now",
            ] {
                assert!(!text.contains(word), "{path} has {word:?}: checks are pure");
            }
        }
    }
}

#[test]
fn rooms_are_small_and_say_what_lives_in_them() {
    for (_, path, text) in sources() {
        let lines = text.lines().count();
        let cap = match path.as_str() {
            "src/main.rs" => 40,
            check if check.starts_with("src/checks/") => 150,
            _ => 400,
        };
        assert!(lines <= cap, "{path} has {lines} lines: two rooms, not one (at most {cap})");
        assert!(text.starts_with("//! "), "{path} does not open with a line on what lives there");
    }
    for name in ["utils", "util", "common", "helpers", "misc"] {
        assert!(
            !sources().iter().any(|(_, path, _)| path.contains(&format!("/{name}"))),
            "{name} is no name for a room"
        );
    }
}

#[test]
fn paths_that_documents_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents: Vec<_> = ["docs", "src", "examples", "certs", "deploy", "chart", "tests"]
        .iter()
        .filter(|folder| root.join(folder).exists())
        .flat_map(|folder| files_below(folder, "md"))
        .collect();
    let top = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    documents.extend(
        top.filter(|path| path.extension().is_some_and(|e| e == "md"))
            .map(|p| p.strip_prefix(root).unwrap().to_owned()),
    );
    assert!(documents.len() > 10, "too few documents were looked at: {documents:?}");
    let mut missing = BTreeSet::new();
    for document in &documents {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let words = text.split(|c: char| c.is_whitespace() || "`()[]|,;\"'<>".contains(c));
        for word in words.map(|word| word.trim_end_matches(['.', ':', '/'])) {
            let named = word.strip_prefix("../").unwrap_or(word);
            // A line and a column may follow.
            let named = named.split(':').next().unwrap_or(named);
            let ours = ["src/", "docs/", "tests/", "chart/", "deploy/", "examples/", "certs/", "benches/", ".ci/"];
            // Patterns and output folders are no files.
            if ours.iter().any(|start| named.starts_with(start))
                && !named.contains(['*', '{', '$', '…'])
                && named != "certs/dev"
            {
                let beside = document.parent().map(|folder| root.join(folder).join(word));
                if !root.join(named).exists() && !beside.is_some_and(|path| path.exists()) {
                    missing.insert(format!("{}: {word}", document.display()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
