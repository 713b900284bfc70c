//! Objects that the files of one world define more than once.

use std::collections::HashMap;

use crate::cluster::{Manifest, ManifestFile, Origin};
use crate::document::Lines;
use crate::model::{Key, Kind};
use crate::report::{Diagnostic, Severity};

/// The repeated objects.
#[derive(Default)]
pub(super) struct Duplicates {
    /// Each with its previous and its repeated definition.
    found: Vec<(Kind, Key, [Origin; 2])>,
}

impl Duplicates {
    pub(super) fn of(manifests: &[&Manifest]) -> Self {
        let mut last: HashMap<(Kind, Key), &Origin> = HashMap::new();
        let mut duplicates = Self::default();
        for Manifest { object, origin, .. } in manifests {
            let (kind, key) = (object.kind(), object.key());
            if let Some(previous) = last.insert((kind, key.clone()), origin) {
                duplicates.found.push((kind, key, [previous.clone(), origin.clone()]));
            }
        }
        duplicates
    }

    pub(super) fn diagnostics(&self, files: &[ManifestFile]) -> Vec<Diagnostic> {
        let mut lines: HashMap<usize, Lines<'_>> = HashMap::new();
        let mut place = |origin: &Origin| {
            let file = &files[origin.file];
            let start = file.text[origin.document.clone()].find(|c: char| !c.is_whitespace() && c != '-').unwrap_or(0);
            let lines = lines.entry(origin.file).or_insert_with(|| Lines::of(&file.text));
            (file.path.display().to_string(), lines.position(origin.document.start + start))
        };
        let diagnostic = |(kind, key, [first, repeated]): &(Kind, Key, [Origin; 2])| {
            let (first, (first_line, _)) = place(first);
            let (file, (line, column)) = place(repeated);
            let message = format!(
                "duplicate {kind} {key}, also defined in {first}:{first_line}: the last definition is used, as with kubectl apply"
            );
            Diagnostic { severity: Severity::Warning, message, file, line: Some(line), column: Some(column) }
        };
        self.found.iter().map(diagnostic).collect()
    }
}
