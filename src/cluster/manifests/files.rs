//! Finds manifest files and reads their text, with limits for any content and for symbolic links.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use foldhash::HashSet;

use super::error::ManifestError;

/// One manifest file.
#[derive(Debug)]
pub struct ManifestFile {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// The text without a byte order mark.
    pub text: String,
    /// Whether the file starts with a byte order mark.
    pub has_mark: bool,
}

/// Walks folders and records the visited ones.
#[derive(Debug, Default)]
pub(super) struct Files {
    seen: HashSet<PathBuf>,
}

impl Files {
    /// Adds a file, or the manifests of a folder in order of their names; each once, even if several links lead to it.
    pub(super) fn below(&mut self, path: &Path) -> Vec<Result<PathBuf, ManifestError>> {
        let mut found = Vec::new();
        self.collect(path, &mut found);
        found
    }

    fn collect(&mut self, path: &Path, found: &mut Vec<Result<PathBuf, ManifestError>>) {
        // GitHub and `git apply` do not accept a path that begins with `./`.
        let path = path.strip_prefix(".").ok().filter(|path| !path.as_os_str().is_empty()).unwrap_or(path);
        let whole = match fs::canonicalize(path) {
            Ok(whole) => whole,
            // The file that a shell creates for `<(helm template .)` has no useful name.
            Err(_) if fs::metadata(path).is_ok() => path.to_owned(),
            Err(source) => return found.push(Err(ManifestError::Io { path: path.to_owned(), source })),
        };
        if !self.seen.insert(whole.clone()) {
            return;
        }
        if !whole.is_dir() {
            return found.push(Ok(path.to_owned()));
        }
        let entries: std::io::Result<BTreeSet<PathBuf>> =
            fs::read_dir(path).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
        match entries {
            Ok(entries) => {
                let is_named_so =
                    |entry: &PathBuf| entry.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
                // Pipes and devices are not manifests; a dangling link is an error.
                let is_file = |entry: &PathBuf| fs::metadata(entry).map_or(true, |of| of.is_file());
                let manifests = entries.iter().filter(|entry| entry.is_dir() || (is_named_so(entry) && is_file(entry)));
                manifests.for_each(|entry| self.collect(entry, found));
            }
            Err(source) => found.push(Err(ManifestError::Io { path: path.to_owned(), source })),
        }
    }
}

/// Returns the text of a file.
pub(super) fn read(path: &Path, largest: u64) -> Result<ManifestFile, ManifestError> {
    let io = |source| ManifestError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    if file.metadata().map_err(io)?.len() > largest {
        return Err(ManifestError::TooLarge { path: path.to_owned(), most: largest });
    }
    read_stream(path, file, largest)
}

/// Returns the text of a stream, whose length is unknown before its end.
pub(super) fn read_stream(path: &Path, stream: impl Read, largest: u64) -> Result<ManifestFile, ManifestError> {
    let io = |source| ManifestError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    stream.take(largest + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > largest {
        return Err(ManifestError::TooLarge { path: path.to_owned(), most: largest });
    }
    // Text may hold a zero byte, YAML may not.
    let text = match bytes.iter().position(|byte| *byte == 0) {
        None => String::from_utf8(bytes).map_err(|error| error.utf8_error().valid_up_to()),
        Some(zero) => Err(zero),
    };
    let mut text = text.map_err(|at| ManifestError::NotText { path: path.to_owned(), at: at + 1 })?;
    let has_mark = text.starts_with('\u{feff}');
    if has_mark {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(ManifestFile { path: path.to_owned(), text, has_mark })
}
