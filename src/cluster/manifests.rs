//! Manifest files as a feeder of the inventory: what they hold is the whole cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use serde_saphyr::Spanned;
use thiserror::Error;

use super::object::{Object, Source};
use super::{Coverage, Inventory};
use crate::model::Kind;

/// Largest manifest file that is read, in bytes.
const MAX_FILE: u64 = 256 << 20;

/// Why manifests could not be read.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is nothing to judge by.
    #[error("{}: holds no Kubernetes object (looked for .yaml, .yml and .json files)", path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
    /// The file is larger than 256 MiB.
    #[error("{}: {size} bytes is too large for a manifest", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// A document is broken.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong.
        message: String,
    },
}

/// Fill an inventory with everything in these files and folders, which then is all there is. Kinds that no check
/// reads are left out; objects without a namespace are in `default`.
///
/// # Errors
/// When a path cannot be read, holds no object, or holds a broken document.
pub fn load(paths: &[PathBuf]) -> Result<Inventory, ManifestError> {
    let mut inventory = whole_cluster();
    for path in paths {
        let mut files = Vec::new();
        collect(path, &mut files, &mut BTreeSet::new())?;
        let mut documents = 0;
        for file in &files {
            documents += load_file(file, &mut inventory)?;
        }
        if documents == 0 {
            return Err(ManifestError::Empty { path: path.clone() });
        }
    }
    not_given(&mut inventory);
    Ok(inventory)
}

/// As [`load`], from YAML text that is no file; `name` is what errors call it.
///
/// # Errors
/// When a document is broken.
pub fn load_text(name: &str, text: &str) -> Result<Inventory, ManifestError> {
    let mut inventory = whole_cluster();
    let found = yaml(text).map_err(|broken| broken.in_file(Path::new(name)))?;
    found.into_iter().flatten().for_each(|object| inventory.apply(object));
    not_given(&mut inventory);
    Ok(inventory)
}

fn whole_cluster() -> Inventory {
    let mut inventory = Inventory::default();
    for kind in Kind::ALL {
        inventory.cover(kind, Coverage::Complete);
    }
    inventory
}

/// What controllers make is missed only where the files are an image of a cluster and hold some of it.
fn not_given(inventory: &mut Inventory) {
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_made_by_controllers()) {
        if inventory.count(kind) == 0 {
            inventory.cover(kind, Coverage::NotGiven);
        }
    }
}

/// A file as it is, a folder's manifests in order of their names, each folder once however links lead to it.
fn collect(path: &Path, files: &mut Vec<PathBuf>, seen: &mut BTreeSet<PathBuf>) -> Result<(), ManifestError> {
    let io = |source| ManifestError::Io { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(io)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    if !seen.insert(fs::canonicalize(path).map_err(io)?) {
        return Ok(());
    }
    let entries: Result<BTreeSet<PathBuf>, _> = fs::read_dir(path).map_err(io)?.map(|e| e.map(|e| e.path())).collect();
    for entry in entries.map_err(io)? {
        let is_manifest = entry.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
        if is_manifest || entry.is_dir() {
            collect(&entry, files, seen)?;
        }
    }
    Ok(())
}

/// Read one file; the number of objects in it, known kinds or not.
fn load_file(path: &Path, inventory: &mut Inventory) -> Result<usize, ManifestError> {
    let io = |source| ManifestError::Io { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(io)?.len();
    if size > MAX_FILE {
        return Err(ManifestError::TooLarge { path: path.to_owned(), size });
    }
    let text = fs::read_to_string(path).map_err(io)?;
    let text = text.trim_start_matches('\u{feff}');
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let found = if is_json { json(text) } else { yaml(text) };
    let found = found.map_err(|broken| broken.in_file(path))?;
    let count = found.len();
    found.into_iter().flatten().for_each(|object| inventory.apply(object));
    Ok(count)
}

struct Broken {
    line: u64,
    column: u64,
    message: String,
}

impl Broken {
    fn in_file(self, path: &Path) -> ManifestError {
        let Self { line, column, message } = self;
        ManifestError::Broken { path: path.to_owned(), line, column, message }
    }
}

/// An object of a known kind, or nothing for another kind.
type Found = Option<Object>;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Header {
    api_version: Option<String>,
    kind: Option<String>,
    /// Not kept: the API server refuses annotations that are no text, so nobody else may take them here.
    metadata: Option<HeaderMeta>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct HeaderMeta {
    annotations: Option<BTreeMap<String, Option<String>>>,
}

impl Header {
    /// Whether this is a list: `List`, or `IngressList` and the like, whose items may lack what its kind says. Other
    /// kinds may end in `List` and be none.
    fn is_list(&self) -> bool {
        let item = self.kind.as_deref().and_then(|kind| kind.strip_suffix("List"));
        item.is_some_and(|item| item.is_empty() || Kind::ALL.iter().any(|kind| kind.name() == item))
    }

    fn or_item_of(self, list: &Self) -> Self {
        let item = list.kind.as_deref().and_then(|kind| kind.strip_suffix("List")).filter(|kind| !kind.is_empty());
        Self {
            kind: self.kind.or_else(|| item.map(str::to_owned)),
            api_version: self.api_version.or_else(|| list.api_version.clone()),
            metadata: self.metadata,
        }
    }

    fn known_kind(&self) -> Option<Kind> {
        let kind = Kind::ALL.into_iter().find(|kind| Some(kind.name()) == self.kind.as_deref())?;
        let version = match kind.group() {
            "" => kind.version().to_owned(),
            group => format!("{group}/{}", kind.version()),
        };
        (self.api_version.as_deref() == Some(version.as_str())).then_some(kind)
    }
}

/// The object of a document, in `default` where it has no namespace; nothing where it is of another kind.
fn object<S: Source>(header: &Header, source: S) -> Result<Found, S::Error> {
    let Some(kind) = header.known_kind() else { return Ok(None) };
    let mut object = Object::read(kind, source)?;
    object.default_namespace("default");
    Ok(Some(object))
}

struct Yaml<'a>(&'a str);

impl Source for Yaml<'_> {
    type Error = serde_saphyr::Error;
    fn read<T: DeserializeOwned>(self) -> Result<T, Self::Error> {
        // `no_schema`: an annotation `x: true` is no text, here as for the API server.
        // A file's size bounds its nodes; what one alias can multiply stays bounded by the defaults.
        let mut options = serde_saphyr::options! { no_schema: true, with_snippet: false };
        if let Some(budget) = &mut options.budget {
            budget.max_events = usize::MAX;
            budget.max_nodes = usize::MAX;
        }
        serde_saphyr::from_str_with_options(self.0, options)
    }
}

#[derive(Deserialize)]
struct YamlItems {
    items: Option<Vec<Spanned<Value>>>,
}

#[derive(Deserialize)]
struct ValueItems {
    items: Option<Vec<Value>>,
}

/// The documents of a YAML stream, split at its markers: `---` at the beginning of a line, alone or before a blank.
fn yaml(text: &str) -> Result<Vec<Found>, Broken> {
    let mut found = Vec::new();
    let mut document = String::new();
    let mut first = 0;
    for (line, row) in (0..).zip(text.split_inclusive('\n')) {
        if row.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            yaml_document(&document, first, &mut found)?;
            // What follows the marker on its line belongs to the document; blanks keep its column.
            document = row.replacen("---", "   ", 1);
            first = line;
        } else {
            document.push_str(row);
        }
    }
    yaml_document(&document, first, &mut found)?;
    Ok(found)
}

