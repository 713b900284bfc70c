//! The release of a controller, read from the tag of its image.

use crate::routing::version::Version;

/// A released version of ingress-nginx, or of a fork of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The version of ingress-nginx.
    pub version: Version,
    /// The suffix that a fork adds to the version, e.g. `hardened1`.
    pub fork: Option<Box<str>>,
}

impl Release {
    /// Reads the tag of an image, with or without a digest. `None`: the image has a digest only, or its tag is not a version of
    /// ingress-nginx, such as `latest` or a date.
    #[must_use]
    pub fn of_image(image: &str) -> Option<Self> {
        let name = image.split('@').next()?.rsplit('/').next()?;
        Self::of_tag(name.split_once(':')?.1)
    }

    /// Reads a tag: `v1.15.1` or `v1.14.3-hardened1`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let (version, fork) = tag.split_once('-').map_or((tag, None), |(version, fork)| (version, Some(fork)));
        let version: Version = version.parse().ok()?;
        // Forks with versions of their own have dates, e.g. 2026.7.20.
        let is_upstream = version < Version::new(2, 0, 0);
        is_upstream.then(|| Self { version, fork: fork.map(Into::into) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_an_image_is_the_version() {
        let of = |image: &str| Release::of_image(image).map(|it| (it.version.to_string(), it.fork));
        let upstream = Some(("1.15.1".to_owned(), None));
        assert_eq!(of("registry.k8s.io/ingress-nginx/controller:v1.15.1"), upstream);
        assert_eq!(of("localhost:5000/controller:1.15.1@sha256:0123"), upstream);
        let rancher = of("rancher/nginx-ingress-controller:v1.14.3-hardened1");
        assert_eq!(rancher, Some(("1.14.3".to_owned(), Some("hardened1".into()))));
        for unknown in [
            "registry.k8s.io/ingress-nginx/controller@sha256:0123",
            "controller",
            "localhost:5000/controller",
            "controller:latest",
            "controller:v2026.7.20",
            "controller:v1.15",
            "",
        ] {
            assert_eq!(of(unknown), None, "{unknown}");
        }
    }
}
