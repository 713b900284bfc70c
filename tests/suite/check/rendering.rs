//! Kustomizations and charts: what is rendered, what is refused before a program runs, and the bounds of the programs.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{CLASS, SERVICE, folder, ingress};
use crate::skipped::skipped;

/// A search path with the programs that render.
pub(super) struct Tools {
    pub(super) path: OsString,
}

/// Finds helm, and kubectl or kustomize; `None`: the test is skipped.
pub(super) fn tools() -> Option<Tools> {
    let home = PathBuf::from(std::env::var_os("HOME")?);
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    let built = fs::read_dir(cache.join("ingress-guard/envtest")).into_iter().flatten().flatten();
    let built = built.map(|entry| entry.path()).filter(|folder| folder.join("kubectl").is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        assets.into_iter().chain(built).chain([home.join("go/bin")]).chain(std::env::split_paths(&path)).collect();
    let has = |name: &str| folders.iter().any(|folder| folder.join(name).is_file());
    for (is_found, name) in [(has("helm"), "helm"), (has("kubectl") || has("kustomize"), "kubectl")] {
        if !is_found {
            skipped(&format!("rendering of repositories, {name} not found"));
            return None;
        }
    }
    Some(Tools { path: std::env::join_paths(folders).unwrap() })
}

/// Runs `check` with a search path and returns its report in JSON.
fn check(path: &OsString, folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = run(path, folder, &[arguments, &["-o", "json"]].concat());
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

fn run(path: &OsString, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    command.arg("check").args(arguments).env("PATH", path).current_dir(folder).output().unwrap()
}

/// `name: reason` of each root that is not rendered.
fn not_rendered(report: &Value) -> Vec<String> {
    let roots = report["roots"].as_array().unwrap().iter();
    let reason = |root: &Value| Some(format!("{}: {}", root["name"].as_str()?, root["notRendered"].as_str()?));
    roots.filter_map(reason).collect()
}

/// A program in a folder of its own, and the search path with it.
fn program(name: &str, script: &str) -> (TempDir, OsString) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::join_paths([folder.path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    (folder, path)
}

/// A kustomization that has to be rendered.
fn kustomized() -> TempDir {
    folder(&[
        ("kustomization.yaml", "namespace: shop\nresources: [web.yaml]\n"),
        ("web.yaml", &ingress("web", "web", 80)),
    ])
}

fn chart(more: &[(&str, &str)]) -> TempDir {
    let web = format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81));
    let files = [("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 0.1.0\n"), ("app/templates/web.yaml", &web)];
    folder(&[&files, more].concat())
}

#[test]
fn roots_that_need_the_network_or_a_plugin_are_refused() {
    // The program would be called: it writes a file.
    let (marker, path) = program("kustomize", "touch \"$(dirname \"$0\")/called\"");
    for (kustomization, reason) in [
        ("resources: ['https://example.com/a.yaml']", "\"https://example.com/a.yaml\" is remote"),
        ("resources: ['github.com/example/app?ref=v1']", "\"github.com/example/app?ref=v1\" is remote"),
        ("bases: ['git@example.com:a/b.git']", "\"git@example.com:a/b.git\" is remote"),
        ("components: ['ssh://git@example.com/a/b']", "\"ssh://git@example.com/a/b\" is remote"),
        (
            "resources: [web.yaml]\npatches: [{path: 'https://example.com/p.yaml'}]",
            "\"https://example.com/p.yaml\" is remote",
        ),
        ("configMapGenerator: [{name: a, files: ['a=https://example.com/a']}]", "\"https://example.com/a\" is remote"),
        ("openapi: {path: 'http://example.com/schema.json'}", "\"http://example.com/schema.json\" is remote"),
        ("Resources: ['https://example.com/a.yaml']", "\"https://example.com/a.yaml\" is remote"),
        ("resources: [web.yaml]\nRESOURCES: []", "kustomization.yaml: the field"),
        ("resources: ['github.com/example']", "\"github.com/example\" is remote"),
        ("resources: [gone.yaml]", "\"gone.yaml\" does not exist"),
        ("resources: [web]", "\"web\" does not exist"),
        ("helmCharts: [{name: redis}]", "helmCharts can load charts from the network"),
        ("generators: [plugin.yaml]", "it uses a plugin that can be a program or load files"),
        (
            "transformers: [\"apiVersion: example.com/v1\\nkind: Run\\n\"]",
            "it uses a plugin that can be a program or load files",
        ),
        (
            "generators: [\"apiVersion: builtin\\nkind: ConfigMapGenerator\\nfiles: ['a=http://example.com/a']\\n\"]",
            "it uses a plugin that can be a program or load files",
        ),
        ("resources: [../web.yaml, web.yaml]", "\"../web.yaml\" does not exist"),
        ("resources: [/etc/hostname]", "\"/etc/hostname\" is not below its directory"),
        ("resources: [", "kustomization.yaml: "),
    ] {
        let folder = folder(&[
            ("kustomization.yaml", kustomization),
            ("https:/example.com/a.yaml", &ingress("web", "web", 80)),
            ("github.com/example/kustomization.yaml", "resources: [../../web.yaml]\n"),
            ("web.yaml", &ingress("web", "web", 80)),
            (
                "plugin.yaml",
                "apiVersion: v1\nkind: Run\nmetadata: {annotations: {config.kubernetes.io/function: 'exec: {path: x}'}}\n",
            ),
        ]);
        let (code, report) = check(&path, folder.path(), &["."]);
        let mut found = not_rendered(&report);
        found.retain(|root| root.starts_with(".:"));
        assert!(found.len() == 1 && found[0].starts_with(&format!(".: {reason}")), "{kustomization}: {found:?}");
        assert_eq!(code, 0, "{kustomization}");
        let (code, _) = check(&path, folder.path(), &[".", "--require-complete"]);
        assert_eq!(code, 2, "{kustomization}");
        assert!(!marker.path().join("called").exists(), "{kustomization}");
    }
}

#[test]
fn charts_without_their_dependencies_are_not_rendered() {
    let (marker, path) = program("helm", "touch \"$(dirname \"$0\")/called\"");
    let requirement = "dependencies: [{name: redis, version: 1.0.0, repository: 'oci://example.com/charts'}]\n";
    let folder = chart(&[("app/requirements.yaml", requirement)]);
    let (_, report) = check(&path, folder.path(), &["."]);
    assert_eq!(not_rendered(&report), ["app: its dependency \"redis\" is not in charts/ (helm dependency build)"]);
    fs::create_dir(folder.path().join("app/charts")).unwrap();
    fs::write(folder.path().join("app/charts/redis-1.0.0.tgz"), "").unwrap();
    symlink("/etc/hostname", folder.path().join("app/templates/host.yaml")).unwrap();
    let (_, report) = check(&path, folder.path(), &["."]);
    assert_eq!(not_rendered(&report), ["app: the symbolic link \"host.yaml\" leads out of the chart"]);
    assert!(!marker.path().join("called").exists());
}

#[test]
fn dependencies_are_found_by_the_names_of_charts() {
    let requirement = "dependencies: [{name: redis, version: 1.0.0, repository: 'file://../cache'}]\n";
    let (_keep, path) = program("helm", "exit 0");
    let redis = "apiVersion: v2\nname: redis\nversion: 1.0.0\n";
    for (file, text, missing) in [
        ("app/charts/cache/Chart.yaml", redis, false),
        ("app/charts/redis/Chart.yaml", "apiVersion: v2\nname: cache\nversion: 1.0.0\n", true),
        ("app/charts/redis-1.0.0.tgz", "", false),
        ("app/charts/vendored.tgz", "", false),
        ("app/charts/README.md", "", true),
    ] {
        let folder = chart(&[("app/requirements.yaml", requirement), (file, text)]);
        let (_, report) = check(&path, folder.path(), &["."]);
        assert_eq!(!not_rendered(&report).is_empty(), missing, "{file}: {report:#}");
    }
}

#[test]
fn problems_of_rendered_text_name_root_and_template() {
    let text = "---\n# Source: app/templates/good.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, name: a}\n\
                ---\n# Source: app/templates/bad.yaml\napiVersion: v1\nkind: Service\nmetadata: {name: [}\n";
    let (_keep, path) = program("helm", &format!("cat <<'END'\n{text}END"));
    let (code, report) = check(&path, chart(&[]).path(), &["."]);
    let said: Vec<String> = report["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|diagnostic| {
            assert!(diagnostic["line"].is_null(), "{diagnostic}");
            format!("{}: {}", diagnostic["file"].as_str().unwrap(), diagnostic["message"].as_str().unwrap())
        })
        .collect();
    assert_eq!((code, said.len()), (2, 2), "{said:?}");
    assert!(said[0].starts_with("app/templates/bad.yaml: rendered by root app, line 10: "), "{said:?}");
    assert!(said[1].starts_with("app/templates/good.yaml: rendered by root app, line 5: duplicate key"), "{said:?}");
}

