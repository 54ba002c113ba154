//! Results go to the Kubo daemon beside the node, one after the other. Each is noted in a directory
//! until the daemon has it, so that those that wait outlive the node.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::OptionFuture;
use gadus_model::Cid;
use gadus_ports::{CarPart, Content as _, Sidecar};
use tokio::fs;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{Kubo, NotTaken};
use crate::EmbeddedContent;

/// Results that wait for the daemon; more are not offered to it.
pub(super) const OFFERS_MAX: usize = 1_024;
/// How often the daemon may refuse one. While it is away it is waited for.
const REFUSALS_MAX: u32 = 8;
/// The pause after the first try; doubled each time.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Gives results to a Kubo daemon. It ends with this.
#[derive(Debug)]
pub struct KuboOffers {
    queue: mpsc::Sender<Cid>,
}

impl KuboOffers {
    /// Begins, with those that are noted in `dir`. The results are in `content`.
    #[must_use]
    pub fn start(content: EmbeddedContent, kubo: Kubo, dir: PathBuf) -> Self {
        let (queue, offers) = mpsc::channel(OFFERS_MAX);
        tokio::spawn(run(content, kubo, Notes { dir }, offers));
        Self { queue }
    }
}

impl Sidecar for KuboOffers {
    fn offer(&self, root: Cid) {
        if self.queue.try_send(root).is_err() {
            too_many(root);
        }
    }
}

fn too_many(root: Cid) {
    tracing::warn!(%root, "{OFFERS_MAX} results wait for Kubo; this one is not given to it");
}

async fn run(content: EmbeddedContent, kubo: Kubo, notes: Notes, mut offers: mpsc::Receiver<Cid>) {
    let mut waiting = notes.all().await;
    loop {
        let first = waiting.front().copied();
        let giving = OptionFuture::from(first.map(|root| give(&content, &kubo, root)));
        tokio::pin!(giving);
        // What is offered meanwhile is noted meanwhile: the daemon may be away for days.
        let given = loop {
            tokio::select! {
                Some(given) = &mut giving => break given,
                offer = offers.recv() => match offer {
                    None => return,
                    Some(root) if waiting.contains(&root) => {}
                    Some(root) if waiting.len() >= OFFERS_MAX => too_many(root),
                    Some(root) => {
                        notes.add(&root).await;
                        waiting.push_back(root);
                        if first.is_none() {
                            break Ok(());
                        }
                    }
                },
            }
        };
        let Some(root) = first else { continue };
        match given {
            Ok(()) => tracing::debug!(%root, "Kubo has the result"),
            Err(error) => tracing::error!(
                daemon = kubo.url(),
                %root,
                error,
                "the result could not be given to Kubo; it is on this node all the same"
            ),
        }
        waiting.pop_front();
        notes.remove(&root).await;
    }
}

/// Names of results that wait, each an empty file. What fails here costs a result's place with the
/// daemon after a restart, so it is only logged.
struct Notes {
    dir: PathBuf,
}

impl Notes {
    /// Those of an earlier run, in no order. Other files are left alone.
    async fn all(&self) -> VecDeque<Cid> {
        let mut all = VecDeque::new();
        let made = fs::create_dir_all(&self.dir).await;
        let files = match made {
            Ok(()) => fs::read_dir(&self.dir).await,
            Err(error) => Err(error),
        };
        let mut files = match files {
            Ok(files) => files,
            Err(error) => {
                failed(&self.dir, &error);
                return all;
            }
        };
        while let Ok(Some(file)) = files.next_entry().await {
            all.extend(file.file_name().to_str().and_then(|name| name.parse::<Cid>().ok()));
        }
        all
    }

    async fn add(&self, root: &Cid) {
        let file = self.dir.join(root.to_string());
        if let Err(error) = fs::write(&file, []).await {
            failed(&file, &error);
        }
    }

    async fn remove(&self, root: &Cid) {
        let file = self.dir.join(root.to_string());
        if let Err(error) = fs::remove_file(&file).await {
            failed(&file, &error);
        }
    }
}

fn failed(path: &Path, error: &std::io::Error) {
    tracing::warn!(path = %path.display(), %error, "what waits for Kubo cannot be noted");
}

async fn give(content: &EmbeddedContent, kubo: &Kubo, root: Cid) -> Result<(), String> {
    let mut pause = PAUSE;
    let mut refusals = 0;
    loop {
        let car = content.export_car(root, "", CarPart::default(), None).await;
        // What is not whole here any more will not become so.
        let car = car.map_err(|e| e.to_string())?;
        let error = match kubo.import(&root, car).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if is_given_up(&error, &mut refusals) {
            return Err(format!("{error} (tried {refusals} times)"));
        }
        tracing::warn!(daemon = kubo.url(), %root, %error, "Kubo did not take a result yet");
        sleep(pause).await;
        pause = PAUSE_MAX.min(2 * pause);
    }
}

/// Whether a result is not tried again. A daemon that is away has not said anything about it.
fn is_given_up(error: &NotTaken, refusals: &mut u32) -> bool {
    match error {
        NotTaken::Away(_) => false,
        NotTaken::Refused(_) => {
            *refusals += 1;
            *refusals >= REFUSALS_MAX
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::raw_cid;

    #[tokio::test]
    async fn what_is_noted_is_found_again_until_it_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let notes = || Notes { dir: dir.path().join("kubo") };
        assert!(notes().all().await.is_empty());
        let (one, other) = (raw_cid(b"one"), raw_cid(b"other"));
        notes().add(&one).await;
        notes().add(&other).await;
        notes().add(&other).await;
        std::fs::write(dir.path().join("kubo/README"), "no CID").unwrap();
        notes().remove(&one).await;
        assert_eq!(notes().all().await, [other]);
    }

    #[test]
    fn a_daemon_that_is_away_is_waited_for_and_one_that_refuses_is_not_asked_for_ever() {
        let (away, refused) = (NotTaken::Away(String::new()), NotTaken::Refused(String::new()));
        let mut refusals = 0;
        for _ in 0..1_000 {
            assert!(!is_given_up(&away, &mut refusals));
        }
        let tries = (1..).find(|_| is_given_up(&refused, &mut refusals));
        assert_eq!(tries, Some(REFUSALS_MAX));
    }
}
