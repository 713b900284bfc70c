//! Several processes over one Secret and one webhook configuration, without an API server: each read and each write is a step of its
//! own, and a write fails if the object has changed since it was read.

use std::time::{Duration, Instant};

use ingress_guard::certificates::{Authorities, Bundle, Lifetimes, Observed, Read, Replica, Write};
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;

use super::{service, start};

pub(super) struct Process {
    pub(super) replica: Replica,
    /// The next write, and the versions that it depends on.
    planned: Option<(Write, u64, u64)>,
}

/// The objects of one installation, and the processes that manage them.
pub(super) struct Installation {
    pub(super) secret: Option<Authorities>,
    secret_version: u64,
    pub(super) bundles: Option<Vec<Bundle>>,
    bundles_version: u64,
    pub(super) now: Timestamp,
    at: Instant,
    pub(super) processes: Vec<Process>,
    pub(super) repairs: usize,
    /// Whether processes have the permission to write to the Secret.
    pub(super) may_store: bool,
}

impl Installation {
    pub(super) fn new(processes: usize) -> Self {
        let processes = (0..processes).map(|_| Process::start());
        Self {
            secret: Some(Authorities::default()),
            secret_version: 0,
            bundles: Some(vec![Bundle::default(); 2]),
            bundles_version: 0,
            now: start(),
            at: Instant::now(),
            processes: processes.collect(),
            repairs: 0,
            may_store: true,
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.at += time;
    }

    pub(super) fn put_secret(&mut self, secret: Option<Authorities>) {
        self.secret = secret;
        self.secret_version += 1;
    }

    pub(super) fn put_bundles(&mut self, bundles: Option<Vec<Bundle>>) {
        self.bundles = bundles;
        self.bundles_version += 1;
    }

    pub(super) fn restart(&mut self, process: usize) {
        self.processes[process] = Process::start();
    }

    /// A process reads both objects and decides. Returns whether it has a write.
    pub(super) fn read(&mut self, process: usize) -> bool {
        let observed = Observed {
            bundles: self.bundles.clone().map_or(Read::Absent, Read::Found),
            stored: self.secret.clone().map_or(Read::Absent, Read::Found),
            may_store: self.may_store,
            now: self.now,
            at: self.at,
        };
        let process = &mut self.processes[process];
        let write = process.replica.decide(&observed).unwrap();
        process.planned = write.map(|write| (write, self.secret_version, self.bundles_version));
        process.planned.is_some()
    }

    /// A process makes its write, unless the object has changed.
    pub(super) fn write(&mut self, process: usize) {
        let Some((write, secret_version, bundles_version)) = self.processes[process].planned.take() else { return };
        match write {
            Write::Secret(authorities) if secret_version == self.secret_version => self.put_secret(Some(*authorities)),
            Write::Bundle { bundle, is_repair } if bundles_version == self.bundles_version => {
                let entries = self.bundles.as_ref().unwrap().len();
                self.put_bundles(Some(vec![bundle; entries]));
                self.repairs += usize::from(is_repair);
            }
            _ => {}
        }
    }

    /// Every process works until it has nothing to write.
    pub(super) fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 20, "processes do not come to rest");
            let mut is_at_rest = true;
            for process in 0..self.processes.len() {
                is_at_rest &= !self.read(process);
                self.write(process);
            }
            if is_at_rest {
                return;
            }
        }
    }

    /// Lets time pass, in steps in which each process works.
    pub(super) fn live(&mut self, time: Duration, step: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.pass(step);
            self.settle();
        }
    }

    pub(super) fn serving(&self, process: usize) -> Option<CertificateDer<'static>> {
        Some(self.processes[process].replica.leaf()?.authority.clone())
    }

    /// Whether an API server accepts the certificate of a process, in each entry of the webhook configuration.
    pub(super) fn is_accepted(&self, process: usize) -> bool {
        let leaf = self.processes[process].replica.leaf().unwrap();
        let is_trusted = |bundle: &Bundle| bundle.contains(&leaf.authority);
        leaf.not_after > self.now && self.bundles.iter().flatten().all(is_trusted)
    }

    pub(super) fn assert_accepted(&self) {
        for process in 0..self.processes.len() {
            assert!(self.is_accepted(process), "process {process} of {}", self.processes.len());
        }
    }
}

impl Process {
    fn start() -> Self {
        Self { replica: Replica::new(service(), Lifetimes::default()), planned: None }
    }
}
