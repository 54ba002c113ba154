//! The server: PyPI's moto, in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use gadus_data::S3Config;
use gadus_e2e::{Shared, root};
use serde::Deserialize;

use crate::python::python;

const PACKAGES: [&str; 1] = ["moto[server,s3]==5.1.22"];

static SERVER: Shared<Buckets> = Shared::new();
static INSTALLING: Mutex<()> = Mutex::new(());

/// A server that runs, and what it says of itself.
pub(super) struct Buckets {
    process: Child,
    told: Told,
}

#[derive(Deserialize)]
pub(super) struct Told {
    pub(super) endpoint: String,
    pub(super) region: String,
    pub(super) key: String,
    pub(super) secret: String,
    /// The version of `d/a.txt` that is not the newest.
    pub(super) old: String,
}

impl std::ops::Deref for Buckets {
    type Target = Told;

    fn deref(&self) -> &Told {
        &self.told
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Buckets {
    /// The account that may read and write all but `private`.
    pub(super) fn account(&self) -> S3Config {
        S3Config {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            access_key_id: self.key.clone(),
            secret_access_key: self.secret.as_str().into(),
            allow_http: true,
            ..S3Config::default()
        }
    }
}

/// The server that all tests share; skips where there is none.
pub(super) fn buckets(about: &str) -> Option<Arc<Buckets>> {
    // One installs what all need.
    let one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let python = python(about, "moto-5.1.22", &PACKAGES)?;
    drop(one);
    Some(SERVER.get(|| start(&python)))
}

fn start(python: &Path) -> Buckets {
    let mut process = Command::new(python)
        .arg(root().join("integration/e2e/tests/it/s3.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: '{line}'"));
    Buckets { process, told }
}
