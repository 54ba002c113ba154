//! Data to be added.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

/// Files in one directory.
const WIDTH: usize = 500;

/// A file of bytes that do not compress, are not zero, and are nowhere the same.
pub(super) fn random(path: &Path, mib: usize) -> anyhow::Result<()> {
    let mut file = File::create(path)?;
    let mut block = vec![0_u8; 1 << 20];
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..mib {
        for word in block.chunks_exact_mut(8) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            word.copy_from_slice(&x.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    Ok(file.sync_all()?)
}

/// A tree of so many files of about 1 KiB, no two the same.
pub(super) fn small_files(root: &Path, files: usize) -> anyhow::Result<()> {
    for nth in 0..files {
        let dir = root.join((nth / WIDTH).to_string());
        if nth % WIDTH == 0 {
            fs::create_dir_all(&dir)?;
        }
        let line = format!("line of file {nth}\n");
        fs::write(dir.join(format!("file-{nth}.txt")), line.repeat(1 + nth % 100))?;
    }
    Ok(())
}
