//! The states of all problems, by Ingress and code.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::state::State;
use crate::model::Key;

/// The problems of one Ingress: mostly one. A `BTreeMap` allocates space for eleven.
type Problems = SmallVec<[(&'static str, State); 1]>;

/// The states of all problems.
#[derive(Debug, Default)]
pub(super) struct States(HashMap<Key, Problems, RandomState>);

impl States {
    pub(super) fn get(&self, key: &Key, code: &str) -> Option<&State> {
        self.0.get(key)?.iter().find(|(of, _)| *of == code).map(|(_, state)| state)
    }

    pub(super) fn get_mut(&mut self, key: &Key, code: &str) -> Option<&mut State> {
        self.0.get_mut(key)?.iter_mut().find(|(of, _)| *of == code).map(|(_, state)| state)
    }

    /// Returns the state of a problem, which is created if it does not exist.
    pub(super) fn entry(&mut self, key: &Key, code: &'static str) -> &mut State {
        let problems = self.0.entry(key.clone()).or_default();
        let at = problems.iter().position(|(of, _)| *of == code).unwrap_or_else(|| {
            problems.push((code, State::default()));
            problems.len() - 1
        });
        &mut problems[at].1
    }

    /// Returns the codes of the problems of an Ingress.
    pub(super) fn codes(&self, key: &Key) -> impl Iterator<Item = &'static str> {
        self.0.get(key).into_iter().flatten().map(|(code, _)| *code)
    }

    /// Returns the Ingresses with problems.
    pub(super) fn ingresses(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }

    pub(super) fn remove(&mut self, key: &Key, code: &str) {
        if let Some(problems) = self.0.get_mut(key) {
            problems.retain(|(of, _)| *of != code);
            if problems.is_empty() {
                self.0.remove(key);
            }
        }
    }

    /// Removes and returns the problems of an Ingress.
    pub(super) fn take(&mut self, key: &Key) -> impl Iterator<Item = (&'static str, State)> {
        self.0.remove(key).unwrap_or_default().into_iter()
    }
}
