//! A snapshot of the cluster state, and its file format: one JSON line as header, then one line for each object.

mod changes;
mod form;
mod secret_form;

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{ClusterState, Coverage, Inventory, LiveRead, LiveReads, ReadFailure};
use crate::file;
use crate::model::{Key, Kind};

/// The version of the format that is written and read.
const SCHEMA_VERSION: u32 = 1;
/// The longest line that is read, in bytes: far more than the largest object that etcd stores.
const LONGEST_LINE: u64 = 64 << 20;

/// The state of a cluster at one moment, which a file can store.
#[derive(Debug)]
pub struct Snapshot {
    /// The listed objects.
    pub inventory: Inventory,
    /// The objects that were fetched by name, e.g. Secrets; they take precedence over the inventory.
    pub live_reads: LiveReads,
    /// The time of the snapshot, at which everything is evaluated.
    pub taken: Timestamp,
}

/// The reason why a file is not a snapshot.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// An error of the file system.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The file is not a snapshot.
    #[error("{}: not a snapshot; create one with ingress-guard snapshot", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another version of ingress-guard has written it.
    #[error(
        "{}: the snapshot has schema version {version}, this ingress-guard reads version {SCHEMA_VERSION}; create it again with ingress-guard snapshot",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version of the file.
        version: u32,
    },
    /// It has too few or too many lines.
    #[error("{}: damaged snapshot: {found} instead of {wanted} objects; create it again with ingress-guard snapshot", path.display())]
    Torn {
        /// The file.
        path: PathBuf,
        /// The number of lines after the header.
        found: usize,
        /// The number of lines in the header.
        wanted: usize,
    },
    /// A line is broken.
    #[error("{}:{line}: {message}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The problem.
        message: String,
    },
}

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    /// Distinguishes it from other files of JSON lines.
    snapshot: String,
    schema_version: u32,
    taken: Timestamp,
    /// The number of lines that follow.
    objects: usize,
    coverage: BTreeMap<String, CoverageForm>,
}

/// The fields of the first line in every version.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    snapshot: String,
    schema_version: u32,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum CoverageForm {
    Complete,
    Partial,
    NotSynced,
    Forbidden,
    SwitchedOff,
    NotGiven,
    NotWatched,
    OnDemand,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    kind: &'a str,
    #[serde(default, skip_serializing_if = "State::is_listed")]
    state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Box<str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    object: Option<&'a RawValue>,
}

/// The source of the object of a line.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
enum State {
    #[default]
    Listed,
    /// Listed, but unreadable.
    Unreadable,
    /// Fetched by name.
    Found,
    Absent,
    Forbidden,
    Failed,
}

impl State {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires a reference")]
    fn is_listed(&self) -> bool {
        *self == Self::Listed
    }
}

