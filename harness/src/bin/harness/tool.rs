//! `harness tool`.

use std::process::ExitCode;

use clap::Args;
use harness::Result;
use harness::docker::exec::ExecSpec;
use harness::docker::terminal::{self, Terminal};
use harness::docker::{Engine, container};
use harness::toolbox::{Person, Toolbox, commands};

use crate::target::{self, DEFAULT_NAME, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness tool dcos node
  harness tool dcos marathon app add apps/kafka-manager/marathon.json
  harness tool --name lab zkCli.sh -server mesos-master1:2181 ls /
  harness tool dig @mesos-master1 leader.mesos

It runs the real client in a container beside the cluster, as you and where you are: your home, the folder you are in \
and /tmp are there at the same paths. It has a terminal where this command has one, and exits as the client does. \
`harness env` puts dcos, kafkacat, kcat and zkCli.sh on the PATH.";

#[derive(Args)]
pub(crate) struct Tool {
    /// The cluster's name.
    #[arg(long, env = commands::CLUSTER, default_value = DEFAULT_NAME)]
    name: String,
    /// The program and its arguments; no shell reads them.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true,
        value_name = "CMD"
    )]
    command: Vec<String>,
}

/// Runs a client, and exits as it does.
pub(crate) async fn run(args: Tool) -> Result<ExitCode> {
    let person = Person::this()?;
    let engine = Engine::connect().await?;
    let mut tools = Toolbox::container_of(&args.name, &person);
    // One look where it is there already: a command shall cost what it costs, and a look at the cluster costs more.
    if !container::runs(&engine, &tools).await? {
        let cluster = target::attach(&Name { name: args.name }).await?;
        tools = cluster.toolbox_of(&person).await?.container().to_owned();
    }
    let spec = person.runs(ExecSpec::new(args.command));
    let status = terminal::run(&engine, &tools, spec, Terminal::standard()?).await?;
    Ok(ExitCode::from(status))
}
