//! Forced responses: a fault of an annotation makes the controller answer every request of a host with 403, or of a location
//! with 503. Sections 5.7 and 7.0.

use std::fmt;

/// The response that a fault of an annotation forces on every request (section 7.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// 503 or 403.
    pub status: u16,
    /// The annotation, without its prefix.
    pub annotation: &'static str,
}

impl Refusal {
    /// Returns the refusal of the locations of an Ingress: a host that returns 403 has none, and the locations of its
    /// Ingress on other hosts return 503 (section 5.7).
    #[must_use]
    pub const fn of_location(self) -> Self {
        Self { status: 503, ..self }
    }

    /// Returns whether the whole host returns 403.
    #[must_use]
    pub const fn is_of_host(self) -> bool {
        self.status == 403
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: annotation {} is invalid", self.status, self.annotation)
    }
}
