//! Manifest files as a source of the inventory. [`load`] reads them as the whole cluster and stops at the first error;
//! [`Manifests::read`] continues, and records the position of each object.

mod documents;
mod error;
mod files;

pub use error::ManifestError;
pub use files::{Files, LeftOut, Listed, ManifestFile, ManifestSource};

use std::ops::Range;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use super::{Coverage, Inventory, Object};
use crate::model::Kind;
use documents::{Broken, Documents, Found};

/// The number of files from which a further thread pays off.
const SHARE: usize = 16;

/// How manifests are read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions<'a> {
    /// The namespace of objects without one.
    pub namespace: &'a str,
    /// The size limit of a single file, in bytes.
    pub largest: u64,
}

/// The contents of manifest files.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The files that are text.
    pub files: Vec<ManifestFile>,
    /// Their objects of known kinds, in the order in which `kubectl apply` would take them.
    pub objects: Vec<Manifest>,
    /// The errors.
    pub faults: Vec<ManifestError>,
}

/// One object of a file.
#[derive(Debug)]
pub struct Manifest {
    /// The object.
    pub object: Object,
    /// The position.
    pub origin: Origin,
}

/// The position of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The index of its file in [`Manifests::files`].
    pub file: usize,
    /// The bytes of its document in the file's text.
    pub document: Range<usize>,
    /// If the document is a list: the index of the item, then of the item in that one, from 0.
    pub items: Vec<usize>,
}

/// Loads files and folders as a complete cluster. Kinds that no check
/// reads are left out; objects without a namespace are in `default`.
///
/// # Errors
/// If a path cannot be read, contains no object, or contains a broken document.
pub fn load(paths: &[PathBuf]) -> Result<Inventory, ManifestError> {
    const LARGEST: u64 = 256 << 20;
    let mut inventory = whole_cluster();
    for path in paths {
        let mut documents = 0;
        for listed in Files::default().below(path, &|_, _| false) {
            let file = listed?.read(LARGEST)?;
            for found in documents_of(&file.path, &file.text, "default") {
                let found = found.map_err(|broken| broken.in_file(&file.path))?;
                documents += 1;
                found.object.into_iter().for_each(|object| inventory.apply(object));
            }
        }
        if documents == 0 {
            return Err(ManifestError::Empty { path: path.clone() });
        }
    }
    not_given(&mut inventory);
    Ok(inventory)
}

/// Loads objects from YAML text, as [`load`] does from files. Errors use `name` in place of a path.
///
/// # Errors
/// If a document is broken.
pub fn load_text(name: &str, text: &str) -> Result<Inventory, ManifestError> {
    let mut inventory = whole_cluster();
    for found in documents::read(text, false, "default") {
        let found = found.map_err(|broken| broken.in_file(Path::new(name)))?;
        found.object.into_iter().for_each(|object| inventory.apply(object));
    }
    not_given(&mut inventory);
    Ok(inventory)
}

/// Lists the files that [`load`] and [`Manifests::read`] read, except those that cannot be found.
#[must_use]
pub fn manifest_files(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Files::default();
    let listed = paths.iter().flat_map(|path| files.below(path, &|_, _| false));
    listed.filter_map(|listed| Some(listed.ok()?.path)).collect()
}

impl Manifests {
    /// Reads files and folders, each file once.
    #[must_use]
    pub fn read(paths: &[PathBuf], options: ReadOptions<'_>) -> Self {
        let mut manifests = Self::default();
        let mut files = Files::default();
        let listed = paths.iter().flat_map(|path| files.below(path, &|_, _| false));
        let read = listed.map(|listed| listed.and_then(|listed| listed.read(options.largest)));
        manifests.add_files(read.collect(), options);
        manifests
    }