#[test]
fn programs_get_no_environment_and_no_input() {
    let script = "test -z \"$KUBECONFIG$TOKEN$LANG\" || exit 3\ntest \"$HOME\" = \"$PWD\" || exit 4\nread line && exit 5\n\
                  test -e \"$HOME/.kube\" && exit 6\nexit 0";
    let (_keep, path) = program("kustomize", script);
    let folder = kustomized();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    command.args(["check", ".", "--render", "require"]).current_dir(folder.path());
    let output = command.env("PATH", path).env("TOKEN", "x").env("KUBECONFIG", "/x").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_failed_program_leaves_its_root_out_and_says_why() {
    let (_keep, path) = program("kustomize", "echo 'Warning: old' >&2; echo 'Error: no matches for Id' >&2; exit 1");
    let folder = kustomized();
    let (code, report) = check(&path, folder.path(), &["."]);
    assert_eq!((code, not_rendered(&report)), (0, vec![".: no matches for Id".to_owned()]));
    // The other roots are evaluated all the same.
    let (code, report) = check(&path, folder.path(), &[".", "--render", "require"]);
    assert_eq!((code, not_rendered(&report)), (2, vec![".: no matches for Id".to_owned()]));
    let (_, report) = check(&path, folder.path(), &[".", "--render", "never"]);
    assert_eq!(not_rendered(&report), [".: --render never"]);
    let nowhere = OsString::from("/nonexistent");
    let (_, report) = check(&nowhere, folder.path(), &["."]);
    assert_eq!(not_rendered(&report), [".: neither kustomize nor kubectl is on PATH"]);
}

#[test]
fn the_output_of_a_program_is_bounded_and_what_it_has_started_is_ended() {
    let begun = Instant::now();
    let (_keep, path) = program("kustomize", "sleep 300 & head -c 70000000 /dev/zero");
    let (_, report) = check(&path, kustomized().path(), &["."]);
    assert_eq!(not_rendered(&report), [".: more than 64 MiB of output"]);
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[test]
fn programs_of_the_tree_are_not_run() {
    let folder = kustomized();
    let tools = folder.path().join("bin");
    fs::create_dir(&tools).unwrap();
    let file = tools.join("kustomize");
    fs::write(&file, "#!/bin/sh\ntouch /tmp/ingress-guard-called\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    for path in [tools.into_os_string(), "bin".into()] {
        let (_, report) = check(&path, folder.path(), &["."]);
        assert_eq!(not_rendered(&report), [".: neither kustomize nor kubectl is on PATH"]);
    }
}

#[test]
fn a_kustomization_that_changes_nothing_is_read_without_a_program() {
    let folder = folder(&[
        ("app/kustomization.yaml", "resources: [../base, class.yaml]\n"),
        ("app/class.yaml", CLASS),
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("base/web.yaml", &format!("{SERVICE}---\n{}", ingress("web", "web", 81))),
    ]);
    let (code, report) = check(&"/nonexistent".into(), folder.path(), &[".", "--require-complete"]);
    assert_eq!((code, report["findings"][0]["line"].as_u64()), (1, Some(18)), "{report:#}");
    assert_eq!((report["findings"][0]["root"].as_str(), report["roots"].as_array().unwrap().len()), (Some("app"), 1));
}

#[test]
fn default_values_are_a_sample_and_given_ones_are_not() {
    let Some(Tools { path }) = tools() else { return };
    let folder = chart(&[("app/values.yaml", "a: b\n"), ("app/ci/test.yaml", "a: c\n"), ("outside.yaml", "a: d\n")]);
    for (arguments, level, root) in [
        (&["."][..], "warn", "app"),
        (&[".", "--values", "ci/*.yaml"], "deny", "app (ci/test.yaml)"),
        (&[".", "--values", "outside.yaml"], "deny", "app"),
    ] {
        let (_, report) = check(&path, folder.path(), arguments);
        let finding = &report["findings"][0];
        assert_eq!((finding["level"].as_str(), finding["root"].as_str()), (Some(level), Some(root)), "{arguments:?}");
        assert_eq!(finding["renderedFrom"], "app/templates/web.yaml");
        assert!(finding["line"].is_null());
    }
    let output = run(&path, folder.path(), &[".", "--values", "gone.yaml"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn rendered_objects_are_not_fixed() {
    let Some(Tools { path }) = tools() else { return };
    let folder = chart(&[]);
    let before = fs::read_to_string(folder.path().join("app/templates/web.yaml")).unwrap();
    for flag in ["--fix", "--diff"] {
        let output = run(&path, folder.path(), &[".", flag]);
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(messages.starts_with("app: not fixed: a kustomization or chart"), "{messages}");
        assert_eq!(fs::read_to_string(folder.path().join("app/templates/web.yaml")).unwrap(), before);
    }
}

#[test]
fn formats_name_the_template_of_a_rendered_object() {
    let Some(Tools { path }) = tools() else { return };
    let folder = chart(&[]);
    for (format, wanted) in [
        (
            "text",
            "= in: Ingress app: default/web: spec.rules[0].http.paths[0].backend.service.port.number, rendered from app/templates/web.yaml",
        ),
        ("github", "file=app/templates/web.yaml::app: default/web spec.rules"),
        ("gitlab", "\"path\": \"app/templates/web.yaml\""),
        ("junit", "classname=\"app/templates/web.yaml\" name=\"app: default/web\""),
        ("sarif", "\"uri\": \"app/templates/web.yaml\""),
        ("table", "app: default/web  app/templates/web.yaml"),
    ] {
        let output = run(&path, folder.path(), &[".", "--select", "IG202", "-o", format]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(wanted), "{format}: {text}");
    }
}
