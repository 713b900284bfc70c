//! Writing segments: the directory has a bound in bytes, and the oldest segment goes first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
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

/// The segment that is written.
#[derive(Debug)]
struct Segment {
    lines: BufWriter<Bounded>,
    /// The state of the cluster, and the configuration, as far as they are written.
    state: Arc<Inventory>,
    configuration: Option<Arc<str>>,
}

/// The file of a segment. The oldest segments go before bytes are added that do not fit.
#[derive(Debug)]
struct Bounded {
    folder: PathBuf,
    most_bytes: u64,
    path: PathBuf,
    file: File,
    bytes: u64,
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
        let has_room = |segment: &Segment| segment.lines.get_ref().bytes <= self.most_bytes / PARTS;
        let mut segment = match self.open.take().filter(has_room) {
            Some(segment) => segment,
            None => self.begin(recording.now)?,
        };
        let has_reviews = segment.configuration.is_some();
        let added = segment.add(recording, &self.salt);
        if added.is_err() && !has_reviews {
            let _ = fs::remove_file(&segment.lines.get_ref().path);
        }
        added?;
        self.open = Some(segment);
        Ok(())
    }

    fn begin(&self, now: Timestamp) -> io::Result<Segment> {
        let path = self.folder.join(format!("{PREFIX}{:020}{SUFFIX}", now.as_nanosecond().max(0)));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let file = Bounded { folder: self.folder.clone(), most_bytes: self.most_bytes, path, file, bytes: 0 };
        let mut lines = BufWriter::new(file);
        let salt = self.salt.as_str().into();
        put(&mut lines, &Header { record: "ingress-guard".into(), version: VERSION, salt, started: now })?;
        Ok(Segment { lines, state: Arc::default(), configuration: None })
    }
}

impl Segment {
    /// Adds a review. The lines before it leave the process one after the other, because the first ones are the whole cluster.
    fn add(&mut self, recording: &Recording, salt: &str) -> io::Result<()> {
        let Self { lines, state, configuration } = self;
        let text = &recording.rules.text;
        if configuration.as_ref() != Some(text) {
            put(lines, &Line::Configuration((&**text).into()))?;
        }
        // Words of this list decide about snippets, wherever it is set.
        let mut keeps_snippets = text.contains(BLOCKLIST);
        keeps_snippets |= recording.state.config_maps().any(|config_map| config_map.get(BLOCKLIST).is_some());
        for change in recording.state.written_changes(state, |ingress| reduce_ingress(ingress, keeps_snippets)) {
            put(lines, &Line::Change(&to_raw_value(&change?)?))?;
        }
        let manager = field_manager(&recording.body);
        let body = reduced_review(&recording.body, salt, &manager, keeps_snippets);
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
        put(lines, &Line::Review(Box::new(review)))?;
        lines.flush()?;
        *state = Arc::clone(&recording.state);
        *configuration = Some(Arc::clone(text));
        Ok(())
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.make_room(bytes.len())?;
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Bounded {
    /// Removes the oldest segments until this many bytes fit.
    fn make_room(&self, bytes: usize) -> io::Result<()> {
        let mut closed = segments(&self.folder)?;
        closed.retain(|path| *path != self.path);
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
        let mut all = self.bytes + bytes as u64 + closed.iter().map(size).sum::<u64>();
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

fn put(lines: &mut impl Write, line: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, line)?;
    lines.write_all(b"\n")
}
