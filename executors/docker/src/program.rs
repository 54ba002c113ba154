//! Whether a container's program is one for this machine.
//!
//! Init hands a file that the kernel does not know to `/bin/sh`, which then complains about the
//! first line of it. Only the file itself tells that apart from a script that fails.

use bollard::Docker;
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use futures::StreamExt as _;

/// Codes that a shell ends with when it is given a binary to read.
const SUSPECTS: [i64; 3] = [2, 126, 127];
/// Links that are followed to the program.
const LINKS_MAX: usize = 4;
const HEAD_BYTES: usize = 64;
/// Where to look for a program that is named without a directory.
const DIRS: [&str; 5] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/// Whether an exit code gives reason to look.
pub(crate) fn is_suspect(code: i64) -> bool {
    SUSPECTS.contains(&code)
}

/// Looks at the program of an ended container: why it cannot have run, if that is so.
pub(crate) async fn why_not_runnable(
    docker: &Docker,
    container: &str,
    program: &str,
) -> Option<String> {
    let absolute = program.starts_with('/').then(|| program.to_owned());
    let candidates = DIRS.iter().map(|dir| format!("{dir}/{program}"));
    let candidates: Vec<String> = match absolute {
        Some(path) => vec![path],
        None if program.contains('/') => return None,
        None => candidates.collect(),
    };
    for path in candidates {
        if let Some(head) = head(docker, container, path).await {
            return (!is_runnable(&head)).then(|| {
                format!("exec format error: {program} is no program for {}", std::env::consts::ARCH)
            });
        }
    }
    None
}

/// The first bytes of a file.
async fn head(docker: &Docker, container: &str, mut path: String) -> Option<Vec<u8>> {
    for _ in 0..LINKS_MAX {
        let options = DownloadFromContainerOptionsBuilder::default().path(&path).build();
        let mut archive = Box::pin(docker.download_from_container(container, Some(options)));
        let mut bytes = Vec::new();
        while bytes.len() < 512 + HEAD_BYTES {
            match archive.next().await {
                Some(Ok(more)) => bytes.extend_from_slice(&more),
                Some(Err(_)) | None => break,
            }
        }
        let (header, rest) = bytes.split_at_checked(512)?;
        let header = tar::Header::from_byte_slice(header);
        if header.entry_type().is_file() {
            let length = usize::try_from(header.size().ok()?).ok()?.min(HEAD_BYTES).min(rest.len());
            return Some(rest[..length].to_vec());
        }
        let target = header.link_name().ok()??.to_str()?.to_owned();
        path = match (target.starts_with('/'), path.rsplit_once('/')) {
            (true, _) => target,
            (false, Some((dir, _))) => format!("{dir}/{target}"),
            (false, None) => return None,
        };
    }
    None
}

fn is_runnable(head: &[u8]) -> bool {
    const ELF: &[u8] = b"\x7fELF";
    match head {
        elf if elf.starts_with(ELF) => {
            let machine = elf.get(18..20).map(|m| u16::from_le_bytes([m[0], m[1]]));
            machine.is_some_and(|machine| machines().contains(&machine))
        }
        // Text without a `#!` is a script for sh.
        other => !other.contains(&0),
    }
}

/// `e_machine` of what runs here (<https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>).
fn machines() -> &'static [u16] {
    match std::env::consts::ARCH {
        "x86_64" => &[62, 3],
        "aarch64" => &[183, 40],
        "x86" => &[3],
        "arm" => &[40],
        "riscv64" => &[243],
        "s390x" => &[22],
        "powerpc64" => &[21],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u16) -> Vec<u8> {
        let mut head = b"\x7fELF\x02\x01\x01".to_vec();
        head.resize(18, 0);
        head.extend_from_slice(&machine.to_le_bytes());
        head
    }

    #[test]
    fn programs_for_other_machines_are_told_by_their_header() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        assert!(is_runnable(&own[..HEAD_BYTES]));
        assert!(!is_runnable(&elf(0xffff)));
        assert!(!is_runnable(b"\x7fELF"));
        assert!(!is_runnable(b"\0asm\x01\0\0\0"));
        assert!(is_runnable(b"#!/bin/sh\n") && is_runnable(b"echo hi\n"));
    }
}
