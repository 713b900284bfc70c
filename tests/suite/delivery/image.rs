//! The container image: what `deploy/image.sh` puts into it, and what its inspection refuses. `make image` does the same with the
//! real binary, and has it answer a review.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{ROOT, VERSION};
use crate::skipped::{impossible, skipped};

/// A copy of the files that the script reads, so that a test can change them.
struct Copy(TempDir);

impl Copy {
    /// `None` without buildah, and where it does not work.
    fn new() -> Option<Self> {
        if Command::new("buildah").arg("--version").stdout(Stdio::null()).status().is_err() {
            skipped("the container image: buildah not found");
            return None;
        }
        let copy = Self(tempfile::tempdir().unwrap());
        // buildah needs to mount, or user namespaces. Containers without privileges forbid both.
        let [root, run] = ["root", "run"].map(|name| copy.path().join(name));
        let storage = [Path::new("--root"), &root, Path::new("--runroot"), &run];
        let scratch =
            Command::new("buildah").args(storage).args(["--storage-driver", "vfs", "from", "scratch"]).output();
        let scratch = scratch.unwrap();
        if !scratch.status.success() {
            let reason = String::from_utf8_lossy(&scratch.stderr).into_owned();
            let is_refused = ["not permitted", "denied", "user namespace"].iter().any(|words| reason.contains(words));
            assert!(is_refused, "{reason}");
            impossible(&format!("the container image: buildah does not work here: {}", reason.trim()));
            return None;
        }
        for name in ["deploy", "LICENSE", "Cargo.toml"] {
            let status = Command::new("cp").arg("-r").arg(format!("{ROOT}/{name}")).arg(copy.0.path()).status();
            assert!(status.unwrap().success());
        }
        Some(copy)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs the script; returns whether it succeeded, and its output.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(self.path().join("deploy/image.sh")).args(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.success(), text)
    }

    /// Builds an image of a file that stands for the binary; returns the digest.
    #[track_caller]
    fn build(&self, architecture: &str, binary: &[u8]) -> String {
        let file = self.path().join("stand-in");
        fs::write(&file, binary).unwrap();
        let (succeeds, output) = self.run(&["build", architecture, file.to_str().unwrap()]);
        assert!(succeeds, "{output}");
        let (archive, digest) = output.trim_end().split_once(' ').unwrap();
        assert_eq!(archive, format!("dist/ingress-guard-{VERSION}-linux-{architecture}.oci.tar"));
        assert!(digest.starts_with("sha256:") && digest.len() == 71, "{output}");
        digest.to_owned()
    }

    fn inspect(&self) -> (bool, String) {
        self.run(&["inspect", &format!("dist/ingress-guard-{VERSION}-linux-amd64.oci.tar")])
    }

    /// Changes the text of the build file.
    fn edit(&self, from: &str, to: &str) {
        let file = self.path().join("deploy/Containerfile");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(file, text.replace(from, to)).unwrap();
    }
}

#[test]
fn an_image_has_one_binary_and_two_builds_have_one_digest() {
    let Some(copy) = Copy::new() else { return };
    let first = copy.build("amd64", b"binary");
    assert_eq!(copy.build("amd64", b"binary"), first);
    assert_ne!(copy.build("amd64", b"another"), first);
    let (succeeds, output) = copy.inspect();
    assert!(succeeds && output.contains(" bytes unpacked, user 65532"), "{output}");
    // An image of the test binary, which needs the libraries of this machine, would not start.
    let (succeeds, output) = copy.run(&["build", "amd64", super::BINARY]);
    assert!(!succeeds && output.contains("needs shared libraries"), "{output}");
}

#[test]
fn an_image_with_a_shell_another_user_or_too_many_bytes_is_refused() {
    let Some(copy) = Copy::new() else { return };
    let refuses = |words: &str| {
        copy.build("amd64", b"binary");
        let (succeeds, output) = copy.inspect();
        assert!(!succeeds && output.contains(words), "{words}: {output}");
    };
    copy.edit("COPY ingress-guard LICENSE /\n", "COPY ingress-guard LICENSE /\nCOPY ingress-guard /bin/sh\n");
    refuses("./bin/sh");
    copy.edit("COPY ingress-guard /bin/sh\n", "");
    copy.edit("USER 65532:65532", "USER 0:0");
    refuses("does not run as user 65532");
    copy.edit("USER 0:0", "USER 65532:65532");
    copy.edit("ENTRYPOINT [\"/ingress-guard\"]", "ENTRYPOINT [\"/other\"]");
    refuses("does not start the binary");
    copy.edit("ENTRYPOINT [\"/other\"]", "ENTRYPOINT [\"/ingress-guard\"]");
    // Bytes that do not compress.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(state >> 56).unwrap()
    });
    copy.build("amd64", &noise.take(20_100_000).collect::<Vec<u8>>());
    let (succeeds, output) = copy.inspect();
    assert!(!succeeds && output.contains("more than 20000000"), "{output}");
}

#[test]
fn the_images_of_all_architectures_are_pushed_as_one() {
    let Some(copy) = Copy::new() else { return };
    let images = [copy.build("amd64", b"one"), copy.build("arm64", b"two")];
    let directory = copy.path().join("registry");
    let (succeeds, output) = copy.run(&["push", &format!("oci:{}", directory.display())]);
    assert!(succeeds, "{output}");
    let blob = |digest: &str| -> Value {
        let file = directory.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    };
    let index = blob(output.trim_end());
    let manifests = index["manifests"].as_array().unwrap();
    let found: Vec<(&str, &str)> = manifests
        .iter()
        .map(|manifest| (manifest["platform"]["architecture"].as_str().unwrap(), manifest["digest"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [("amd64", &*images[0]), ("arm64", &*images[1])]);
    let config = blob(blob(&images[0])["config"]["digest"].as_str().unwrap());
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
}
