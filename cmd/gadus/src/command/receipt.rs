//! `receipt get`, `receipt list`.

use gadus_api::types::ListReceiptsResponse;

use super::archive;
use crate::cli::{ExportArgs, ReceiptCommand, ReceiptGetArgs, ReceiptListArgs};
use crate::content_path::ContentPath;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

pub(super) async fn receipt(session: &Session, command: &ReceiptCommand) -> Result<Exit, Failure> {
    match command {
        ReceiptCommand::Get(args) => get(session, args).await,
        ReceiptCommand::List(args) => list(session, args).await,
    }
}

async fn get(session: &Session, args: &ReceiptGetArgs) -> Result<Exit, Failure> {
    let receipts = receipts(session, &args.job).await?;
    let what = ContentPath { cid: receipts.bundle_cid, path: String::new() };
    archive::export(session, &ExportArgs { what, output_file: args.output_file.clone() }).await
}

async fn list(session: &Session, args: &ReceiptListArgs) -> Result<Exit, Failure> {
    let receipts = receipts(session, &args.job).await?;
    session.printer.object(args.format.output, &receipts, || {
        render::receipts(&receipts, session.printer.width())
    })?;
    Ok(Exit::Success)
}

async fn receipts(session: &Session, job: &str) -> Result<ListReceiptsResponse, Failure> {
    let receipts = session.client.receipts(job).await;
    receipts.map_err(|e| Failure::call(format!("get the receipts of {job}"), &e))
}
