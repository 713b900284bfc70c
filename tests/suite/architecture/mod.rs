//! Architecture rules: dependency direction between modules and files, file size limits, and no dangling paths in the
//! documentation.

mod imports;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::registry::files_below;
use imports::Imports;

/// The modules from the lowest layer up. A module imports modules of lower layers, of its own layer, and itself.
const LAYERS: [&[&str]; 19] = [
    &["parallel", "tasks", "yaml", "version"],
    &["model", "budget", "fair_queue", "file"],
    &["finding"],
    &["validation"],
    &["cluster", "document"],
    &["routing"],
    &["checks"],
    &["engine", "policy"],
    &["impact"],
    &["analysis", "admission", "repository"],
    &["config"],
    &["record"],
    &["report", "explain"],
    &["doctor", "probe"],
    &["telemetry"],
    &["certificates"],
    &["background", "prober"],
    &["server"],
    &["cli"],
];

/// The sub-layers of a module, from the lowest up, by the names of its files and folders. A sub-layer imports lower ones.
/// Within one sub-layer, only the files of one folder import each other.
const SUBLAYERS: [(&str, &[&[&str]]); 2] = [
    (
        "routing",
        &[
            &["version", "path_matching"],
            &["annotations"],
            &["location", "controller"],
            &["loading"],
            &["backend", "routes", "server_name"],
            &["hosts", "exploits"],
            &["reload"],
            &["tls"],
            &["answer"],
            &["map", "diff", "redirect", "authentication"],
        ],
    ),
    (
        "cluster",
        &[
            &["lookup"],
            &["store"],
            &["live_reads"],
            &["view"],
            &["others", "controllers", "registration"],
            &["manifests", "snapshot"],
            &["api"],
        ],
    ),
];

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or_else(|| panic!("{module} is in no layer: add it to LAYERS"))
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
fn imports_go_from_higher_to_lower_layers() {
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

fn imports(sources: &[(String, String, String)]) -> Imports {
    Imports::read(sources.iter().map(|(_, path, text)| (&**path, &**text)))
}

/// `src/routing/location/server.rs` → `routing`, `location`; `None`: the file is the facade of its module.
fn sublayer(path: &str) -> Option<(&str, &str)> {
    let (module, rest) = path.strip_prefix("src/")?.split_once('/')?;
    let first = rest.split('/').next()?.trim_end_matches(".rs");
    (first != "mod").then_some((module, first))
}

#[test]
fn imports_within_a_module_go_from_higher_to_lower_sublayers() {
    let mut wrong = Vec::new();
    for (path, imported) in &imports(&sources()).of {
        let Some((module, own)) = sublayer(path) else { continue };
        let Some((_, layers)) = SUBLAYERS.iter().find(|(of, _)| *of == module) else { continue };
        let place = |name: &str| {
            let place = layers.iter().position(|layer| layer.contains(&name));
            place.unwrap_or_else(|| panic!("{module}/{name} is in no sub-layer: add it to SUBLAYERS"))
        };
        let others = imported.iter().filter_map(|other| sublayer(other)).filter(|(of, _)| *of == module);
        let upward = others.filter(|(_, other)| *other != own && place(other) >= place(own));
        wrong.extend(upward.map(|(_, other)| format!("{path} imports {other}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The modules whose files import types from the `mod.rs` that calls them. Checks also import the registry that lists them.
const CYCLIC: [&str; 4] = ["admission", "checks", "policy", "report"];

#[test]
fn no_files_import_each_other_in_a_cycle() {
    let cycles = imports(&sources()).cycles(|path| !CYCLIC.contains(&&*module(Path::new(path))));
    assert!(cycles.is_empty(), "{cycles:#?}");
}

#[test]
fn no_modules_import_each_other_in_a_cycle() {
    let imports = imports(&sources());
    let module_of = |path: &str| module(Path::new(path));
    let edges = imports.of.iter().flat_map(|(path, imported)| {
        imported.iter().map(move |other| (module_of(path), module_of(other))).filter(|(from, to)| from != to)
    });
    let edges: BTreeSet<(String, String)> = edges.collect();
    let mutual: Vec<_> = edges.iter().filter(|(from, to)| edges.contains(&(to.clone(), from.clone()))).collect();
    assert!(mutual.is_empty(), "{mutual:#?}");
}

#[test]
fn the_location_model_and_the_store_are_pure() {
    // Decisions about Events and reports have the time as a parameter.
    let is_client = |path: &str| ["follow.rs", "writer.rs"].iter().any(|file| path.ends_with(file));
    for (_, path, text) in sources() {
        let is_decision = path.starts_with("src/background/events/") || path.starts_with("src/background/reports/");
        if is_decision && !is_client(&path) {
            for name in ["kube::", "tokio::", "Timestamp::now"] {
                assert!(!text.contains(name), "{path} names {name}: decisions have neither clock nor I/O");
            }
        }
        if path.starts_with("src/routing/location/") || path.starts_with("src/cluster/store/") {
            for name in ["kube::", "tokio::", "ClusterView"] {
                assert!(!text.contains(name), "{path} names {name}: it neither performs I/O nor reads a cluster");
            }
        }
    }
}

#[test]
fn only_these_modules_use_these_crates() {
    // A crate, and the modules that may name it. Only rustls can tell whether a key belongs to a certificate.
    let crates: [(&str, &[&str]); 11] = [
        ("axum", &["server"]),
        ("hyper", &["server", "prober"]),
        ("rustls", &["server", "model", "certificates", "prober"]),
        ("tower_http", &["server"]),
        ("k8s_openapi", &["admission", "server", "certificates", "background", "doctor", "cli"]),
        ("kube", &["cluster", "certificates", "background", "doctor", "cli"]),
        ("tokio", &["tasks", "server", "cli", "main", "cluster", "admission", "certificates", "background", "prober"]),
        ("prometheus_client", &["telemetry", "server"]),
        ("tracing", &["tasks", "telemetry", "server", "cli", "cluster", "certificates", "background"]),
        ("serde_saphyr", &["config", "repository"]),
        ("granit_parser", &["yaml"]),
    ];
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        for (name, users) in crates {
            let uses = text.contains(&format!("{name}::")) && !text.contains(&format!("_{name}::"));
            if uses && !users.contains(&module.as_str()) {
                wrong.push(format!("{path} uses {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn checks_are_pure() {
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
                assert!(
                    !text.contains(word),
                    "{path} has {word:?}: checks perform no I/O, write no output and read no clock"
                );
            }
        }
    }
}

#[test]
fn files_are_small_and_begin_with_a_module_comment() {
    for (_, path, text) in sources() {
        let lines = text.lines().count();
        let cap = match path.as_str() {
            "src/main.rs" => 40,
            check if check.starts_with("src/checks/") => 150,
            _ => 400,
        };
        assert!(lines <= cap, "{path} has {lines} lines, more than {cap}: split it");
        assert!(text.starts_with("//! "), "{path} does not begin with a module comment");
    }
    for name in ["utils", "util", "common", "helpers", "misc"] {
        assert!(
            !sources().iter().any(|(_, path, _)| path.contains(&format!("/{name}"))),
            "{name} is not a name for a module"
        );
    }
}

#[test]
fn paths_in_documents_exist() {
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
    assert!(documents.len() > 10, "too few documents: {documents:?}");
    let mut missing = BTreeSet::new();
    for document in &documents {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let words = text.split(|c: char| c.is_whitespace() || "`()[]|,;\"'<>".contains(c));
        for word in words.map(|word| word.trim_end_matches(['.', ':', '/'])) {
            let named = word.strip_prefix("../").unwrap_or(word);
            // A line and a column may follow, or an anchor.
            let named = named.split([':', '#']).next().unwrap_or(named);
            let ours = ["src/", "docs/", "tests/", "chart/", "deploy/", "examples/", "certs/", "benches/", ".ci/"];
            // Patterns and output folders are not files.
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
