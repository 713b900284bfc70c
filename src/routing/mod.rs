//! What a controller does with an Ingress: whose rules hold (dialect), who takes it (class), what its annotations
//! and paths mean. Checks query this; no rule of a controller is written down anywhere else.
//!
//! Section numbers in comments are those of the fact sheet that `docs/ingress-nginx.md` has.

mod class;
mod dialect;
mod doubt;
mod endpoints;
mod issuer;
mod nginx;
mod pattern;
mod tls;

pub use class::{ClassRules, Classless, Owner, Taker};
pub use dialect::{Dialect, DialectMatch, DialectRule, Dialects, Engine};
pub use doubt::Doubt;
pub use endpoints::Endpoints;
pub use issuer::Issuer;
pub use nginx::{NginxAnnotations, SINGLE_LINE_ANNOTATIONS};
pub use pattern::{Groups, groups, is_plainly_regex};
pub use tls::{MeantFor, TlsEntries};
