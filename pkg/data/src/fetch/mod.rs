//! Fetching trees from peers: many blocks in flight, from several peers at once, each block
//! checked before it is stored.
//!
//! [`plan`] decides; a task for each peer talks; two threads check and store.

pub(crate) mod flight;
mod peer;
mod plan;
mod segments;
mod sink;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gadus_model::Cid;
use gadus_ports::{ContentError, FetchFrom, Fetched, Pinning, Want};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Duration, Instant, sleep_until};

use self::flight::{Boarded, Landed};
use self::peer::{Order, Peer, Supplier};
use self::plan::{PEERS_MAX, Plan, Verdict};
use self::segments::Segments;
use crate::content::{Core, blocking};
use crate::dag::gaps;

/// Threads that check and store the blocks of one fetch.
const SINKS: usize = 2;
/// Blocks that wait for one of them.
const SINK_QUEUE_MAX: usize = 8;
/// Events that wait for the plan.
const EVENT_QUEUE_MAX: usize = 256;
/// How long an unreachable time may be waited for at most, so that sums stay small.
const FAR_MS: u64 = 365 * 24 * 3600 * 1000;

/// What happens in a fetch.
enum Event {
    Up {
        peer: usize,
        stream: u32,
    },
    Down {
        peer: usize,
    },
    Received {
        peer: usize,
    },
    Absent {
        peer: usize,
        cid: Cid,
    },
    Stored {
        peer: usize,
        cid: Cid,
        bytes: u64,
        children: Vec<Cid>,
    },
    Lied {
        peer: usize,
        cid: Cid,
    },
    Nonsense {
        peer: usize,
    },
    /// The store refused a block, or a block is not what its codec says.
    Failed(ContentError),
}

/// Sees to it that a whole tree is here and pinned. Those who fetch the same tree at the same
/// time share one download, which counts for the first of them.
pub(crate) async fn tree(
    core: &Arc<Core>,
    root: Cid,
    from: &FetchFrom,
    pinning: &Pinning,
) -> Result<Fetched, ContentError> {
    loop {
        if core.complete.has(&root) {
            core.store.pin(root, pinning.clone()).await?;
            // Pinned too late, if it was swept meanwhile.
            if core.complete.has(&root) {
                return Ok(Fetched::default());
            }
        }
        match core.flights.board(&root) {
            Boarded::Pilot(pilot) => {
                let result = tree_kept(core, root, from, pinning).await;
                pilot.land(Landed::of(&result));
                return result;
            }
            Boarded::Passenger(flight) => {
                if let Some(error) = flight.await.ok().and_then(Landed::error) {
                    return Err(error);
                }
            }
        }
    }
}

/// Goes on until no sweep can have taken what an earlier look found here: from the first pin on,
/// none does.
async fn tree_kept(
    core: &Arc<Core>,
    root: Cid,
    from: &FetchFrom,
    pinning: &Pinning,
) -> Result<Fetched, ContentError> {
    let mut all = Fetched::default();
    loop {
        let sweep = core.complete.sweep();
        let fetched = tree_alone(core, root, from, pinning).await?;
        all.bytes += fetched.bytes;
        all.by_peer.extend(fetched.by_peer);
        if sweep == core.complete.sweep() {
            core.complete.add_as_of(&root, sweep);
            return Ok(all);
        }
    }
}

async fn tree_alone(
    core: &Arc<Core>,
    root: Cid,
    from: &FetchFrom,
    pinning: &Pinning,
) -> Result<Fetched, ContentError> {
    let local = core.clone();
    let found = blocking(move || gaps(&local.store, &local.complete, &root, usize::MAX)).await?;
    if found.missing.is_empty() {
        core.store.pin(root, pinning.clone()).await?;
        return Ok(Fetched::default());
    }
    let missing = found.missing.into_iter().map(|(cid, _)| cid).collect();
    download(core, missing, true, from, Some((root, pinning.clone()))).await
}

