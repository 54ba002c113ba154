//! `verdict import`, `verdict list`, `verdict forget`.

use std::path::Path;

use gadus_api::types::CountResponse;
use gadus_model::Cid;

use super::node::ids;
use crate::cli::{Format, OutputArg, VerdictCommand, VerdictForgetArgs, VerdictImportArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;
use crate::upload::import_car;

pub(super) async fn verdict(session: &Session, command: &VerdictCommand) -> Result<Exit, Failure> {
    match command {
        VerdictCommand::Import(args) => import(session, args).await,
        VerdictCommand::List(format) => list(session, *format).await,
        VerdictCommand::Forget(args) => forget(session, args).await,
    }
}

async fn import(session: &Session, args: &VerdictImportArgs) -> Result<Exit, Failure> {
    let bundle = bundle(session, &args.what).await?;
    let counted = session.client.count_verdicts(&bundle).await;
    let counted = counted.map_err(|e| Failure::call(format!("count {}", args.what), &e))?;
    session.printer.object(args.format.output, &counted, || {
        render::counted_verdicts(&counted, session.printer.width())
    })?;
    session.printer.talk(&told(&counted));
    Ok(Exit::Success)
}

/// The root of a bundle; what is in a file goes to the node first.
async fn bundle(session: &Session, what: &str) -> Result<String, Failure> {
    let path = Path::new(what);
    if what.parse::<Cid>().is_ok() && !path.exists() {
        return Ok(what.to_owned());
    }
    let imported = import_car(session, path).await?;
    match imported.roots.as_slice() {
        [root] => Ok(root.clone()),
        roots => Err(Failure::usage(format!("{what} is no bundle of receipts"))
            .because(format!("it has {} roots instead of one", roots.len()))
            .hint("`gadus receipt get JOB -o FILE` writes one")),
    }
}

fn told(counted: &CountResponse) -> String {
    let worth = counted.items.iter().filter(|item| !item.worth.is_empty()).count();
    let all = counted.items.len();
    let tasks = render::count(worth as u64, "task");
    match all - worth {
        0 => format!("{tasks} will be answered by it"),
        few => format!("{tasks} will be answered by it; of {few} too few voters are trusted here"),
    }
}

async fn list(session: &Session, format: OutputArg) -> Result<Exit, Failure> {
    let bundles = session.client.verdicts().await;
    let bundles = bundles.map_err(|e| Failure::call("list verdicts", &e))?;
    let printer = &session.printer;
    if printer.is_quiet() && format.output == Format::Table {
        return ids(session, bundles.iter().map(|bundle| bundle.bundle_cid.as_str()));
    }
    printer.object(format.output, &bundles, || render::bundles(&bundles, printer.width()))?;
    Ok(Exit::Success)
}

async fn forget(session: &Session, args: &VerdictForgetArgs) -> Result<Exit, Failure> {
    let bundle = args.cid.to_string();
    let forgotten = session.client.forget_verdicts(&bundle).await;
    forgotten.map_err(|e| Failure::call(format!("forget {bundle}"), &e))?;
    session.printer.talk(&format!("{bundle} is counted no longer"));
    Ok(Exit::Success)
}
