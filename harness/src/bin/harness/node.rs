//! `harness ssh`, `start`, `stop` and `logs`.

use std::process::ExitCode;

use clap::Args;
use harness::cluster::Cluster;
use harness::docker::{Engine, logs, terminal};
use harness::node::NodeName;
use harness::{Error, Result};

use crate::cluster::Name;
use crate::output;

#[derive(Args)]
pub(crate) struct Ssh {
    /// As in mesos-slave1.
    #[arg(value_parser = node_name)]
    node: NodeName,
    /// A command to run there instead of a shell.
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
    #[command(flatten)]
    name: Name,
}

#[derive(Args)]
pub(crate) struct Start {
    /// As in mesos-slave2.
    #[arg(value_parser = node_name)]
    node: NodeName,
    #[command(flatten)]
    name: Name,
}

#[derive(Args)]
pub(crate) struct Stop {
    /// As in mesos-slave2.
    #[arg(value_parser = node_name)]
    node: NodeName,
    #[command(flatten)]
    name: Name,
}

#[derive(Args)]
pub(crate) struct Logs {
    /// As in mesos-master1.
    #[arg(value_parser = node_name)]
    node: NodeName,
    /// One component; all of the node's without it.
    component: Option<String>,
    /// Go on as new lines come.
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines.
    #[arg(long, default_value_t = 100, value_name = "N")]
    tail: usize,
    #[command(flatten)]
    name: Name,
}

/// An error says all it has to say: clap prints no more than its text.
fn node_name(text: &str) -> Result<NodeName, String> {
    text.parse().map_err(|error: Error| error.explain())
}

async fn attach(name: &Name) -> Result<Cluster> {
    Cluster::attach(Engine::connect().await?, &name.name).await
}

/// Enters a node's shell, or runs a command there and exits as it does.
pub(crate) async fn ssh(args: Ssh) -> Result<ExitCode> {
    let cluster = attach(&args.name).await?;
    let node = cluster.node(args.node)?;
    let shell = cluster.shell(node).await?;
    let status = terminal::enter(cluster.engine(), shell.container(), args.command).await?;
    Ok(ExitCode::from(status))
}

/// Starts a node and waits until it does its work.
pub(crate) async fn start(args: Start) -> Result<()> {
    let mut cluster = attach(&args.name).await?;
    let node = cluster.start(args.node).await?;
    output::line(format_args!("{} is up at {}", node.name(), node.address()))
}

/// Stops a node.
pub(crate) async fn stop(args: Stop) -> Result<()> {
    let mut cluster = attach(&args.name).await?;
    cluster.stop(args.node).await?;
    let (node, cluster) = (args.node, cluster.name());
    output::line(format_args!(
        "{node} is stopped; `harness start --name {cluster} {node}` starts it again"
    ))
}

/// Prints the output of one component, or of all of a node's in turn.
pub(crate) async fn logs(args: Logs) -> Result<()> {
    let cluster = attach(&args.name).await?;
    let node = cluster.node(args.node)?;
    let components = cluster.components_on(args.node);
    let chosen: Vec<&str> = match &args.component {
        None => components,
        Some(name) => components
            .iter()
            .copied()
            .filter(|component| component == name)
            .collect(),
    };
    if chosen.is_empty() {
        return Err(Error::usage(format!(
            "{} has no component {}",
            args.node,
            args.component.unwrap_or_default()
        ))
        .expected(format!("one of {}", cluster.components_on(args.node).join(", "))));
    }
    if args.follow {
        let [component] = chosen.as_slice() else {
            return Err(Error::usage("only one component can be followed")
                .hint(format!("harness logs {} {} --follow", args.node, chosen[0])));
        };
        return logs::print(cluster.engine(), &node.container(component), args.tail).await;
    }
    for component in &chosen {
        if chosen.len() > 1 {
            output::line(format_args!("==> {component} <=="))?;
        }
        output::print(node.logs(component, args.tail).await?)?;
    }
    Ok(())
}
