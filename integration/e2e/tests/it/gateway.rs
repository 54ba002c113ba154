//! Our gateway, held to boxo's, which is Kubo's: the same requests over the same blocks.

mod compare;
mod differences;
mod fixtures;
mod requests;
mod theirs;

use gadus_e2e::{Http, Process, Role};

use self::compare::compare;
use self::differences::DIFFERENCES;
use self::fixtures::Fixtures;
use self::theirs::Theirs;

/// Differences that are shown when there are more.
const SHOWN_MAX: usize = 40;

#[test]
fn it_answers_as_boxos_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut ours = Process::new(dir.path(), "gateway", Role::Requester);
    ours.start();
    let fixtures = Fixtures::make(&ours, dir.path());
    let Some(theirs) = Theirs::start(&fixtures.archives) else { return };
    let (our_http, their_http) = (Http::new(&ours.api), Http::new(&theirs.address));
    let requests = requests::all(&fixtures);
    assert!(requests.len() > 5_000, "only {} requests", requests.len());
    let mut used = vec![false; DIFFERENCES.len()];
    let mut unexplained = Vec::new();
    for request in &requests {
        let (our, their) = (request.send(&our_http), request.send(&their_http));
        for difference in compare(request, &our, &their) {
            let known = DIFFERENCES.iter().position(|known| known.covers(request, &difference));
            match known {
                Some(known) => used[known] = true,
                None => unexplained.push(format!("{request}\n    {difference}")),
            }
        }
    }
    let count = unexplained.len();
    unexplained.truncate(SHOWN_MAX);
    assert!(
        unexplained.is_empty(),
        "{count} differences, over {} requests:\n{}",
        requests.len(),
        unexplained.join("\n")
    );
    let stale = DIFFERENCES.iter().zip(used).filter(|(_, used)| !used);
    let stale: Vec<_> = stale.map(|(known, _)| known.why).collect();
    assert!(stale.is_empty(), "these are no differences any more: {stale:#?}");
}
