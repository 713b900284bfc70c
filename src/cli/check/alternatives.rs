//! Folders that define the same object are alternatives, such as `dev` and `prod`: they are not applied to the same cluster. So are
//! files of one folder that define an Ingress differently. Each is evaluated with the files outside of all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use crate::cluster::Manifest;
use crate::model::{Key, Kind};

/// A file, by its index, with its path and objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) index: usize,
    pub(super) path: &'a Path,
    /// Whether it was given by its name. Its objects replace others, as with `kubectl apply`.
    pub(super) is_given: bool,
    pub(super) objects: &'a [Manifest],
}

/// Files that are evaluated together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// The folder or file; `None` for the files outside of alternatives.
    pub(super) path: Option<PathBuf>,
    /// The files whose Ingresses are analyzed.
    pub(super) own: Vec<usize>,
    /// The files outside of alternatives, whose objects exist as well.
    pub(super) context: Vec<usize>,
    /// Alternatives to it that are files. One may contain what another lacks.
    pub(super) beside: Vec<usize>,
}

/// The files around a folder or file.
#[derive(Debug, Clone, Default)]
struct Around {
    context: Vec<usize>,
    beside: Vec<usize>,
}

/// Splits files into parts.
pub(super) fn split(files: &[File<'_>]) -> Vec<Part> {
    let mut parts = Vec::new();
    divide(files, None, &Around::default(), &mut parts);
    parts
}

fn divide(files: &[File<'_>], path: Option<&Path>, around: &Around, parts: &mut Vec<Part>) {
    let alternatives = alternatives(files);
    let mut inside: BTreeMap<&Path, Vec<File<'_>>> = BTreeMap::new();
    let mut rest = Vec::new();
    for file in files {
        let alternative = file.path.ancestors().find(|path| alternatives.contains(*path));
        match alternative.filter(|_| !file.is_given) {
            Some(alternative) => inside.entry(alternative).or_default().push(*file),
            None => rest.push(file.index),
        }
    }
    if inside.is_empty() || !rest.is_empty() {
        let Around { context, beside } = around.clone();
        parts.push(Part { path: path.map(Path::to_owned), own: rest.clone(), context, beside });
    }
    let single: BTreeMap<&Path, usize> =
        files.iter().filter(|file| inside.contains_key(file.path)).map(|file| (file.path, file.index)).collect();
    for (alternative, files) in inside {
        let others = single.iter().filter(|(path, _)| **path != alternative).map(|(_, index)| *index);
        let around = Around {
            context: around.context.iter().chain(&rest).copied().collect(),
            beside: around.beside.iter().copied().chain(others).collect(),
        };
        divide(&files, Some(alternative), &around, parts);
    }
}

/// The topmost folders and files that are alternatives.
fn alternatives(files: &[File<'_>]) -> BTreeSet<PathBuf> {
    let found: BTreeSet<PathBuf> = folders(files).into_iter().chain(single_files(files)).collect();
    let is_topmost = |path: &PathBuf| !path.ancestors().skip(1).any(|above| found.contains(above));
    found.iter().filter(|path| is_topmost(path)).cloned().collect()
}

/// The files that define an Ingress which another file of their folder defines differently.
fn single_files(files: &[File<'_>]) -> BTreeSet<PathBuf> {
    let mut of: HashMap<(&Path, Key), Vec<(&Path, &Manifest)>> = HashMap::new();
    for file in files.iter().filter(|file| !file.is_given) {
        let folder = file.path.parent().unwrap_or(Path::new(""));
        for manifest in file.objects.iter().filter(|manifest| manifest.object.kind() == Kind::Ingress) {
            of.entry((folder, manifest.object.key())).or_default().push((file.path, manifest));
        }
    }
    let are_different = |defined: &&Vec<(&Path, &Manifest)>| {
        let Some((first, rest)) = defined.split_first() else { return false };
        rest.iter().any(|other| other.0 != first.0) && rest.iter().any(|other| !other.1.is_alike(first.1))
    };
    of.values().filter(are_different).flatten().map(|(path, _)| (*path).to_owned()).collect()
}

/// The folders that define an object which another folder beside them defines too.
fn folders(files: &[File<'_>]) -> BTreeSet<PathBuf> {
    let mut folders: HashMap<(Kind, Key), BTreeSet<&Path>> = HashMap::new();
    for file in files.iter().filter(|file| !file.is_given) {
        let folder = file.path.parent().unwrap_or(Path::new(""));
        let objects = file.objects.iter().map(|manifest| &manifest.object);
        for object in objects.filter(|object| object.kind().is_namespaced()) {
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
    found
}

/// The number of components that begin the paths of all folders.
fn common_depth(folders: &BTreeSet<&Path>) -> usize {
    let mut folders = folders.iter();
    let first: Vec<Component<'_>> = folders.next().map(|folder| folder.components().collect()).unwrap_or_default();
    folders.fold(first.len(), |depth, folder| {
        folder.components().zip(&first).take(depth).take_while(|(one, other)| one == *other).count()
    })
}
