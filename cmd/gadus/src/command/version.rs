//! `version`.

use serde::Serialize;

use gadus_api::types::BuildVersionInfo;

use crate::cli::OutputArg;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

/// The versions of both sides.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    client: BuildVersionInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<BuildVersionInfo>,
}

/// This program's version is told even when no node is there; that is still a failure.
pub(super) async fn version(session: &Session, args: OutputArg) -> Result<Exit, Failure> {
    let client = BuildVersionInfo {
        gadus: env!("CARGO_PKG_VERSION").to_owned(),
        goos: std::env::consts::OS.to_owned(),
        goarch: goarch().to_owned(),
        ..BuildVersionInfo::default()
    };
    let answer = session.client.version().await;
    let failure = answer.as_ref().err().map(|e| Failure::call("ask the node for its version", e));
    let versions = Versions { client, server: answer.ok() };
    session.printer.object(args.output, &versions, || {
        let server = versions.server.as_ref();
        render::versions(&versions.client, server, session.printer.width())
    })?;
    failure.map_or(Ok(Exit::Success), Err)
}

/// Go's name of the processor, which is what the API has.
fn goarch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
