//! Trees as CARs (<https://specs.ipfs.tech/http-gateways/trustless-gateway/>).

use std::io;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt as _;
use gadus_ports::{CarPart, EntityBytes, Scope};

use super::format::Format;
use super::{Ask, etag, headers, nothing};
use crate::error::ApiError;
use crate::query::QueryString;
use crate::service::ServiceError;

/// What is asked of a CAR.
#[derive(Debug, PartialEq, Eq)]
struct Params {
    part: CarPart,
    /// `dfs`, or `unk` where the client says that it doesn't mind: it comes depth first then, too.
    order: &'static str,
}

/// The blocks of the way to the address, and of what stands there.
pub(super) async fn respond(ask: &Ask<'_>) -> Result<Response, ApiError> {
    let accept = |name: &str| ask.wanted.params.get(name).map_or("", String::as_str);
    let params = Params::read(ask.query, accept)?;
    let tag = params.tag(ask);
    if etag::client_has(ask.headers, &[&tag]) {
        return Ok(ask.not_modified(&tag));
    }
    let (root, path) = (ask.address.root, ask.address.path());
    let car = ask.api.service.car(root, &path, params.part).await?;
    let body = if ask.is_head() {
        nothing()
    } else {
        Body::from_stream(car.map_err(move |error| {
            let error = ServiceError::from(error);
            tracing::warn!(%root, path, %error, "a CAR download broke off");
            io::Error::other(error)
        }))
    };
    let name = ask.name_or(|| match ask.address.names.last() {
        Some(last) => format!("{}_{last}.car", ask.address.root),
        None => format!("{}.car", ask.address.root),
    });
    let media_type = format!(
        "{}; version=1; order={}; dups={}",
        Format::Car.media_type(),
        params.order,
        if params.part.dups { "y" } else { "n" }
    );
    let disposition = headers::disposition("attachment", &name);
    let fixed = [
        (header::CONTENT_TYPE, media_type.as_str()),
        (header::CONTENT_DISPOSITION, &disposition),
        (header::ACCEPT_RANGES, "none"),
    ];
    Ok(headers::guarded((fixed, body).into_response(), &tag, &ask.address))
}

/// Whether a CAR is asked for as one may be.
pub(super) fn is_understood<'a>(query: &'a QueryString, accept: impl Fn(&str) -> &'a str) -> bool {
    Params::read(query, accept).is_ok()
}

impl Params {
    /// From the query, and from the parameters of `Accept` for what the query leaves open.
    fn read<'a>(
        query: &'a QueryString,
        accept: impl Fn(&str) -> &'a str,
    ) -> Result<Self, ServiceError> {
        let param = |name: &str| match query.text(&format!("car-{name}")) {
            "" => accept(name),
            value => value,
        };
        let unknown = |name: &str, value: &str, known: &str| {
            ServiceError::bad_request(format!("'{name}' of a CAR must be {known}, not '{value}'"))
        };
        match param("version") {
            "" | "1" => {}
            value => return Err(unknown("version", value, "1")),
        }
        let scope = match query.text("dag-scope") {
            "all" => Scope::All,
            "" if !query.has("dag-scope") => Scope::All,
            "entity" => Scope::Entity,
            "block" => Scope::Block,
            value => return Err(unknown("dag-scope", value, "block, entity or all")),
        };
        let order = match param("order") {
            "" | "dfs" => "dfs",
            "unk" => "unk",
            value => return Err(unknown("order", value, "dfs or unk")),
        };
        let dups = match param("dups") {
            "" | "n" => false,
            "y" => true,
            value => return Err(unknown("dups", value, "y or n")),
        };
        let bytes = match query.has("entity-bytes") {
            true => entity_bytes(query.text("entity-bytes"))?,
            false => EntityBytes::default(),
        };
        Ok(Self { part: CarPart { scope, bytes, dups }, order })
    }

    /// The tag of the CAR: all that decides over its bytes is in it. It is weak, as the order of
    /// the blocks may change with a version of ours.
    fn tag(&self, ask: &Ask<'_>) -> String {
        let CarPart { scope, bytes, dups } = self.part;
        let scope = match scope {
            Scope::Block => "block",
            Scope::Entity => "entity",
            Scope::All => "all",
        };
        let to = bytes.to.map_or_else(|| "*".to_owned(), |to| to.to_string());
        let path: Vec<_> =
            ask.address.names.iter().map(|name| super::address::encode(name)).collect();
        format!(
            "W/\"{}.car.{scope}.{}.{}.{}:{to}./{}\"",
            ask.address.root,
            self.order,
            if dups { "y" } else { "n" },
            bytes.from,
            path.join("/")
        )
    }
}

/// Reads `FROM:TO`; `*` is the end, and negative numbers count from it.
fn entity_bytes(text: &str) -> Result<EntityBytes, ServiceError> {
    let bad = || {
        let message = format!("'entity-bytes' must be FROM:TO or FROM:*, not '{text}'");
        ServiceError::bad_request(message)
    };
    let (from, to) = text.split_once(':').ok_or_else(bad)?;
    let from: i64 = from.parse().map_err(|_| bad())?;
    let to = match to {
        "*" => None,
        to => Some(to.parse::<i64>().map_err(|_| bad())?),
    };
    let same_end = |to: i64| (from < 0) == (to < 0);
    if to.is_some_and(|to| same_end(to) && from > to) {
        return Err(bad().with_hint("TO must not come before FROM"));
    }
    Ok(EntityBytes { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, accept: &'static [(&str, &str)]) -> Option<Params> {
        let accepted =
            |name: &str| accept.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        Params::read(&QueryString::parse(query), accepted).ok()
    }

    #[test]
    fn queries_go_before_accept() {
        let plain = Params { part: CarPart::default(), order: "dfs" };
        assert_eq!(read("", &[]), Some(plain));
        let given = read("car-dups=n", &[("dups", "y"), ("order", "unk"), ("version", "1")]);
        assert_eq!(given, Some(Params { part: CarPart::default(), order: "unk" }));
        for bad in ["car-version=2", "car-order=bfs", "car-dups=maybe", "dag-scope=", "dag-scope=x"]
        {
            assert_eq!(read(bad, &[]), None, "{bad}");
        }
        assert_eq!(read("car-version=1", &[("version", "2")]).map(|p| p.order), Some("dfs"));
        assert_eq!(read("", &[("version", "2")]), None);
    }

    #[test]
    fn ranges_of_entities_are_read() {
        let bytes = |from, to| Some(EntityBytes { from, to });
        let cases = [
            ("0:*", bytes(0, None)),
            ("5:9", bytes(5, Some(9))),
            ("-5:*", bytes(-5, None)),
            ("5:-3", bytes(5, Some(-3))),
            ("-9:-3", bytes(-9, Some(-3))),
            ("9:5", None),
            ("-3:-9", None),
            ("*:5", None),
            ("5", None),
            ("5:", None),
            (":5", None),
            ("1:2:3", None),
            ("", None),
            ("99999999999999999999:*", None),
        ];
        for (text, expected) in cases {
            assert_eq!(entity_bytes(text).ok(), expected, "{text}");
        }
    }
}
