//! `--assume-controller`: the controller where no cluster shows it.

use std::str::FromStr;

use clap::Args;

use crate::config::Config;
use crate::routing::Version;

#[derive(Debug, Default, Args)]
pub(super) struct AssumedController {
    /// Assume that this controller handles the classes of k8s.io/ingress-nginx, unless the configuration sets a version. Format:
    /// ingress-nginx or ingress-nginx@VERSION.
    #[arg(long, env = "INGRESS_GUARD_ASSUME_CONTROLLER", value_name = "CONTROLLER")]
    assume_controller: Option<Assumption>,
}

/// ingress-nginx, of this version if one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Assumption(Option<Version>);

impl FromStr for Assumption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, version) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
        if name != "ingress-nginx" {
            return Err("expected ingress-nginx or ingress-nginx@VERSION, such as ingress-nginx@1.15.1".to_owned());
        }
        let wrong = |_| format!("{:?} is not a version; use the form 1.15.1", version.unwrap_or_default());
        Ok(Self(version.map(str::parse).transpose().map_err(wrong)?))
    }
}

impl AssumedController {
    /// Adds the controller to the dialects of a configuration.
    pub(super) fn apply_to(&self, config: &mut Config) {
        if let Some(Assumption(version)) = self.assume_controller {
            config.settings.dialects.assume_ingress_nginx(version);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assumed_controller_has_a_version_or_none() {
        let read = |text: &str| text.parse::<Assumption>();
        assert_eq!(read("ingress-nginx"), Ok(Assumption(None)));
        assert_eq!(read("ingress-nginx@1.15.1"), Ok(Assumption(Some(Version::new(1, 15, 1)))));
        for wrong in ["", "traefik", "ingress-nginx@latest", "ingress-nginx@"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let mut config = Config::default();
        AssumedController { assume_controller: Some(Assumption(Some(Version::new(1, 15, 1)))) }.apply_to(&mut config);
        let dialect = config.settings.dialects.of_class("nginx", "k8s.io/ingress-nginx", "shop");
        assert_eq!((dialect.version, dialect.allows_snippets()), (Some(Version::new(1, 15, 1)), Some(false)));
    }
}
