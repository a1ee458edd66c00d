//! `make bench`: what the harness costs, against floors that are measured in the same run and in turn with it.
//!
//! Writes `target/bench/latest.json` and prints the same as a table with the limits. Timings are noisy: a missed limit
//! is told, and never fails the run.

mod boot;
mod cold;
mod dns;
mod floor;
mod growth;
mod killed;
mod measure;
mod node_docker;
mod packages;
mod scenarios;
mod stack;
mod tasks;

use std::process::ExitCode;

use clap::Parser;
use harness::component::images_of;
use harness::docker::Engine;
use harness::image::Images;
use harness::stack::Stack;
use harness::{Result, evidence};

use crate::floor::Floor;

/// What is measured besides boot, teardown and tasks, and how often.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Args {
    /// How many clusters are booted and removed, after one that does not count.
    #[arg(long, default_value_t = 9, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// How many tasks are launched.
    #[arg(long, default_value_t = 25, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    tasks: u16,
    /// Build every image from nothing too: takes minutes.
    #[arg(long)]
    cold: bool,
    /// Run all scenarios now, in the place of reading the latest report.
    #[arg(long)]
    scenarios: bool,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // Two workers, as the program itself has.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime needs threads and a poller, and any machine has them");
    match runtime.block_on(run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.explain());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    if let Ok(name) = std::env::var(killed::OWNER) {
        return killed::own(name).await;
    }
    let root = evidence::place::workspace_root();
    let engine = Engine::connect().await?;
    Images::open(engine.clone())?
        .ensure_all(&images_of(&Stack::load(None)?))
        .await?;
    let floor = Floor::prepare(&engine).await?;
    let mut entries = boot::measure(floor.as_ref(), args.runs).await?;
    entries.extend(growth::measure(floor.as_ref(), args.runs.div_ceil(2)).await?);
    entries.extend(killed::measure(&engine, args.runs.div_ceil(2)).await?);
    entries.extend(tasks::measure(args.tasks).await?);
    entries.extend(dns::measure(args.tasks).await?);
    entries.extend(stack::measure(args.runs.div_ceil(2), args.tasks).await?);
    entries.extend(node_docker::measure(args.runs).await?);
    entries.extend(packages::measure(args.runs)?);
    entries.extend(packages::certificate(args.runs.div_ceil(5)).await?);
    entries.extend(scenarios::measure(&root, args.scenarios).await?);
    if args.cold {
        entries.extend(cold::measure(&engine, &root).await?);
    }
    let written = measure::write(&root, &entries)?;
    println!("{}\n\n{}", measure::table(&entries), written.display());
    Ok(())
}
