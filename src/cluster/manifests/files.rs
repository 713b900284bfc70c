//! Finds manifest files and reads their text, with limits for any content, for symbolic links and for nested directories.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use foldhash::HashSet;

use super::error::ManifestError;
use crate::{file, parallel};

/// The deepest directory that is read, counted from the given one. Repositories have about a dozen levels.
const DEPTH: usize = 100;

/// The files that a thread reads before it takes others.
const SHARE: usize = 32;

/// One manifest file.
#[derive(Debug)]
pub struct ManifestFile {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// The place of its content.
    pub source: ManifestSource,
    /// The text without a byte order mark.
    pub text: String,
    /// How the file writes the text.
    pub encoding: Encoding,
    /// Whether it was given by its name, not as a part of a directory.
    pub is_given: bool,
}

/// How a file writes its text. kubectl decides by the byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 after a byte order mark.
    Utf8WithMark,
    /// UTF-16, as some editors of Windows write it.
    Utf16,
}

/// The place of the content of a manifest file, which decides whether `--fix` may write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestSource {
    /// A file in the given directory, without symbolic links.
    Within(PathBuf),
    /// A file outside the given directory, to which a symbolic link in it leads.
    Outside(PathBuf),
    /// Standard input or a pipe.
    Stream,
    /// The output of a program that renders manifests.
    Rendered,
}

/// A file that was found, and not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The file as it is shown.
    pub path: PathBuf,
    /// The place of its content.
    pub source: ManifestSource,
    /// Whether it was given by its name, not as a part of a directory.
    pub is_given: bool,
}

/// Selects the files and directories below a given one that are left out, by their path without symbolic links above them, and
/// whether they are a directory.
pub type LeftOut<'a> = dyn Fn(&Path, bool) -> bool + 'a;

/// Walks directories and records the visited ones.
#[derive(Debug, Default)]
pub struct Files {
    seen: HashSet<PathBuf>,
}

/// The files of one argument, and the directory that it gives.
struct Walk<'a> {
    root: PathBuf,
    is_given: bool,
    left_out: &'a LeftOut<'a>,
    found: Vec<Result<Listed, ManifestError>>,
}

impl Files {
    /// Adds a file, or the manifests of a directory in order of their names; each once, even if several links lead to it.
    pub fn below(&mut self, path: &Path, left_out: &LeftOut<'_>) -> Vec<Result<Listed, ManifestError>> {
        // Here and below: GitHub and `git apply` do not accept a path that begins with `./`.
        let path = path.strip_prefix(".").ok().filter(|path| !path.as_os_str().is_empty()).unwrap_or(path);
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            // The file that a shell creates for `<(helm template .)` has no name in the file system.
            Err(_) if fs::metadata(path).is_ok() => {
                return vec![Ok(Listed { path: path.to_owned(), source: ManifestSource::Stream, is_given: true })];
            }
            Err(source) => return vec![Err(ManifestError::Io { path: path.to_owned(), source })],
        };
        let is_given = !real.is_dir();
        let root = if is_given { folder_of(path) } else { real.clone() };
        let mut walk = Walk { root, is_given, left_out, found: Vec::new() };
        self.collect(path, real, !is_given, &mut walk, 0);
        walk.found
    }

    /// Adds the file or directory at `path`. `real` is the same without symbolic links. It is passed down: a search for it in each
    /// directory takes time that grows with the third power of the depth.
    fn collect(&mut self, path: &Path, real: PathBuf, is_directory: bool, walk: &mut Walk<'_>, depth: usize) {
        if self.seen.contains(&real) {
            return;
        }
        if depth > DEPTH {
            return walk.found.push(Err(ManifestError::TooDeep { path: path.to_owned(), most: DEPTH }));
        }
        self.seen.insert(real.clone());
        if !is_directory {
            return walk.add(path, real);
        }
        let entries = fs::read_dir(&real).and_then(|entries| {
            let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
            entries.sort_by_key(fs::DirEntry::file_name);
            Ok(entries)
        });
        let entries = match entries {
            Ok(entries) => entries,
            Err(source) => return walk.found.push(Err(ManifestError::Io { path: path.to_owned(), source })),
        };
        for entry in entries {
            let name = entry.file_name();
            let path = if path == Path::new(".") { PathBuf::from(name) } else { path.join(name) };
            let is_manifest = is_manifest(&path);
            if (walk.left_out)(&entry.path(), entry.file_type().is_ok_and(|kind| kind.is_dir())) {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() || (kind.is_file() && is_manifest) => {
                    self.collect(&path, entry.path(), kind.is_dir(), walk, depth + 1);
                }
                Ok(kind) if kind.is_symlink() => match fs::canonicalize(&path) {
                    Ok(real) if real.is_dir() => self.collect(&path, real, true, walk, depth + 1),
                    Ok(real) if real.is_file() && is_manifest => self.collect(&path, real, false, walk, depth + 1),
                    Err(source) if is_manifest => walk.found.push(Err(ManifestError::Io { path, source })),
                    _ => {}
                },
                // Pipes and devices are not manifests.
                Ok(_) => {}
                Err(source) => walk.found.push(Err(ManifestError::Io { path, source })),
            }
        }
    }
}

