//! `harness stop`.

use clap::Args;
use harness::Result;
use harness::node::NodeName;
use harness::progress::Progress;
use serde::Serialize;

use crate::output;
use crate::target::{self, Json, Name};

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
    #[command(flatten)]
    json: Json,
}

/// What `stop --json` prints.
#[derive(Serialize)]
struct Stopped {
    /// The cluster.
    name: String,
    /// As in `mesos-slave2`.
    node: String,
}

/// Stops a node; as JSON, a [`Stopped`].
pub(crate) async fn run(args: Stop) -> Result<()> {
    let mut cluster = target::attach(&args.name).await?;
    let progress = Progress::start(&args.node.to_string());
    progress.detail("stopping");
    cluster.stop(args.node).await?;
    drop(progress);
    if args.json.json {
        return output::json(&Stopped {
            name: cluster.name().to_owned(),
            node: args.node.to_string(),
        });
    }
    let (node, option) = (args.node, target::option(cluster.name()));
    output::line(format_args!(
        "{node} is stopped; `harness start{option} {node}` starts it again"
    ))
}
