//! `harness start`.

use clap::Args;
use harness::Result;
use harness::node::NodeName;
use harness::progress::Progress;

use crate::output;
use crate::target::{self, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness start mesos-slave2              a slave that was not there, or one that was stopped
  harness start --name lab mesos-master2";

#[derive(Args)]
pub(crate) struct Start {
    /// As in mesos-slave2.
    #[arg(value_parser = target::node_name)]
    node: NodeName,
    #[command(flatten)]
    name: Name,
}

/// Starts a node and waits until it does its work.
pub(crate) async fn run(args: Start) -> Result<()> {
    let mut cluster = target::attach(&args.name).await?;
    let progress = Progress::start(&args.node.to_string());
    progress.detail("starting");
    let node = cluster.start(args.node).await?;
    drop(progress);
    output::line(format_args!("{} is up at {}", node.name(), node.address()))
}
