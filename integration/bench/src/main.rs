//! Figures of gadus, each beside the floor that was measured in the same run.

mod content;
mod docker;
mod floor;
mod history;
mod jobs;
mod profile;
mod start;
mod table;
mod verified;

use clap::Parser;

use crate::table::Table;

/// Measures gadus against what the machine can do.
#[derive(Parser)]
struct Args {
    /// Only figures whose name has this in it.
    only: Option<String>,
    /// Mebibytes of the file that is added and fetched.
    #[arg(long, default_value_t = 1024)]
    mib: usize,
    /// Jobs per figure.
    #[arg(long, default_value_t = 2000)]
    jobs: usize,
    /// Finished jobs in the log for the last figure.
    #[arg(long, default_value_t = 100_000)]
    history: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Installed once; nothing else in this process has.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = Args::parse();
    let mut table = Table::new(args.only.as_deref());
    let fsync_us = floor::fsync_us()?;
    table.row("fdatasync of 4 KiB", &format!("{fsync_us:.0} µs"), "", "");
    jobs::measure(&mut table, fsync_us, args.jobs).await?;
    if table.wants("verified") {
        verified::measure(&mut table, args.jobs).await?;
    }
    if table.wants("profile") {
        profile::measure(&mut table).await?;
    }
    if table.wants("content") {
        content::measure(&mut table, args.mib)?;
    }
    if table.wants("docker") {
        docker::measure(&mut table).await?;
    }
    if table.wants("start") {
        start::measure(&mut table)?;
    }
    if table.wants("history") {
        history::measure(&mut table, args.history).await?;
    }
    table.print();
    Ok(())
}
