//! The `store` commands.

use crate::cli::{Format, OutputArg, PinArgs, StoreCommand, UnpinArgs, VerifyArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

use super::node::ids;

pub(super) async fn store(session: &Session, command: &StoreCommand) -> Result<Exit, Failure> {
    match command {
        StoreCommand::Stat(args) => stat(session, *args).await,
        StoreCommand::Pins(args) => pins(session, *args).await,
        StoreCommand::Pin(args) => pin(session, args).await,
        StoreCommand::Unpin(args) => unpin(session, args).await,
        StoreCommand::Gc(args) => gc(session, *args).await,
        StoreCommand::Verify(args) => verify(session, args).await,
    }
}

async fn stat(session: &Session, args: OutputArg) -> Result<Exit, Failure> {
    let stat = session.client.store_stat().await;
    let stat = stat.map_err(|e| Failure::call("look at the store", &e))?;
    let printer = &session.printer;
    printer.object(args.output, &stat, || render::store_stat(&stat, printer.width()))?;
    Ok(Exit::Success)
}

async fn pins(session: &Session, args: OutputArg) -> Result<Exit, Failure> {
    let pins = session.client.pins().await;
    let pins = pins.map_err(|e| Failure::call("list the pins", &e))?;
    let printer = &session.printer;
    if printer.is_quiet() && args.output == Format::Table {
        return ids(session, pins.iter().map(|pin| pin.cid.as_str()));
    }
    printer.object(args.output, &pins, || render::pins(&pins, render::now(), printer.width()))?;
    Ok(Exit::Success)
}

async fn pin(session: &Session, args: &PinArgs) -> Result<Exit, Failure> {
    let cid = args.cid.to_string();
    let retention_ms = args.retention.map_or(0, |time| time.duration().as_millis());
    let retention_ms = u64::try_from(retention_ms).unwrap_or(u64::MAX);
    let pinned = session.client.pin(&cid, retention_ms).await;
    let pinned = pinned.map_err(|e| Failure::call(format!("pin {cid}"), &e))?;
    if args.format.output == Format::Table && pinned.fetched_bytes > 0 {
        session.printer.talk(&format!("fetched {}", render::bytes(pinned.fetched_bytes)));
    }
    session.printer.object(args.format.output, &pinned, || pinned.pin.cid.clone())?;
    Ok(Exit::Success)
}

async fn unpin(session: &Session, args: &UnpinArgs) -> Result<Exit, Failure> {
    let cid = args.cid.to_string();
    let unpinned = session.client.unpin(&cid).await;
    let unpinned = unpinned.map_err(|e| Failure::call(format!("unpin {cid}"), &e))?;
    if args.format.output == Format::Table
        && let Some(pin) = unpinned.left.first()
    {
        session.printer.talk(&format!("it is still kept: {} {}", pin.reason, pin.execution_id));
    }
    session.printer.object(args.format.output, &unpinned, || unpinned.cid.clone())?;
    Ok(Exit::Success)
}

async fn gc(session: &Session, args: OutputArg) -> Result<Exit, Failure> {
    let done = session.client.collect().await;
    let done = done.map_err(|e| Failure::call("free what nothing keeps", &e))?;
    let printer = &session.printer;
    printer.object(args.output, &done, || render::collected(&done, printer.width()))?;
    Ok(Exit::Success)
}

async fn verify(session: &Session, args: &VerifyArgs) -> Result<Exit, Failure> {
    let found = session.client.verify(args.repair).await;
    let found = found.map_err(|e| Failure::call("check the store", &e))?;
    let printer = &session.printer;
    printer.object(args.format.output, &found, || render::checked(&found, printer.width()))?;
    if found.bad == 0 || args.repair {
        return Ok(Exit::Success);
    }
    let what = format!("{} of the store cannot be read", render::count(found.bad, "part"));
    Err(Failure::new(Exit::Refused, what).hint(
        "see to the node's disk; `gadus store verify --repair` forgets what is damaged, so that \
         it is fetched again",
    ))
}
