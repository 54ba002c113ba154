//! A process that puts, imports, promotes, discards, pins, unpins and collects, all at once, is
//! killed at random moments and at named points, again and again on the same directory. Whatever
//! was acknowledged is there and right each time.

mod work;

use std::env;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use self::work::{Journal, Thing, let_go, work};
use super::*;

const CHILD_DIR: &str = "GADUS_KILLS_DIR";
const CHILD_FIRST: &str = "GADUS_KILLS_FIRST";
const CHILD_CRASH_AT: &str = "GADUS_KILLS_CRASH_AT";
/// How many random kills; a few by default.
const KILLS: &str = "GADUS_KILLS";
const KILLS_DEFAULT: u64 = 16;
/// A child that has not reached its point by then is killed there.
const CHILD_MAX: Duration = Duration::from_secs(3);

const POINTS: [&str; 13] = [
    "content.before_write",
    "content.after_write",
    "content.after_sync",
    "content.bulk_synced",
    "content.index_written",
    "content.gc_marked",
    "content.gc_swept",
    "content.gc_copied",
    "content.gc_indexed",
    "content.gc_checkpoint_part",
    "content.gc_checkpoint",
    "content.gc_forgot",
    "content.gc_removed",
];

fn config() -> ContentConfig {
    ContentConfig {
        pack_bytes_max: 128 << 10,
        gc_live_percent_max: 80,
        index_behind_max: 32,
        ..super::config()
    }
}

#[test]
fn what_was_acknowledged_survives_being_killed_at_any_moment() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(dir) = env::var_os(CHILD_DIR).map(PathBuf::from) {
        let first = env::var(CHILD_FIRST).unwrap().parse().unwrap();
        let crash_at = env::var(CHILD_CRASH_AT).ok();
        return runtime.block_on(work(&dir, ContentConfig { crash_at, ..config() }, first));
    }
    let dir = dir();
    let random: u64 = env::var(KILLS).map_or(KILLS_DEFAULT, |text| text.parse().unwrap());
    let named = POINTS.iter().map(|point| Some((*point).to_owned()));
    let later = POINTS.iter().map(|point| Some(format!("{point}:4")));
    let moments = named.chain(later).chain((0..random).map(|_| None));
    let (mut seed, mut reached) = (0x9e37_79b9_7f4a_7c15_u64, 0);
    for (round, crash_at) in (0..).zip(moments) {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = Killed::start(dir.path(), round, crash_at.as_deref());
        child.await_ready(dir.path());
        match &crash_at {
            Some(_) => reached += u64::from(child.has_died()),
            None => std::thread::sleep(Duration::from_millis(1 + (seed >> 33) % 80)),
        }
        child.kill();
        runtime.block_on(check(dir.path(), round, crash_at.as_deref()));
    }
    // Nearly all: the last ones depend on what a collection finds to do.
    assert!(reached >= 20, "{reached} of 26 points were reached");
}

/// A child that is killed.
struct Killed(Child);

impl Killed {
    fn start(dir: &Path, round: u64, crash_at: Option<&str>) -> Self {
        let _ = std::fs::remove_file(dir.join("ready"));
        let test = "store::tests::kills::what_was_acknowledged_survives_being_killed_at_any_moment";
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]);
        command.env(CHILD_DIR, dir).env(CHILD_FIRST, (round * 1_000_000).to_string());
        command.env(CHILD_CRASH_AT, crash_at.unwrap_or_default());
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn await_ready(&mut self, dir: &Path) {
        let began = Instant::now();
        while !dir.join("ready").exists() && self.0.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(60), "the child does not open its store");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether it died by itself within the time for that.
    fn has_died(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < CHILD_MAX {
            if self.0.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    }

    fn kill(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

/// All that was acknowledged is there, the store is whole, and its accounts are right; every
/// fourth time from the packs alone.
async fn check(dir: &Path, round: u64, crash_at: Option<&str>) {
    let when = format!("round {round}, {crash_at:?}");
    if round % 4 == 3 {
        let _ = std::fs::remove_file(dir.join("index.redb"));
    }
    let store = Arc::new(Store::open(dir, &config()).unwrap());
    check_accounts(&store);
    let found = store.check(false).unwrap();
    assert_eq!((found.bad, &found.named), (0, &Vec::new()), "{when}");
    let kept = Journal::kept(dir);
    let pins = store.pins().unwrap();
    for thing in &kept {
        are_there(&store, *thing, &pins, &when);
    }
    if round.is_multiple_of(3) {
        collect(&store).await;
        kept.iter().for_each(|thing| are_there(&store, *thing, &pins, &when));
        check_accounts(&store);
    }
    // So that the store stays small.
    let journal = Journal::open(dir);
    for thing in kept.into_iter().filter(|thing| !thing.number.is_multiple_of(3)) {
        journal.note('-', thing);
        let_go(&store, thing).await;
    }
}

fn are_there(store: &Store, thing: Thing, pins: &[(Cid, PinReason)], when: &str) {
    let space = (thing.kind == 'q').then(|| thing.namespace());
    for (nth, (cid, bytes)) in thing.blocks().into_iter().enumerate() {
        let found = store.get(&cid, space).unwrap();
        let roots: Vec<_> = store.inner.state.read().results().collect();
        let is_result = roots.contains(&(thing.namespace(), thing.root()));
        assert!(
            found.is_some_and(|found| found == bytes),
            "{when}: {thing:?} lacks block {nth} of {}, {cid}; known as a result: {is_result}",
            thing.blocks().len()
        );
    }
    let is_pinned = pins.contains(&(thing.root(), thing.reason()));
    assert!(thing.kind == 'q' || is_pinned, "{when}: {thing:?} is not pinned");
}
