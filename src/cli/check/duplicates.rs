//! Objects that the files of one world define more than once, and those that alternative files define.

use std::collections::HashMap;

use crate::cluster::{Manifest, ManifestFile, Origin};
use crate::document::Lines;
use crate::model::{Key, Kind};
use crate::report::{Diagnostic, Severity};

/// What is evaluated of an object with several definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evaluated {
    /// The last definition, as `kubectl apply` leaves it in the cluster.
    Last,
    /// None: files of a directory define it differently, and which of them is applied is not known.
    None,
    /// Each definition on its own.
    Each,
}

/// An object with its previous and its repeated definition.
struct Duplicate {
    kind: Kind,
    key: Key,
    origins: [Origin; 2],
    evaluated: Evaluated,
}

/// The repeated objects.
#[derive(Default)]
pub(super) struct Duplicates {
    found: Vec<Duplicate>,
}

impl Duplicates {
    /// The repeated objects of one world.
    pub(super) fn of(manifests: &[&Manifest], files: &[ManifestFile]) -> Self {
        Self::find(manifests, |previous, repeated| {
            let kind = repeated.object.kind();
            let is_in_one_file = previous.origin.file == repeated.origin.file;
            let is_given = [previous, repeated].iter().any(|manifest| files[manifest.origin.file].is_given);
            match previous.is_alike(repeated) {
                true if !kind.is_namespaced() && !is_in_one_file => None,
                // Without its IngressClass, few checks of an Ingress can be evaluated.
                false if kind.is_namespaced() && kind != Kind::Ingress && !is_in_one_file && !is_given => {
                    Some(Evaluated::None)
                }
                _ => Some(Evaluated::Last),
            }
        })
    }

    /// The Ingresses that files of the same folder define differently.
    pub(super) fn of_alternatives(manifests: &[&Manifest], files: &[ManifestFile]) -> Self {
        Self::find(manifests, |previous, repeated| {
            let folder = |manifest: &Manifest| files[manifest.origin.file].path.parent();
            let is_beside = folder(previous) == folder(repeated) && previous.origin.file != repeated.origin.file;
            let is_ingress = repeated.object.kind() == Kind::Ingress;
            (is_ingress && is_beside).then_some(Evaluated::Each)
        })
    }

    fn find(manifests: &[&Manifest], evaluated: impl Fn(&Manifest, &Manifest) -> Option<Evaluated>) -> Self {
        let mut last: HashMap<(Kind, Key), &Manifest> = HashMap::new();
        let mut found = Vec::new();
        for repeated in manifests {
            let (kind, key) = (repeated.object.kind(), repeated.object.key());
            let Some(previous) = last.insert((kind, key.clone()), repeated) else { continue };
            if let Some(evaluated) = evaluated(previous, repeated) {
                let origins = [previous.origin.clone(), repeated.origin.clone()];
                found.push(Duplicate { kind, key, origins, evaluated });
            }
        }
        Self { found }
    }

    /// The objects whose contents are not known.
    pub(super) fn unclear(&self) -> impl Iterator<Item = (Kind, Key)> {
        let unclear = self.found.iter().filter(|duplicate| duplicate.evaluated == Evaluated::None);
        unclear.map(|Duplicate { kind, key, .. }| (*kind, key.clone()))
    }

    pub(super) fn diagnostics(&self, files: &[ManifestFile]) -> Vec<Diagnostic> {
        let mut lines: HashMap<usize, Lines<'_>> = HashMap::new();
        let mut place = |origin: &Origin| {
            let file = &files[origin.file];
            let start = file.text[origin.document.clone()].find(|c: char| !c.is_whitespace() && c != '-').unwrap_or(0);
            let lines = lines.entry(origin.file).or_insert_with(|| Lines::of(&file.text));
            (file.path.display().to_string(), lines.position(origin.document.start + start))
        };
        let diagnostic = |Duplicate { kind, key, origins: [first, repeated], evaluated }: &Duplicate| {
            let (first, (first_line, _)) = place(first);
            let (file, (line, column)) = place(repeated);
            let evaluated = match evaluated {
                Evaluated::Last => "the last definition is used, as with kubectl apply",
                Evaluated::None => {
                    "the definitions differ, so its contents count as unknown; give the files of one cluster"
                }
                Evaluated::Each => {
                    "each file is evaluated on its own; kubectl apply of the directory leaves the last definition"
                }
            };
            let message = format!("duplicate {kind} {key}, also defined in {first}:{first_line}: {evaluated}");
            Diagnostic { severity: Severity::Warning, message, file, line: Some(line), column: Some(column) }
        };
        self.found.iter().map(diagnostic).collect()
    }
}
