//! Certificates that the process manages itself: a CA in a Secret, a serving certificate in memory, and the caBundle of the webhook
//! configuration.
//!
//! Every process does the same, without a leader. It reads both objects, decides on one write ([`Replica`]), makes it under the
//! condition that the object has not changed, and reads again. `docs/certificates.md` describes the protocol.

mod authority;
mod bundle;
mod lifetimes;
mod manager;
mod registration;
mod repairs;
mod replica;
mod rotation;
mod secret;
mod service;
mod status;
mod watch;

pub use self::authority::{Authority, AuthorityError, Leaf, Pair};
pub use self::bundle::Bundle;
pub use self::lifetimes::Lifetimes;
pub use self::manager::{Manager, Options, ServingCertificate};
pub use self::registration::{FIELD_MANAGER, Registration};
pub use self::replica::{Observed, Read, Replica, Write};
pub use self::rotation::Authorities;
pub use self::secret::SecretError;
pub use self::service::ServiceName;
pub use self::status::CertificateStatus;
