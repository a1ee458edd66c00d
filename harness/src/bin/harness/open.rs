//! `harness open`.

use std::path::PathBuf;
use std::process::Stdio;
use std::str::FromStr;

use clap::Args;
use harness::cluster::Cluster;
use harness::component::zookeeper;
use harness::node::NodeName;
use harness::setup::find_program;
use harness::{Error, Kind, Result};

use crate::output;
use crate::target::{self, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness open mesos                  the web interface of the leading master
  harness open mesos-slave1 --print   prints the URL, and opens nothing
  curl \"$(harness open mesos --print)/state\"

The URL is printed in any case. A browser is opened by xdg-open, on a desktop.";

#[derive(Args)]
pub(crate) struct Open {
    /// `mesos` for the leading master, or a node.
    #[arg(default_value = "mesos", value_parser = Place::parse)]
    what: Place,
    /// Print the URL and open nothing.
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    name: Name,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Leader,
    Node(NodeName),
}

impl Place {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "mesos" => Ok(Place::Leader),
            _ => NodeName::from_str(text)
                .map(Place::Node)
                .map_err(|error| format!("{}\n  or:       mesos, for the leading master", error.explain())),
        }
    }
}

/// Prints where something answers, and shows it to a person.
pub(crate) async fn run(args: Open) -> Result<()> {
    let cluster = target::attach(&args.name).await?;
    let url = url(&cluster, args.what).await?;
    output::line(&url)?;
    if !args.print
        && let Some(program) = browser()
    {
        let browser = tokio::process::Command::new(&program)
            .arg(&url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        if let Err(error) = browser {
            output::warning(format_args!("{} does not start: {error}", program.display()));
        }
    }
    Ok(())
}

async fn url(cluster: &Cluster, what: Place) -> Result<String> {
    let name = match what {
        Place::Node(name) => name,
        Place::Leader => {
            let option = target::option(cluster.name());
            let masters = cluster
                .nodes()
                .filter(|node| matches!(node.name(), NodeName::Master(_)));
            for master in masters {
                if let Ok(Some(leader)) = master.master().leader().await {
                    return Ok(leader);
                }
            }
            let summary = format!("no master leads in the cluster {}", cluster.name());
            return Err(Error::new(Kind::Component, summary)
                .expected("a master that knows the leader")
                .ran(format!("harness status{option}"))
                .hint(format!("`harness logs{option} mesos-master1` shows why")));
        }
    };
    let node = cluster.node(name)?;
    match target::main_component(cluster, name) {
        zookeeper::NAME => Err(
            Error::usage(format!("ZooKeeper, alone on {name}, has no web interface"))
                .expected("a node with a master or an agent"),
        ),
        component => Ok(target::place(node, component)),
    }
}

/// The program that opens a URL, where somebody would see it.
fn browser() -> Option<PathBuf> {
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    desktop.then(|| find_program("xdg-open")).flatten()
}
