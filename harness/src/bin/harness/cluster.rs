//! `harness up`, `status`, `ps` and `down`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use comfy_table::{Table, presets};
use harness::cluster::{Cluster, ClusterSummary, clusters};
use harness::component::{mesos_agent, mesos_master, zookeeper};
use harness::docker::{Engine, Selection, removal};
use harness::labels;
use harness::node::{Node, NodeName};
use harness::{Error, Result};

use crate::{output, reap};

/// The name of a cluster whose owner gave it none.
pub(crate) const DEFAULT_NAME: &str = "mesos";

#[derive(Args)]
pub(crate) struct Up {
    /// How many slaves start at once; others start with `harness start mesos-slaveN` [default: 1].
    #[arg(long, value_name = "N")]
    slaves: Option<u8>,
    /// How many masters, each with a ZooKeeper server [default: 1].
    #[arg(long, value_name = "N")]
    masters: Option<u8>,
    /// A stack file: which image or version each component has.
    #[arg(long, env = harness::stack::STACK_VARIABLE, value_name = "FILE")]
    stack: Option<PathBuf>,
    #[command(flatten)]
    name: Name,
}

/// Which cluster a command is about.
#[derive(Args)]
pub(crate) struct Name {
    /// The cluster's name.
    #[arg(long, default_value = DEFAULT_NAME)]
    pub(crate) name: String,
}

#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    name: Name,
    /// For a program to read.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Ps {
    /// For a program to read.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Down {
    #[command(flatten)]
    name: Name,
    /// Every cluster that was booted with `up`, not only the named one.
    #[arg(long)]
    all: bool,
}

/// Boots a cluster and says what is where, and whose programs it is made of.
pub(crate) async fn up(args: Up) -> Result<()> {
    let engine = Engine::connect().await?;
    reap::sweep_before(&engine).await;
    let name = &args.name.name;
    if clusters(&engine).await?.iter().any(|cluster| &cluster.name == name) {
        let cluster = Cluster::attach(engine, name).await?;
        same_topology(&cluster, &args)?;
        output::line(format_args!("the cluster {name} is up already\n"))?;
        return output::print(closing(&cluster).await?);
    }
    let started = Instant::now();
    let mut builder = Cluster::builder()
        .for_a_person()
        .name(name)
        .masters(args.masters.unwrap_or(1))
        .slaves(args.slaves.unwrap_or(1));
    if let Some(stack) = args.stack {
        builder = builder.stack_file(stack);
    }
    let cluster = builder.boot().await?;
    let took = started.elapsed().as_secs_f64();
    let closing = closing(&cluster).await?;
    // Before anything is printed: whatever becomes of the output, the cluster is there.
    cluster.leave_running().await?;
    output::print(format_args!("the cluster {name} is up after {took:.1} s\n\n{closing}"))
}

/// `up` on a cluster that runs changes nothing, so it must not be asked to.
fn same_topology(cluster: &Cluster, args: &Up) -> Result<()> {
    let topology = cluster.topology();
    let differs = |asked: Option<u8>, has: u8| asked.is_some_and(|asked| asked != has);
    if !differs(args.masters, topology.masters) && !differs(args.slaves, topology.slaves) {
        return Ok(());
    }
    let name = cluster.name();
    let has = format!("{} masters and {} slaves", topology.masters, topology.slaves);
    Err(
        Error::usage(format!("the cluster {name} is up already, booted with {has}"))
            .expected("the same numbers, or none")
            .hint(format!(
                "`harness start --name {name} mesos-slaveN` adds a slave; `--name` boots another cluster"
            )),
    )
}

