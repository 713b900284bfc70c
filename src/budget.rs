//! The work that one evaluation may do, in counted steps: the same Ingress gets the same verdict on a busy machine.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What one evaluation may spend. A step is at most about 25 ns of CPU time in a release build (`make bounds` measures it).
#[derive(Debug, Clone)]
pub struct Allowance {
    /// Steps of work.
    pub steps: u32,
    /// The time at which the evaluation ends early: a backstop, because steps bound the work.
    pub deadline: Option<Instant>,
    /// Findings that keep their texts, which bounds memory: of one check, and five times as many of all checks. All others still
    /// count for the verdict.
    pub texts: usize,
    /// Set when nothing waits for the result any more: the evaluation ends early.
    pub cancelled: Option<Arc<AtomicBool>>,
}

/// The evaluation may not spend that much: the answer is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetExceeded;

/// The rest of an allowance while checks spend it. Each check has a reserve of its own beside the pool that all share.
#[derive(Debug)]
pub struct Budget {
    allowance: Allowance,
    pool: Cell<u32>,
    /// What the present check may spend before it takes from the pool.
    reserve: Cell<u32>,
    /// What the present check leaves in the pool.
    kept: Cell<u32>,
    /// Findings that may keep their texts.
    texts: Cell<usize>,
    /// What was spent when the clock was read last.
    looked_at: Cell<Option<u32>>,
    spent: Cell<u32>,
    /// The part of it that the content of the Ingress itself has cost.
    own: Cell<u32>,
    /// Whether what is spent counts as such.
    is_own: Cell<bool>,
    /// The present check has asked for more than was left.
    exceeded: Cell<bool>,
    interrupted: Cell<bool>,
}

impl Allowance {
    /// Returns the allowance of one evaluation: about 100 ms at most.
    #[must_use]
    pub const fn full() -> Self {
        Self { steps: 4_000_000, texts: 200, deadline: None, cancelled: None }
    }

    /// Returns the allowance of one evaluation by a command, which reports every finding.
    #[must_use]
    pub fn command() -> Self {
        Self { texts: usize::MAX, ..Self::full() }
    }

    /// Returns an allowance of about 2 ms, which is enough for nearly every Ingress.
    #[must_use]
    pub fn fast() -> Self {
        Self { steps: 80_000, ..Self::full() }
    }
}

impl Budget {
    /// Steps between two looks at the clock, about 100 µs.
    const INTERVAL: u32 = 4096;
    /// The checks of one evaluation that can keep all texts that one check may have.
    const CHECKS_WITH_ALL_TEXTS: usize = 5;

    /// Creates the budget of one evaluation. `reserved` steps are not in the pool: [`Budget::begin`] hands them out.
    #[must_use]
    pub fn new(allowance: &Allowance, reserved: u32) -> Self {
        Self {
            allowance: allowance.clone(),
            pool: Cell::new(allowance.steps.saturating_sub(reserved)),
            reserve: Cell::new(0),
            kept: Cell::new(0),
            texts: Cell::new(allowance.texts.saturating_mul(Self::CHECKS_WITH_ALL_TEXTS)),
            looked_at: Cell::new(None),
            spent: Cell::new(0),
            own: Cell::new(0),
            is_own: Cell::new(false),
            exceeded: Cell::new(false),
            interrupted: Cell::new(false),
        }
    }

    /// Begins the turn of a check with a reserve of its own. What is left of the reserve before goes to the pool. One check takes
    /// all of the pool only if it `may_empty_pool`; any other leaves half of it to the checks after it.
    pub fn begin(&self, reserve: u32, may_empty_pool: bool) {
        self.pool.set(self.pool.get().saturating_add(self.reserve.replace(reserve)));
        self.kept.set(if may_empty_pool { 0 } else { self.pool.get() / 2 });
        self.exceeded.set(false);
        self.is_own.set(false);
    }

    /// Spends steps, first those of the reserve. Once a check has asked for too much, it gets nothing more.
    ///
    /// # Errors
    /// If less is left, or the evaluation is interrupted.
    pub fn spend(&self, steps: u32) -> Result<(), BudgetExceeded> {
        if self.is_own.get() {
            // Counted even if they are not spent: they are what it would cost.
            self.own.set(self.own.get().saturating_add(steps));
        }
        let reserve = self.reserve.get();
        let from_reserve = steps.min(reserve);
        let rest = self.pool.get().checked_sub(steps - from_reserve);
        let Some(rest) = rest.filter(|rest| !self.exceeded.get() && *rest >= self.kept.get()) else {
            self.exceeded.set(true);
            return Err(BudgetExceeded);
        };
        self.reserve.set(reserve - from_reserve);
        self.pool.set(rest);
        let spent = self.spent.get().saturating_add(steps);
        self.spent.set(spent);
        if self.is_interrupted() {
            self.exceeded.set(true);
            return Err(BudgetExceeded);
        }
        Ok(())
    }

    /// Spends steps on the content of the Ingress itself: see [`Budget::is_exceeded_by_own`].
    ///
    /// # Errors
    /// As [`Budget::spend`].
    pub fn spend_own(&self, steps: u32) -> Result<(), BudgetExceeded> {
        self.for_own(|| self.spend(steps))
    }

    /// Does work whose cost is that of the content of the Ingress itself.
    pub fn for_own<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.is_own.replace(true);
        let done = work();
        self.is_own.set(before);
        done
    }

    /// Returns whether the evaluation is to end: its deadline has passed, or nothing waits for it. Reads the clock at first and
    /// then after every few thousand steps.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        let spent = self.spent.get();
        if self.looked_at.get().is_none_or(|looked_at| spent - looked_at >= Self::INTERVAL) {
            self.look();
        }
        self.interrupted.get()
    }

    /// Returns whether the present check has asked for more than was left, or was interrupted while it worked.
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        self.exceeded.get()
    }

    /// Returns whether it would be exceeded without any other Ingress as well: so far, the content of the Ingress itself has cost
    /// more than half of the allowance.
    #[must_use]
    pub fn is_exceeded_by_own(&self) -> bool {
        self.exceeded.get() && self.own.get() > self.allowance.steps / 2
    }

    /// Returns how many findings of the next check keep their texts.
    #[must_use]
    pub fn texts(&self) -> usize {
        self.allowance.texts.min(self.texts.get())
    }

    /// Counts findings that keep their texts.
    pub fn keep_texts(&self, findings: usize) {
        self.texts.set(self.texts.get().saturating_sub(findings));
    }

    /// Returns the steps that were spent.
    #[must_use]
    pub fn spent(&self) -> u32 {
        self.spent.get()
    }

    fn look(&self) {
        self.looked_at.set(Some(self.spent.get()));
        let Allowance { deadline, cancelled, .. } = &self.allowance;
        let is_cancelled = cancelled.as_ref().is_some_and(|cancelled| cancelled.load(Ordering::Relaxed));
        if is_cancelled || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.interrupted.set(true);
        }
    }
}

impl Default for Budget {
    /// Creates a budget for all of [`Allowance::full`].
    fn default() -> Self {
        Self::new(&Allowance::full(), 0)
    }
}
