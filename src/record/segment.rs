//! Writing segments: the directory has a bound in bytes, and the oldest segment goes first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};

use super::format::{Header, Line, Review, VERSION};
use super::redaction::{in_hexadecimal, reduce_ingress, reduced_review};
use crate::admission::{Asked, Recording, field_manager};
use crate::cluster::Inventory;

/// A segment is closed when it has this part of all bytes, so that the oldest reviews go in parts.
const PARTS: u64 = 4;

const PREFIX: &str = "reviews-";
const SUFFIX: &str = ".jsonl";

/// Writes records of reviews into a directory.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    most_bytes: u64,
    salt: String,
    open: Option<Segment>,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// The state of the cluster, and the configuration, as far as they are written.
    state: Arc<Inventory>,
    configuration: Option<Arc<str>>,
}

impl Writer {
    /// Creates the directory if it does not exist. All segments in it together have at most `most_bytes`.
    ///
    /// # Errors
    /// If the directory cannot be created, or no random bytes can be had.
    pub fn new(folder: &Path, most_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut salt = [0_u8; 16];
        let random = ring::rand::SystemRandom::new();
        ring::rand::SecureRandom::fill(&random, &mut salt).map_err(|_| io::Error::other("no random bytes"))?;
        Ok(Self { folder: folder.to_owned(), most_bytes, salt: in_hexadecimal(&salt), open: None })
    }

    /// Writes one review, and what has changed since the review before.
    ///
    /// # Errors
    /// If a file cannot be written, or one segment does not fit into the directory. Nothing more can be written then.
    pub fn write(&mut self, recording: &Recording) -> io::Result<()> {
        let is_full = |segment: &Segment| segment.bytes > self.most_bytes / PARTS;
        if self.open.as_ref().is_none_or(is_full) {
            self.open = None;
            let text = self.first_lines(recording)?;
            self.remove_oldest(text.len())?;
            let path = self.folder.join(format!("{PREFIX}{:020}{SUFFIX}", recording.now.as_nanosecond().max(0)));
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(&text)?;
            let (state, configuration) = (Arc::clone(&recording.state), Some(Arc::clone(&recording.rules.text)));
            self.open = Some(Segment { path, file, bytes: text.len() as u64, state, configuration });
            return Ok(());
        }
        let Some(segment) = self.open.as_ref() else { return Ok(()) };
        let text = self.lines(recording, &segment.state, segment.configuration.as_ref())?;
        self.remove_oldest(text.len())?;
        let Some(segment) = self.open.as_mut() else { return Ok(()) };
        segment.file.write_all(&text)?;
        segment.bytes += text.len() as u64;
        segment.state = Arc::clone(&recording.state);
        segment.configuration = Some(Arc::clone(&recording.rules.text));
        Ok(())
    }

    fn first_lines(&self, recording: &Recording) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let salt = self.salt.as_str().into();
        put(&mut text, &Header { record: "ingress-guard".into(), version: VERSION, salt, started: recording.now })?;
        text.extend(self.lines(recording, &Inventory::default(), None)?);
        Ok(text)
    }

    fn lines(&self, recording: &Recording, state: &Inventory, configuration: Option<&Arc<str>>) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        if configuration != Some(&recording.rules.text) {
            put(&mut text, &Line::Configuration((&*recording.rules.text).into()))?;
        }
        // Words of this list decide about snippets, wherever it is set.
        let mut keeps_snippets = recording.rules.text.contains(BLOCKLIST);
        keeps_snippets |= recording.state.config_maps().any(|config_map| config_map.get(BLOCKLIST).is_some());
        let changes = recording.state.written_changes(state, |ingress| reduce_ingress(ingress, keeps_snippets))?;
        for change in changes {
            put(&mut text, &Line::Change(&to_raw_value(&change)?))?;
        }
        let manager = field_manager(&recording.body);
        let body = reduced_review(&recording.body, &self.salt, &manager, keeps_snippets);
        let body = to_raw_value(&body.ok_or_else(|| io::Error::other("a review that was evaluated cannot be read"))?)?;
        let reads = recording.live_reads.written()?;
        let reads: Vec<Box<RawValue>> = reads.iter().map(to_raw_value).collect::<serde_json::Result<_>>()?;
        let review = Review {
            time: recording.now,
            body: &body,
            live_reads: reads.iter().map(|read| &**read).collect(),
            confirmed: recording.confirmed.as_ref().map(Asked::all),
            findings: recording.findings.clone(),
        };
        put(&mut text, &Line::Review(Box::new(review)))?;
        Ok(text)
    }

    /// Removes the oldest segments until this many bytes fit.
    fn remove_oldest(&self, bytes: usize) -> io::Result<()> {
        let mut closed = segments(&self.folder)?;
        closed.retain(|path| self.open.as_ref().is_none_or(|open| open.path != *path));
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
        let open = self.open.as_ref().map_or(0, |open| open.bytes);
        let mut all = open + bytes as u64 + closed.iter().map(size).sum::<u64>();
        for path in closed {
            if all <= self.most_bytes {
                break;
            }
            all -= size(&path);
            fs::remove_file(&path)?;
        }
        if all <= self.most_bytes {
            return Ok(());
        }
        Err(io::Error::new(ErrorKind::StorageFull, format!("one segment needs more than {} bytes", self.most_bytes)))
    }
}

/// The key of the words that no annotation may contain.
const BLOCKLIST: &str = "annotation-value-word-blocklist";

/// Returns the segments of a directory, the oldest first.
///
/// # Errors
/// If the directory cannot be read.
pub fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_segment = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
    };
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut segments: Vec<PathBuf> =
        paths.filter(|path| path.as_ref().map_or(true, is_segment)).collect::<io::Result<_>>()?;
    segments.sort();
    Ok(segments)
}

/// Copies the whole lines among the first bytes of a segment.
///
/// # Errors
/// If it cannot be read, or `out` fails.
pub fn copy_lines(segment: &mut impl Read, length: u64, out: &mut impl Write) -> io::Result<()> {
    let mut lines = BufReader::new(segment.take(length));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        if line.ends_with(b"\n") {
            out.write_all(&line)?;
        }
        line.clear();
    }
    Ok(())
}

fn put(text: &mut Vec<u8>, line: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *text, line)?;
    text.push(b'\n');
    Ok(())
}
