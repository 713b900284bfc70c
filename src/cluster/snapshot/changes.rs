//! Changes of the cluster state and live reads as JSON values, for records of reviews.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{CoverageForm, Line, Snapshot, State, form, kind};
use crate::cluster::{Change, Inventory, LiveRead, LiveReads};
use crate::model::{Key, Kind};

/// A change of the objects of one kind.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeForm<'a> {
    kind: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Box<str>>,
    /// The object as it is now; without it: see `coverage` and `is_unreadable`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    object: Option<&'a RawValue>,
    /// What is known of the kind or of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coverage: Option<CoverageForm>,
    /// The object exists and cannot be read. Without this and the others, it is deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_unreadable: bool,
}

impl Inventory {
    /// Returns the changes that turn an earlier state into this one, as JSON, one after the other. `reduce` gets each Ingress before
    /// it is written. Of a Secret, only facts are written.
    ///
    /// # Errors
    /// If an object cannot be written as JSON.
    pub fn written_changes<'i>(
        &'i self,
        before: &'i Self,
        reduce: impl Fn(&mut Value) + 'i,
    ) -> impl Iterator<Item = serde_json::Result<Value>> + 'i {
        let write = move |(kind, change): (Kind, Change)| -> serde_json::Result<Value> {
            let of = |key: &Key| json!({"kind": kind.name(), "namespace": key.namespace, "name": key.name});
            Ok(match change {
                Change::Apply(object) => {
                    let mut written = form::written(&object);
                    if kind == Kind::Ingress {
                        reduce(&mut written);
                    }
                    json!({"kind": kind.name(), "object": written})
                }
                Change::Delete(key) => of(&key),
                Change::Unreadable(key) => {
                    let mut written = of(&key);
                    written["isUnreadable"] = json!(true);
                    written
                }
                Change::Cover(key, coverage) => {
                    let mut written = key.map_or_else(|| json!({"kind": kind.name()}), |key| of(&key));
                    written["coverage"] = serde_json::to_value(CoverageForm::from(coverage))?;
                    written
                }
            })
        };
        self.difference_from(before).map(write)
    }

    /// Makes a change that [`Inventory::written_changes`] has written.
    ///
    /// # Errors
    /// If the text is not such a change.
    pub fn change_as_written(&mut self, text: &str) -> serde_json::Result<()> {
        use serde::de::Error as _;
        let ChangeForm { kind: named, namespace, name, object, coverage, is_unreadable } = serde_json::from_str(text)?;
        let kind = kind(&named).ok_or_else(|| serde_json::Error::custom(format!("unknown kind {named:?}")))?;
        let key = name.map(|name| Key { namespace: namespace.unwrap_or_default(), name });
        let change = match (object, coverage, key) {
            (Some(object), ..) => Change::Apply(form::read(kind, object)?),
            (None, Some(coverage), key) => Change::Cover(key, coverage.into()),
            (None, None, Some(key)) if is_unreadable => Change::Unreadable(key),
            (None, None, Some(key)) => Change::Delete(key),
            (None, None, None) => return Err(serde_json::Error::custom("a change of nothing")),
        };
        self.change(kind, change);
        Ok(())
    }
}

impl LiveReads {
    /// Returns the reads as JSON. Of a Secret, only facts are written.
    ///
    /// # Errors
    /// If an object cannot be written as JSON.
    pub fn written(&self) -> serde_json::Result<Vec<Value>> {
        let write = |(kind, key, read): (Kind, &Key, &LiveRead)| {
            let (state, object) = match read {
                LiveRead::Found(object) => (State::Found, Some(form::written(object))),
                LiveRead::Absent => (State::Absent, None),
                LiveRead::Forbidden | LiveRead::Excluded => (State::Forbidden, None),
                LiveRead::Failed(_) => (State::Failed, None),
            };
            let object = object.as_ref().map(serde_json::value::to_raw_value).transpose()?;
            let (namespace, name) = (Some(key.namespace.clone()), Some(key.name.clone()));
            serde_json::to_value(Line { namespace, name, object: object.as_deref(), ..Line::of(kind, state) })
        };
        self.iter().map(write).collect()
    }

    /// Reads what [`LiveReads::written`] has written.
    ///
    /// # Errors
    /// If a text is not a live read.
    pub fn read_written(texts: &[&RawValue]) -> serde_json::Result<Self> {
        let mut snapshot = Snapshot {
            inventory: Inventory::default(),
            live_reads: Self::default(),
            taken: jiff::Timestamp::UNIX_EPOCH,
        };
        for text in texts {
            snapshot.add(text.get().as_bytes())?;
        }
        Ok(snapshot.live_reads)
    }
}
