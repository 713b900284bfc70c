//! Certificates made for one test, and a folder that is swapped as a kubelet swaps a projected Secret.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ingress_guard::server::{CertificateSource, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

/// A certificate and its key.
pub(crate) struct Pair {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// An authority of this test alone.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for localhost.
    pub(crate) fn issue(&self) -> Pair {
        self.issue_until(SystemTime::now() + Duration::from_hours(30 * 24))
    }

    pub(crate) fn issue_until(&self, not_after: SystemTime) -> Pair {
        self.issue_between(SystemTime::now() - Duration::from_hours(60 * 24), not_after)
    }

    pub(crate) fn issue_between(&self, not_before: SystemTime, not_after: SystemTime) -> Pair {
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.not_before = not_before.into();
        params.not_after = not_after.into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Pair { der: certificate.der().clone(), certificate: certificate.pem(), key: key.serialize_pem() }
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

/// `tls.crt` and `tls.key` behind the two symlinks of a projected Secret.
pub(crate) struct Mount {
    folder: TempDir,
    generation: std::cell::Cell<u32>,
}

impl Mount {
    pub(crate) fn new(pair: &Pair) -> Self {
        let mount = Self { folder: TempDir::new().unwrap(), generation: 0.into() };
        for name in ["tls.crt", "tls.key"] {
            symlink(Path::new("..data").join(name), mount.path(name)).unwrap();
        }
        mount.swap(&pair.certificate, &pair.key);
        mount
    }

    /// Both files at once: a new folder, and `..data` renamed onto it.
    pub(crate) fn swap(&self, certificate: &str, key: &str) {
        let old = self.generation.get();
        self.generation.set(old + 1);
        let new = format!("..generation_{}", old + 1);
        fs::create_dir(self.path(&new)).unwrap();
        fs::write(self.path(&new).join("tls.crt"), certificate).unwrap();
        fs::write(self.path(&new).join("tls.key"), key).unwrap();
        symlink(&new, self.path("..data_tmp")).unwrap();
        fs::rename(self.path("..data_tmp"), self.path("..data")).unwrap();
        if old > 0 {
            fs::remove_dir_all(self.path(&format!("..generation_{old}"))).unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn options(&self) -> TlsOptions {
        TlsOptions {
            certificate: CertificateSource::Files { certificate: self.path("tls.crt"), key: self.path("tls.key") },
            client_ca: None,
            poll: Duration::from_millis(20),
            dns_name: None,
        }
    }
}
