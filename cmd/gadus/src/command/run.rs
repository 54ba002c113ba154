//! `wasm run`, `docker run`.

use crate::cli::{DockerRunArgs, WasmRunArgs};
use crate::document;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::inputs;
use crate::session::Session;
use crate::submit::submit;

pub(super) async fn wasm(session: &Session, args: &WasmRunArgs) -> Result<Exit, Failure> {
    let module = inputs::module(session, &args.module).await?;
    let inputs = inputs::resolve(session, &args.task.inputs).await?;
    submit(session, &document::wasm(args, &module, inputs)?, &args.wait).await
}

pub(super) async fn docker(session: &Session, args: &DockerRunArgs) -> Result<Exit, Failure> {
    let inputs = inputs::resolve(session, &args.task.inputs).await?;
    submit(session, &document::docker(args, inputs)?, &args.wait).await
}
