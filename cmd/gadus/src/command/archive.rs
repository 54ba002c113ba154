//! `import`, `export`.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use futures::TryStreamExt;
use gadus_api::client::ContentStream;
use indicatif::ProgressBar;

use crate::cli::{ExportArgs, Format, ImportArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::interrupted;
use crate::render;
use crate::session::Session;
use crate::upload::import_car;

pub(super) async fn import(session: &Session, args: &ImportArgs) -> Result<Exit, Failure> {
    let imported = import_car(session, &args.file).await?;
    if args.format.output == Format::Table {
        session.printer.talk(&format!(
            "{}, {}, {}",
            render::count(imported.roots.len() as u64, "root"),
            render::count(imported.files, "file"),
            render::bytes(imported.bytes)
        ));
    }
    session.printer.object(args.format.output, &imported, || imported.roots.join("\n"))?;
    Ok(Exit::Success)
}

pub(super) async fn export(session: &Session, args: &ExportArgs) -> Result<Exit, Failure> {
    let what = &args.what;
    if args.output_file.is_none() && session.printer.is_out_terminal() {
        return Err(Failure::usage("a CAR is nothing for a terminal").hint(format!(
            "send it to a file: `gadus export {what} > FILE`, or `gadus export {what} -o FILE`"
        )));
    }
    let doing = format!("export {what}");
    let reply = session.client.car(&what.cid, &what.path).await;
    let reply = reply.map_err(|e| Failure::call(&doing, &e))?;
    let Some(path) = &args.output_file else {
        let bytes = reply.bytes;
        copy(bytes, &doing, |chunk| session.printer.bytes(chunk)).await?;
        return Ok(Exit::Success);
    };
    let bar = session.printer.bytes_bar(&format!("exporting {what}"), None);
    let written = to_file(reply.bytes, path, &doing, &bar).await;
    bar.finish_and_clear();
    let bytes = render::bytes(written?);
    session.printer.talk(&format!("exported {bytes} to {}", path.display()));
    Ok(Exit::Success)
}

/// Makes a file of a CAR: it appears whole, or not at all.
async fn to_file(
    bytes: ContentStream,
    path: &Path,
    doing: &str,
    bar: &ProgressBar,
) -> Result<u64, Failure> {
    let failed = |e: &io::Error| Failure::io(format!("write {}", path.display()), e);
    if path.symlink_metadata().is_ok() {
        return Err(there(path));
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    // As readable as any new file: a staging file would be its owner's alone.
    let mut staging = tempfile::Builder::new()
        .prefix(".gadus-export-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(dir.unwrap_or(Path::new(".")))
        .map_err(|e| failed(&e))?;
    let mut written = 0;
    let copying = copy(bytes, doing, |chunk| {
        written += chunk.len() as u64;
        bar.inc(chunk.len() as u64);
        staging.write_all(chunk).map_err(|e| failed(&e))
    });
    tokio::select! {
        copied = copying => copied?,
        Ok(_) = interrupted() => {
            let failure = Failure::new(Exit::Interrupted, format!("it was interrupted: {doing}"));
            return Err(failure.because("nothing of it is left"));
        }
    }
    staging.persist_noclobber(path).map_err(|e| match e.error.kind() {
        io::ErrorKind::AlreadyExists => there(path),
        _ => failed(&e.error),
    })?;
    Ok(written)
}

fn there(path: &Path) -> Failure {
    Failure::usage(format!("{} is there already", path.display()))
        .hint("name another file with -o, or remove this one")
}

async fn copy(
    mut bytes: ContentStream,
    doing: &str,
    mut write: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    while let Some(chunk) = bytes.try_next().await.map_err(|e| Failure::call(doing, &e))? {
        write(&chunk)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_node::{FakeNode, Script};

    const CID: &str = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

    #[tokio::test]
    async fn a_car_goes_to_pipes_and_files_and_to_no_terminal() {
        let files = [(format!("/ipfs/{CID}"), b"a car".to_vec())].into();
        let node = FakeNode::start(Script { files, ..Script::default() }).await;
        let (mut session, printed) = node.session();
        let args = |output_file| ExportArgs { what: CID.parse().unwrap(), output_file };
        export(&session, &args(None)).await.unwrap();
        assert_eq!(printed.out(), "a car");
        session.printer = session.printer.on_terminal();
        let Err(Failure::Told(report)) = export(&session, &args(None)).await else {
            panic!("a terminal shows text alone")
        };
        assert!(report.hint.as_ref().is_some_and(|hint| hint.contains("-o FILE")), "{report:?}");
        let dir = tempfile::tempdir().unwrap();
        let car = dir.path().join("x.car");
        export(&session, &args(Some(car.clone()))).await.unwrap();
        assert_eq!(std::fs::read(&car).unwrap(), b"a car");
        let plain = dir.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&car), mode(&plain));
        assert_eq!(printed.out(), "a car");
    }
}
