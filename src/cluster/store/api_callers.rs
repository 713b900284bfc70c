//! Webhook configurations and APIServices, with an index by the Services that they make the API server call. There are
//! dozens, with few Services each.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

use crate::model::{ApiCaller, Key, Kind};

/// Every webhook configuration and APIService.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApiCallers {
    objects: BTreeMap<(Kind, Box<str>), ApiCaller>,
    /// Service → the objects that make the API server call it.
    of_service: HashMap<Key, BTreeSet<(Kind, Box<str>)>>,
}

impl ApiCallers {
    /// Adds or replaces an object.
    pub(crate) fn apply(&mut self, kind: Kind, caller: ApiCaller) {
        self.delete(kind, &caller.key);
        let id = (kind, caller.key.name.clone());
        for service in &caller.services {
            self.of_service.entry(service.key.clone()).or_default().insert(id.clone());
        }
        self.objects.insert(id, caller);
    }

    /// Removes an object.
    pub(crate) fn delete(&mut self, kind: Kind, key: &Key) {
        let id = (kind, key.name.clone());
        let Some(caller) = self.objects.remove(&id) else { return };
        for service in &caller.services {
            let Some(callers) = self.of_service.get_mut(&service.key) else { continue };
            callers.remove(&id);
            if callers.is_empty() {
                self.of_service.remove(&service.key);
            }
        }
    }

    /// Returns the objects of a kind that make the API server call a Service.
    pub(crate) fn of(&self, kind: Kind, service: &Key) -> impl Iterator<Item = &ApiCaller> {
        let ids = self.of_service.get(service).into_iter().flatten();
        ids.filter(move |(of, _)| *of == kind).filter_map(|id| self.objects.get(id))
    }

    /// Returns all objects of a kind.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &ApiCaller> {
        self.objects.iter().filter(move |((of, _), _)| *of == kind).map(|(_, caller)| caller)
    }
}
