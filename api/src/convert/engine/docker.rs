//! Docker's parameters.

use std::collections::BTreeMap;

use super::{EngineSpec, Params};
use crate::convert::supported::Problem;
use crate::types::Task;

/// Bytes of an image reference: 255 of name, 128 of tag, 71 and more of digest.
const REFERENCE_MAX: usize = 512;

pub(super) fn read(task: &Task) -> Result<EngineSpec, Problem> {
    let params = Params { task, engine: "docker" };
    let image = params.text("Image")?.trim().to_owned();
    if image.is_empty() {
        return Err(params.wrong("'Image' cannot be empty"));
    }
    image_name(&params, &image)?;
    let workdir = params.text("WorkingDirectory")?;
    if !workdir.is_empty() && !workdir.starts_with('/') {
        let what = format!("'WorkingDirectory' ({workdir:?}) must contain absolute path");
        return Err(params.wrong(&what));
    }
    Ok(EngineSpec::Docker {
        image,
        entrypoint: Some(params.texts("Entrypoint")?).filter(|list| !list.is_empty()),
        workdir: Some(workdir).filter(|path| !path.is_empty()),
        args: params.texts("Parameters")?,
        env: environment(&params)?,
    })
}

/// Whether a text can name an image.
pub(super) fn image_name(params: &Params<'_>, image: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+".contains(c);
    if image.len() > REFERENCE_MAX || image.starts_with('-') || !image.chars().all(plain) {
        return Err(params.wrong(&format!("'Image' ({image:?}) is no image reference")));
    }
    Ok(())
}

fn environment(params: &Params<'_>) -> Result<BTreeMap<String, String>, Problem> {
    let pairs = params.texts("EnvironmentVariables")?;
    pairs
        .into_iter()
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if name.to_uppercase().starts_with("BACALHAU_") => {
                let what = format!("environment variable '{name}' cannot start with BACALHAU_");
                Err(params.wrong(&what))
            }
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(params.wrong(&format!("environment variable '{pair}' is not NAME=VALUE"))),
        })
        .collect()
}
