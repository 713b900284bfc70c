//! Manifest files as a source of the inventory. [`load`] reads them as the whole cluster and stops at the first error;
//! [`Manifests::read`] continues, and records the position of each object.

mod custom;
mod documents;
mod error;
mod files;
mod generated;
mod header;
mod options;
mod outside;
mod parts;
mod substitution;
mod unclear;

pub use custom::{CustomResource, MadeSecret, MadeServices};
pub use error::ManifestError;
pub use files::{Encoding, Files, LeftOut, Listed, ManifestFile, ManifestSource};
pub use options::ReadOptions;
pub use outside::{Elsewhere, Known, Named, Shown};
pub use substitution::Variables;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::{Coverage, Inventory, LiveReads, Object};
use crate::model::{CertManagerCertificate, Key, Kind};
use crate::parallel;
use documents::{Broken, Content, Documents, Found, Repeated};
use generated::GeneratedNames;
use parts::Part;

/// The number of files, or of their parts, from which a further thread pays off.
const SHARE: usize = 16;

/// The contents of manifest files.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The files that are text.
    pub files: Vec<ManifestFile>,
    /// What each file shows about objects that are not in it.
    pub elsewhere: Vec<Elsewhere>,
    /// Their objects of known kinds, in the order in which `kubectl apply` would take them.
    pub objects: Vec<Manifest>,
    /// The errors.
    pub faults: Vec<ManifestError>,
    /// The documents with a key that a map has twice.
    pub repeated: Vec<RepeatedKey>,
    generated: GeneratedNames,
}

/// A key that a map of a document has twice. The last value counts, as for kubectl.
#[derive(Debug)]
pub struct RepeatedKey {
    /// The index of the file in [`Manifests::files`].
    pub file: usize,
    /// The key.
    pub key: String,
    /// The line of the key before, from 1.
    pub before: usize,
    /// Line and column of the repeated key, from 1.
    pub place: (usize, usize),
    /// The number of further repeated keys in the document.
    pub others: usize,
}

/// One object of a file.
#[derive(Debug)]
pub struct Manifest {
    /// The object.
    pub object: Object,
    /// Whether the file gives its namespace.
    pub has_namespace: bool,
    /// The position.
    pub origin: Origin,
    /// An Ingress as it is written, with the fields that no check reads; `None` for other kinds.
    pub written: Option<Arc<Value>>,
}

impl Manifest {
    /// Whether another manifest of the object says the same, as far as checks read it.
    #[must_use]
    pub fn is_alike(&self, other: &Self) -> bool {
        self.object == other.object && self.written == other.written
    }
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
    let mut cluster = WholeCluster::new();
    let variables = Variables::default();
    let options = ReadOptions { namespace: "default", variables: &variables, largest: LARGEST };
    for path in paths {
        let mut documents = 0;
        for listed in Files::default().below(path, &|_, _| false) {
            let file = listed?.read(LARGEST)?;
            let parts = parts_of(&file);
            let found = parts.iter().flat_map(|part| documents::read(&file.text, part, options).objects);
            for found in found {
                let found = found.and_then(Found::decodable).map_err(|broken| broken.in_file(&file.path))?;
                documents += 1;
                cluster.apply(found.content, None);
            }
        }
        if documents == 0 {
            return Err(ManifestError::Empty { path: path.clone() });
        }
    }
    Ok(cluster.finish())
}

/// Loads objects from YAML text, as [`load`] does from files, and Ingresses as manifests that are to be applied. Errors use
/// `name` in place of a path.
///
/// # Errors
/// If a document is broken.
pub fn load_text(name: &str, text: &str) -> Result<Inventory, ManifestError> {
    let mut cluster = WholeCluster::new();
    let variables = Variables::default();
    let options = ReadOptions { namespace: "default", variables: &variables, largest: u64::MAX };
    let documents = parts::parts(text, false).into_iter().map(|part| documents::read(text, &part, options));
    for found in documents.flat_map(|documents| documents.objects) {
        let Found { content, written, .. } = found.map_err(|broken| broken.in_file(Path::new(name)))?;
        cluster.apply(content, written);
    }
    Ok(cluster.finish())
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

    /// Adds the objects of files.
    pub fn add_listed(&mut self, files: &[Listed], options: ReadOptions<'_>) {
        self.add_files(Listed::read_all(&files.iter().collect::<Vec<_>>(), options.largest), options);
    }

    /// Adds the objects of files whose text was read before.
    pub fn add_files(&mut self, found: Vec<Result<ManifestFile, ManifestError>>, options: ReadOptions<'_>) {
        let documents = documents_of_all(&found, options);
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
            Ok(file) => self.add_files(vec![Ok(file)], options),
            Err(fault) => self.faults.push(fault),
        }
    }

    /// Adds the objects of a text that a program has rendered, as one file with this name.
    pub fn add_rendered(&mut self, name: PathBuf, text: String, options: ReadOptions<'_>) {
        let (source, encoding) = (ManifestSource::Rendered, Encoding::Utf8);
        self.add_files(vec![Ok(ManifestFile { path: name, source, text, encoding, is_given: true })], options);
    }

    fn add(&mut self, file: ManifestFile, documents: Documents) {
        let (number, mut elsewhere) = (self.files.len(), Elsewhere::default());
        let is_manifest = file.is_given || looks_like_manifest(&file.text);
        for found in documents.objects {
            match found {
                Ok(Found { content, bytes, items, written, .. }) => match content {
                    Content::Object { mut object, has_namespace } => {
                        self.generated.number(&mut object, || (file.path.clone(), bytes.start, items.clone()));
                        elsewhere.issued.extend(issued(&object, has_namespace));
                        let origin = Origin { file: number, document: bytes, items };
                        self.objects.push(Manifest { object, has_namespace, origin, written });
                    }
                    Content::Unclear(named) => elsewhere.unclear.push(named),
                    Content::Custom(custom) => elsewhere.custom.push(custom),
                    Content::Other => {}
                },
                Err(_) if !is_manifest => {}
                Err(broken) => self.faults.push(broken.in_file(&file.path)),
            }
        }
        self.repeated.extend(documents.repeated.into_iter().map(|repeated| {
            let Repeated { key, before, line, column, others } = repeated;
            RepeatedKey { file: number, key, before, place: (line, column), others }
        }));
        self.elsewhere.push(elsewhere);
        self.files.push(file);
    }
}

