//! Files and names that could harm: links, devices, outputs over inputs, text that controls a terminal.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{CLASS, SERVICE, check, check_with, folder, ingress, places, report};

const BINARY: &str = env!("CARGO_BIN_EXE_ingress-guard");

/// Manifests with one finding that `--fix` fixes.
fn fixable() -> String {
    format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81))
}

fn fixed() -> String {
    fixable().replace("number: 81", "number: 80")
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

/// The names in a directory, without `.git`.
fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != ".git").collect();
    names.sort();
    names
}

/// Runs the binary, which must end within ten seconds.
fn ends(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(folder).env("KUBECONFIG", "/no/such/kubeconfig").stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            panic!("{arguments:?} does not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

/// Runs a line of bash, in which `guard` is the binary.
fn bash(folder: &Path, line: &str) -> Output {
    let script = format!("guard() {{ \"{BINARY}\" \"$@\"; }}; {line}");
    Command::new("bash").args(["-c", &script]).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn fix_follows_no_link_out_of_the_given_directory() {
    let own = ingress("own", "web", 80);
    let folder = folder(&[("tree/own.yaml", &own), ("outside/a.yaml", &fixable()), ("outside/b.yaml", &fixable())]);
    let outside = ["outside/a.yaml", "outside/b.yaml"].map(|name| folder.path().join(name));
    symlink("../outside/a.yaml", folder.path().join("tree/file.yaml")).unwrap();
    symlink(folder.path().join("outside"), folder.path().join("tree/folder")).unwrap();
    let links = [&["tree"][..], &["tree/file.yaml"], &["tree/file.yaml", "tree/own.yaml"]];
    for paths in links {
        let outcome = check(folder.path(), &[paths, &["--fix"]].concat());
        assert_eq!(outcome.code, 1, "the finding stays: {}", outcome.err);
        assert!(
            outcome.err.contains(".yaml: not fixed: a symbolic link leads out of the directory, to /"),
            "{paths:?}: {}",
            outcome.err
        );
        for path in &outside {
            assert_eq!(fs::read_to_string(path).unwrap(), fixable(), "{paths:?}");
        }
    }
    // Within the directory, the target of the link is fixed and the link stays.
    let inside = self::folder(&[("real/a.yaml", &fixable())]);
    symlink("real/a.yaml", inside.path().join("a.yaml")).unwrap();
    assert_eq!(check(inside.path(), &[".", "--fix"]).err, "a.yaml: 1 fixed\n");
    assert_eq!(fs::read_to_string(inside.path().join("real/a.yaml")).unwrap(), fixed());
    assert!(fs::symlink_metadata(inside.path().join("a.yaml")).unwrap().is_symlink());
}

#[test]
fn fix_replaces_the_file_as_a_whole_and_keeps_its_permissions() {
    let folder = folder(&[("a.yaml", &fixable())]);
    let path = folder.path().join("a.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let copy = folder.path().join("copy");
    fs::hard_link(&path, &copy).unwrap();
    assert_eq!(check(folder.path(), &["a.yaml", "--fix"]).err, "a.yaml: 1 fixed\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), fixed());
    assert_eq!(fs::read_to_string(&copy).unwrap(), fixable(), "a reader never sees half of it");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    assert_eq!(fs::metadata(&path).unwrap().uid(), fs::metadata(&copy).unwrap().uid());
    assert_eq!(names(folder.path()), ["a.yaml", "copy"], "no temporary file stays");
}

/// The second input is larger than the buffer of a pipe, so that the first one has been read when it changes.
#[test]
fn fix_refuses_a_file_that_has_changed_since_it_was_read() {
    let folder = folder(&[("a.yaml", &fixable())]);
    let output = bash(
        folder.path(),
        "guard check a.yaml <(head -c 300000 /dev/zero | tr '\\0' '#'; echo '# new' >> a.yaml) --fix",
    );
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("cannot write a.yaml: it has changed since it was read; run the command again"), "{err}");
    assert_eq!(fs::read_to_string(folder.path().join("a.yaml")).unwrap(), fixable() + "# new\n");
}

#[test]
fn fix_writes_no_pipe() {
    let folder = folder(&[("a.yaml", &fixable())]);
    let output = bash(folder.path(), "guard check <(cat a.yaml) --fix");
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.starts_with("/dev/fd/") && err.ends_with(": not fixed: a pipe, not a file\n"), "{err}");
}

#[test]
fn deeply_nested_directories_are_reported_in_time() {
    let folder = folder(&[("good.yaml", &fixable())]);
    let mut deep = folder.path().join("deep");
    for level in 0..1_200 {
        fs::create_dir(&deep).unwrap();
        if level == 90 {
            fs::write(deep.join("also.yaml"), ingress("also", "web", 81)).unwrap();
            // Up and down without end.
            symlink(folder.path(), deep.join("up")).unwrap();
        }
        deep.push("d");
    }
    let begun = Instant::now();
    let (code, report) = report(folder.path(), &["."]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let said: Vec<&str> =
        report["diagnostics"].as_array().unwrap().iter().map(|said| said["message"].as_str().unwrap()).collect();
    assert_eq!((code, said), (2, vec!["more than 100 directories deep"]));
    assert_eq!(places(&report).len(), 2, "the rest is analyzed: {report:#}");
}

#[test]
fn devices_and_named_pipes_are_no_files() {
    let folder = folder(&[("a.yaml", &fixable())]);
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    for (file, said) in
        [("/dev/zero", "/dev/zero: a device, not a regular file"), ("pipe", "pipe: a named pipe, not a regular file")]
    {
        for arguments in [
            &["check", file][..],
            &["check", "a.yaml", "--baseline", file],
            &["check", "a.yaml", "--config", file],
            &["check", "a.yaml", "--snapshot", file],
            &["check", "a.yaml", "--cluster", "--kubeconfig", file],
            &["audit", "--manifests", file],
            &["audit", "--snapshot", file],
            &["audit", "--kubeconfig", file],
            &["explain", "a.example.com/", "--manifests", file],
            &["explain", "a.example.com/", "--manifests", "a.yaml", "--config", file],
            &["snapshot", "--kubeconfig", file],
            &["serve", "--manifests", file],
            &["serve", "--manifests", "a.yaml", "--config", file],
            &["serve", "--manifests", "a.yaml", "--tls-cert", file, "--tls-key", file],
        ] {
            let output = ends(folder.path(), arguments);
            let err = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {err}");
            assert!(err.contains(said), "{arguments:?}: {err}");
        }
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = folder(&[("a.yaml", &fixable())]);
    // Sparse: it uses no disk space.
    File::create(folder.path().join("big")).unwrap().set_len(2 << 30).unwrap();
    for (flag, said) in [
        ("--baseline", "big: larger than 64 MiB"),
        ("--config", "big: larger than 16 MiB"),
        ("--snapshot", "big: not a snapshot"),
    ] {
        let output = ends(folder.path(), &["check", "a.yaml", flag, "big"]);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(said), "{err}");
    }
}

#[test]
fn pipes_of_the_shell_and_the_empty_device_are_files() {
    let folder = folder(&[("a.yaml", &fixable()), ("c.yaml", "checks: {IG202: warn}\n")]);
    for (line, code) in [
        ("guard check a.yaml --write-baseline --baseline known && guard check a.yaml --baseline <(cat known)", 0),
        ("guard check a.yaml --config <(cat c.yaml)", 0),
        ("guard check a.yaml --config /dev/null", 1),
        ("cat a.yaml | guard check /dev/stdin", 1),
        ("cat a.yaml | guard check -", 1),
        ("guard check - < a.yaml", 1),
        ("guard check /dev/stdin < a.yaml", 1),
        ("guard audit --manifests <(cat a.yaml)", 1),
    ] {
        let output = bash(folder.path(), line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn an_output_never_replaces_an_input() {
    let config = "checks: {IG202: warn}\n";
    let folder = folder(&[("a.yaml", &fixable()), ("in/b.yaml", &fixable()), ("c.yaml", config), ("snapshot", "x")]);
    symlink("a.yaml", folder.path().join("link.out")).unwrap();
    assert_eq!(check(folder.path(), &["a.yaml", "--baseline", "known.json", "--write-baseline"]).code, 0);
    fs::hard_link(folder.path().join("a.yaml"), folder.path().join("hard.out")).unwrap();
    let before = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let all = ["a.yaml", "in/b.yaml", "c.yaml", "snapshot", "known.json"];
    let content = all.map(before);
    for arguments in [
        &["a.yaml", "-o", "sarif=a.yaml"][..],
        &["a.yaml", "-o", "sarif=./in/../a.yaml"],
        &["a.yaml", "-o", "sarif=link.out"],
        &["a.yaml", "-o", "sarif=hard.out"],
        &["in", "-o", "sarif=in/b.yaml"],
        &["a.yaml", "--config", "c.yaml", "-o", "json=c.yaml"],
        &["a.yaml", "--snapshot", "snapshot", "-o", "json=snapshot"],
        &["a.yaml", "--baseline", "known.json", "-o", "json=known.json"],
        &["a.yaml", "--baseline", "known.json", "--write-baseline", "-o", "json=known.json"],
        &["a.yaml", "--baseline", "a.yaml", "--write-baseline"],
        &["a.yaml", "--config", "c.yaml", "--baseline", "c.yaml", "--write-baseline"],
        &["a.yaml", "-o", "json=new", "-o", "sarif=./new"],
    ] {
        let outcome = check(folder.path(), arguments);
        assert_eq!((outcome.code, &*outcome.out), (2, ""), "{arguments:?}: {}", outcome.err);
        let said =
            ["is an input of this command and would be overwritten; use another file", "is given for two outputs"];
        assert!(said.iter().any(|said| outcome.err.contains(said)), "{arguments:?}: {}", outcome.err);
        assert_eq!(all.map(before), content, "{arguments:?}");
    }
    let audited = ends(folder.path(), &["audit", "--manifests", "in", "-o", "html=in/b.yaml"]);
    assert_eq!(audited.status.code(), Some(2));
    let from_stdin = bash(folder.path(), "guard check - -o json=a.yaml < a.yaml");
    assert_eq!(from_stdin.status.code(), Some(2));
    assert_eq!(all.map(before), content);
}

/// A report may lie in the directory that is checked.
#[test]
fn an_earlier_report_is_replaced() {
    let folder = folder(&[("a.yaml", &fixable())]);
    let arguments =
        [".", "-o", "json=report.json", "-o", "sarif=sarif.json", "--baseline", "known.json", "--write-baseline"];
    for _ in 0..2 {
        let outcome = check(folder.path(), &arguments);
        let counts = "1 Ingress analyzed; findings: 1 in the baseline\n";
        assert_eq!((outcome.code, &*outcome.err), (0, counts), "{}", outcome.out);
    }
    assert_eq!(names(folder.path()), ["a.yaml", "known.json", "report.json", "sarif.json"]);
}

#[test]
fn outputs_are_replaced_as_a_whole() {
    let folder = folder(&[("a.yaml", &fixable()), ("real.json", "old"), ("out.html", "old")]);
    let path = |name: &str| folder.path().join(name);
    symlink("real.json", path("link.json")).unwrap();
    fs::set_permissions(path("real.json"), fs::Permissions::from_mode(0o604)).unwrap();
    let before = inode(&path("real.json"));
    let outcome =
        check(folder.path(), &["a.yaml", "-o", "json=link.json", "-o", "html=out.html", "-o", "junit=new.xml"]);
    assert_eq!(
        (outcome.code, &*outcome.err),
        (1, "HTML report written to out.html\n1 Ingress analyzed; findings: 1 deny\n")
    );
    assert!(fs::symlink_metadata(path("link.json")).unwrap().is_symlink());
    assert_ne!(inode(&path("real.json")), before, "a reader never sees half of it");
    assert_eq!(fs::metadata(path("real.json")).unwrap().mode() & 0o7777, 0o604);
    assert!(fs::read_to_string(path("real.json")).unwrap().starts_with('{'));
    // As for any new file: what the umask leaves.
    File::create(path("usual")).unwrap();
    assert_eq!(fs::metadata(path("new.xml")).unwrap().mode(), fs::metadata(path("usual")).unwrap().mode());
    assert_eq!(names(folder.path()), ["a.yaml", "link.json", "new.xml", "out.html", "real.json", "usual"]);
    // Neither pipes nor devices are replaced.
    for line in [
        "guard check a.yaml -o json=/dev/stdout | grep -q findings",
        "guard check a.yaml -o json=/dev/stdout > x; grep -q findings x",
        "guard check a.yaml -o json=/dev/null; test -c /dev/null",
        "guard check a.yaml -o json=>(grep -q findings && touch seen); sleep 1; test -f seen",
    ] {
        assert!(bash(folder.path(), line).status.success(), "{line}");
    }
}

/// Names of files and values that end a line, control a terminal, reorder the text, or are a command of GitHub Actions.
#[test]
fn names_and_values_control_neither_terminal_nor_workflow() {
    let name = "::error::\u{1b}[31m\u{9b}2J\u{202e}lmay\n::stop-commands::x%0A,\u{2066}.yaml";
    let broken = "::warning file=x::\u{1b}\u{202e}\n::add-mask::y.yaml";
    let value = "\"a\\e[2J\\u202E\\u009b\\n::error::z\"";
    let text = ingress("web", "web", 81)
        .replace("metadata: {name: web}", &format!("metadata: {{name: {value}, annotations: {{{value}: x}}}}"))
        .replace("- host: web.example.com", &format!("- host: {value}"))
        .replace("number: 81", "number: 81 # \u{202e}");
    let folder = folder(&[(name, &format!("{CLASS}---\n{SERVICE}---\n{text}")), (broken, "apiVersion: v1\nkind: [")]);
    let is_seen =
        |c: char| (c == '\n' || !c.is_control()) && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let starts_command = |line: &str| line.trim_start().starts_with("::");
    for arguments in [
        &["-o", "text"][..],
        &["-o", "github"],
        &["-o", "junit"],
        &["-o", "json"],
        &["-o", "sarif"],
        &["-o", "html"],
        &["-o", "text=x", "--fix"],
    ] {
        let outcome = check(folder.path(), &[&[".", "-n", "n\u{1b}\u{202e}s"], arguments].concat());
        assert_eq!(outcome.code, 2, "{}", outcome.err);
        for out in [&outcome.out, &outcome.err] {
            let unseen: Vec<&str> = out.lines().filter(|line| !line.chars().all(is_seen)).collect();
            assert!(unseen.is_empty(), "{arguments:?}: {unseen:?}");
        }
        let own = ["::error ", "::warning ", "::notice "];
        let commands = outcome.out.lines().filter(|line| starts_command(line));
        let foreign: Vec<&str> = commands.filter(|line| !own.iter().any(|own| line.starts_with(own))).collect();
        assert!(foreign.is_empty() || arguments.contains(&"html"), "{arguments:?}: {foreign:?}");
        assert!(!outcome.err.lines().any(starts_command), "{arguments:?}: {:?}", outcome.err);
        if arguments.contains(&"github") {
            assert!(outcome.out.contains("file=%3A%3Aerror%3A%3A\\u{1b}[31m"), "{}", outcome.out);
            assert!(outcome.out.contains("x%250A%2C"), "a percent sign and a comma are data: {}", outcome.out);
        }
    }
}

#[test]
fn a_patch_names_any_file() {
    let name = "a\u{1b}[31m \"b\\\u{202e}\n.yaml";
    let folder = folder(&[(name, &fixable())]);
    let diff = check(folder.path(), &[".", "--diff"]).out;
    assert!(diff.starts_with("--- \"a/a\\033[31m \\\"b\\\\\\342\\200\\256\\012.yaml\"\n"), "{diff}");
    for tool in [&["git", "apply"][..], &["patch", "-p1"]] {
        fs::write(folder.path().join(name), fixable()).unwrap();
        fs::write(folder.path().join("fix.patch"), &diff).unwrap();
        let mut command = Command::new(tool[0]);
        command.args(&tool[1..]).current_dir(folder.path()).stdin(File::open(folder.path().join("fix.patch")).unwrap());
        assert!(command.output().unwrap().status.success(), "{tool:?}: {diff}");
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), fixed(), "{tool:?}");
    }
}

#[test]
fn a_terminal_gets_no_invisible_character_of_a_patch_and_a_pipe_gets_all() {
    let text = fixable().replace("number: 81", "number: 81 # \u{202e}");
    let folder = folder(&[("a.yaml", &text)]);
    assert!(check(folder.path(), &["a.yaml", "--diff"]).out.contains("81 # \u{202e}\n"));
    // It runs the command in a pseudo-terminal.
    let command = format!("'{BINARY}' check a.yaml --diff");
    let output =
        Command::new("script").args(["-qec", &command, "/dev/null"]).current_dir(folder.path()).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("81 # \\u{202e}\r\n") && !out.contains('\u{202e}'), "{out}");
}

#[test]
fn standard_input_without_end_is_bounded() {
    let folder = folder(&[]);
    let mut command = Command::new(BINARY);
    command.args(["check", "-"]).current_dir(folder.path()).stdin(File::open("/dev/zero").unwrap());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stdout).unwrap().contains("-: larger than 64 MiB"));
    assert_eq!(check_with(folder.path(), &["-"], b"").code, 0);
}
