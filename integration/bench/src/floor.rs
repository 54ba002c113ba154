//! What the machine itself can do.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::table::percentile;

/// The median time of appending 4 KiB durably, in microseconds.
pub(crate) fn fsync_us() -> anyhow::Result<f64> {
    let dir = tempfile::tempdir()?;
    let mut file = File::create(dir.path().join("f"))?;
    let mut samples = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        samples.push(began.elapsed());
    }
    Ok(percentile(&mut samples, 0.5).as_secs_f64() * 1e6)
}

/// One core's SHA-256 over a file that is in the page cache.
pub(crate) fn sha256(path: &Path) -> anyhow::Result<Duration> {
    let mut buffer = vec![0; 1 << 20];
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let began = Instant::now();
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
    }
    let elapsed = began.elapsed();
    anyhow::ensure!(hash.finalize().len() == 32, "no digest");
    Ok(elapsed)
}

/// Reading a file that is in the page cache.
pub(crate) fn read(path: &Path) -> anyhow::Result<Duration> {
    let mut buffer = vec![0; 1 << 20];
    let mut file = File::open(path)?;
    let began = Instant::now();
    while file.read(&mut buffer)? > 0 {}
    Ok(began.elapsed())
}

/// Reading every file of a tree and hashing it, on one core.
pub(crate) fn hash_files(root: &Path) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut stack = vec![root.to_owned()];
    while let Some(dir) = stack.pop() {
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                stack.push(entry.path());
            } else {
                let digest = Sha256::digest(std::fs::read(entry.path())?);
                anyhow::ensure!(digest.len() == 32, "no digest");
            }
        }
    }
    Ok(began.elapsed())
}

/// Waits until the disk has what was written before, so that nobody pays for another.
pub(crate) fn settle() -> anyhow::Result<()> {
    let synced = std::process::Command::new("sync").status()?;
    anyhow::ensure!(synced.success(), "sync failed");
    Ok(())
}

/// A file over loopback TCP, the receiver hashing each MiB and appending it, durable at the end.
pub(crate) fn tcp_hash_append(path: &Path) -> anyhow::Result<Duration> {
    settle()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let dir = tempfile::tempdir()?;
    let target = dir.path().join("copy");
    let receiver = std::thread::spawn(move || -> anyhow::Result<()> {
        let (mut from, _) = listener.accept()?;
        let mut to = File::create(target)?;
        let mut block = vec![0; 1 << 20];
        loop {
            let mut filled = 0;
            while filled < block.len() {
                let n = from.read(&mut block[filled..])?;
                if n == 0 {
                    break;
                }
                filled += n;
            }
            if filled == 0 {
                break;
            }
            anyhow::ensure!(Sha256::digest(&block[..filled]).len() == 32, "no digest");
            to.write_all(&block[..filled])?;
        }
        Ok(to.sync_data()?)
    });
    let began = Instant::now();
    let mut to = TcpStream::connect(address)?;
    std::io::copy(&mut File::open(path)?, &mut to)?;
    drop(to);
    receiver.join().map_err(|_| anyhow::anyhow!("the receiver panicked"))??;
    Ok(began.elapsed())
}