fn yaml_document(text: &str, first_line: u64, found: &mut Vec<Found>) -> Result<(), Broken> {
    let broken = |error: serde_saphyr::Error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        Broken { line: first_line + line, column, message: plain(&error) }
    };
    let Some(header) = Yaml(text).read::<Option<Header>>().map_err(broken)? else { return Ok(()) };
    if !header.is_list() {
        found.push(object(&header, Yaml(text)).map_err(broken)?);
        return Ok(());
    }
    for Spanned { value, referenced, .. } in Yaml(text).read::<YamlItems>().map_err(broken)?.items.unwrap_or_default() {
        yaml_item(&header, value, found).map_err(|error| Broken {
            line: first_line + referenced.line(),
            column: referenced.column(),
            message: error.to_string(),
        })?;
    }
    Ok(())
}

/// An item of a list, which may be a list itself.
fn yaml_item(list: &Header, value: Value, found: &mut Vec<Found>) -> serde_json::Result<()> {
    let header = value.clone().read::<Header>()?.or_item_of(list);
    if !header.is_list() {
        found.push(object(&header, value)?);
        return Ok(());
    }
    let items: ValueItems = value.read()?;
    items.items.unwrap_or_default().into_iter().try_for_each(|item| yaml_item(&header, item, found))
}

/// The message without the place, which we say ourselves, in front of it.
fn plain(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let place = text.rfind(" at line ").or_else(|| text.rfind('\n'));
    place.map_or(text.clone(), |end| text[..end].to_owned())
}

#[derive(Deserialize)]
struct JsonItems<'a> {
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

fn json(text: &str) -> Result<Vec<Found>, Broken> {
    // Places inside a raw slice count from the slice; its address says where it begins.
    let broken = |slice: &str, error: &serde_json::Error| {
        let start = slice.as_ptr() as usize - text.as_ptr() as usize;
        let before = text.get(..start).unwrap_or_default();
        let first_column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = if error.line() <= 1 { first_column + error.column() } else { error.column() };
        let message = error.to_string();
        let message = message.rfind(" at line ").map_or(message.clone(), |end| message[..end].to_owned());
        let line = before.matches('\n').count() + error.line().max(1);
        Broken { line: line as u64, column: column.max(1) as u64, message }
    };
    let mut found = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let document = document.map_err(|error| broken(text, &error))?;
        json_item(&Header::default(), document, &mut found).map_err(|(slice, error)| broken(slice, &error))?;
    }
    Ok(found)
}

/// A document or an item of a list, which may be a list itself; an error comes with the slice that it counts from.
fn json_item<'a>(
    list: &Header,
    item: &'a RawValue,
    found: &mut Vec<Found>,
) -> Result<(), (&'a str, serde_json::Error)> {
    let here = |error| (item.get(), error);
    let header = item.read::<Header>().map_err(here)?.or_item_of(list);
    if !header.is_list() {
        found.push(object(&header, item).map_err(here)?);
        return Ok(());
    }
    let items: JsonItems<'a> = serde_json::from_str(item.get()).map_err(here)?;
    items.items.unwrap_or_default().into_iter().try_for_each(|item| json_item(&header, item, found))
}
