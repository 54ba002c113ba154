//! Directories that somebody changes while they are read.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Does something over and over, beside the test, until it is dropped.
struct Meanwhile {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Meanwhile {
    fn each(mut deed: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                deed();
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// So many imports; each meets the change at another moment.
const TRIES: usize = 300;

#[tokio::test]
async fn a_directory_that_becomes_a_link_out_is_never_followed() {
    let case = Case::new();
    let secrets = case.dir.path().join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    std::fs::write(secrets.join("file"), "a secret").unwrap();
    let (place, other, link) = (case.out("sub"), case.out("other"), case.out("link"));
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("file"), "harmless").unwrap();
    symlink(&secrets, &link).unwrap();
    let swapping = Meanwhile::each(move || {
        // One of them has the name at any time.
        for (from, to) in [(&place, &other), (&link, &place), (&place, &link), (&other, &place)] {
            std::fs::rename(from, to).unwrap();
        }
    });
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..TRIES {
        match case.import().await {
            // A link out of the output refuses the result, so nothing else gets here.
            Ok(_) => taken += 1,
            Err(error) => {
                assert!(!matches!(error, ContentError::HashMismatch { .. }), "{error}");
                refused += 1;
            }
        }
        assert!(!case.content.has(&raw_cid(b"a secret")));
        let hidden = case.content.block(&raw_cid(b"a secret"), Some(NAMESPACE)).await.unwrap();
        assert_eq!(hidden, None, "{taken} taken, {refused} refused");
        case.content.discard(NAMESPACE).await.unwrap();
    }
    drop(swapping);
    assert!(refused > 0, "the change was never met");
}

#[tokio::test]
async fn a_file_that_becomes_a_fifo_does_not_hang_the_import() {
    let case = Case::new();
    let (place, fifo) = (case.out("file"), case.dir.path().join("fifo"));
    std::fs::write(&place, "a file").unwrap();
    mkfifoat(CWD, &fifo, Mode::from_raw_mode(0o600)).unwrap();
    let aside = case.dir.path().join("aside");
    let swapping = Meanwhile::each(move || {
        for (from, to) in [(&place, &aside), (&fifo, &place), (&place, &fifo), (&aside, &place)] {
            std::fs::rename(from, to).unwrap();
        }
    });
    for _ in 0..TRIES {
        if let Err(error) = case.import().await {
            let told = error.to_string();
            let known = ["is a FIFO", "changed while it was read", "outputs/file"];
            assert!(known.iter().any(|known| told.contains(known)), "{told}");
        }
        case.content.discard(NAMESPACE).await.unwrap();
    }
    drop(swapping);
}

#[tokio::test]
async fn a_file_that_grows_is_taken_as_it_was_read_and_never_beyond_the_cap() {
    let case = Case::new();
    let mut file = std::fs::File::create(case.out("growing")).unwrap();
    file.write_all(&[7; 4096]).unwrap();
    let growing = Meanwhile::each(move || {
        if file.metadata().unwrap().len() < 8 << 20 {
            file.write_all(&[7; 4096]).unwrap();
        }
    });
    let cap = 4 << 20;
    loop {
        match case.import_capped(cap, 10).await {
            Ok(result) => {
                assert!(result.bytes <= cap + 64, "{}", result.bytes);
                case.content
                    .promote(NAMESPACE, result.result, Pinning::result(NAMESPACE, 0))
                    .await
                    .unwrap();
                // It is whole: every byte that its size tells is there.
                let text = case.read(result.result, "outputs/growing").await;
                assert!(text.bytes().all(|byte| byte == 7));
            }
            Err(ContentError::TooMuchOutput { what: "bytes", max }) => {
                assert_eq!(max, cap);
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    drop(growing);
}

#[tokio::test]
async fn a_file_that_shrinks_is_taken_as_it_was_read() {
    let case = Case::new();
    let file = std::fs::File::create(case.out("shrinking")).unwrap();
    let shrinking = Meanwhile::each(move || {
        for length in [3 << 20, 1 << 10, 0] {
            file.set_len(length).unwrap();
        }
    });
    for _ in 0..TRIES / 10 {
        let result = case.import().await.unwrap();
        case.content
            .promote(NAMESPACE, result.result, Pinning::result(NAMESPACE, 0))
            .await
            .unwrap();
        let text = case.read(result.result, "outputs/shrinking").await;
        assert!(text.len() <= 3 << 20);
    }
    drop(shrinking);
}
