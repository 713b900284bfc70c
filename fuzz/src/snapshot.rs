//! Bytes of a snapshot file: an error, or a state that is written and read back the same.

use std::cell::RefCell;
use std::io::{Seek as _, Write as _};

use ingress_guard::cluster::Snapshot;
use tempfile::NamedTempFile;

use super::world::STRICT;

thread_local! {
    static FILE: RefCell<NamedTempFile> = RefCell::new(NamedTempFile::new().expect("a temporary file"));
}

pub(super) fn run(bytes: &[u8]) {
    FILE.with_borrow_mut(|file| {
        let mut read = |bytes: &[u8]| {
            file.rewind().and_then(|()| file.write_all(bytes)).expect("a temporary file");
            file.as_file().set_len(bytes.len() as u64).expect("a temporary file");
            Snapshot::read(file.path())
        };
        let snapshot = match read(bytes) {
            Ok(snapshot) => snapshot,
            Err(error) => return assert!(!error.to_string().is_empty()),
        };
        let written = |snapshot: &Snapshot| {
            let mut text = Vec::new();
            snapshot.write(&mut text).expect("memory");
            text
        };
        let first = written(&snapshot);
        let again = read(&first).expect("a written snapshot can be read");
        assert_eq!(written(&again), first);
        let engine = STRICT.engine();
        for ingress in snapshot.inventory.ingresses() {
            let _ = engine.run(ingress, snapshot.state(), &ingress_guard::budget::Allowance::full());
        }
    });
}
