//! `harness ssh`.

use std::process::ExitCode;

use clap::Args;
use harness::Result;
use harness::docker::terminal;
use harness::node::NodeName;

use crate::target::{self, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness ssh mesos-slave1
  harness ssh mesos-slave1 -- ls /tmp/mesos
  harness ssh mesos-master1 -- sudo docker logs zookeeper

It exits as the command does.";

#[derive(Args)]
pub(crate) struct Ssh {
    /// As in mesos-slave1.
    #[arg(value_parser = target::node_name)]
    node: NodeName,
    /// A command to run there instead of a shell.
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
    #[command(flatten)]
    name: Name,
}

/// Enters a node's shell, or runs a command there and exits as it does.
pub(crate) async fn run(args: Ssh) -> Result<ExitCode> {
    let cluster = target::attach(&args.name).await?;
    let node = cluster.node(args.node)?;
    let shell = cluster.shell(node).await?;
    let status = terminal::enter(cluster.engine(), shell.container(), args.command).await?;
    Ok(ExitCode::from(status))
}