    /// Adds the objects of files whose text was read before.
    pub fn add_files(&mut self, found: Vec<Result<ManifestFile, ManifestError>>, options: ReadOptions<'_>) {
        let documents = documents_of_all(&found, options.namespace);
        for (file, documents) in found.into_iter().zip(documents) {
            match file {
                Ok(file) => self.add(file, documents),
                Err(fault) => self.faults.push(fault),
            }
        }
    }

    /// Reads a stream as one file with this name.
    pub fn read_stream(&mut self, name: &str, stream: impl std::io::Read, options: ReadOptions<'_>) {
        match files::read_stream(Path::new(name), stream, options.largest) {
            Ok(file) => {
                let documents = documents_of(&file.path, &file.text, options.namespace);
                self.add(file, documents);
            }
            Err(fault) => self.faults.push(fault),
        }
    }

    /// Adds the objects of a text that a program has rendered, as one file with this name.
    pub fn add_rendered(&mut self, name: PathBuf, text: String, options: ReadOptions<'_>) {
        let documents = documents::read(&text, false, options.namespace);
        let source = ManifestSource::Rendered;
        self.add(ManifestFile { path: name, source, text, has_mark: false, is_given: true }, documents);
    }

    fn add(&mut self, file: ManifestFile, documents: Documents) {
        let number = self.files.len();
        let is_manifest = file.is_given || looks_like_manifest(&file.text);
        for found in documents {
            match found {
                Ok(Found { object: Some(object), bytes, items }) => {
                    self.objects.push(Manifest { object, origin: Origin { file: number, document: bytes, items } });
                }
                Ok(Found { object: None, .. }) => {}
                Err(_) if !is_manifest => {}
                Err(broken) => self.faults.push(broken.in_file(&file.path)),
            }
        }
        self.files.push(file);
    }
}

/// Whether a text that cannot be parsed may contain a manifest. Directories contain many other files: templates, configurations with
/// comments in JSON, playbooks.
fn looks_like_manifest(text: &str) -> bool {
    let fields = ["apiVersion", "kind"];
    let is_flow = text.trim_start().starts_with(['{', '[']);
    let is_key =
        |row: &str, field: &str| row.strip_prefix(field).is_some_and(|rest| rest.trim_start().starts_with(':'));
    fields.iter().all(|field| if is_flow { text.contains(field) } else { text.lines().any(|row| is_key(row, field)) })
}

/// Reads the documents of each file in parallel; none for a file that could not be read. Parsing YAML is most of the work of
/// `check`.
fn documents_of_all(files: &[Result<ManifestFile, ManifestError>], namespace: &str) -> Vec<Documents> {
    let of = |file: &Result<ManifestFile, ManifestError>| match file {
        Ok(file) => documents_of(&file.path, &file.text, namespace),
        Err(_) => Documents::new(),
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(threads).max(SHARE);
    thread::scope(|scope| {
        let begun = files.chunks(share).map(|files| scope.spawn(move || files.iter().map(of).collect::<Vec<_>>()));
        let begun: Vec<_> = begun.collect();
        begun.into_iter().flat_map(|share| share.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Reads the documents of a file. Standard input may be JSON or YAML: JSON is YAML as well.
fn documents_of(path: &Path, text: &str, namespace: &str) -> Documents {
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    documents::read(text, is_json, namespace)
}

impl Broken {
    fn in_file(self, path: &Path) -> ManifestError {
        let Self { line, column, message } = self;
        let path = path.to_owned();
        match message {
            Some(message) => ManifestError::Broken { path, line, column, message },
            None => ManifestError::Template { path, line, column },
        }
    }
}

fn whole_cluster() -> Inventory {
    let mut inventory = Inventory::default();
    for kind in Kind::ALL {
        inventory.cover(kind, Coverage::Complete);
    }
    inventory
}

/// Covers objects that controllers create. They count as missing only if the files contain some, as a full export does.
fn not_given(inventory: &mut Inventory) {
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_made_by_controllers()) {
        if inventory.count(kind) == 0 {
            inventory.cover(kind, Coverage::NotProvided);
        }
    }
}
