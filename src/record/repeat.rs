//! Repeating recorded reviews.

use std::io::{self, BufRead};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use super::format::{Header, Line, Review, VERSION};
use super::redaction::hashed;
use crate::admission::{Repetition, Reviewer, findings};
use crate::cluster::{Inventory, LiveReads, SharedInventory};
use crate::config::{Config, ConfigFileError};
use crate::finding::Level;

/// The longest line that is read, in bytes: far more than the largest object that etcd stores.
const LONGEST_LINE: u64 = 64 << 20;

/// A recorded review, and the same review again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// The time of the review.
    pub time: Timestamp,
    /// `request.operation`.
    pub operation: String,
    /// Namespace and name of the Ingress.
    pub ingress: String,
    /// Code and subject of each finding, with the recorded level.
    pub recorded: Vec<(String, Level)>,
    /// The same as it is now.
    pub repeated: Vec<(String, Level)>,
}

/// The reason why records cannot be repeated.
#[derive(Debug, Error)]
pub enum RepeatError {
    /// The input cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line is not one of a record.
    #[error("line {line}: {message}")]
    Broken {
        /// Line, from 1.
        line: usize,
        /// The problem.
        message: String,
    },
    /// The recorded configuration is not valid for this program.
    #[error("the recorded configuration: {0}")]
    Configuration(#[from] ConfigFileError),
}

/// The part of a request that names it.
#[derive(Deserialize)]
struct Named {
    request: NamedRequest,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct NamedRequest {
    operation: String,
    namespace: String,
    name: String,
}

/// The state between two lines.
struct Replay<'a> {
    configuration: Option<&'a str>,
    salt: String,
    started: Timestamp,
    inventory: Inventory,
    shared: SharedInventory,
    reviewer: Option<Reviewer>,
}

/// Repeats each review of one or more segments, under the recorded configuration or another one. Returns whether the last line is whole:
/// a process may write it now, or was stopped while it wrote.
///
/// # Errors
/// If the input is not a record, or a configuration is not valid.
pub fn repeat(
    mut input: impl BufRead,
    configuration: Option<&str>,
    mut each: impl FnMut(Repeated),
) -> Result<bool, RepeatError> {
    let mut replay = None;
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        if io::Read::take(&mut input, LONGEST_LINE).read_line(&mut text)? == 0 {
            return Ok(true);
        }
        if !text.ends_with('\n') {
            return Ok(false);
        }
        let broken = |message: String| RepeatError::Broken { line, message };
        if let Some(header) = header(&text) {
            if header.version != VERSION {
                let message = format!("version {} of the format, this program reads {VERSION}", header.version);
                return Err(broken(message));
            }
            replay = Some(Replay::of(&header, configuration));
            continue;
        }
        let Some(replay) = &mut replay else { return Err(broken("not a record of ingress-guard".to_owned())) };
        match serde_json::from_str(&text).map_err(|error| broken(error.to_string()))? {
            Line::Configuration(recorded) => replay.configure(&recorded)?,
            Line::Change(change) => {
                replay.inventory.change_as_written(change.get()).map_err(|error| broken(error.to_string()))?;
            }
            Line::Review(review) => each(replay.repeat(&review).map_err(broken)?),
        }
    }
    Ok(true)
}

fn header(text: &str) -> Option<Header<'_>> {
    serde_json::from_str(text).ok().filter(|header: &Header<'_>| header.record == "ingress-guard")
}

impl<'a> Replay<'a> {
    fn of(header: &Header<'_>, configuration: Option<&'a str>) -> Self {
        let inventory = Inventory::default();
        let shared = SharedInventory::new(inventory.clone());
        let (salt, started) = (header.salt.to_string(), header.started);
        Self { configuration, salt, started, inventory, shared, reviewer: None }
    }

    fn configure(&mut self, recorded: &str) -> Result<(), ConfigFileError> {
        let text = self.configuration.unwrap_or(recorded);
        let mut config = Config::parse_at("configuration", text, self.started)?;
        let glass = &mut config.policy.break_glass;
        for name in glass.users.iter_mut().chain(&mut glass.groups) {
            *name = hashed(&self.salt, name);
        }
        let engine = config.engine();
        self.reviewer = Some(Reviewer::new(self.shared.clone(), engine, config.policy, Timestamp::now));
        Ok(())
    }

    fn repeat(&self, review: &Review<'_>) -> Result<Repeated, String> {
        let named: Named = serde_json::from_str(review.body.get()).map_err(|error| error.to_string())?;
        let reviewer = self.reviewer.as_ref().ok_or("a review before the configuration")?;
        self.shared.publish(self.inventory.clone());
        let texts: Vec<&RawValue> = review.live_reads.clone();
        let live_reads = LiveReads::read_written(&texts).map_err(|error| error.to_string())?;
        let verdict = reviewer.repeat(&Repetition {
            body: review.body.get().as_bytes(),
            live_reads: &live_reads,
            confirmed: review.confirmed.as_deref(),
            trusts_the_rest: self.configuration.is_some(),
            now: review.time,
        });
        let verdict = verdict.map_err(|rejection| rejection.message)?;
        let NamedRequest { operation, namespace, name } = named.request;
        Ok(Repeated {
            time: review.time,
            operation,
            ingress: format!("{namespace}/{name}"),
            recorded: review.findings.clone(),
            repeated: findings(&verdict),
        })
    }
}
