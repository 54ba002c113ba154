//! Directories, for people and for programs.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use gadus_model::Cid;
use gadus_ports::{DirEntry, EntryKind, Node, Resolved};

use super::address::{Address, encode};
use super::format::Format;
use super::{Ask, etag, headers};
use crate::error::ApiError;
use crate::types::{ListEntry, Listing};

/// What stands at the address, as JSON.
pub(super) async fn respond(ask: &Ask<'_>, at: &Resolved) -> Result<Response, ApiError> {
    let tag = etag::of(&at.cid, Format::Listing);
    if etag::client_has(ask.headers, &[&tag]) {
        return Ok(ask.not_modified(&tag));
    }
    let node = ask.api.service.open(ask.address.root, &ask.address.path()).await?;
    let response = crate::routes::json(ask.query, &listing(&node))?;
    Ok(headers::guarded(response, &tag, &ask.address))
}

fn listing(node: &Node) -> Listing {
    match node {
        Node::Directory { cid, entries, .. } => Listing {
            cid: cid.to_string(),
            kind: "directory".to_owned(),
            entries: entries.iter().map(entry).collect(),
            ..Listing::default()
        },
        Node::File { cid, size, .. } => Listing {
            cid: cid.to_string(),
            kind: "file".to_owned(),
            size: *size,
            ..Listing::default()
        },
        Node::Symlink { cid, target } => Listing {
            cid: cid.to_string(),
            kind: "symlink".to_owned(),
            target: target.clone(),
            ..Listing::default()
        },
    }
}

fn entry(entry: &DirEntry) -> ListEntry {
    ListEntry {
        name: entry.name.clone(),
        cid: entry.cid.to_string(),
        kind: kind(entry.kind).to_owned(),
        size: entry.size,
    }
}

fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
        EntryKind::Symlink => "symlink",
        EntryKind::Unknown => "unknown",
    }
}

/// A directory as a small page.
pub(super) fn html(address: &Address, cid: &Cid, entries: &[DirEntry]) -> Response {
    let place = address.uri();
    let title = escape(&format!("/ipfs/{}/{}", address.root, address.path()));
    let rows = entries.iter().map(|entry| {
        let slash = if entry.kind == EntryKind::Directory { "/" } else { "" };
        let (name, link) = (escape(&entry.name), encode(&entry.name));
        format!(
            "<tr><td><a href=\"{place}/{link}{slash}\">{name}{slash}</a></td><td>{}</td>\
             <td><code>{}</code></td></tr>\n",
            entry.size, entry.cid
        )
    });
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n\
         <style>body{{font-family:sans-serif;margin:2em}}td{{padding:0 1em 0 0}}</style></head>\n\
         <body><h1>{title}</h1><p><code>{cid}</code></p>\n<table>\n\
         <tr><th>Name</th><th>Bytes</th><th>CID</th></tr>\n{}</table></body></html>\n",
        rows.collect::<String>()
    );
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}
