//! Arguments of the content commands.

use std::path::PathBuf;

use clap::Args;
use gadus_ports::{Layout, Profile};

use super::OutputArg;
use crate::content_path::ContentPath;

/// Adds content.
#[derive(Args, Debug)]
pub(crate) struct AddArgs {
    /// A file, a directory (hidden files included; symlinks in it are kept, one that is named
    /// itself is followed), - for stdin, or a URL
    /// that the node fetches (#sha256=HEX holds it to its bytes): https://…, or s3://BUCKET/KEY[?region=R&endpoint=URL&versionId=V], where all objects below a KEY that ends in / or * are a directory (&filter=REGEX)
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// How blocks are made: unixfs-v1-2025, or unixfs-v0-2015 for the CIDs of Kubo's old defaults
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) profile: Profile,
    /// Keep permissions; they are part of the CID
    #[arg(long)]
    pub(crate) preserve_mode: bool,
    /// Compute the CID here too, and compare it with the node's
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

impl AddArgs {
    /// What decides the CID beside the content.
    pub(crate) fn layout(&self) -> Layout {
        Layout { profile: self.profile, keep_modes: self.preserve_mode }
    }
}

/// Imports a CAR.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// A CAR (version 1 or 2), or - for stdin
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// Exports a CAR.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// What to export: CID, CID/path or ipfs://CID/path
    #[arg(value_name = "CID[/PATH]")]
    pub(crate) what: ContentPath,
    /// Where to put it [default: stdout, where that is no terminal]
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
}

/// Fetches content.
#[derive(Args, Debug)]
pub(crate) struct GetArgs {
    /// What to fetch: CID, CID/path or ipfs://CID/path
    #[arg(value_name = "CID[/PATH]")]
    pub(crate) what: ContentPath,
    /// Where to put it [default: its last name, here]
    #[arg(short = 'o', long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) unpack: UnpackFlags,
}

/// How a tree is written.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct UnpackFlags {
    /// Overwrite files that are there
    #[arg(long)]
    pub(crate) force: bool,
    /// Also make symlinks that lead out of the fetched tree
    #[arg(long)]
    pub(crate) outside_links: bool,
}

/// Prints a file.
#[derive(Args, Debug)]
pub(crate) struct CatArgs {
    /// Which file: CID, CID/path or ipfs://CID/path
    #[arg(value_name = "CID[/PATH]")]
    pub(crate) what: ContentPath,
}

/// Lists a directory.
#[derive(Args, Debug)]
pub(crate) struct LsArgs {
    /// Which directory: CID, CID/path or ipfs://CID/path
    #[arg(value_name = "CID[/PATH]")]
    pub(crate) what: ContentPath,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}
