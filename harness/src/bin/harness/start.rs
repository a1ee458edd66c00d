//! `harness start`.

use clap::Args;
use harness::Result;
use harness::node::NodeName;
use harness::progress::Progress;
use serde::Serialize;

use crate::output;
use crate::target::{self, Json, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness start mesos-slave2              a slave that was not there, or one that was stopped
  harness start --name lab mesos-master2
  harness start mesos-slave2 --json | jq -r '.services[].place'";

#[derive(Args)]
pub(crate) struct Start {
    /// As in mesos-slave2.
    #[arg(value_parser = target::node_name)]
    node: NodeName,
    #[command(flatten)]
    name: Name,
    #[command(flatten)]
    json: Json,
}

/// What `start --json` prints.
#[derive(Serialize)]
struct Started {
    /// The cluster.
    name: String,
    /// As in `mesos-slave2`.
    node: String,
    /// The node's IPv4 address.
    address: String,
    /// What runs on it, and where each answers.
    services: Vec<Service>,
}

#[derive(Serialize)]
struct Service {
    /// As in the stack file.
    component: &'static str,
    /// A URL, or host and port for ZooKeeper.
    place: String,
}

/// Starts a node and waits until it does its work; as JSON, a [`Started`].
pub(crate) async fn run(args: Start) -> Result<()> {
    let mut cluster = target::attach(&args.name).await?;
    let progress = Progress::start(&args.node.to_string());
    progress.detail("starting");
    let node = cluster.start(args.node).await?;
    drop(progress);
    if args.json.json {
        let components = cluster.components_on(args.node).into_iter();
        return output::json(&Started {
            name: cluster.name().to_owned(),
            node: node.name().to_string(),
            address: node.address().to_string(),
            services: components
                .map(|component| Service {
                    component,
                    place: target::place(&node, component),
                })
                .collect(),
        });
    }
    output::line(format_args!("{} is up at {}", node.name(), node.address()))
}
