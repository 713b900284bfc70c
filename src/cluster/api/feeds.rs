//! The watches from outside: how they pace themselves, how each is doing, and whether it can be believed.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::watch::Watch;
use crate::cluster::{Coverage, Inventory};
use crate::model::{Key, Kind, Kinds};

/// How watches pace themselves.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Objects in a page of a list.
    pub page: u32,
    /// How long one watch request lasts, in seconds (at most 294): rights that were withdrawn are noticed at its end.
    pub watch_seconds: u32,
    /// How long one page of a list may take.
    pub list: Duration,
    /// The first pause after a failure; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// A watch that ends sooner, however cleanly, has failed: a proxy may close each at once.
    pub shortest_watch: Duration,
    /// The pause where there is nothing to follow; see [`Feed::resting`].
    pub rest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            page: 500,
            watch_seconds: 290,
            list: Duration::from_mins(1),
            first_pause: Duration::from_millis(800),
            longest_pause: Duration::from_secs(30),
            shortest_watch: Duration::from_millis(800),
            rest: Duration::from_mins(5),
        }
    }
}

/// What is to be followed.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Kinds that are needed for a verdict.
    pub needs: Kinds,
    /// Kinds that are only good for better words.
    pub hints: Kinds,
    /// Single ConfigMaps.
    pub config_maps: Vec<Key>,
}

/// How the feed of one kind, or of one object of it, is doing.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The kind.
    pub kind: Kind,
    /// The only object that is followed.
    pub only: Option<Key>,
    /// When the API server last said anything; bookmarks come about every minute.
    pub last_heard: Option<Instant>,
    /// Failures that made it start anew.
    pub restarts: u64,
    /// Objects that could not be read.
    pub skipped: u64,
    /// What is wrong now.
    pub trouble: Option<String>,
    /// When the API server last said that there is nothing to follow: the cluster does not have the kind, or it is
    /// read for better words only and forbidden. Nothing is wrong then.
    pub resting: Option<Instant>,
}

impl fmt::Display for Feed {
    /// What is followed: `Service`, or `ConfigMap namespace/name`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.only {
            Some(key) => write!(f, "{} {key}", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}

/// One feed, and how to end its rest.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) feed: Mutex<Feed>,
    pub(crate) wake: Notify,
}

/// The feeds of all watched kinds.
#[derive(Debug, Clone, Default)]
pub struct Feeds(Arc<[Line]>);

impl Feeds {
    /// Begin to watch what is wanted; must be called within the runtime. The watches end with it.
    #[must_use]
    pub fn start(client: &Client, wanted: Wanted, inventory: &Arc<RwLock<Inventory>>, pace: &Pace) -> Self {
        let Wanted { needs, hints, config_maps } = wanted;
        for key in &config_maps {
            inventory.write().cover_one(Kind::ConfigMap, key, Coverage::NotSynced);
        }
        let kinds = (needs | hints).iter().map(|kind| (kind, None));
        let followed: Vec<(Kind, Option<Key>)> =
            kinds.chain(config_maps.into_iter().map(|key| (Kind::ConfigMap, Some(key)))).collect();
        let feed = |(kind, only): &(Kind, Option<Key>)| Feed {
            kind: *kind,
            only: only.clone(),
            last_heard: None,
            restarts: 0,
            skipped: 0,
            trouble: None,
            resting: None,
        };
        let lines: Arc<[Line]> =
            followed.iter().map(|of| Line { feed: Mutex::new(feed(of)), wake: Notify::new() }).collect();
        for (at, (kind, only)) in followed.into_iter().enumerate() {
            let watch = Watch {
                kind,
                is_needed: only.is_some() || needs.contains(kind),
                only,
                client: client.clone(),
                inventory: Arc::clone(inventory),
                lines: Arc::clone(&lines),
                at,
                pace: pace.clone(),
                version: None,
                was_answered: false,
            };
            tokio::spawn(watch.follow());
        }
        Self(lines)
    }

    /// How each is doing.
    #[must_use]
    pub fn states(&self) -> Vec<Feed> {
        self.0.iter().map(|line| line.feed.lock().clone()).collect()
    }

    /// Whether what the inventory holds of a kind can be believed to be up to date: its changes are followed, or the
    /// API server has said since then that there are none.
    #[must_use]
    pub fn is_current(&self, kind: Kind, since: Instant) -> bool {
        self.0.iter().any(|line| {
            let feed = line.feed.lock();
            feed.kind == kind
                && feed.trouble.is_none()
                && feed.last_heard.is_some()
                && feed.resting.is_none_or(|asked| asked >= since)
        })
    }

    /// Let those of these kinds that rest look again at once.
    pub fn wake(&self, kinds: Kinds) {
        for line in self.0.iter() {
            let feed = line.feed.lock();
            if kinds.contains(feed.kind) && feed.resting.is_some() {
                line.wake.notify_one();
            }
        }
    }
}
