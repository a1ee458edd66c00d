//! `harness exec`.

use std::process::ExitCode;

use clap::Args;
use harness::Result;
use harness::docker::exec::ExecSpec;
use harness::docker::terminal::{self, Terminal};
use harness::node::NodeName;

use crate::target::{self, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness exec mesos-slave1 -- mesos-agent --version
  harness exec mesos-master1 zookeeper -- bash
  echo ruok | harness exec mesos-master1 zookeeper -- cat

The command runs in the component's own container and as its user; `harness ssh` is for the node. It has a terminal \
where this command has one, and reads what this command reads. It exits as the command does, and a signal that ends \
this command ends that one.";

#[derive(Args)]
pub(crate) struct Exec {
    /// As in mesos-slave1.
    #[arg(value_parser = target::node_name)]
    node: NodeName,
    /// A component of the node; without it its master or agent.
    component: Option<String>,
    /// As `docker exec` has it; not needed here.
    #[arg(short, hide = true)]
    interactive: bool,
    /// As `docker exec` has it; not needed here.
    #[arg(short, hide = true)]
    tty: bool,
    /// The command and its arguments; no shell reads them.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
    #[command(flatten)]
    name: Name,
}

/// Runs a command beside a component, and exits as it does.
pub(crate) async fn run(args: Exec) -> Result<ExitCode> {
    let cluster = target::attach(&args.name).await?;
    let component = match &args.component {
        Some(name) => cluster.component_on(args.node, name)?,
        None => target::main_component(&cluster, args.node),
    };
    let container = cluster.node(args.node)?.container(component);
    let spec = ExecSpec::new(args.command);
    let status = terminal::run(cluster.engine(), &container, spec, Terminal::standard()?).await?;
    Ok(ExitCode::from(status))
}