/// What is where, whose programs they are, and what to type next.
async fn closing(cluster: &Cluster) -> Result<String> {
    let mut nodes = table(["NODE", "ADDRESS", "WHAT", "WHERE"]);
    for node in cluster.nodes() {
        for (what, place) in places(cluster, node) {
            nodes.add_row([
                node.name().to_string(),
                node.address().to_string(),
                what.to_owned(),
                place,
            ]);
        }
    }
    let mut parts = table(["COMPONENT", "VERSION", "PROVENANCE", "SHA256", "FROM"]);
    for part in cluster.components().await? {
        let sum = part.sha256.get(..12).unwrap_or_default().to_owned();
        parts.add_row([part.name, part.version, part.provenance.to_string(), sum, part.artefact]);
    }
    let name = match cluster.name() {
        DEFAULT_NAME => String::new(),
        name => format!(" --name {name}"),
    };
    Ok(format!(
        "{nodes}\n\n{parts}\n\nenter a node:  harness ssh{name} mesos-master1\n\
         add a slave:   harness start{name} mesos-slave2\nremove it all: harness down{name}\n"
    ))
}

fn places(cluster: &Cluster, node: &Node) -> Vec<(&'static str, String)> {
    let url = |port: u16| format!("http://{}:{port}", node.address());
    match node.name() {
        NodeName::Slave(_) => vec![(mesos_agent::NAME, url(mesos_agent::PORT))],
        NodeName::Master(_) => cluster
            .components_on(node.name())
            .into_iter()
            .map(|component| match component {
                zookeeper::NAME => (component, format!("{}:{}", node.address(), zookeeper::PORT)),
                _ => (component, url(mesos_master::PORT)),
            })
            .collect(),
    }
}

/// Shows what runs of one cluster.
pub(crate) async fn status(args: Status) -> Result<()> {
    let engine = Engine::connect().await?;
    let found = find(&engine, &args.name.name).await?;
    if args.json {
        return output::json(&found);
    }
    let mut rows = table(["NODE", "COMPONENT", "STATE"]);
    for container in &found.containers {
        rows.add_row([&container.node, &container.component, &container.status]);
    }
    output::line(format_args!(
        "{}: {}, up for {}, made for {}\n{rows}",
        found.name,
        found.subnet,
        age(found.created),
        found.scenario
    ))
}

/// Lists every cluster of ours.
pub(crate) async fn ps(args: Ps) -> Result<()> {
    let engine = Engine::connect().await?;
    let found = clusters(&engine).await?;
    if args.json {
        return output::json(&found);
    }
    let mut rows = table(["CLUSTER", "SUBNET", "FOR", "AGE", "RUNNING"]);
    for cluster in &found {
        let running = cluster
            .containers
            .iter()
            .filter(|container| container.state == "running")
            .count();
        rows.add_row([
            cluster.name.clone(),
            cluster.subnet.clone(),
            cluster.scenario.clone(),
            age(cluster.created),
            format!("{running} of {} containers", cluster.containers.len()),
        ]);
    }
    output::line(rows)
}

/// Removes one cluster, or all that people booted.
pub(crate) async fn down(args: Down) -> Result<()> {
    let engine = Engine::connect().await?;
    let names = if args.all {
        clusters(&engine)
            .await?
            .into_iter()
            .filter(|cluster| cluster.kept)
            .map(|cluster| cluster.name)
            .collect()
    } else {
        let name = args.name.name;
        // Of a broken cluster the network may be gone, and with it the place in the list.
        if removal::list(&engine, &Selection::cluster(&name)).await?.is_empty() {
            find(&engine, &name).await?;
        }
        vec![name]
    };
    for name in names {
        Cluster::remove(&engine, &name).await?;
        output::line(format_args!("the cluster {name} is gone"))?;
    }
    Ok(())
}

async fn find(engine: &Engine, name: &str) -> Result<ClusterSummary> {
    let all = clusters(engine).await?;
    let names = all
        .iter()
        .map(|cluster| cluster.name.clone())
        .collect::<Vec<_>>()
        .join(", ");
    all.into_iter().find(|cluster| cluster.name == name).ok_or_else(|| {
        let error = Error::usage(format!("no cluster called {name} is up")).ran("harness ps");
        if names.is_empty() {
            error.hint("`harness up` boots one")
        } else {
            error.expected(format!("one of {names}"))
        }
    })
}

/// A table without lines, as `docker ps` prints.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}

fn age(created: u64) -> String {
    humantime::format_duration(Duration::from_secs(labels::now().saturating_sub(created))).to_string()
}
