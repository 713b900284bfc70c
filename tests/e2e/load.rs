//! Concurrent writes during another operation. None is stored; each must be reviewed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::objects::{class, ingress, rewriting, service};
use crate::terminal::Terminal;

/// Clients that call the API server directly, in addition to one that runs kubectl.
const CLIENTS: usize = 3;

/// Results of the writes so far.
#[derive(Default)]
pub(crate) struct Tally {
    reviewed: AtomicUsize,
    /// The output of writes that were not reviewed.
    pub(crate) lost: Mutex<Vec<String>>,
}

impl Tally {
    /// Returns the number of reviewed writes.
    pub(crate) fn reviewed(&self) -> usize {
        self.reviewed.load(Ordering::Relaxed)
    }

    fn count(&self, reviewed: bool, output: impl FnOnce() -> String) {
        if reviewed {
            self.reviewed.fetch_add(1, Ordering::Relaxed);
        } else {
            self.lost.lock().push(output());
        }
    }
}

/// Writes to a namespace while `work` runs. The webhook must be registered with `failurePolicy: Fail`: every accepted
/// or denied write was then reviewed.
pub(crate) fn during<T>(cluster: &Cluster, namespace: &'static str, work: impl FnOnce(&Tally) -> T) -> T {
    struct Stop<'a>(&'a AtomicBool);

    // Stops the writers even if `work` panics.
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let terminal = Terminal { cluster, namespace };
    terminal.stores(&[class(namespace), service("web", &[80])]);
    let good = ingress("good", namespace, "web", 80);
    let bad = rewriting(ingress("bad", namespace, "web", 80));
    let (tally, stopped) = (Tally::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        let _stop = Stop(&stopped);
        for _ in 0..CLIENTS {
            scope.spawn(|| write_directly(&terminal, &good, &bad, &tally, &stopped));
        }
        scope.spawn(|| write_with_kubectl(&terminal, &good, &bad, &tally, &stopped));
        work(&tally)
    })
}

fn write_directly(terminal: &Terminal<'_>, good: &Value, bad: &Value, tally: &Tally, stopped: &AtomicBool) {
    let api = terminal.cluster.api();
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{}/ingresses?dryRun=All", terminal.namespace);
    while !stopped.load(Ordering::Relaxed) {
        for (object, code) in [(good, 201), (bad, 403)] {
            let answer = api.post(&path, object);
            tally.count(answer.as_ref().is_ok_and(|(status, _)| *status == code), || format!("POST: {answer:?}"));
        }
        // Without a pause, the test would only measure the machine.
        thread::sleep(Duration::from_millis(5));
    }
}

fn write_with_kubectl(terminal: &Terminal<'_>, good: &Value, bad: &Value, tally: &Tally, stopped: &AtomicBool) {
    while !stopped.load(Ordering::Relaxed) {
        for (object, denied) in [(good, false), (bad, true)] {
            let output = terminal.run(&["apply", "--dry-run=server", "--filename=-"], &object.to_string());
            let reviewed = if denied { output.stderr.contains("[IG310 ") } else { output.code == 0 };
            tally.count(reviewed, || format!("kubectl: {output}"));
        }
    }
}
