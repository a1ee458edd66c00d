//! `harness logs`.

use clap::Args;
use harness::cluster::Cluster;
use harness::component::container_name;
use harness::docker::logs::{self, Prefixed, Start};
use harness::node::NodeName;
use harness::{Result, labels};
use owo_colors::{AnsiColors, OwoColorize as _};

use crate::target::{self, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness logs mesos-master1 mesos-master --follow
  harness logs mesos-slave1 --tail 20
  harness logs --follow --since 10m   all components of all nodes

Where several components are shown, each line says whose it is.";

/// Colours of prefixes, so that neighbours differ.
const COLORS: [AnsiColors; 6] = [
    AnsiColors::Cyan,
    AnsiColors::Yellow,
    AnsiColors::Green,
    AnsiColors::Magenta,
    AnsiColors::Blue,
    AnsiColors::BrightBlack,
];

#[derive(Args)]
pub(crate) struct Logs {
    /// As in mesos-master1; all nodes without it.
    #[arg(value_parser = target::node_name)]
    node: Option<NodeName>,
    /// Components of the node; all of them without any.
    #[arg(value_name = "COMPONENT")]
    components: Vec<String>,
    /// Go on as new lines come.
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines, of each component.
    #[arg(long, default_value_t = 100, value_name = "N")]
    tail: usize,
    /// Only what was written this long ago or later, as in 90s, 10m or 1h30m.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "tail")]
    since: Option<std::time::Duration>,
    #[command(flatten)]
    name: Name,
}

/// Prints what components wrote: one after the other, or, followed, as it comes.
pub(crate) async fn run(args: Logs) -> Result<()> {
    let cluster = target::attach(&args.name).await?;
    let from = match args.since {
        Some(since) => Start::Second(u32::try_from(labels::now().saturating_sub(since.as_secs())).unwrap_or(u32::MAX)),
        None => Start::Last(args.tail),
    };
    let chosen = chosen(&cluster, &args).await?;
    logs::print(cluster.engine(), &prefixed(&cluster, &chosen), from, args.follow).await
}

async fn chosen(cluster: &Cluster, args: &Logs) -> Result<Vec<(NodeName, &'static str)>> {
    let Some(node) = args.node else {
        let all = cluster.nodes().map(harness::node::Node::name);
        let components = |node| cluster.components_on(node).into_iter().map(move |one| (node, one));
        return Ok(all.flat_map(components).collect());
    };
    cluster.any_node(node).await?;
    if args.components.is_empty() {
        return Ok(cluster.components_on(node).into_iter().map(|one| (node, one)).collect());
    }
    let named = args.components.iter();
    named
        .map(|name| Ok((node, cluster.component_on(node, name)?)))
        .collect()
}

/// The containers of the chosen components, each with what stands before its lines.
fn prefixed(cluster: &Cluster, chosen: &[(NodeName, &'static str)]) -> Vec<Prefixed> {
    let one_node = chosen.iter().all(|(node, _)| *node == chosen[0].0);
    let name = |(node, component): &(NodeName, &str)| match one_node {
        true => (*component).to_owned(),
        false => format!("{node} {component}"),
    };
    let width = chosen.iter().map(|one| name(one).len()).max().unwrap_or(0);
    let logs = chosen.iter().zip(COLORS.iter().cycle()).map(|(one, color)| {
        let prefix = match chosen {
            [_] => String::new(),
            _ => format!("{} ", format!("{:width$} |", name(one)).color(*color)),
        };
        (prefix, container_name(cluster.name(), one.0, one.1))
    });
    logs.collect()
}
