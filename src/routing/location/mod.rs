//! The location model of ingress-nginx: rules of a host, its locations, which one nginx chooses, and the rewritten path. Pure:
//! it never asks the cluster. Section 2.

mod config_error;
mod dropped;
mod equivalent;
mod host_winner;
mod kubernetes;
mod locate;
mod pattern;
mod pattern_costs;
mod request;
mod rewrite;
mod rules;
mod samples;
mod server;
mod variables;

pub use config_error::ConfigError;
pub use dropped::{Dropped, DroppedBecause};
pub use host_winner::HostWinner;
pub use locate::Located;
pub use pattern::{
    Pattern, PatternError, SLASH_GROUPS, alternatives_at_the_top, is_plainly_regex, literal_prefix, matches_only_root,
};
pub use request::{escaped, host_name, normalized};
pub use rewrite::{Piece, Rewritten, pieces, redirects_alike};
pub use rules::{Claim, by_age, claims};
pub use samples::{nests_repetitions, path_samples, pattern_samples, plain_samples, runaway, sample_host};
pub(super) use samples::{parsing, texts};
pub use server::{Location, Modifier, Server};
pub use variables::{Condition, Unknown, is_nginx_variable, unknown_variables, variable_names};
pub(super) use variables::{WITHOUT_FORMER, is_set_in_locations};