impl Walk<'_> {
    fn add(&mut self, path: &Path, real: PathBuf) {
        let is_within = real.starts_with(&self.root);
        let source = if is_within { ManifestSource::Within(real) } else { ManifestSource::Outside(real) };
        self.found.push(Ok(Listed { path: path.to_owned(), source, is_given: self.is_given }));
    }
}

/// Whether the name of a file is that of a manifest. kustomize also reads `Kustomization`.
fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json")
        || path.file_name().is_some_and(|name| name == "Kustomization")
}

/// The directory of a file, without symbolic links.
fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

impl Listed {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// If it cannot be read, is not text, or has more than `largest` bytes.
    pub fn read(self, largest: u64) -> Result<ManifestFile, ManifestError> {
        let Self { path, source, is_given } = self;
        let file = file::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match file {
            Ok((size, _)) if size > largest => Err(ManifestError::TooLarge { path, most: largest }),
            Ok((size, file)) => Ok(ManifestFile { source, is_given, ..read_sized(&path, file, size, largest)? }),
            Err(source) => Err(ManifestError::Io { path, source }),
        }
    }

    /// Reads the text of files on all cores, as [`Listed::read`] does.
    #[must_use]
    pub fn read_all(files: &[&Self], largest: u64) -> Vec<Result<ManifestFile, ManifestError>> {
        let read = |files: &[&Self]| files.iter().map(|file| (*file).clone().read(largest)).collect::<Vec<_>>();
        parallel::blocks(files, SHARE, read).into_iter().flatten().collect()
    }
}

/// Returns the text of a stream, whose length is unknown before its end.
pub(super) fn read_stream(path: &Path, stream: impl Read, largest: u64) -> Result<ManifestFile, ManifestError> {
    read_sized(path, stream, 0, largest)
}

/// Returns the text of a stream. If it has the expected size, its bytes need one allocation.
fn read_sized(path: &Path, stream: impl Read, expected: u64, largest: u64) -> Result<ManifestFile, ManifestError> {
    let io = |source| ManifestError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    stream.take(largest + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > largest {
        return Err(ManifestError::TooLarge { path: path.to_owned(), most: largest });
    }
    let (encoding, text) = decoded(bytes).map_err(|at| ManifestError::NotText { path: path.to_owned(), at: at + 1 })?;
    Ok(ManifestFile { path: path.to_owned(), source: ManifestSource::Stream, text, encoding, is_given: true })
}

/// Decodes the bytes of a file without its byte order mark. The error is the offset of the first byte that is not text.
fn decoded(bytes: Vec<u8>) -> Result<(Encoding, String), usize> {
    let to_unit: Option<fn([u8; 2]) -> u16> = match &*bytes {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    };
    if let Some(to_unit) = to_unit {
        let (pairs, odd) = bytes[2..].as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| to_unit(*pair)).collect();
        let text = String::from_utf16(&units).map_err(|_| 2_usize)?;
        // Text may hold a zero character, YAML may not. UTF-32 has many.
        let is_text = odd.is_empty() && !text.contains('\0');
        return if is_text { Ok((Encoding::Utf16, text)) } else { Err(2) };
    }
    let mut text = match bytes.iter().position(|byte| *byte == 0) {
        None => String::from_utf8(bytes).map_err(|error| error.utf8_error().valid_up_to())?,
        Some(zero) => return Err(zero),
    };
    if !text.starts_with('\u{feff}') {
        return Ok((Encoding::Utf8, text));
    }
    text.drain(..'\u{feff}'.len_utf8());
    Ok((Encoding::Utf8WithMark, text))
}
