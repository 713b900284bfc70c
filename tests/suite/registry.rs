//! The registry of checks is complete: files, pages, generated documents and permissions agree with `checks::ALL`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ingress_guard::checks::{self, Check, Release};
use ingress_guard::config;
use ingress_guard::finding::Level;
use ingress_guard::model::{Kind, Kinds};
use ingress_guard::report;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Returns every file below a folder, by its path from the project's root.
pub(crate) fn files_below(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|found| found == extension) {
                found.push(entry.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn stems(extension: &str) -> BTreeSet<String> {
    let files = files_below("src/checks", extension).into_iter().filter(|path| path.components().count() == 4);
    // Besides its checks a folder has `mod.rs` and code that several of them share.
    let is_check = |path: &PathBuf| {
        extension != "rs" || fs::read_to_string(root().join(path)).unwrap().contains(": Check = Check {")
    };
    files.filter(is_check).map(|path| stem(&path)).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_check_has_a_file_a_page_and_a_place_in_the_registry() {
    let registered: BTreeSet<String> = checks::ALL.iter().map(|check| check.name.replace('-', "_")).collect();
    assert_eq!(stems("rs"), registered, "files in src/checks and checks::ALL differ");
    assert_eq!(stems("md"), registered, "pages in src/checks and checks::ALL differ");
}

#[test]
fn codes_are_in_order_and_names_are_unique() {
    assert!(checks::ALL.windows(2).all(|pair| pair[0].code < pair[1].code), "checks::ALL is in the order of the codes");
    let names: BTreeSet<_> = checks::ALL.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), checks::ALL.len());
    for check in checks::ALL {
        let number = check.code.strip_prefix("IG").unwrap();
        assert!(number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()), "{}", check.code);
        assert!(check.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", check.name);
        let remedy =
            ["no-", "missing-", "use-", "require-", "check-for"].iter().any(|start| check.name.starts_with(start));
        assert!(!remedy, "{}: a name describes the problem, not the fix", check.name);
    }
}

#[test]
fn strict_levels_are_at_least_those_of_guard() {
    for check in checks::ALL {
        assert!(check.levels.strict >= check.levels.guard, "{}", check.code);
    }
}

#[test]
fn unwaivable_checks_are_as_listed() {
    let unwaivable: Vec<_> = checks::ALL.iter().filter(|check| !check.waivable).map(|check| check.code).collect();
    assert_eq!(
        unwaivable,
        [
            "IG107", "IG212", "IG302", "IG312", "IG314", "IG315", "IG411", "IG502", "IG505", "IG608", "IG611", "IG612",
            "IG613", "IG801", "IG802", "IG804", "IG805", "IG901", "IG902", "IG903", "IG904"
        ]
    );
}

fn catalogue() -> String {
    let mut text = String::from(
        "# The checks\n\n`make docs` generates this table. Each code links to its reference page, whose examples are run as tests.\n\n\
         | code | name | guard | strict | found when |\n|---|---|---|---|---|\n",
    );
    for check in checks::ALL {
        let Check { code, name, summary, levels, .. } = check;
        let page =
            files_below("src/checks", "md").into_iter().find(|path| stem(path) == name.replace('-', "_")).unwrap();
        let page = page.display();
        let _ = writeln!(text, "| [{code}](../{page}) | {name} | {} | {} | {summary} |", levels.guard, levels.strict);
    }
    let denied = checks::ALL.iter().filter(|check| check.levels.guard == Level::Deny).count();
    text + &format!("\n{} checks; {denied} of them deny under the default profile `guard`.\n", checks::ALL.len())
}

/// The kinds that the checks of the default configuration read, and Namespaces, which policy reads.
fn read_by_default() -> Kinds {
    let engine = config::Config::default().engine();
    engine.needs() | engine.hints() | Kind::Namespace.into()
}

/// Returns the rules of the `ClusterRole`. Kinds that are fetched by name are not among them: see the chart.
fn rules() -> String {
    let on_demand = config::Config::default().on_demand();
    rules_for(read_by_default().iter().filter(|kind| !on_demand.contains(*kind)), "get, list, watch")
}

/// Returns the rules of users of the commands: every kind that they list, and ConfigMaps by name.
fn reader_rules() -> String {
    let listed = Kind::ALL.into_iter().filter(|kind| ![Kind::ConfigMap, Kind::Secret].contains(kind));
    rules_for(listed, "get, list") + &rules_for([Kind::ConfigMap].into_iter(), "get")
}

fn rules_for(kinds: impl Iterator<Item = Kind>, verbs: &str) -> String {
    let mut by_group: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kind in kinds {
        by_group.entry(kind.group()).or_default().push(kind.plural());
    }
    by_group.into_iter().fold(String::new(), |mut rules, (group, mut resources)| {
        resources.sort_unstable();
        let group = if group.is_empty() { "\"\"" } else { group };
        let resources = resources.join(", ");
        let _ = write!(rules, "- apiGroups: [{group}]\n  resources: [{resources}]\n  verbs: [{verbs}]\n");
        rules
    })
}

#[test]
fn generated_documents_are_as_committed() {
    let generated = [
        ("docs/checks.md", catalogue()),
        ("docs/configuration.md", crate::docs::configuration()),
        ("docs/config.schema.json", format!("{:#}\n", config::schema())),
        ("docs/report.schema.json", format!("{:#}\n", report::schema())),
        ("chart/files/permissions.yaml", rules()),
        ("chart/files/reader.yaml", reader_rules()),
        ("chart/values.schema.json", crate::chart::schema()),
        ("chart/README.md", crate::chart::readme()),
    ];
    for (path, text) in generated {
        if std::env::var_os("UPDATE_PAGES").is_some() {
            fs::write(root().join(path), &text).unwrap();
        }
        let committed = fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(committed == text, "{path} is outdated: make docs");
    }
}

#[test]
fn a_scaffolded_check_is_registered_in_order() {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("src")).unwrap();
    for (from, to) in [("src/checks", "src"), ("Cargo.toml", "")] {
        let copied =
            std::process::Command::new("cp").arg("-r").arg(root().join(from)).arg(copy.path().join(to)).status();
        assert!(copied.unwrap().success());
    }
    let checks = copy.path().join("src/checks");
    let scaffold = |arguments: [&str; 3]| {
        std::process::Command::new(checks.join("new-check.sh")).args(arguments).output().unwrap().status.code()
    };
    // An unused code: 299 is the last one for backends.
    assert_eq!(scaffold(["IG299", "service-not-visible", "backend"]), Some(0));
    let read = |path: &str| fs::read_to_string(checks.join(path)).unwrap();
    assert!(read("backend/service_not_visible.rs").contains("code: \"IG299\""));
    assert!(read("backend/service_not_visible.rs").contains(&format!(
        "since: Release({}, {})",
        Release::CURRENT.0,
        Release::CURRENT.1
    )));
    let page = read("backend/service_not_visible.md");
    assert!(page.starts_with("# IG299 service-not-visible\n"));
    let headings =
        |page: &str| page.lines().filter(|line| line.starts_with("## ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(headings(&page), headings(checks::ALL[0].page));
    assert!(read("backend/mod.rs").contains("mod service_not_visible;"));
    let registry = read("registry.rs");
    let place = |name: &str| registry.find(&format!("&{name},")).unwrap();
    assert!(place("backend::SERVICE_PORT_NOT_TCP") < place("backend::SERVICE_NOT_VISIBLE"));
    assert!(place("backend::SERVICE_NOT_VISIBLE") < place("path::PATH_EXACT_ROOT_ONLY"));

    assert_eq!(scaffold(["IG299", "another-problem", "backend"]), Some(2), "a code is never used twice");
    assert_eq!(scaffold(["IG298", "OneWord", "backend"]), Some(2));
    assert_eq!(scaffold(["IG298", "another-problem", "nowhere"]), Some(2));
    assert_eq!(scaffold(["IG398", "another-problem", "backend"]), Some(2), "the first digit belongs to the folder");
}

#[test]
fn the_cluster_role_grants_exactly_what_is_read() {
    let manifests = fs::read_to_string(root().join("deploy/ingress-guard.yaml")).unwrap();
    let objects =
        manifests.split("\n---").filter_map(|part| serde_saphyr::from_str::<Option<serde_json::Value>>(part).unwrap());
    let objects: Vec<_> = objects.collect();
    let rules = |kind: &str, name: &str| {
        let mut named = objects.iter().filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
        named.next().unwrap()["rules"].clone()
    };
    // Writes only to two objects, by name.
    let one = |group: &str, resource: &str, name: &str, verb: &str| serde_json::json!([{"apiGroups": [group], "resources": [resource], "resourceNames": [name], "verbs": ["get", verb]}]);
    let certificates = "ingress-guard-webhook-ca";
    assert_eq!(rules("Role", certificates), one("", "secrets", certificates, "update"));
    let configuration =
        one("admissionregistration.k8s.io", "validatingwebhookconfigurations", "ingress-guard", "patch");
    assert_eq!(rules("ClusterRole", certificates), configuration);
    let mut granted = BTreeSet::new();
    for rule in rules("ClusterRole", "ingress-guard").as_array().unwrap() {
        let texts = |field: &str| -> Vec<String> {
            rule[field].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        for resource in texts("resources") {
            granted.insert(format!("{}/{resource}: {}", texts("apiGroups").join(","), texts("verbs").join(",")));
        }
    }
    let on_demand = config::Config::default().on_demand();
    let verbs = |kind| if on_demand.contains(kind) { "get" } else { "get,list,watch" };
    let expected =
        read_by_default().iter().map(|kind| format!("{}/{}: {}", kind.group(), kind.plural(), verbs(kind))).collect();
    assert_eq!(granted, expected);
}