/// Fetches some blocks and nothing below them.
pub(crate) async fn blocks(
    core: &Arc<Core>,
    cids: Vec<Cid>,
    from: &FetchFrom,
) -> Result<(), ContentError> {
    let [only] = cids.as_slice() else {
        return download(core, cids, false, from, None).await.map(|_| ());
    };
    // A tree's root under the very same download would be no block, but all of it: good as well.
    match core.flights.board(only) {
        Boarded::Pilot(pilot) => {
            let result = download(core, vec![*only], false, from, None).await;
            // Waiters for the whole tree look again and find that only the root came.
            pilot.land(Landed::of(&result));
            result.map(|_| ())
        }
        Boarded::Passenger(flight) => match flight.await.ok().and_then(Landed::error) {
            Some(
                error @ (ContentError::Missing { cid, .. } | ContentError::Unreachable { cid, .. }),
            ) if cid == *only => Err(error),
            // The caller looks again.
            Some(_) | None => Ok(()),
        },
    }
}

/// One download, with everything that runs for it.
struct Download {
    plan: Plan,
    began: Instant,
    window: usize,
    from: FetchFrom,
    /// For each peer, its orders and the number of its stream.
    orders: Vec<(mpsc::Sender<Order>, u32)>,
    suppliers: Vec<Supplier>,
}

async fn download(
    core: &Arc<Core>,
    wanted: Vec<Cid>,
    is_deep: bool,
    from: &FetchFrom,
    pin: Option<(Cid, Pinning)>,
) -> Result<Fetched, ContentError> {
    // The semaphore is never closed.
    let _turn = core.downloads.acquire().await;
    let segments = Arc::new(Segments::new(core));
    let (events, inbox) = mpsc::channel(EVENT_QUEUE_MAX);
    let mut tasks = JoinSet::new();
    let (sinks, threads) = spawn_sinks(core, &segments, is_deep, &events);
    let wait_ms = u64::try_from(from.wait.as_millis()).unwrap_or(FAR_MS).min(FAR_MS);
    let far = core.upstreams.len();
    let mut download = Download {
        plan: Plan::new(&from.peers, far, wait_ms, wait_ms + core.config.fetch_answer_ms),
        began: Instant::now(),
        window: core.config.fetch_window,
        from: from.clone(),
        orders: Vec::new(),
        suppliers: Vec::new(),
    };
    let near = from.peers.iter().take(PEERS_MAX.saturating_sub(far));
    let near = near.map(|id| Supplier::Peer(*id, from.exchange.clone()));
    let suppliers = near.chain(core.upstreams.iter().cloned().map(Supplier::far));
    for (nth, supplier) in suppliers.enumerate() {
        // No more orders than blocks can be on their way, even when a stream was opened again.
        let (sender, orders) = mpsc::channel(2 * download.window.max(1));
        download.orders.push((sender, 0));
        download.suppliers.push(supplier.clone());
        let peer = Peer {
            nth,
            supplier,
            orders,
            events: events.clone(),
            sinks: sinks.clone(),
            answer_ms: core.config.fetch_answer_ms,
        };
        tasks.spawn(peer.run());
    }
    drop((events, sinks));
    download.plan.want(wanted.into_iter());
    let result = download.run(inbox).await;
    // The peers go first; with their ends of the channels gone, the threads end.
    tasks.shutdown().await;
    for thread in threads {
        thread.await.unwrap_or_else(|error| tracing::error!(%error, "a sink of a fetch failed"));
    }
    finish(&segments, result, &download.plan, pin).await
}

