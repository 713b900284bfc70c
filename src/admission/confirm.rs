//! Confirm before you deny: everything that a denial rests on is read live; what cannot be read only warns.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::cluster::{Live, LiveReads, Watches};
use crate::finding::Evidence;
use crate::model::{Ingress, Key, Kind, Kinds};
use crate::routing::referenced_by;

/// How long the watches are given to bring what happened just before this write.
const CATCH_UP: Duration = Duration::from_millis(100);

/// A live cluster behind the inventory.
#[derive(Debug)]
pub struct Cluster {
    /// For reads of single objects.
    pub live: Live,
    /// How the watches are doing.
    pub feeds: Watches,
    /// The kinds whose objects are read one by one, as Ingresses name them.
    pub on_demand: Kinds,
}

impl Cluster {
    /// The Secrets and ConfigMaps that an Ingress names, before it is judged: the object itself says which.
    pub(super) async fn fetch_referenced(&self, ingress: &Ingress) -> LiveReads {
        let namespace = &ingress.meta.key.namespace;
        let named = referenced_by(ingress).filter(|(kind, _)| self.on_demand.contains(*kind));
        let named: HashSet<(Kind, &str)> = named.collect();
        if named.is_empty() {
            return LiveReads::default();
        }
        self.live.fetch_referenced(named.into_iter().map(|(kind, name)| (kind, Key::new(namespace, name)))).await
    }

    /// Read what these denials rest on; what of it is certain now.
    pub(super) async fn confirm(&self, evidence: &HashSet<Evidence>, live_reads: &mut LiveReads) -> HashSet<Evidence> {
        let asked = Instant::now();
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
            if !indexed.is_empty() {
                self.feeds.wake(indexed);
                tokio::time::sleep(CATCH_UP).await;
            }
        };
        let (read, ()) = tokio::join!(self.live.read(objects), catch_up);
        live_reads.merge(read);
        let certain = evidence.iter().filter(|evidence| match evidence {
            Evidence::Object(kind, key) => live_reads.is_certain(*kind, key),
            Evidence::Index(kind, _) => self.feeds.is_current(*kind, asked),
        });
        certain.cloned().collect()
    }
}
