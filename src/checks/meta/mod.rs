//! IG9xx: about the judgement itself. The engine and the policy report the first two; they have no run of their own.

mod check_failed;
mod check_not_evaluated;
mod waiver_invalid;

pub use check_failed::CHECK_FAILED;
pub use check_not_evaluated::CHECK_NOT_EVALUATED;
pub use waiver_invalid::WAIVER_INVALID;
