//! Many appends share few syncs.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_appends_share_fsyncs() {
    const APPENDERS: u32 = 64;
    const EACH: u64 = 32;
    let dir = tempfile::tempdir().unwrap();
    let config = StoreConfig { segment_bytes: 4 << 20, ..config() };
    let store = LogStore::open(dir.path(), &config, &mut SampleFolder::default()).unwrap();
    let before = store.fsyncs();
    let appenders: Vec<_> = (0..APPENDERS)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let append = |seq| store.append(vec![sample::record(n, seq)]);
                let tickets: Vec<Ticket> = (1..=EACH).map(append).collect();
                for ticket in tickets {
                    ticket.await.unwrap();
                }
            })
        })
        .collect();
    for appender in appenders {
        appender.await.unwrap();
    }
    let appends = u64::from(APPENDERS) * EACH;
    let fsyncs = store.fsyncs() - before;
    assert!(fsyncs * 4 < appends, "{fsyncs} fsyncs for {appends} appends");

    drop(store);
    let replayed = open(dir.path()).replay().unwrap();
    assert_eq!(replayed.len() as u64, appends);
    for n in 0..APPENDERS {
        let seqs = replayed.iter().filter(|r| r.job == sample::job_id(n)).map(|r| r.seq);
        assert!(seqs.eq(1..=EACH), "each appender's records are in its order");
    }
}
