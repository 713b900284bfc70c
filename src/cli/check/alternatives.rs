//! Folders that define the same object are alternatives, such as `dev` and `prod`: they are not applied to the same cluster.
//! Each is evaluated with the files outside of all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use crate::cluster::Object;
use crate::model::{Key, Kind};

/// A file, by its index, with its path and objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) index: usize,
    pub(super) path: &'a Path,
    /// Whether it was given by its name. Its objects replace others, as with `kubectl apply`.
    pub(super) is_given: bool,
    pub(super) objects: &'a [&'a Object],
}

/// Files that are evaluated together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// The folder; `None` for the files outside of alternatives.
    pub(super) folder: Option<PathBuf>,
    /// The files whose Ingresses are analyzed.
    pub(super) own: Vec<usize>,
    /// The files outside of alternatives, whose objects exist as well.
    pub(super) context: Vec<usize>,
}

/// Splits files into parts.
pub(super) fn split(files: &[File<'_>]) -> Vec<Part> {
    let mut parts = Vec::new();
    divide(files, None, &[], &mut parts);
    parts
}

fn divide(files: &[File<'_>], folder: Option<&Path>, context: &[usize], parts: &mut Vec<Part>) {
    let alternatives = alternatives(files);
    let mut inside: BTreeMap<&Path, Vec<File<'_>>> = BTreeMap::new();
    let mut rest = Vec::new();
    for file in files {
        let alternative = file.path.ancestors().skip(1).find(|folder| alternatives.contains(*folder));
        match alternative.filter(|_| !file.is_given) {
            Some(alternative) => inside.entry(alternative).or_default().push(*file),
            None => rest.push(file.index),
        }
    }
    if inside.is_empty() || !rest.is_empty() {
        parts.push(Part { folder: folder.map(Path::to_owned), own: rest.clone(), context: context.to_vec() });
    }
    let context: Vec<usize> = context.iter().copied().chain(rest).collect();
    for (alternative, files) in inside {
        divide(&files, Some(alternative), &context, parts);
    }
}

/// The topmost folders that define an object which another folder beside them defines too.
fn alternatives(files: &[File<'_>]) -> BTreeSet<PathBuf> {
    let mut folders: HashMap<(Kind, Key), BTreeSet<&Path>> = HashMap::new();
    for file in files.iter().filter(|file| !file.is_given) {
        let folder = file.path.parent().unwrap_or(Path::new(""));
        for object in file.objects.iter().filter(|object| object.kind().is_namespaced()) {
            folders.entry((object.kind(), object.key())).or_default().insert(folder);
        }
    }
    let conflicts: BTreeSet<BTreeSet<&Path>> = folders.into_values().filter(|folders| folders.len() > 1).collect();
    let mut found: BTreeSet<PathBuf> = BTreeSet::new();
    for folders in conflicts {
        let depth = common_depth(&folders);
        let child = |folder: &&Path| {
            let parts: Vec<Component<'_>> = folder.components().collect();
            (parts.len() > depth).then(|| parts[..=depth].iter().collect::<PathBuf>())
        };
        found.extend(folders.iter().filter_map(child));
    }
    let is_topmost = |folder: &PathBuf| !folder.ancestors().skip(1).any(|above| found.contains(above));
    found.iter().filter(|folder| is_topmost(folder)).cloned().collect()
}

/// The number of components that begin the paths of all folders.
fn common_depth(folders: &BTreeSet<&Path>) -> usize {
    let mut folders = folders.iter();
    let first: Vec<Component<'_>> = folders.next().map(|folder| folder.components().collect()).unwrap_or_default();
    folders.fold(first.len(), |depth, folder| {
        folder.components().zip(&first).take(depth).take_while(|(one, other)| one == *other).count()
    })
}
