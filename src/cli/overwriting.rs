//! Refuses to write a file that the same run reads, or writes for another purpose.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use serde_json::Value;

use crate::cluster::manifest_files;
use crate::file;

/// The most bytes of an earlier report.
const LARGEST: u64 = 256 << 20;

/// Refuses outputs that are among the `inputs`, among the manifest files below `manifests`, or given twice. An earlier report that
/// lies among the manifests may be replaced.
pub(super) fn refuse_overwriting(outputs: &[&Path], inputs: &[&Path], manifests: &[PathBuf]) -> anyhow::Result<()> {
    for (number, output) in outputs.iter().enumerate() {
        let is_output = |other: &Path| file::is_same(output, other);
        let name = output.display();
        ensure!(!outputs[..number].iter().any(|other| is_output(other)), "{name} is given for two outputs");
        let is_input = inputs.iter().any(|input| is_output(input))
            || (output.is_file() && manifest_files(manifests).iter().any(|file| is_output(file)) && !is_report(output));
        ensure!(!is_input, "{name} is an input of this command and would be overwritten; use another file");
    }
    Ok(())
}

/// Whether a file is a report in JSON or SARIF, or a baseline.
fn is_report(path: &Path) -> bool {
    let bytes = file::read(path, LARGEST).unwrap_or_default();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    value.get("kind").is_none() && ["findings", "runs", "accepted"].iter().any(|key| value.get(key).is_some())
}
