//! Metrics, as Prometheus reads them.

mod exposition;
mod traces;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::registry::files_below;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// The names of the metrics in the source, with the suffix that each has in `/metrics` if `documented` knows it.
pub(crate) fn registered() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in files_below("src/telemetry", "rs") {
        let source = read(path.to_str().unwrap());
        let names_after = |mark: &str| -> Vec<String> {
            let calls = source.split(mark).skip(1);
            let name = |call: &str| Some(call.trim_start().strip_prefix('"')?.split('"').next()?.to_owned());
            calls.filter_map(name).collect()
        };
        names.extend(names_after(".register(").iter().map(|name| format!("ingress_guard_{name}")));
        names.extend(names_after("write(").into_iter().filter(|name| name.starts_with("process_")));
    }
    assert!(names.len() > 30, "{names:?}");
    names
}
