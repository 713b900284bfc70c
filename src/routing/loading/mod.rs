//! What ingress-nginx does with an Ingress because of its annotations: it does not load it, returns 503 in its locations, or
//! 403 on its hosts. Sections 5.7 and 7.0.

mod fault;
mod faults;
mod references;

pub use fault::{AnnotationFault, FaultReason};
pub use faults::{reference_faults, value_faults};

use super::annotations::{Effect, Refusal};
use super::controller::{ControllerFamily, Dialect};
use crate::cluster::ClusterView;
use crate::model::{Ingress, Kind};

/// What the controller does with an Ingress because of faults of its annotations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loading {
    /// The annotation for which the Ingress is certainly not loaded.
    pub not_loaded: Option<&'static str>,
    /// The response that its locations or its hosts certainly return.
    pub refusal: Option<Refusal>,
    /// The annotation that has one of these effects in some versions or with some settings, where they are not known. Of
    /// several, the one that affects most.
    pub doubt: Option<(&'static str, Effect)>,
    /// Whether external authentication is not configured because one of its values is invalid.
    pub drops_auth: bool,
}

impl Loading {
    /// Evaluates the annotations of an Ingress. Reads ConfigMaps and Secrets.
    #[must_use]
    pub fn of(ingress: &Ingress, dialect: &Dialect, view: &ClusterView<'_>) -> Self {
        let mut loading = Self::default();
        if dialect.family != ControllerFamily::Nginx {
            return loading;
        }
        let values = value_faults(ingress, dialect);
        for AnnotationFault { row, effect, certain, .. } in
            values.into_iter().chain(reference_faults(ingress, dialect, view))
        {
            // A version that does not reject the value may look for the object that it names.
            let may_be_read = !certain && effect == Effect::Ignored;
            let names_data = matches!(row.names, Some(Kind::ConfigMap | Kind::Secret));
            let effect = if may_be_read && names_data { Effect::Unavailable } else { effect };
            let is_of_auth = row.name == EXTERNAL_AUTH || row.with == Some(EXTERNAL_AUTH);
            loading.drops_auth |= certain && is_of_auth && matches!(effect, Effect::Open | Effect::Unavailable);
            let status = match effect {
                Effect::Ignored | Effect::Open => continue,
                Effect::NotLoaded => None,
                Effect::Unavailable => Some(503),
                Effect::Forbidden => Some(403),
            };
            match status {
                _ if !certain => {
                    let graver = loading.doubt.filter(|(_, known)| reach(*known) >= reach(effect));
                    loading.doubt = graver.or(Some((row.name, effect)));
                }
                None => loading.not_loaded = loading.not_loaded.or(Some(row.name)),
                Some(status) => {
                    let refusal = Refusal { status, annotation: row.name };
                    // 403 comes before any location.
                    let known = loading.refusal.filter(|known| known.is_of_host() || !refusal.is_of_host());
                    loading.refusal = known.or(Some(refusal));
                }
            }
        }
        loading
    }
}

const EXTERNAL_AUTH: &str = "auth-url";

/// How much an effect takes out of the configuration: a location, a host, or the whole Ingress.
const fn reach(effect: Effect) -> u8 {
    match effect {
        Effect::NotLoaded => 2,
        Effect::Forbidden => 1,
        Effect::Unavailable | Effect::Ignored | Effect::Open => 0,
    }
}