impl Snapshot {
    /// Returns the state of the cluster.
    #[must_use]
    pub fn state(&self) -> ClusterState<'_> {
        ClusterState { store: &self.inventory, live_reads: &self.live_reads, now: self.taken }
    }

    /// Writes the snapshot. It contains only metadata of Secrets: no key, no certificate, no digest of them.
    ///
    /// # Errors
    /// If `out` fails.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        let listed = Kind::ALL.map(|kind| self.inventory.count(kind)).iter().sum::<usize>();
        let coverage = |kind: Kind| (kind.name().to_owned(), CoverageForm::from(self.inventory.coverage(kind)));
        let header = Header {
            snapshot: "ingress-guard".to_owned(),
            schema_version: SCHEMA_VERSION,
            taken: self.taken,
            objects: listed + self.inventory.unreadable().count() + self.live_reads.iter().count(),
            coverage: Kind::ALL.map(coverage).into(),
        };
        put(&mut out, &header)?;
        for kind in Kind::ALL {
            for object in self.inventory.objects(kind) {
                let object = serde_json::value::to_raw_value(&form::written(&object))?;
                put(&mut out, &Line { object: Some(&object), ..Line::of(kind, State::Listed) })?;
            }
        }
        for (kind, Key { namespace, name }) in self.inventory.unreadable() {
            let line = Line::of(kind, State::Unreadable);
            put(&mut out, &Line { namespace: Some(namespace), name: Some(name), ..line })?;
        }
        for (kind, Key { namespace, name }, fact) in self.live_reads.iter() {
            let (state, object) = match fact {
                LiveRead::Found(object) => {
                    (State::Found, Some(serde_json::value::to_raw_value(&form::written(object))?))
                }
                LiveRead::Absent => (State::Absent, None),
                LiveRead::Forbidden | LiveRead::Excluded => (State::Forbidden, None),
                LiveRead::Failed(_) => (State::Failed, None),
            };
            let (namespace, name) = (Some(namespace.clone()), Some(name.clone()));
            put(&mut out, &Line { namespace, name, object: object.as_deref(), ..Line::of(kind, state) })?;
        }
        out.flush()
    }

    /// Reads a file that [`Snapshot::write`] has written.
    ///
    /// # Errors
    /// If the file cannot be read, is not a snapshot, has another version, or is incomplete.
    pub fn read(path: &Path) -> Result<Self, SnapshotError> {
        let io = |source| SnapshotError::Io { path: path.to_owned(), source };
        let file = file::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.is_dir() {
            return Err(SnapshotError::Foreign { path: path.to_owned() });
        }
        Self::read_lines(path, BufReader::with_capacity(1 << 16, file))
    }

    fn read_lines(path: &Path, mut file: impl BufRead) -> Result<Self, SnapshotError> {
        let foreign = |_| SnapshotError::Foreign { path: path.to_owned() };
        let mut text = Vec::new();
        let mut next = |text: &mut Vec<u8>, line| {
            text.clear();
            let read = (&mut file).take(LONGEST_LINE).read_until(b'\n', text);
            let read = read.map_err(|source| SnapshotError::Io { path: path.to_owned(), source })?;
            if text.last() == Some(&b'\n') || (read as u64) < LONGEST_LINE {
                return Ok(read > 0);
            }
            let message = format!("the line is longer than {LONGEST_LINE} bytes");
            Err(SnapshotError::Broken { path: path.to_owned(), line, message })
        };
        next(&mut text, 1).map_err(|_| SnapshotError::Foreign { path: path.to_owned() })?;
        let mark: Mark = serde_json::from_slice(&text).map_err(foreign)?;
        if mark.snapshot != "ingress-guard" {
            return Err(SnapshotError::Foreign { path: path.to_owned() });
        }
        if mark.schema_version != SCHEMA_VERSION {
            return Err(SnapshotError::Version { path: path.to_owned(), version: mark.schema_version });
        }
        let broken = |line, message: String| SnapshotError::Broken { path: path.to_owned(), line, message };
        let header: Header = serde_json::from_slice(&text).map_err(|error| broken(1, error.to_string()))?;
        let mut snapshot =
            Self { inventory: Inventory::default(), live_reads: LiveReads::default(), taken: header.taken };
        for (name, coverage) in header.coverage {
            let kind = kind(&name).ok_or_else(|| broken(1, format!("unknown kind {name:?}")))?;
            snapshot.inventory.cover(kind, coverage.into());
        }
        let mut found = 0;
        // The first line that is too many ends it: a pipe may have no end.
        while found <= header.objects && next(&mut text, found + 2)? {
            if found < header.objects {
                snapshot.add(&text).map_err(|error| broken(found + 2, error.to_string()))?;
            }
            found += 1;
        }
        if found == header.objects {
            Ok(snapshot)
        } else {
            Err(SnapshotError::Torn { path: path.to_owned(), found, wanted: header.objects })
        }
    }

    fn add(&mut self, text: &[u8]) -> serde_json::Result<()> {
        use serde::de::Error as _;
        let Line { kind: named, state, namespace, name, object } = serde_json::from_slice(text)?;
        let kind = kind(named).ok_or_else(|| serde_json::Error::custom(format!("unknown kind {named:?}")))?;
        let object = object.map(|object| form::read(kind, object)).transpose()?;
        let object = || object.ok_or_else(|| serde_json::Error::custom("the object is missing"));
        let key = Key { namespace: namespace.unwrap_or_default(), name: name.unwrap_or_default() };
        match state {
            State::Listed => self.inventory.apply(object()?),
            State::Unreadable => self.inventory.apply_unreadable(kind, key),
            State::Found => self.live_reads.insert(kind, key, LiveRead::Found(Box::new(object()?))),
            State::Absent => self.live_reads.insert(kind, key, LiveRead::Absent),
            State::Forbidden => self.live_reads.insert(kind, key, LiveRead::Forbidden),
            State::Failed => self.live_reads.insert(kind, key, LiveRead::Failed(ReadFailure::Error)),
        }
        Ok(())
    }
}

impl Line<'_> {
    fn of(kind: Kind, state: State) -> Self {
        Self { kind: kind.name(), state, namespace: None, name: None, object: None }
    }
}

fn put(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.name() == name)
}

impl From<Coverage> for CoverageForm {
    fn from(coverage: Coverage) -> Self {
        match coverage {
            Coverage::Complete => Self::Complete,
            Coverage::Partial | Coverage::OneNamespace => Self::Partial,
            Coverage::Forbidden => Self::Forbidden,
            Coverage::Disabled => Self::SwitchedOff,
            Coverage::NotProvided => Self::NotGiven,
            Coverage::NotWatched => Self::NotWatched,
            Coverage::FetchedByName => Self::OnDemand,
            // Results for one object, never for a kind.
            Coverage::NotSynced | Coverage::Unreadable | Coverage::ReadFailed | Coverage::Undeclared => Self::NotSynced,
        }
    }
}

impl From<CoverageForm> for Coverage {
    fn from(coverage: CoverageForm) -> Self {
        match coverage {
            CoverageForm::Complete => Self::Complete,
            CoverageForm::Partial => Self::Partial,
            CoverageForm::NotSynced => Self::NotSynced,
            CoverageForm::Forbidden => Self::Forbidden,
            CoverageForm::SwitchedOff => Self::Disabled,
            CoverageForm::NotGiven => Self::NotProvided,
            CoverageForm::NotWatched => Self::NotWatched,
            CoverageForm::OnDemand => Self::FetchedByName,
        }
    }
}
