//! The lines of a segment.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::admission::Asked;
use crate::finding::Level;

/// The version of the format that is written and read.
pub(super) const VERSION: u32 = 1;

/// The first line of a segment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header<'a> {
    /// `ingress-guard`.
    pub(super) record: Cow<'a, str>,
    pub(super) version: u32,
    /// Names of users and groups are hashed with it.
    pub(super) salt: Cow<'a, str>,
    pub(super) started: Timestamp,
}

/// Any other line has one of these fields.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Line<'a> {
    /// The configuration.
    Configuration(Cow<'a, str>),
    /// A change of the cluster.
    Change(#[serde(borrow)] &'a RawValue),
    /// A review.
    Review(#[serde(borrow)] Box<Review<'a>>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Review<'a> {
    pub(super) time: Timestamp,
    /// The request, without what no check reads.
    #[serde(borrow)]
    pub(super) body: &'a RawValue,
    #[serde(borrow)]
    pub(super) live_reads: Vec<&'a RawValue>,
    pub(super) confirmed: Option<Vec<Asked>>,
    /// Code and subject of each finding, with its level.
    pub(super) findings: Vec<(String, Level)>,
}
