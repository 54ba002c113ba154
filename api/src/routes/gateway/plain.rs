//! Plain IPLD blocks, as they are and in other codecs
//! (<https://specs.ipfs.tech/http-gateways/path-gateway/>).

use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use gadus_model::Cid;
use gadus_ports::Resolved;
use ipld_core::ipld::Ipld;

use super::format::Format;
use super::{Ask, etag, headers, part};
use crate::error::ApiError;
use crate::service::ServiceError;

const RAW: u64 = 0x55;
pub(super) const DAG_PB: u64 = 0x70;
const CBOR: u64 = 0x51;
const JSON: u64 = 0x0200;
pub(super) const DAG_CBOR: u64 = 0x71;
pub(super) const DAG_JSON: u64 = 0x0129;

/// The form that a codec's blocks are in; `None` for UnixFS and what nobody knows.
pub(super) fn native(cid: &Cid) -> Option<Format> {
    match cid.codec() {
        CBOR => Some(Format::Cbor),
        JSON => Some(Format::Json),
        DAG_CBOR => Some(Format::DagCbor),
        DAG_JSON => Some(Format::DagJson),
        _ => None,
    }
}

/// The block at the address, in the form that is wanted, or in its own.
pub(super) async fn respond(ask: &Ask<'_>, at: &Resolved) -> Result<Response, ApiError> {
    if let Some(name) = at.inside.first() {
        let what = format!("reading '{name}' within block {}", at.cid);
        let hint = format!("read the whole block: /ipfs/{}", at.cid);
        return Err(ServiceError::not_implemented(what, hint).into());
    }
    let own = native(&at.cid);
    let wanted = Some(ask.wanted.format).filter(|format| *format != Format::Page);
    let format = wanted.or(own).unwrap_or(Format::Raw);
    let tag = etag::of(&at.cid, format);
    if etag::client_has(ask.headers, &[&tag]) {
        return Ok(ask.not_modified(&tag));
    }
    let block = ask.api.service.block(at.cid).await?;
    let as_it_is = own == Some(format)
        || matches!(
            (own, format),
            (Some(Format::DagJson), Format::Json) | (Some(Format::DagCbor), Format::Cbor)
        );
    let mut response = if as_it_is {
        part::of_block(ask.headers, &tag, format.media_type(), block).await?
    } else {
        let converted = convert(&at.cid, &block, format)?;
        ([(header::CONTENT_TYPE, format.media_type())], converted).into_response()
    };
    let disposition = disposition(ask, &at.cid, format);
    headers::set(&mut response, header::CONTENT_DISPOSITION, &disposition);
    Ok(headers::guarded(response, &tag, &ask.address))
}

fn disposition(ask: &Ask<'_>, cid: &Cid, format: Format) -> String {
    let json = matches!(format, Format::Json | Format::DagJson);
    let extension = if json { "json" } else { "cbor" };
    let kind = if json && !ask.is_download() { "inline" } else { "attachment" };
    headers::disposition(kind, &ask.name_or(|| format!("{cid}.{extension}")))
}

/// A block in another codec.
pub(super) fn convert(cid: &Cid, block: &Bytes, to: Format) -> Result<Bytes, ApiError> {
    let bad = |why: String| ServiceError::bad_request(format!("block {cid} is malformed: {why}"));
    let encoded = match to {
        Format::DagJson => {
            let data = decode(cid, block).map_err(bad)?;
            serde_ipld_dagjson::to_vec(&data).map_err(|e| bad(e.to_string()))
        }
        Format::DagCbor => {
            let data = decode(cid, block).map_err(bad)?;
            serde_ipld_dagcbor::to_vec(&data).map_err(|e| bad(e.to_string()))
        }
        Format::Page
        | Format::Listing
        | Format::Json
        | Format::Cbor
        | Format::Tar
        | Format::Raw
        | Format::Car => Err(ServiceError::bad_request(format!(
            "block {cid} cannot be converted to {}",
            to.name()
        ))
        .with_hint("ask for format=dag-json, dag-cbor or raw")),
    };
    Ok(encoded?.into())
}

/// A block as data.
fn decode(cid: &Cid, block: &[u8]) -> Result<Ipld, String> {
    match cid.codec() {
        RAW => Ok(Ipld::Bytes(block.to_vec())),
        DAG_PB => ipld_dagpb::to_ipld(block).map_err(|e| e.to_string()),
        JSON => serde_json::from_slice(block).map_err(|e| e.to_string()),
        DAG_JSON => serde_ipld_dagjson::from_slice(block).map_err(|e| e.to_string()),
        CBOR | DAG_CBOR => serde_ipld_dagcbor::from_slice(block).map_err(|e| e.to_string()),
        other => Err(format!("its codec is unknown ({other:#x})")),
    }
}
