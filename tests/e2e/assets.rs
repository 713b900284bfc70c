//! Where etcd, kube-apiserver and kubectl come from, and what is said when they come from nowhere.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// No Go, or none that is new enough: see `build.sh`.
const NO_GO: i32 = 3;

/// The folder with the programs, built first where need be. `None`: there is no way to get them here.
pub(crate) fn find() -> Option<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/envtest/build.sh");
    let built = Command::new("bash").arg(script).stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    if built.status.code() == Some(NO_GO) {
        missing("NO END-TO-END TEST IS RUN: NEITHER KUBEBUILDER_ASSETS NOR GO IS THERE");
        return None;
    }
    assert!(built.status.success(), "tests/envtest/build.sh: {}", built.status);
    let folder = String::from_utf8(built.stdout).unwrap();
    // Whoever sets KUBEBUILDER_ASSETS may well set it relative to the repository.
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder.trim_end()))
}

/// Says in a way that is not overlooked that something is not tested. In CI that is a failure.
pub(crate) fn missing(what: &str) {
    // Not `eprintln!`: the test harness keeps that to itself while a test passes.
    let _ = writeln!(io::stderr(), "\n{what}\n");
    assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{what}");
}
