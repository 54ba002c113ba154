//! What is asked of both: paths by forms, ranges and conditions.

use std::fmt;

use gadus_e2e::Http;
use gadus_e2e::http::Answer;
use reqwest::Method;

use super::fixtures::Fixtures;

/// A request.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    /// What the path leads to.
    pub(super) kind: Kind,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    /// A directory with an `index.html`.
    Site,
    Symlink,
    /// A block of plain IPLD.
    Plain,
    Nothing,
}

const ACCEPTS: [&str; 8] = [
    "*/*",
    "text/html,application/xhtml+xml,*/*;q=0.8",
    "application/json",
    "application/vnd.ipld.raw",
    "application/vnd.ipld.car",
    "application/x-tar",
    "application/vnd.ipld.dag-json",
    "application/vnd.ipld.dag-cbor, application/json",
];

const FORMATS: [&str; 7] = ["raw", "car", "tar", "json", "cbor", "dag-json", "dag-cbor"];

const RANGES: [&str; 15] = [
    "bytes=0-0",
    "bytes=0-",
    "bytes=3-9",
    "bytes=3-",
    "bytes=-4",
    "bytes=0-99999999",
    "bytes=99999999-",
    "bytes=2-3,5-6",
    "bytes=0-0,99999999-",
    "bytes=0-,0-",
    "bytes=5-4",
    "bytes=x",
    "lines=1-2",
    "bytes=-",
    "bytes=",
];

/// Parameters of CARs.
const CARS: [&str; 22] = [
    "dag-scope=block",
    "dag-scope=entity",
    "dag-scope=all",
    "dag-scope=",
    "dag-scope=some",
    "dag-scope=all&car-dups=y",
    "dag-scope=entity&car-dups=y",
    "car-dups=n&car-order=unk",
    "car-dups=x",
    "car-order=x",
    "car-version=1",
    "car-version=2",
    "dag-scope=entity&entity-bytes=0:*",
    "dag-scope=entity&entity-bytes=0:0",
    "dag-scope=entity&entity-bytes=1048576:2097151",
    "dag-scope=entity&entity-bytes=2000000:*",
    "dag-scope=entity&entity-bytes=-5:*",
    "dag-scope=entity&entity-bytes=1048576:-2000000",
    "dag-scope=entity&entity-bytes=-99999999:-3",
    "dag-scope=entity&entity-bytes=9:3",
    "dag-scope=entity&entity-bytes=x",
    "dag-scope=all&entity-bytes=0:0",
];

/// All of them.
pub(super) fn all(fixtures: &Fixtures) -> Vec<Request> {
    let mut requests = Vec::new();
    let places = places(fixtures);
    for (path, kind) in &places {
        forms(path, *kind, &mut requests);
        conditions(path, *kind, &mut requests);
        names(path, *kind, &mut requests);
    }
    for (path, kind) in &places {
        if matches!(kind, Kind::File | Kind::Plain | Kind::Directory) {
            cars(path, *kind, &mut requests);
        }
        if matches!(kind, Kind::File | Kind::Plain | Kind::Site) {
            ranges(path, *kind, &mut requests);
        }
    }
    odd(fixtures, &mut requests);
    requests
}

