//! Results go to the Kubo daemon beside the node, one after the other.

use std::time::Duration;

use gadus_model::Cid;
use gadus_ports::{CarPart, Content as _, Sidecar};
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
    /// Begins. The results are in `content`.
    #[must_use]
    pub fn start(content: EmbeddedContent, kubo: Kubo) -> Self {
        let (queue, offers) = mpsc::channel(OFFERS_MAX);
        tokio::spawn(run(content, kubo, offers));
        Self { queue }
    }
}

impl Sidecar for KuboOffers {
    fn offer(&self, root: Cid) {
        if self.queue.try_send(root).is_err() {
            tracing::warn!(%root, "{OFFERS_MAX} results wait for Kubo; this one is not given to it");
        }
    }
}

async fn run(content: EmbeddedContent, kubo: Kubo, mut offers: mpsc::Receiver<Cid>) {
    while let Some(root) = offers.recv().await {
        match give(&content, &kubo, root).await {
            Ok(()) => tracing::debug!(%root, "Kubo has the result"),
            Err(error) => tracing::error!(
                daemon = kubo.url(),
                %root,
                error,
                "the result could not be given to Kubo; it is on this node all the same"
            ),
        }
    }
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
