//! The flags that select what formats for people list.

use clap::{Args, ValueEnum};

use crate::finding::Level;
use crate::report::{Grouping, Listing};

#[derive(Debug, Args)]
pub(super) struct ListingOptions {
    /// List findings of this level and higher; by default warn in check, and audit in audit. Lower ones are counted. Applies to
    /// text, table, github and gitlab.
    #[arg(long, env = "INGRESS_GUARD_SHOW", value_name = "LEVEL")]
    show: Option<Show>,
    /// Order of findings in text: by check, or by Ingress.
    #[arg(long, env = "INGRESS_GUARD_GROUP", value_name = "BY", default_value = "code")]
    group: Group,
    /// With --group code, the most findings of one check that text shows in full; 0 shows all.
    #[arg(long, env = "INGRESS_GUARD_MAX_PER_CODE", value_name = "NUMBER", default_value_t = Listing::default().max_per_code)]
    max_per_code: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Show {
    Deny,
    Warn,
    Audit,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Group {
    Code,
    Object,
}

impl ListingOptions {
    /// The flags; `show` is the level without a flag.
    pub(super) fn listing(&self, show: Level) -> Listing {
        let show = match self.show {
            None => show,
            Some(Show::Deny) => Level::Deny,
            Some(Show::Warn) => Level::Warn,
            Some(Show::Audit) => Level::Audit,
        };
        let group = match self.group {
            Group::Code => Grouping::Code,
            Group::Object => Grouping::Object,
        };
        Listing { show, group, max_per_code: self.max_per_code }
    }
}