fn places(fixtures: &Fixtures) -> Vec<(String, Kind)> {
    let mut places = Vec::new();
    for (name, root) in &fixtures.kubos {
        let under: &[(&str, Kind)] = match *name {
            "v1-trickle" | "v1-rabin" => &[("", Kind::File)],
            "dag-cbor" => &[("", Kind::Plain), ("/file", Kind::File)],
            "dag-json" => &[("", Kind::Plain)],
            "hamt-fanout-16" => &[("/", Kind::Directory), ("/217", Kind::File)],
            _ => &[
                ("", Kind::Directory),
                ("/", Kind::Directory),
                ("/hello.txt", Kind::File),
                ("/zeros", Kind::File),
                ("/link", Kind::Symlink),
            ],
        };
        places.extend(under.iter().map(|(path, kind)| (format!("/ipfs/{root}{path}"), *kind)));
    }
    let under: [(&str, Kind); 20] = [
        ("", Kind::Directory),
        ("/", Kind::Directory),
        ("/site", Kind::Site),
        ("/site/", Kind::Site),
        ("/site/index.html", Kind::File),
        ("/site/css/style.css", Kind::File),
        ("/dir/", Kind::Directory),
        ("/dir/a.txt", Kind::File),
        ("/dir/empty/", Kind::Directory),
        ("/data.json", Kind::File),
        ("/document", Kind::File),
        ("/empty", Kind::File),
        ("/blob", Kind::File),
        ("/pixel", Kind::File),
        ("/pixel.png", Kind::File),
        ("/large.bin", Kind::File),
        ("/link", Kind::Symlink),
        ("/sp%C3%A4ce%20&%20%3Cx%3E.txt", Kind::File),
        ("/nothing", Kind::Nothing),
        ("/dir/a.txt/nothing", Kind::Nothing),
    ];
    places.extend(under.map(|(path, kind)| (format!("/ipfs/{}{path}", fixtures.tree), kind)));
    places.push((format!("/ipfs/{}", fixtures.large), Kind::File));
    for plain in &fixtures.plain {
        let under = [
            ("", Kind::Plain),
            ("/tree/", Kind::Directory),
            ("/tree/dir/a.txt", Kind::File),
            ("/files/1/blob", Kind::File),
            ("/name", Kind::Plain),
            ("/files/7", Kind::Nothing),
        ];
        places.extend(under.map(|(path, kind)| (format!("/ipfs/{plain}{path}"), kind)));
    }
    places.extend(fixtures.loose.iter().map(|cid| (format!("/ipfs/{cid}"), Kind::Plain)));
    places.push((format!("/ipfs/{}", fixtures.missing), Kind::Nothing));
    places
}

fn forms(path: &str, kind: Kind, out: &mut Vec<Request>) {
    out.push(Request::get(path, kind));
    out.push(Request::get(path, kind).method(Method::HEAD));
    out.extend(ACCEPTS.iter().map(|accept| Request::get(path, kind).with("accept", accept)));
    for format in FORMATS {
        let path = format!("{path}?format={format}");
        out.push(Request::get(&path, kind));
        if !format.starts_with("dag-") {
            out.push(Request::get(&path, kind).method(Method::HEAD));
        }
    }
}

fn cars(path: &str, kind: Kind, out: &mut Vec<Request>) {
    out.extend(CARS.iter().map(|query| Request::get(&format!("{path}?format=car&{query}"), kind)));
    for params in ["; version=1; order=dfs; dups=y", "; order=unk", ";version=2", ";dups=x"] {
        let accept = format!("application/vnd.ipld.car{params}");
        out.push(Request::get(path, kind).with("accept", &accept));
        out.push(
            Request::get(&format!("{path}?format=car&car-dups=n"), kind).with("accept", &accept),
        );
        out.push(Request::get(&format!("{path}?dag-scope=block"), kind).with("accept", &accept));
    }
}

fn ranges(path: &str, kind: Kind, out: &mut Vec<Request>) {
    for range in RANGES {
        out.push(Request::get(path, kind).with("range", range));
        out.push(Request::get(&format!("{path}?format=raw"), kind).with("range", range));
    }
    let head = Request::get(path, kind).method(Method::HEAD);
    out.push(head.with("range", "bytes=0-1"));
    let stale = Request::get(path, kind).with("range", "bytes=0-1");
    out.push(stale.with("if-range", "\"other\""));
}