/// Returns the Secret that cert-manager creates for a Certificate.
fn issued(object: &Object, has_namespace: bool) -> Option<Named> {
    let Object::Certificate(CertManagerCertificate { key, secret_name, .. }) = object else { return None };
    Some(Named { kind: Kind::Secret, key: Key::new(&key.namespace, secret_name), has_namespace })
}

/// Whether a text that cannot be parsed may contain a manifest. Directories contain many other files: templates, configurations with
/// comments in JSON, playbooks.
fn looks_like_manifest(text: &str) -> bool {
    let fields = ["apiVersion", "kind"];
    let is_flow = text.trim_start().starts_with(['{', '[']);
    // Fields of other objects within these files are further to the right.
    let is_key = |row: &str, field: &str| {
        let row = row.strip_prefix("  ").or_else(|| row.strip_prefix("- ")).unwrap_or(row);
        let row = row.strip_prefix(['"', '\'']).unwrap_or(row);
        row.strip_prefix(field).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
    };
    fields.iter().all(|field| if is_flow { text.contains(field) } else { text.lines().any(|row| is_key(row, field)) })
}

/// Reads the documents of each file on all cores; none for a file that could not be read. Parsing YAML is most of the work of
/// `check`.
fn documents_of_all(files: &[Result<ManifestFile, ManifestError>], options: ReadOptions<'_>) -> Vec<Documents> {
    let texts = files.iter().enumerate().filter_map(|(at, file)| Some((at, file.as_ref().ok()?)));
    let parts: Vec<(usize, &str, Part)> =
        texts.flat_map(|(at, file)| parts_of(file).into_iter().map(move |part| (at, &*file.text, part))).collect();
    let read = parallel::blocks(&parts, SHARE, |parts| {
        parts.iter().map(|(_, text, part)| documents::read(text, part, options)).collect::<Vec<_>>()
    });
    let mut documents: Vec<Documents> = files.iter().map(|_| Documents::default()).collect();
    for ((at, ..), part) in parts.iter().zip(read.into_iter().flatten()) {
        documents[*at].append(part);
    }
    documents
}

/// The parts of a file. Standard input may be JSON or YAML.
fn parts_of(ManifestFile { path, text, .. }: &ManifestFile) -> Vec<Part> {
    parts::parts(text, path.extension().is_some_and(|extension| extension == "json"))
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

/// The objects of files that are the whole cluster.
struct WholeCluster {
    inventory: Inventory,
    defined: Vec<Named>,
    elsewhere: Elsewhere,
    generated: GeneratedNames,
}

impl WholeCluster {
    fn new() -> Self {
        let mut inventory = Inventory::default();
        for kind in Kind::ALL {
            inventory.cover(kind, Coverage::Complete);
        }
        Self { inventory, defined: Vec::new(), elsewhere: Elsewhere::default(), generated: GeneratedNames::default() }
    }

    /// Adds the content of a document.
    fn apply(&mut self, content: Content, written: Option<Arc<Value>>) {
        match content {
            Content::Object { mut object, has_namespace } => {
                self.generated.number(&mut object, || (PathBuf::new(), self.defined.len(), Vec::new()));
                self.defined.push(Named { kind: object.kind(), key: object.key(), has_namespace });
                self.elsewhere.issued.extend(issued(&object, has_namespace));
                object.set_written(written, None);
                self.inventory.apply(object);
            }
            Content::Unclear(named) => self.elsewhere.unclear.push(named),
            Content::Custom(custom) => self.elsewhere.custom.push(custom),
            Content::Other => {}
        }
    }

    /// Adds what the files show about other objects, and covers those that controllers create. These count as missing only if the
    /// files contain some, as a full export does.
    fn finish(self) -> Inventory {
        let Self { mut inventory, defined, elsewhere, .. } = self;
        let files = Shown { defined, elsewhere: vec![&elsewhere] };
        let mut known = Known { inventory: &mut inventory, live_reads: &mut LiveReads::default() };
        known.note(&files, &Shown::default(), None);
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_made_by_controllers()) {
            if inventory.count(kind) == 0 {
                inventory.cover(kind, Coverage::NotProvided);
            }
        }
        inventory
    }
}
