//! `make bench`: what the harness costs, against floors that are measured in the same run and in turn with it.
//!
//! Writes `target/bench/latest.json` and prints the same as a table with the limits. Timings are noisy: a missed limit
//! is told, and never fails the run.

mod boot;
mod cold;
mod dns;
mod floor;
mod growth;
mod kafka;
mod kafka_start;
mod killed;
mod measure;
mod node_docker;
mod packages;
mod scenarios;
mod spark;
mod stack;
mod tasks;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use harness::component::images_of;
use harness::docker::Engine;
use harness::image::Images;
use harness::stack::Stack;
use harness::{Result, evidence};

use crate::floor::Floor;
use crate::measure::Entry;

/// What is measured, and how often.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Args {
    /// How many clusters are booted and removed, after one that does not count.
    #[arg(long, default_value_t = 9, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// How many tasks are launched.
    #[arg(long, default_value_t = 25, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    tasks: u16,
    /// Measure this part alone; may be repeated. All but `cold` is measured unless said.
    #[arg(long, value_name = "PART", value_enum)]
    only: Vec<Part>,
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

/// What is measured together, since it shares clusters or a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// A cluster from nothing and away again, by the harness and by hand.
    Boot,
    /// What each agent and a second cluster add.
    Growth,
    /// What kill -9 leaves, until it is gone.
    Killed,
    /// From a launch to TASK_RUNNING.
    Tasks,
    /// From a task's change to its name.
    Dns,
    /// The full stack: Marathon, its events and answers, HAProxy, memory.
    Stack,
    /// A node's Docker against the engine's own socket.
    Docker,
    /// Lint and render of every package.
    Packages,
    /// The certificate of a package.
    Certificate,
    /// Brokers of Kafka, by its scheduler and by hand.
    Kafka,
    /// SparkPi by its dispatcher and by hand, and libmesos for the JVM.
    Spark,
    /// The times of the scenarios.
    Scenarios,
    /// Every image from nothing.
    Cold,
}

impl Args {
    fn parts(&self) -> Vec<Part> {
        let all = Part::value_variants().iter().copied();
        match self.only.as_slice() {
            [] => all.filter(|part| *part != Part::Cold || self.cold).collect(),
            some => all.filter(|part| some.contains(part)).collect(),
        }
    }
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
    let mut entries = Vec::new();
    for part in args.parts() {
        let measured = Box::pin(part.measure(args, &engine, floor.as_ref(), &root)).await?;
        // Minutes pass between one part and the next.
        println!("{}\n", measure::table(&measured));
        entries.extend(measured);
    }
    let written = measure::write(&root, &entries)?;
    println!("{}", written.display());
    Ok(())
}

impl Part {
    async fn measure(self, args: &Args, engine: &Engine, floor: Option<&Floor>, root: &Path) -> Result<Vec<Entry>> {
        let half = args.runs.div_ceil(2);
        match self {
            Part::Boot => boot::measure(floor, args.runs).await,
            Part::Growth => growth::measure(floor, half).await,
            Part::Killed => killed::measure(engine, half).await,
            Part::Tasks => tasks::measure(args.tasks).await,
            Part::Dns => dns::measure(args.tasks).await,
            Part::Stack => Box::pin(stack::measure(half, args.tasks)).await,
            Part::Docker => node_docker::measure(args.runs).await,
            Part::Packages => packages::measure(args.runs),
            Part::Kafka => kafka::measure(half).await,
            Part::Spark => Box::pin(spark::measure(half)).await,
            Part::Certificate => packages::certificate(args.runs.div_ceil(5)).await,
            Part::Scenarios => scenarios::measure(root, args.scenarios, floor).await,
            Part::Cold => cold::measure(engine, root).await,
        }
    }
}
