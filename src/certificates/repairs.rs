//! The repairs of the caBundle, and the pause between them while another program removes the CA again and again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::lifetimes::Lifetimes;

/// The number of repairs within a period that is a conflict.
const CONFLICT: usize = 3;

/// The times of the last repairs.
#[derive(Debug, Default)]
pub(super) struct Repairs(VecDeque<Instant>);

impl Repairs {
    /// Returns how long the next repair has to wait; zero without a conflict.
    pub(super) fn pause(&mut self, lifetimes: &Lifetimes, at: Instant) -> Duration {
        self.0.retain(|time| at.saturating_duration_since(*time) < lifetimes.conflict);
        let Some(last) = self.0.back().filter(|_| self.is_conflict()) else { return Duration::ZERO };
        lifetimes.truce.saturating_sub(at.saturating_duration_since(*last))
    }

    /// Records a repair.
    pub(super) fn note(&mut self, at: Instant) {
        self.0.push_back(at);
        if self.0.len() > CONFLICT {
            self.0.pop_front();
        }
    }

    /// Whether there were as many repairs within the period as make a conflict.
    pub(super) fn is_conflict(&self) -> bool {
        self.0.len() >= CONFLICT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourth_repair_within_ten_minutes_waits_for_a_minute() {
        let (lifetimes, start) = (Lifetimes::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut repairs = Repairs::default();
        for seconds in [0, 100, 200] {
            assert_eq!(repairs.pause(&lifetimes, after(seconds)), Duration::ZERO);
            repairs.note(after(seconds));
        }
        assert_eq!(repairs.pause(&lifetimes, after(210)), Duration::from_secs(50));
        assert!(repairs.is_conflict());
        assert_eq!(repairs.pause(&lifetimes, after(260)), Duration::ZERO);
        repairs.note(after(260));
        assert_eq!(repairs.pause(&lifetimes, after(270)), Duration::from_secs(50));
        // The first of the last three is ten minutes old.
        assert_eq!(repairs.pause(&lifetimes, after(700)), Duration::ZERO);
        assert!(!repairs.is_conflict());
    }
}
