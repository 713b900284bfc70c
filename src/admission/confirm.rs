//! Confirmation: every object that a denial depends on is read live. A denial that cannot be confirmed becomes a warning.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::cluster::{Live, LiveReads, Watches};
use crate::finding::Evidence;
use crate::model::{Ingress, Key, Kind, Kinds};
use crate::routing::referenced_by;

/// The time in which the watches can deliver changes that precede this write.
const CATCH_UP: Duration = Duration::from_millis(100);

/// The time limit for the publication of these changes. It takes 10 ms unless the machine is overloaded.
const PUBLICATION: Duration = Duration::from_millis(100);

/// Access to the live cluster behind an inventory.
#[derive(Debug)]
pub struct LiveCluster {
    /// Reads single objects.
    pub live: Live,
    /// The state of the watches.
    pub watches: Watches,
    /// The kinds that are not watched: their objects are read when an Ingress references them.
    pub on_demand: Kinds,
}

impl LiveCluster {
    /// Reads the Secrets and ConfigMaps that an Ingress references, before it is evaluated.
    pub(super) async fn fetch_referenced(&self, ingress: &Ingress) -> LiveReads {
        let namespace = &ingress.meta.key.namespace;
        let referenced = referenced_by(ingress).filter(|(kind, _)| self.on_demand.contains(*kind));
        let referenced: HashSet<(Kind, &str)> = referenced.collect();
        if referenced.is_empty() {
            return LiveReads::default();
        }
        self.live.fetch_referenced(referenced.into_iter().map(|(kind, name)| (kind, Key::new(namespace, name)))).await
    }

    /// Reads the objects that denials depend on into `live_reads`. Returns the evidence that is certain afterwards.
    pub(super) async fn confirm(&self, evidence: &HashSet<Evidence>, live_reads: &mut LiveReads) -> HashSet<Evidence> {
        let started = Instant::now();
        let objects = evidence.iter().filter_map(|evidence| match evidence {
            Evidence::Object(kind, key) => Some((*kind, key.clone())),
            Evidence::Index(..) => None,
        });
        let objects: Vec<(Kind, Key)> = objects.collect();
        let indexed = evidence.iter().filter_map(|evidence| match evidence {
            Evidence::Index(kind, _) => Some(*kind),
            Evidence::Object(..) => None,
        });
        let indexed: Kinds = indexed.collect();
        let catch_up = async {
            if indexed.is_empty() {
                return true;
            }
            self.watches.wake(indexed);
            tokio::time::sleep(CATCH_UP).await;
            self.watches.published(indexed, PUBLICATION).await
        };
        let (read, is_published) = tokio::join!(self.live.read(objects), catch_up);
        live_reads.merge(read);
        let certain = evidence.iter().filter(|evidence| match evidence {
            Evidence::Object(kind, key) => live_reads.is_certain(*kind, key),
            Evidence::Index(kind, _) => is_published && self.watches.is_current(*kind, started),
        });
        certain.cloned().collect()
    }
}
