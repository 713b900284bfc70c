//! IG9xx: the evaluation itself. The engine reports IG901 and IG902, so their `run` functions do nothing.

mod check_failed;
mod check_not_evaluated;
mod waiver_invalid;

pub use check_failed::CHECK_FAILED;
pub use check_not_evaluated::CHECK_NOT_EVALUATED;
pub use waiver_invalid::WAIVER_INVALID;
