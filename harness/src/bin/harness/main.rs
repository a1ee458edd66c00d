//! The `harness` command: clusters for people, and the conformance run.

mod cluster;
mod conform;
mod doctor;
mod images;
mod node;
mod output;
mod reap;
mod setup;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use harness::Result;

const EXIT_CODES: &str = "Exit codes: 0 done · 1 the cluster failed · 3 the machine, the engine or an image failed · \
    64 wrong usage · 130 interrupted. `conform` has its own: 0 conformant · 1 nonconformant · 2 inconclusive or \
    partial · 3 environment · 4 nothing ran. `ssh NODE -- CMD` exits as CMD does.";

/// Boots whole Apache Mesos clusters in Docker and judges what they do.
#[derive(Parser)]
#[command(name = "harness", version, after_help = EXIT_CODES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Boot a cluster and leave it running.
    #[command(after_help = "Example: harness up --slaves 2 --name lab")]
    Up(cluster::Up),
    /// Show the nodes and components of a cluster.
    Status(cluster::Status),
    /// List every cluster of ours on this engine.
    Ps(cluster::Ps),
    /// Remove a cluster.
    Down(cluster::Down),
    /// Enter a node, or run a command there.
    #[command(
        after_help = "Examples: harness ssh mesos-slave1 · harness ssh mesos-master1 -- sudo docker logs zookeeper"
    )]
    Ssh(node::Ssh),
    /// Start a node: a slave that was not there, or one that was stopped.
    Start(node::Start),
    /// Stop a node with everything on it.
    Stop(node::Stop),
    /// Show the output of a node's components.
    Logs(node::Logs),
    /// Run the conformance scenarios and write the report.
    Conform(conform::ConformArgs),
    /// Build, list, check, prune, save or load the images.
    Images(images::ImagesArgs),
    /// Check every prerequisite on this machine, with its remedy.
    Doctor(doctor::DoctorArgs),
    /// Install what the project needs on this machine.
    Setup(setup::SetupArgs),
    /// Remove what dead runs left behind.
    Sweep,
    /// Hold a lease until standard input closes, then remove what it owns.
    #[command(hide = true)]
    Reap { lease: String },
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            drop(error.print());
            let wrong = error.exit_code() != 0;
            return ExitCode::from(if wrong { harness::Kind::Usage.exit_code() } else { 0 });
        }
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("HARNESS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,harness=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_level(false)
        .with_target(false)
        // It would complain of a standard error that nobody reads any more, by a panic.
        .log_internal_errors(false)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(format_args!("error: no runtime: {error}"));
            return ExitCode::from(harness::Kind::Environment.exit_code());
        }
    };
    let done = runtime.block_on(run(cli.command));
    harness::interrupt::await_end();
    match done {
        Ok(code) => code,
        Err(error) => {
            output::note(format_args!("error: {}", error.explain()));
            ExitCode::from(error.kind().exit_code())
        }
    }
}

async fn run(command: Command) -> Result<ExitCode> {
    let done = match command {
        Command::Up(args) => cluster::up(args).await,
        Command::Status(args) => cluster::status(args).await,
        Command::Ps(args) => cluster::ps(args).await,
        Command::Down(args) => cluster::down(args).await,
        Command::Ssh(args) => return node::ssh(args).await,
        Command::Start(args) => node::start(args).await,
        Command::Stop(args) => node::stop(args).await,
        Command::Logs(args) => node::logs(args).await,
        Command::Conform(args) => return conform::run(args).await,
        Command::Images(args) => images::run(args).await,
        Command::Doctor(args) => return doctor::run(args).await,
        Command::Setup(args) => setup::run(args).await,
        Command::Sweep => reap::sweep().await,
        Command::Reap { lease } => harness::reap::reap(&lease).await.map(drop),
    };
    done.map(|()| ExitCode::SUCCESS)
}
