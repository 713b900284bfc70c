//! Files that a user names: reading that neither blocks nor grows without limit, and writing that replaces a file as a whole.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Read as _, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use tempfile::Builder;

/// Opens a file for reading.
///
/// Pipes of the shell, as in `<(helm template .)`, are read until their end. A named pipe may have no writer and a device may have
/// no end, so that both are errors; `/dev/null` is an empty file.
///
/// # Errors
/// If the file does not exist, is not readable, or is a named pipe, a socket or a device.
pub fn open(path: &Path) -> io::Result<File> {
    usable(path)?;
    File::open(path)
}

/// Checks a file that another crate reads.
///
/// # Errors
/// Those of [`open()`], or if the file has more than `most` bytes.
pub fn check(path: &Path, most: u64) -> io::Result<()> {
    if usable(path)?.len() > most { Err(too_large(most)) } else { Ok(()) }
}

fn usable(path: &Path) -> io::Result<Metadata> {
    let found = fs::metadata(path)?;
    let kind = found.file_type();
    let refused = match () {
        () if kind.is_file() || kind.is_dir() || path == Path::new("/dev/null") => return Ok(found),
        () if kind.is_fifo() && is_from_shell(path) => return Ok(found),
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, format!("{refused}, not a regular file")))
}

fn too_large(most: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("larger than {} MiB", most >> 20))
}

/// Whether a pipe has only a descriptor, and no name in the file system.
fn is_from_shell(pipe: &Path) -> bool {
    fs::canonicalize(pipe).map_or(true, |real| real.starts_with("/dev/fd"))
}

/// Returns the bytes of a file.
///
/// # Errors
/// Those of [`open()`], or if the file has more than `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large(most));
    }
    Ok(bytes)
}

/// Returns the text of a file.
///
/// # Errors
/// Those of [`read()`], or if the file is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?).map_err(|_| io::Error::new(ErrorKind::InvalidData, "not UTF-8 text"))
}

/// The permissions of a file that [`replace()`] creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Those of the replaced file; without one, those that the umask leaves.
    Usual,
    /// Only the owner reads and writes.
    Private,
}

/// Replaces a file by what `write` writes. Until that is complete, the file keeps its previous content.
///
/// The content is written to a temporary file in the same directory, which is then renamed. A symbolic link stays, and its target is
/// replaced. Pipes and devices, such as `/dev/stdout`, are written directly.
///
/// # Errors
/// If `write` fails, the directory or the file is not writable, or the path is a directory.
pub fn replace(path: &Path, access: Access, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let Some((target, previous)) = replaceable(path)? else {
        let mut file = BufWriter::new(File::create(path)?);
        write(&mut file)?;
        return file.flush();
    };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = if access == Access::Private { 0o600 } else { 0o666 };
    let mut file = Builder::new().permissions(Permissions::from_mode(mode)).tempfile_in(folder)?;
    let mut content = BufWriter::new(&mut file);
    write(&mut content)?;
    content.flush()?;
    drop(content);
    if let Some(previous) = previous.filter(|_| access == Access::Usual) {
        // Only root can give a file to another owner.
        let _ = fchown(file.as_file(), Some(previous.uid()), Some(previous.gid()));
        file.as_file().set_permissions(previous.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
}

/// The file that a rename replaces and its metadata, if it exists; `None` for anything that can only be written directly.
fn replaceable(path: &Path) -> io::Result<Option<(PathBuf, Option<Metadata>)>> {
    match fs::canonicalize(path) {
        // A program that reads the file behind `/dev/stdout` would keep the previous one.
        Ok(target) if target.is_file() && !path.starts_with("/dev") => {
            // A rename does not need write permission on the file itself.
            let previous = OpenOptions::new().write(true).open(&target)?.metadata()?;
            Ok(Some((target, Some(previous))))
        }
        Err(error) if error.kind() == ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => {
            Ok(Some((path.to_owned(), None)))
        }
        _ => Ok(None),
    }
}

/// Whether two paths lead to the same regular file, or would create the same one.
#[must_use]
pub fn is_same(one: &Path, other: &Path) -> bool {
    match [one, other].map(fs::metadata) {
        [Ok(one), Ok(other)] => one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino()),
        [Err(_), Err(_)] => place(one).is_some_and(|place_of| Some(place_of) == place(other)),
        _ => false,
    }
}

/// The real directory of a file that does not exist yet, and its name.
fn place(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(fs::canonicalize(folder).ok()?.join(path.file_name()?))
}
