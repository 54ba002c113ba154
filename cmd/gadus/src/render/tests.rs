use insta::assert_snapshot;
use jiff::Timestamp;

use super::*;
use samples::{answer, failed, job as sample_job, published, running};

fn now() -> Timestamp {
    "2026-08-20T00:03:20Z".parse().unwrap()
}

/// As a pipe gets it.
fn bare(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_job_that_completed() {
    let completed = sample_job("Completed", "");
    let one = answer(completed, vec![published(7, "hello\nworld\n", "careful\n")]);
    assert_snapshot!(bare(&job(&one, &samples::nodes(), now(), None)));
}

#[test]
fn of_a_known_answer_there_were_no_bids_and_the_old_times_are_not_shown() {
    let mut known = published(0, "hello\n", "");
    known.gadus.as_mut().unwrap().replayed_from = "j-1".to_owned();
    let one = answer(sample_job("Completed", ""), vec![known]);
    let told = bare(&job(&one, &samples::nodes(), now(), None));
    assert!(!told.contains("Bids") && !told.contains("prepared"), "{told}");
    assert!(told.contains("in all") && told.contains("hello"), "{told}");
}

#[test]
fn a_job_that_failed() {
    let one = answer(
        sample_job("Failed", "the job failed 3 times"),
        vec![failed("image 'busybux' does not exist", "check the image's name"), running()],
    );
    assert_snapshot!(bare(&job(&one, &[], now(), None)));
}

#[test]
fn a_job_that_waits_has_nothing_to_show_yet() {
    let mut one = answer(sample_job("Queued", "Job queued. not enough nodes"), vec![]);
    one.history = None;
    assert_snapshot!(bare(&job(&one, &[], now(), None)));
}

#[test]
fn lists() {
    let all = [sample_job("Completed", ""), sample_job("Running", ""), sample_job("Failed", "why")];
    assert_snapshot!("jobs", bare(&jobs(&all, now(), None)));
    let tries = [failed("the node is gone", ""), running(), published(0, "", "")];
    assert_snapshot!("executions", bare(&executions(&tries, &samples::nodes(), now(), None)));
    assert_snapshot!("history", bare(&history(&samples::history(), None)));
    assert_snapshot!("listing", bare(&listing(&samples::listing(), "x", None)));
    assert_snapshot!("nodes", bare(&nodes(&samples::nodes(), None)));
}

#[test]
fn one_node() {
    assert_snapshot!(bare(&node(&samples::nodes()[0], now(), None)));
}

#[test]
fn plans_say_why() {
    assert_snapshot!("plan", bare(&plan(&samples::plan(), &samples::nodes(), None)));
    let mut of_one = samples::plan();
    of_one.seatable = Some(false);
    let told = plan(&of_one, &samples::nodes(), None);
    assert!(told.ends_with("no operator and no public network has two."), "{told}");
    let nobody = gadus_api::types::PlanInfo {
        ranked: vec![],
        feasible: 0,
        may_pass: false,
        ..samples::plan()
    };
    assert_snapshot!("plan_nobody", bare(&plan(&nobody, &[], None)));
    let empty = gadus_api::types::PlanInfo::default();
    assert_snapshot!("plan_no_nodes", bare(&plan(&empty, &[], None)));
}

#[test]
fn versions_of_one_side_or_both() {
    let client = gadus_api::types::BuildVersionInfo {
        gadus: "0.1.0".into(),
        goos: "linux".into(),
        goarch: "amd64".into(),
        ..Default::default()
    };
    let server = gadus_api::types::BuildVersionInfo {
        git_version: "v1.9.3+gadus.0.1.0".into(),
        git_commit: "0123456789abcdef0123".into(),
        ..client.clone()
    };
    assert_snapshot!(bare(&versions(&client, Some(&server), None)), @r"
            GADUS  API                 COMMIT        PLATFORM
    client  0.1.0  -                   -             linux/amd64
    server  0.1.0  v1.9.3+gadus.0.1.0  0123456789ab  linux/amd64
    ");
    assert!(!bare(&versions(&client, None, None)).contains("server"));
}

/// Widths of terminals, from half a small one to a wide one.
const TERMINALS: [u16; 4] = [40, 60, 80, 120];

/// What is drawn at each of them; no line is longer.
fn in_terminals(name: &str, draw: impl Fn(Option<u16>) -> String) {
    let mut all = String::new();
    for width in TERMINALS {
        let text = bare(&draw(Some(width)));
        for line in text.lines() {
            let columns = unicode_width::UnicodeWidthStr::width(line);
            assert!(columns <= usize::from(width), "{name} at {width}: {line}");
            assert_eq!(line, line.trim_end());
        }
        all.push_str(&format!("--- {width}\n{text}\n"));
    }
    assert_snapshot!(format!("terminals_{name}"), all);
}

#[test]
fn lists_fit_the_terminal_and_ids_stay_whole() {
    let mut long = sample_job("Running", "");
    long.name = "a-name-that-says-what-the-job-is-about-日本語".into();
    let all = [sample_job("Completed", ""), long];
    in_terminals("jobs", |width| jobs(&all, now(), width));
    let why = "nobody has block bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy: \
               3 peers were asked for 10000 ms";
    let tries = [failed("the node is gone", ""), failed(why, ""), published(0, "", "")];
    in_terminals("executions", |width| executions(&tries, &samples::nodes(), now(), width));
    let mut entries = samples::history();
    entries[2].event.message = why.into();
    in_terminals("history", |width| history(&entries, width));
    in_terminals("nodes", |width| nodes(&samples::nodes(), width));
    in_terminals("listing", |width| listing(&samples::listing(), "x", width));
    in_terminals("plan", |width| plan(&samples::plan(), &samples::nodes(), width));
    in_terminals("node", |width| node(&samples::nodes()[0], now(), width));
}

#[test]
fn what_a_node_keeps_fits_the_terminal() {
    let all = [
        samples::pin("user", "", ""),
        samples::pin("result", samples::EXECUTION, "2026-11-28T11:00:00Z"),
    ];
    in_terminals("pins", |width| pins(&all, now(), width));
    in_terminals("store_stat", |width| store_stat(&samples::store_stat(), width));
    in_terminals("checked", |width| checked(&samples::checked(), width));
    in_terminals("collected", |width| collected(&samples::collected(), width));
}

#[test]
fn what_nodes_were_caught_with_fits_the_terminal() {
    in_terminals("lies", |width| lies(&samples::lies(), now(), width));
    let checked = |n| samples::checked_lie(n);
    in_terminals("lie_unproven", |width| checked_lie(&checked(false), width));
    in_terminals("lie_proven", |width| checked_lie(&checked(true), width));
}

#[test]
fn a_description_fits_the_terminal() {
    let line = "a line of output that is longer than most terminals are wide, ".repeat(3);
    let one = answer(sample_job("Completed", ""), vec![published(7, &line, "\ttab\n日本語\n")]);
    in_terminals("job", |width| job(&one, &samples::nodes(), now(), width));
}

#[test]
fn strangers_words_do_not_steer_the_terminal() {
    let text = listing(&samples::listing(), "x", None);
    // Our own styles end in m; the name's escape would clear the screen.
    assert!(!text.contains("\u{1b}[2J"), "{text:?}");
    assert_eq!(bare(&text).lines().count(), 4);
}

#[test]
fn no_line_ends_in_blanks_and_words_say_what_colours_say() {
    let text = job(
        &answer(sample_job("Failed", "why"), vec![failed("why", "")]),
        &samples::nodes(),
        now(),
        None,
    );
    assert!(text.contains("\u{1b}["), "colours are there: {text:?}");
    for line in bare(&text).lines() {
        assert_eq!(line, line.trim_end());
    }
    assert!(bare(&text).contains("Failed"));
}
