//! Where ours answers otherwise, and why.

use super::compare::Difference;
use super::requests::{Kind, Request};

/// A difference on purpose.
pub(super) struct Known {
    pub(super) why: &'static str,
    /// Whether it concerns a request.
    when: fn(&Request) -> bool,
    /// What differs: `status`, `body` or headers.
    what: &'static [&'static str],
    /// Our status and theirs, where these differ.
    statuses: &'static [(u16, u16)],
}

impl Known {
    pub(super) fn covers(&self, request: &Request, difference: &Difference) -> bool {
        let status = difference.what != "status" || self.statuses.contains(&difference.statuses);
        status && self.what.contains(&difference.what) && (self.when)(request)
    }
}

/// All of them.
pub(super) const DIFFERENCES: &[Known] = &[
    Known {
        why: "a directory's page is ours: small, without scripts, in UTF-8",
        when: |request| {
            request.kind == Kind::Directory && !(has_other_format(request) || wants_json(request))
        },
        what: &["body", "content-type"],
        statuses: &[],
    },
    Known {
        why: "a directory as JSON is its list, for our own command line; boxo gives its page",
        when: |request| is_directory(request) && wants_json(request),
        what: &[
            "status",
            "body",
            "content-type",
            "content-length",
            "etag",
            "cache-control",
            "accept-ranges",
        ],
        statuses: &[(200, 301)],
    },
    Known {
        why: "a tar is named by the last name of its path, and has no times; boxo's by the CID, and now",
        when: |request| wants(request, "tar", "application/x-tar"),
        what: &["body"],
        statuses: &[],
    },
    Known {
        why: "a plain block in a tar is a file, and what is within it is nothing; boxo fails",
        when: |request| request.kind == Kind::Plain && wants(request, "tar", "application/x-tar"),
        what: &["status"],
        statuses: &[(200, 500), (404, 500)],
    },
    Known {
        why: "a redirect keeps the query as it is, and a path in a header is encoded; boxo encodes \
              the one once more, and decodes the other",
        when: |request| request.path.contains('%'),
        what: &["location", "content-location"],
        statuses: &[],
    },
    Known {
        why: "plain blocks have no page for people",
        when: |request| request.kind == Kind::Plain && request.header("accept").contains("html"),
        what: &["status"],
        statuses: &[(200, 301)],
    },
    Known {
        why: "a path that leads nowhere is 404 as a CAR too, which the specification allows; boxo \
              sends the blocks up to there",
        when: |request| wants(request, "car", CAR),
        what: &["status"],
        statuses: &[(404, 200)],
    },
    Known {
        why: "what is within a block is looked at before ranges and tags are; boxo has it the other \
              way round",
        when: |request| request.kind == Kind::Plain && is_conditional(request),
        what: &["status"],
        statuses: &[(501, 304), (501, 400)],
    },
    Known {
        why: "a directory leads to its slash whatever the range",
        when: |request| request.kind == Kind::Site && is_conditional(request),
        what: &["status"],
        statuses: &[(301, 400)],
    },
    Known {
        why: "a block that the path ends within is sent once; boxo sends it for the path, then again",
        when: |request| request.path.contains("/name") && wants(request, "car", CAR),
        what: &["body"],
        statuses: &[],
    },
    Known {
        why: "a range has the type of its file; boxo guesses one from the range",
        when: |request| request.kind == Kind::File && is_conditional(request),
        what: &["content-type"],
        statuses: &[],
    },
    Known {
        why: "the last bytes of a file that has fewer are all of it, and of an empty one none (RFC \
              9110); boxo fails",
        when: |request| request.header("range") == "bytes=-4",
        what: &["status"],
        statuses: &[(206, 500), (206, 400), (416, 500), (416, 400)],
    },
    Known {
        why: "a format that nobody knows is refused; boxo ignores it",
        when: |request| request.has_format("zip"),
        what: &["status"],
        statuses: &[(400, 200)],
    },
    Known {
        why: "IPNS is not there yet; the judge has no network to ask",
        when: |request| request.path.starts_with("/ipns/"),
        what: &["status"],
        statuses: &[(501, 500)],
    },
];

const CAR: &str = "application/vnd.ipld.car";

fn is_directory(request: &Request) -> bool {
    matches!(request.kind, Kind::Directory | Kind::Site)
}

/// Whether it asks for a form by its query, or else by this media type first of all.
fn wants(request: &Request, format: &str, media_type: &str) -> bool {
    request.has_format(format) || request.header("accept").starts_with(media_type)
}

/// Whether it asks for a range, or says what the client has.
fn is_conditional(request: &Request) -> bool {
    !(request.header("range").is_empty() && request.header("if-none-match").is_empty())
}

fn wants_json(request: &Request) -> bool {
    wants(request, "json", "application/json")
}

fn has_other_format(request: &Request) -> bool {
    request.path.contains("format=") && !request.has_format("cbor")
}
