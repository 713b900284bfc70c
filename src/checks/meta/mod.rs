//! IG9xx: the evaluation itself. The engine reports IG901 and IG902, a review IG904: their `run` functions do nothing.

mod check_failed;
mod check_not_evaluated;
mod controller_blocked;
mod waiver_invalid;

pub use check_failed::CHECK_FAILED;
pub use check_not_evaluated::CHECK_NOT_EVALUATED;
pub use controller_blocked::CONTROLLER_BLOCKED;
pub use waiver_invalid::WAIVER_INVALID;
