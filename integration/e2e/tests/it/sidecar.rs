//! A daemon beside the nodes that speaks Kubo's RPC, as far as it is used: inputs come through it,
//! results go to it, and without it all goes on.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use gadus_e2e::Network;
use gadus_e2e::programs::program;
use gadus_model::Cid;
use gadus_model::codec::{RAW, cid_of};

/// Generous, since machines are shared.
const GIVEN_MAX: Duration = Duration::from_secs(60);

/// A stand-in: it has one block, and takes archives.
#[derive(Clone)]
struct Daemon {
    url: String,
    /// The roots of archives that it was given.
    given: Arc<Mutex<Vec<Cid>>>,
    is_away: Arc<AtomicBool>,
}

impl Daemon {
    fn start(block: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let daemon = Self { url, given: Arc::default(), is_away: Arc::default() };
        let served = daemon.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let daemon = served.clone();
                thread::spawn(move || daemon.serve(stream.unwrap(), block));
            }
        });
        daemon
    }

    fn serve(&self, stream: TcpStream, block: &[u8]) {
        if self.is_away.load(Ordering::Relaxed) {
            return;
        }
        let mut stream = BufReader::new(stream);
        let mut head = Vec::new();
        let mut line = String::new();
        while stream.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
            head.push(std::mem::take(&mut line));
        }
        let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let (status, body) = if let Some(cid) = path.strip_prefix("/api/v0/block/get?arg=") {
            match cid == cid_of(RAW, block).to_string() {
                true => (200, block.to_vec()),
                false => (500, br#"{"Message":"not found","Code":0,"Type":"error"}"#.to_vec()),
            }
        } else {
            assert_eq!(path, "/api/v0/dag/import?pin-roots=true");
            let root = root_of(&chunked(&mut stream));
            self.given.lock().unwrap().push(root);
            let answer = format!(r#"{{"Root":{{"Cid":{{"/":"{root}"}},"PinErrorMsg":""}}}}"#);
            (200, answer.into_bytes())
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
        let answer = [head.as_bytes(), b"connection: close\r\n\r\n", &body].concat();
        // The node may have given up.
        let _ = stream.get_mut().write_all(&answer);
    }
}

/// A body that comes in chunks (RFC 9112, section 7.1).
fn chunked(stream: &mut impl std::io::BufRead) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let bytes = u64::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = Vec::new();
        stream.take(bytes + 2).read_to_end(&mut chunk).unwrap();
        if bytes == 0 {
            return body;
        }
        chunk.truncate(chunk.len() - 2);
        body.extend(chunk);
    }
}

/// The root of the CAR in a form: a list of one CID, in the CBOR of its header.
fn root_of(form: &[u8]) -> Cid {
    let list = b"eroots\x81\xd8\x2aX\x25\x00";
    let at = form.windows(list.len()).position(|window| window == list).unwrap();
    Cid::read_bytes(&form[at + list.len()..]).unwrap()
}

#[test]
fn inputs_come_through_a_daemon_and_results_go_to_it() {
    let daemon = Daemon::start(b"from afar\n");
    let network = Network::start_with(1, |mut process| {
        process.set_env("GADUS_CONTENT_IPFS", &daemon.url);
        process
    });
    let input = format!("ipfs://{}:/in", cid_of(RAW, b"from afar\n"));
    let run = |step: &[&str]| {
        let steps = program("steps");
        let args = [&["wasm", "run", &steps], step].concat();
        let ran = network.gadus(&args);
        assert_eq!(ran.code, 0, "{ran:#?}");
        let result = ran.stderr.rsplit("result: ").next().unwrap().trim().to_owned();
        (ran.stdout, result.parse::<Cid>().unwrap())
    };
    let (stdout, result) = run(&["cat", "/in", "-i", &input]);
    assert_eq!(stdout, "from afar\n");
    let is_given = |result| daemon.given.lock().unwrap().contains(&result);
    network.until(GIVEN_MAX, "the result to be given to the daemon", || is_given(result));
    // It goes away, and comes back.
    daemon.is_away.store(true, Ordering::Relaxed);
    let (_, later) = run(&["print", "alone"]);
    let is_told = || network.requester.log().contains("Kubo did not take a result yet");
    network.until(GIVEN_MAX, "the log to tell that it is away", is_told);
    assert!(!is_given(later));
    daemon.is_away.store(false, Ordering::Relaxed);
    network.until(GIVEN_MAX, "the result to be given at last", || is_given(later));
}
