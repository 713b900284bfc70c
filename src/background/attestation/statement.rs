//! What replicas state on the latest writes, as an annotation of the Lease has it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The annotation of the Lease.
pub const ANNOTATION: &str = "ingress-guard.io/writes";
/// The most bytes of the annotation. The API server accepts 256 KiB of all annotations together.
const MOST_BYTES: usize = 128 * 1024;
/// The time after which the statement of a replica that has not changed it is removed.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// A write of an Ingress: the hash of its content and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WriteId(pub u64);

/// What one replica states.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statement {
    /// The time of the last change by the clock of the API server, in seconds since 1970.
    pub at: i64,
    /// The writes that it has reviewed and allowed.
    pub reviewed: Vec<WriteId>,
    /// The writes that it has certainly not reviewed.
    pub unreviewed: Vec<WriteId>,
    /// The writes that it has counted as not reviewed, as the holder.
    pub counted: Vec<WriteId>,
}

/// The statements of all replicas, by the names that they have in the Lease.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statements(pub BTreeMap<String, Statement>);

impl Statement {
    /// Returns whether an earlier statement has everything that this one has.
    fn is_contained_in(&self, earlier: &Self) -> bool {
        let is_in = |own: &[WriteId], other: &[WriteId]| own.iter().all(|id| other.contains(id));
        is_in(&self.reviewed, &earlier.reviewed)
            && is_in(&self.unreviewed, &earlier.unreviewed)
            && is_in(&self.counted, &earlier.counted)
    }
}

impl Statements {
    /// Reads the value of the annotation. One that cannot be read has no statement.
    #[must_use]
    pub fn read(text: Option<&str>) -> Self {
        let read = text.and_then(|text| serde_json::from_str(text).ok());
        Self(read.unwrap_or_default())
    }

    /// Returns the value of the annotation.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// Returns the statements with a new one of a replica, and without expired ones. `None`: it has nothing new. What another replica has
    /// counted is not counted again.
    #[must_use]
    pub fn with(&self, replica: &str, new: &Statement, clock: Timestamp) -> Option<Self> {
        let mut new = new.clone();
        let others = || self.0.iter().filter(|(name, _)| **name != *replica).map(|(_, statement)| statement);
        new.counted.retain(|id| !others().any(|other| other.counted.contains(id)));
        let before = self.0.get(replica);
        if new.is_contained_in(before.unwrap_or(&Statement::default())) {
            return None;
        }
        let mut all = self.clone();
        let oldest = clock.checked_sub(LIFE).unwrap_or(Timestamp::MIN).as_second();
        all.0.retain(|_, statement| statement.at >= oldest);
        all.0.insert(replica.to_owned(), Statement { at: clock.as_second(), ..new });
        // Whatever is left out makes a write unknown, and no write unreviewed.
        while all.text().len() > MOST_BYTES
            && let Some(oldest) = all.0.iter().min_by_key(|(_, statement)| statement.at).map(|(name, _)| name.clone())
        {
            all.0.remove(&oldest);
        }
        Some(all)
    }
}

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for WriteId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WriteId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        u64::from_str_radix(text, 16).map(Self).map_err(de::Error::custom)
    }
}
