use std::path::PathBuf;

use gadus_ports::contract::store_contract;

use super::*;

struct NoFolder;

impl Folder for NoFolder {
    fn apply(&mut self, _record: Record) -> Option<JobView> {
        None
    }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let root = tempfile::tempdir().unwrap();
    let places = std::cell::Cell::new(0);
    store_contract(|| {
        places.set(places.get() + 1);
        let dir: PathBuf = root.path().join(places.get().to_string());
        move || {
            let config = StoreConfig { segment_bytes: 1 << 20, ..StoreConfig::default() };
            LogStore::open(&dir, &config, &mut NoFolder).unwrap()
        }
    })
    .await;
}
