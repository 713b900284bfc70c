//! The programs of the control plane: etcd, kube-apiserver, kube-controller-manager and kubectl.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::skipped::skipped;

/// Exit code of `build.sh` if Go is missing or too old.
const NO_GO: i32 = 3;

/// The directory with the programs, built first if necessary. `None` if they cannot be built here.
pub(crate) fn find() -> Option<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/envtest/build.sh");
    let built = Command::new("bash").arg(script).stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    if built.status.code() == Some(NO_GO) {
        skipped("all end-to-end tests: neither Go nor KUBEBUILDER_ASSETS found");
        return None;
    }
    assert!(built.status.success(), "tests/envtest/build.sh: {}", built.status);
    let folder = String::from_utf8(built.stdout).unwrap();
    // KUBEBUILDER_ASSETS may be relative to the repository.
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder.trim_end()))
}
