//! `harness stop`.

use clap::Args;
use harness::Result;
use harness::node::NodeName;
use harness::progress::Progress;

use crate::output;
use crate::target::{self, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness stop mesos-slave2
  harness stop --name lab mesos-master2";

#[derive(Args)]
pub(crate) struct Stop {
    /// As in mesos-slave2.
    #[arg(value_parser = target::node_name)]
    node: NodeName,
    #[command(flatten)]
    name: Name,
}

/// Stops a node.
pub(crate) async fn run(args: Stop) -> Result<()> {
    let mut cluster = target::attach(&args.name).await?;
    let progress = Progress::start(&args.node.to_string());
    progress.detail("stopping");
    cluster.stop(args.node).await?;
    drop(progress);
    let (node, option) = (args.node, target::option(cluster.name()));
    output::line(format_args!(
        "{node} is stopped; `harness start{option} {node}` starts it again"
    ))
}