fn spawn_sinks(
    core: &Arc<Core>,
    segments: &Arc<Segments>,
    is_deep: bool,
    events: &mpsc::Sender<Event>,
) -> (Vec<mpsc::Sender<peer::Received>>, Vec<JoinHandle<()>>) {
    let spawn = |_| {
        let (sender, blocks) = mpsc::channel(SINK_QUEUE_MAX);
        let (core, segments, events) = (core.clone(), segments.clone(), events.clone());
        let run = move || sink::run(&core, &segments, is_deep, blocks, &events);
        (sender, tokio::task::spawn_blocking(run))
    };
    (0..SINKS).map(spawn).unzip()
}

/// Keeps what came: a second attempt need not fetch it again.
async fn finish(
    segments: &Segments,
    result: Result<(), ContentError>,
    plan: &Plan,
    pin: Option<(Cid, Pinning)>,
) -> Result<Fetched, ContentError> {
    let session = segments.last();
    match result {
        Ok(()) => blocking(move || session.commit(pin)).await?,
        Err(error @ (ContentError::Missing { .. } | ContentError::Unreachable { .. })) => {
            blocking(move || session.commit(None)).await?;
            return Err(error);
        }
        Err(error) => return Err(error),
    }
    Ok(Fetched { bytes: plan.bytes(), by_peer: plan.bytes_by_peer() })
}

impl Download {
    async fn run(&mut self, mut inbox: mpsc::Receiver<Event>) -> Result<(), ContentError> {
        loop {
            while let Ok(event) = inbox.try_recv() {
                self.take_in(event)?;
            }
            let wake_ms = match self.plan.verdict(self.now_ms()) {
                Verdict::Done => return Ok(()),
                Verdict::Missing { cid, asked, waited_ms } => {
                    let trouble = self.suppliers.iter().find_map(Supplier::trouble);
                    let missing = ContentError::Missing { cid, asked, waited_ms };
                    let unreachable = |trouble| ContentError::Unreachable { cid, trouble };
                    return Err(trouble.map_or(missing, unreachable));
                }
                Verdict::Working { wake_ms } => wake_ms,
            };
            self.order();
            let wake = self.began + Duration::from_millis(wake_ms.min(FAR_MS));
            tokio::select! {
                event = inbox.recv() => match event {
                    Some(event) => self.take_in(event)?,
                    // All peers are gone for good; the plan knows.
                    None => sleep_until(wake).await,
                },
                () = sleep_until(wake) => {}
            }
        }
    }

    fn take_in(&mut self, event: Event) -> Result<(), ContentError> {
        let now_ms = self.now_ms();
        match event {
            Event::Up { peer, stream } => {
                self.orders[peer].1 = stream;
                self.plan.up(peer, now_ms);
            }
            Event::Down { peer } => self.plan.down(peer, now_ms),
            Event::Received { peer } => self.plan.received(peer, now_ms),
            Event::Absent { peer, cid } => self.plan.absent(peer, &cid, now_ms),
            Event::Stored { peer, cid, bytes, children } => {
                self.plan.stored(peer, &cid, bytes, children);
            }
            Event::Lied { peer, cid } => {
                let node = &self.suppliers[peer];
                tracing::warn!(%node, %cid, "a store sent other bytes than a block's; it is left");
                self.plan.lied(peer, now_ms);
            }
            Event::Nonsense { peer } => {
                let node = &self.suppliers[peer];
                tracing::warn!(%node, "a store answered what it was not asked; it is left");
                self.plan.lied(peer, now_ms);
            }
            Event::Failed(error) => return Err(error),
        }
        Ok(())
    }

    /// Gives every peer what it has room for.
    fn order(&mut self) {
        for peer in 0..self.plan.peers() {
            let taken = self.plan.take(peer, self.window);
            if taken.is_empty() {
                continue;
            }
            let namespace = self.from.namespace;
            let want = |(cid, relay)| Want { cid, namespace, relay };
            let wants = taken.into_iter().map(want).collect();
            let (orders, stream) = &self.orders[peer];
            if orders.try_send(Order { stream: *stream, wants }).is_err() {
                self.plan.down(peer, self.now_ms());
            }
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
