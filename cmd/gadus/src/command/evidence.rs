//! `evidence ls`, `evidence export`.

use super::{archive, node};
use crate::cli::{EvidenceCommand, EvidenceExportArgs, EvidenceListArgs, ExportArgs, Format};
use crate::content_path::ContentPath;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

pub(super) async fn evidence(
    session: &Session,
    command: &EvidenceCommand,
) -> Result<Exit, Failure> {
    match command {
        EvidenceCommand::List(args) => list(session, args).await,
        EvidenceCommand::Export(args) => export(session, args).await,
    }
}

async fn list(session: &Session, args: &EvidenceListArgs) -> Result<Exit, Failure> {
    let (printer, node) = (&session.printer, args.node.as_deref().unwrap_or_default());
    let items = session.client.lies(node, usize::MAX).await;
    let items = items.map_err(|e| Failure::call("list the evidence", &e))?;
    let output = args.format.output;
    if printer.is_quiet() && output == Format::Table {
        return node::ids(session, items.iter().map(|item| item.job_id.as_str()));
    }
    printer.object(output, &items, || render::lies(&items, render::now(), printer.width()))?;
    Ok(Exit::Success)
}

async fn export(session: &Session, args: &EvidenceExportArgs) -> Result<Exit, Failure> {
    let node = args.node.as_deref().unwrap_or_default();
    let told = session.client.evidence(&args.job, node, args.partition).await;
    let told = told.map_err(|e| Failure::call(format!("get the evidence of {}", args.job), &e))?;
    let what = ContentPath { cid: told.evidence_cid, path: String::new() };
    archive::export(session, &ExportArgs { what, output_file: args.output_file.clone() }).await
}
