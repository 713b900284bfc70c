//! promtool, the checker of Prometheus for metrics and rules.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::skipped::skipped;

/// Runs promtool in the root of the repository. Returns whether it found no problem, and its output. `None` if it is missing; then `what`
/// is recorded as not tested.
pub(crate) fn promtool(what: &str, arguments: &[&str], stdin: &str) -> Option<(bool, String)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([home.join("go/bin")]);
    let Some(program) = folders.map(|folder| folder.join("promtool")).find(|program| program.is_file()) else {
        skipped(&format!("{what}: promtool not found (make promtool)"));
        return None;
    };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8(text).unwrap()))
}
