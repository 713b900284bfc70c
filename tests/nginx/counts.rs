//! Counts of what a run has covered, so that a run without requests does not pass.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::{PredictedAnswer, PredictedOutcome};
use crate::process::Response;

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) worlds: usize,
    /// Worlds that nginx rejects, as the model predicts.
    pub(crate) rejected: usize,
    /// Worlds in which the path of a canary goes to another server, which the model does not cover.
    pub(crate) strays: usize,
    requests: usize,
    /// Requests that were given to `explain`.
    pub(crate) explained: usize,
    statuses: BTreeMap<u16, usize>,
    /// Requests to hosts with regex locations.
    patterns: usize,
    rewritten: usize,
    /// Requests to the controller's default backend.
    fallbacks: usize,
}

impl Counts {
    pub(crate) fn see(&mut self, predicted: &PredictedAnswer, response: &Response) {
        self.requests += 1;
        *self.statuses.entry(response.status).or_default() += 1;
        self.patterns += usize::from(predicted.place.as_ref().is_some_and(|place| place.modifier == "~*"));
        self.rewritten += usize::from(matches!(predicted.outcome, PredictedOutcome::Backend(Some(_))));
        self.fallbacks += usize::from(predicted.place.as_ref().is_some_and(|place| place.backend.is_none()));
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.rejected += other.rejected;
        self.strays += other.strays;
        self.requests += other.requests;
        self.explained += other.explained;
        self.patterns += other.patterns;
        self.rewritten += other.rewritten;
        self.fallbacks += other.fallbacks;
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
    }

    /// Asserts that a sufficiently long run has covered every kind of outcome.
    pub(crate) fn assert_some_of_everything(&self) {
        if self.worlds < 1000 {
            return;
        }
        for status in [200, 301, 302, 400, 500] {
            assert!(self.statuses.get(&status).is_some_and(|count| *count > 10), "hardly any {status}: {self}");
        }
        assert!(
            self.rejected > self.worlds / 50 && self.rejected < self.worlds / 2,
            "too many or too few rejected configurations: {self}"
        );
        assert!(self.patterns > self.worlds && self.rewritten > self.worlds / 4, "hardly any regexes: {self}");
        assert!(self.explained > 3 * self.worlds, "hardly any request is explained: {self}");
        assert!(self.fallbacks < 2 * self.requests / 3, "most requests match no location: {self}");
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worlds, rejected, strays, requests, explained, statuses, patterns, rewritten, fallbacks } = self;
        write!(
            f,
            "{worlds} worlds, of which nginx rejects {rejected} and {strays} are not covered; {requests} requests, {explained} of them explained, "
        )?;
        write!(f, "{patterns} to hosts with regexes, {rewritten} rewritten, {fallbacks} to the default backend, ")?;
        write!(f, "by status {statuses:?}")
    }
}