fn conditions(path: &str, kind: Kind, out: &mut Vec<Request>) {
    let cid = path.split('/').nth(2).unwrap_or_default();
    let tags = [
        "*".to_owned(),
        "\"other\"".to_owned(),
        format!("\"{cid}\""),
        format!("W/\"{cid}\""),
        format!("\"x\", \"{cid}\""),
        format!("\"{cid}.raw\""),
        format!("\"{cid}.dag-json\", \"{cid}.dag-cbor\""),
        format!("W/\"{cid}.x-tar\""),
    ];
    for tag in &tags {
        out.push(Request::get(path, kind).with("if-none-match", tag));
        for format in ["raw", "tar", "dag-json"] {
            let path = format!("{path}?format={format}");
            out.push(Request::get(&path, kind).with("if-none-match", tag));
        }
    }
    out.push(Request::get(path, kind).with("cache-control", "only-if-cached"));
    let head = Request::get(path, kind).method(Method::HEAD);
    out.push(head.with("cache-control", "only-if-cached"));
}

fn names(path: &str, kind: Kind, out: &mut Vec<Request>) {
    let queries = [
        "filename=x.txt",
        "filename=t%C3%A9st%20%22x%22.json",
        "filename=x.html&download=true",
        "download=true",
        "filename=x.car&format=car",
        "filename=x.bin&format=raw",
        "filename=x.tar&format=tar&download=false",
    ];
    out.extend(queries.map(|query| Request::get(&format!("{path}?{query}"), kind)));
}

fn odd(fixtures: &Fixtures, out: &mut Vec<Request>) {
    let tree = &fixtures.tree;
    let paths = [
        "/ipfs/nonsense".to_owned(),
        "/ipfs/nonsense/x?format=car".to_owned(),
        "/ipfs/QmNonsense".to_owned(),
        format!("/ipfs/ipfs/{tree}/dir/a.txt"),
        format!("/ipfs/ipfs/{tree}?format=raw"),
        format!("/ipfs/?uri=ipfs%3A%2F%2F{tree}%2Fdir"),
        format!("/ipfs/?uri=https%3A%2F%2F{tree}"),
        format!("/ipfs/{tree}//dir///a.txt"),
        format!("/ipfs/{tree}/site/?format=zip"),
        // Identity CIDs have their bytes in them.
        "/ipfs/bafkqaf3imvwgy3zaneqgc3janfxgy2lomvscay3jmqfa".to_owned(),
        "/ipfs/bafkqaf3imvwgy3zaneqgc3janfxgy2lomvscay3jmqfa?format=car".to_owned(),
        "/ipfs/bafkqaf3imvwgy3zaneqgc3janfxgy2lomvscay3jmqfa?format=raw".to_owned(),
        "/ipfs/bafkqaaa".to_owned(),
        format!("/ipfs/{tree}/odd/"),
        format!("/ipns/{tree}/x"),
    ];
    out.extend(paths.iter().map(|path| Request::get(path, Kind::Nothing)));
    let path = format!("/ipfs/{tree}");
    for accept in ["application/vnd.ipld.zip", "application/vnd.ipfs.ipns-record"] {
        out.push(Request::get(&path, Kind::Directory).with("accept", accept));
    }
    out.push(Request::get(&path, Kind::Directory).with("service-worker", "script"));
    out.push(Request::get(&path, Kind::Directory).method(Method::POST));
}

impl Request {
    fn get(path: &str, kind: Kind) -> Self {
        Self { method: Method::GET, path: path.to_owned(), headers: Vec::new(), kind }
    }

    fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends it to one of them.
    pub(super) fn send(&self, http: &Http) -> Answer {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        http.send(&self.method, &self.path, &headers, Vec::new())
    }

    /// The value of one of its headers; empty when it is not there.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value)
    }

    /// Whether the query names this form.
    pub(super) fn has_format(&self, format: &str) -> bool {
        self.path.contains(&format!("format={format}"))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?})", self.method, self.path, self.kind)?;
        self.headers.iter().try_for_each(|(name, value)| write!(f, " [{name}: {value}]"))
    }
}
