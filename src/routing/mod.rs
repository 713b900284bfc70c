//! What a controller does with an Ingress: whose rules hold (dialect), who takes it (class), what its annotations
//! and paths mean. Checks query this; no rule of a controller is written down anywhere else.
//!
//! Section numbers in comments are those of the fact sheet that `docs/ingress-nginx.md` has.

pub mod annotation;
mod class;
mod dialect;
mod doubt;
mod nginx;
mod pattern;
mod settings;
mod tls;
mod variables;
mod version;

pub use class::{ClassRules, Classless, Owner, Taker};
pub use dialect::{Dialect, DialectMatch, DialectRule, Dialects, Engine};
pub use doubt::Doubt;
pub use nginx::NginxAnnotations;
pub use pattern::{Groups, groups, is_plainly_regex};
pub use settings::ControllerSettings;
pub use tls::{MeantFor, TlsEntries};
pub use variables::{Unknown, unknown_variables, variable_names};
pub use version::{NotAVersion, Version};
