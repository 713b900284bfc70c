//! Counts of what a run has covered, so that a run without requests does not pass.

use std::collections::BTreeMap;
use std::fmt;

use crate::explained::Explained;
use crate::model::{PredictedAnswer, PredictedOutcome};
use crate::probed::Probed;
use crate::process::Response;

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) worlds: usize,
    /// Worlds that nginx rejects, as the model predicts.
    pub(crate) rejected: usize,
    /// Of them, worlds in which the controller crashes.
    pub(crate) crashes: usize,
    /// Worlds in which the path of a canary goes to another server.
    pub(crate) strays: usize,
    requests: usize,
    /// Requests that were given to `explain`.
    explained: usize,
    /// Of them, those with a definite answer.
    definite: usize,
    statuses: BTreeMap<u16, usize>,
    /// Requests to hosts with regex locations.
    patterns: usize,
    rewritten: usize,
    /// Requests to the controller's default backend.
    fallbacks: usize,
    /// Requests of `probe`.
    probed: usize,
    /// Of them, those that are answered as predicted, and those with a predicted error.
    as_predicted: usize,
    predicted_errors: usize,
}

impl Counts {
    pub(crate) fn see(&mut self, predicted: &PredictedAnswer, response: &Response) {
        self.requests += 1;
        *self.statuses.entry(response.status).or_default() += 1;
        self.patterns += usize::from(predicted.place.as_ref().is_some_and(|place| place.modifier == "~*"));
        self.rewritten += usize::from(matches!(predicted.outcome, PredictedOutcome::Backend(Some(_))));
        self.fallbacks += usize::from(predicted.place.as_ref().is_some_and(|place| place.backend.is_none()));
    }

    pub(crate) fn probe(&mut self, probed: &Probed) {
        self.probed += probed.requests;
        self.as_predicted += probed.as_predicted;
        self.predicted_errors += probed.broken;
    }

    pub(crate) fn explain(&mut self, explained: &Explained) {
        self.explained += 1;
        self.definite += usize::from(explained.is_definite());
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.rejected += other.rejected;
        self.strays += other.strays;
        self.requests += other.requests;
        self.crashes += other.crashes;
        self.explained += other.explained;
        self.definite += other.definite;
        self.patterns += other.patterns;
        self.rewritten += other.rewritten;
        self.fallbacks += other.fallbacks;
        self.probed += other.probed;
        self.as_predicted += other.as_predicted;
        self.predicted_errors += other.predicted_errors;
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
    }

    /// Asserts that a sufficiently long run has covered every kind of outcome.
    pub(crate) fn assert_some_of_everything(&self) {
        if self.worlds < 1000 {
            return;
        }
        for status in [200, 301, 302, 400, 403, 500, 503] {
            assert!(self.statuses.get(&status).is_some_and(|count| *count > 10), "hardly any {status}: {self}");
        }
        assert!(
            self.rejected > self.worlds / 50 && self.rejected < self.worlds / 2,
            "too many or too few rejected configurations: {self}"
        );
        assert!(self.patterns > self.worlds && self.rewritten > self.worlds / 4, "hardly any regexes: {self}");
        assert!(self.explained > 3 * self.worlds, "hardly any request is explained: {self}");
        assert!(self.statuses.contains_key(&308), "no redirect to a host with www: {self}");
        // Each definite answer is right, or its world differs.
        assert!(self.definite >= self.explained - self.explained / 100, "explain leaves too much unknown: {self}");
        assert!(
            self.as_predicted + self.predicted_errors >= self.probed - self.probed / 50,
            "probe cannot tell: {self}"
        );
        assert!(self.probed > self.worlds && self.predicted_errors > self.worlds / 20, "hardly any probe: {self}");
        assert!(self.crashes > 0 && self.strays > 0, "hardly any canaries: {self}");
        assert!(self.fallbacks < 2 * self.requests / 3, "most requests match no location: {self}");
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            worlds,
            rejected,
            crashes,
            strays,
            requests,
            explained,
            definite,
            statuses,
            patterns,
            rewritten,
            fallbacks,
            probed,
            as_predicted,
            predicted_errors,
        } = self;
        write!(
            f,
            "{worlds} worlds, {rejected} rejected, {crashes} of them by a crash, {strays} with paths of canaries in the server _; \
             {requests} requests, {explained} explained, {definite} of them definite, "
        )?;
        write!(f, "{patterns} to hosts with regexes, {rewritten} rewritten, {fallbacks} to the default backend, ")?;
        write!(
            f,
            "{probed} requests of probe, {as_predicted} as predicted, {predicted_errors} with a predicted error, "
        )?;
        write!(f, "by status {statuses:?}")
    }
}
