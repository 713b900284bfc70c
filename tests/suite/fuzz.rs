//! The fuzz targets over their committed seeds. `make fuzz` searches for other inputs.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[expect(unreachable_pub, reason = "in its own package it is a library")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

use targets::{TARGETS, Target};

/// The seeds of a target, sorted by name.
fn seeds(target: &Target) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = target.seeds.iter().flat_map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[test]
fn every_seed_and_its_first_half_keep_the_promises_of_their_target() {
    let mut broken = Vec::new();
    for target in TARGETS {
        let seeds = seeds(&target);
        assert!(seeds.len() > 2, "{} has too few seeds", target.name);
        for seed in seeds {
            let bytes = fs::read(&seed).unwrap();
            for bytes in [&bytes[..], &bytes[..bytes.len() / 2]] {
                if catch_unwind(AssertUnwindSafe(|| targets::run(target.name, bytes))).is_err() {
                    broken.push(format!("{}: {} ({} bytes)", target.name, seed.display(), bytes.len()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_target_has_a_binary_and_is_run_by_make() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
    let script = fs::read_to_string(root.join("fuzz/run.sh")).unwrap();
    for Target { name, .. } in TARGETS {
        let source = fs::read_to_string(root.join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("ingress_guard_fuzz::run(\"{name}\"")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        assert!(script.contains(name), "{name}");
    }
}
