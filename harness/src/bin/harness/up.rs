//! `harness up`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use harness::cluster::{Cluster, ClusterSummary, clusters};
use harness::component::service::Services;
use harness::docker::Engine;
use harness::node::NodeName;
use harness::owner::Life;
use harness::progress::Progress;
use harness::provenance::ComponentRecord;
use harness::stack::{Stack, TOPOLOGY_FILE, TopologyFile};
use harness::{Error, Result};
use serde::Serialize;

use crate::status::age;
use crate::table::Table;
use crate::target::{self, Json, Name};
use crate::{output, sweep};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness up                                    the README's cluster of three nodes
  harness up --services none                    ZooKeeper and Mesos alone
  harness up --masters 3 --slaves 2 --name lab  another one beside it
  harness up --stack fixtures/stacks/mesos-1.10.toml
  harness up --topology lab.toml

A topology file says how many nodes there are and what agents offer:

  masters = 3
  slaves = 2
  services = [\"marathon\", \"mesos-dns\"]
  [node.mesos-slave2]
  resources = \"cpus:8;mem:8192\"
  attributes = \"rack:b\"
  role = \"ads\"

Where the cluster is up already, it says so, starts nodes that were stopped, changes
nothing else and exits with 0.";

#[derive(Args)]
pub(crate) struct Up {
    /// A topology file: how many nodes, and what agents offer [default: harness.toml in this folder, if it is there].
    #[arg(long, value_name = "FILE")]
    topology: Option<PathBuf>,
    /// How many slaves start at once; others start with `harness start mesos-slaveN` [default: 1].
    #[arg(long, value_name = "N")]
    slaves: Option<u8>,
    /// How many masters, each with a ZooKeeper server [default: 1].
    #[arg(long, value_name = "N")]
    masters: Option<u8>,
    /// Services beside ZooKeeper and Mesos, as in `marathon`; `all` that the stack names, or `none` [default: all].
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    services: Vec<String>,
    /// A stack file: which image or version each component has.
    #[arg(long, env = harness::stack::STACK_VARIABLE, value_name = "FILE")]
    stack: Option<PathBuf>,
    #[command(flatten)]
    name: Name,
    #[command(flatten)]
    json: Json,
}

/// What `up --json` says. The names of the fields stay as they are.
#[derive(Serialize)]
struct Booted {
    /// The cluster's name.
    name: String,
    /// True where it was up before: then nothing was changed but what `started` names.
    already_up: bool,
    /// The nodes that were stopped and run again.
    started: Vec<String>,
    /// How long the boot took, in seconds; null where there was none.
    boot_s: Option<f64>,
    /// The range of its addresses.
    subnet: String,
    /// Each component on each node that runs.
    services: Vec<Service>,
    /// What the components are, as in the report of `conform`.
    components: Vec<ComponentRecord>,
}

/// One component on one node.
#[derive(Serialize)]
struct Service {
    /// As in `mesos-master1`.
    node: String,
    /// The node's address.
    address: String,
    /// As in `mesos-agent`.
    component: &'static str,
    /// Where it answers: a URL, or host and port.
    place: String,
}

impl Up {
    /// What the command line says of services, else the file; `None` where neither does.
    fn services(&self, file: Option<&TopologyFile>) -> Result<Option<Services>> {
        match self.services.as_slice() {
            [] => Ok(file.and_then(|file| file.services.clone())),
            names => Services::parse(names.iter().map(String::as_str)).map(Some),
        }
    }

    /// The topology file that is named, else that of the working folder.
    fn topology_file(&self) -> Result<Option<TopologyFile>> {
        if let Some(path) = &self.topology {
            return TopologyFile::load(path).map(Some);
        }
        let path = Path::new(TOPOLOGY_FILE);
        if !path.exists() {
            return Ok(None);
        }
        output::note(format_args!("the topology is that of {TOPOLOGY_FILE} in this folder"));
        TopologyFile::load(path).map(Some)
    }
}

/// Boots a cluster and says what is where, and whose programs it is made of.
pub(crate) async fn run(args: Up) -> Result<()> {
    let file = args.topology_file()?;
    let services = args.services(file.as_ref())?;
    let engine = Engine::connect().await?;
    sweep::before(&engine).await;
    let name = &args.name.name;
    let found = clusters(&engine)
        .await?
        .into_iter()
        .find(|cluster| &cluster.name == name);
    if let Some(found) = found {
        if matches!(found.owner.life, Life::Alive | Life::Removing) {
            return Err(taken(&found));
        }
        if !found.owner.me {
            return Err(somebodys(&found));
        }
        let mut cluster = Cluster::attach(engine, name).await?;
        same_topology(&cluster, &args, file.as_ref())?;
        same_services(&cluster, services.as_ref())?;
        same_stack(&cluster, args.stack.as_deref())?;
        let progress = Progress::start(name);
        progress.detail("starting what was stopped");
        let started = cluster.start_all().await?;
        drop(progress);
        return say(&booted(&cluster, None, &started).await?, args.json.json);
    }
    let started = Instant::now();
    let progress = Progress::start(name);
    progress.detail("booting");
    let mut builder = Cluster::builder().for_a_person().name(name);
    let says_nothing_of_docker = file.as_ref().is_none_or(|file| file.docker.is_none());
    if let Some(file) = file {
        builder = builder.topology(file);
    }
    if let Some(masters) = args.masters {
        builder = builder.masters(masters);
    }
    if let Some(slaves) = args.slaves {
        builder = builder.slaves(slaves);
    }
    let services = services.unwrap_or(Services::All);
    if services == Services::All && says_nothing_of_docker {
        // As the README's slaves, which its packages need.
        builder = builder.docker();
    }
    builder = builder.services(services);
    if let Some(stack) = args.stack {
        builder = builder.stack_file(stack);
    }
    let cluster = builder.boot().await?;
    let booted = booted(&cluster, Some(started.elapsed().as_secs_f64()), &[]).await?;
    // Before anything is printed: whatever becomes of the output, the cluster is there.
    cluster.leave_running()?;
    drop(progress);
    say(&booted, args.json.json)
}

/// Another user's, or another machine's on the same engine.
fn somebodys(cluster: &ClusterSummary) -> Error {
    let owner = match cluster.owner.user.as_str() {
        "" => "somebody else",
        user => user,
    };
    Error::usage(format!("the cluster {} belongs to {owner}", cluster.name))
        .expected("a cluster of yours, or a name that is free")
        .ran("harness ps")
        .hint("choose another name with `--name`")
}

/// It is not up: another `up` boots it, or a scenario runs on it.
fn taken(cluster: &ClusterSummary) -> Error {
    let (name, life) = (&cluster.name, cluster.owner.life);
    let pid = cluster.owner.pid.map_or_else(String::new, |pid| format!(" {pid}"));
    let age = age(cluster.created);
    Error::usage(format!("another process boots or uses the cluster {name}"))
        .expected("a cluster that is up, or a name that is free")
        .ran("harness ps")
        .evidence(format!(
            "made for {}, {age} ago, by process{pid}, which is {life}",
            cluster.scenario
        ))
        .hint("wait until it is done, or choose another name with `--name`")
}

/// `up` on a cluster that runs changes nothing, so it must not be asked to.
fn same_topology(cluster: &Cluster, args: &Up, file: Option<&TopologyFile>) -> Result<()> {
    let topology = cluster.topology();
    let differs = |asked: Option<u8>, has: u8| asked.is_some_and(|asked| asked != has);
    let masters = args.masters.or(file.and_then(|file| file.masters));
    let slaves = args.slaves.or(file.and_then(|file| file.slaves));
    // `--masters` takes its own number of ZooKeeper servers, whatever the file says.
    let zookeepers = file.filter(|_| args.masters.is_none()).and_then(|file| file.zookeepers);
    let name = cluster.name();
    if file.is_some() && !TopologyFile::same_agents(file, cluster.topology_file()) {
        let summary = format!("the cluster {name} is up already, and its agents are not those of the topology file");
        return Err(Error::usage(summary)
            .expected("the file that it was booted with")
            .hint(another(name)));
    }
    if !differs(masters, topology.masters)
        && !differs(slaves, topology.slaves)
        && !differs(zookeepers, topology.zookeepers)
    {
        return Ok(());
    }
    let has = format!("{} masters and {} slaves", topology.masters, topology.slaves);
    let option = target::option(name);
    Err(
        Error::usage(format!("the cluster {name} is up already, booted with {has}"))
            .expected("the same numbers, or none")
            .hint(format!(
                "`harness start{option} mesos-slaveN` adds a slave; another `--name` boots another cluster"
            )),
    )
}

/// Nor does it add services, or end them.
fn same_services(cluster: &Cluster, asked: Option<&Services>) -> Result<()> {
    let has = &cluster.topology().services;
    let Some(asked) = asked.map(|asked| asked.of(cluster.stack())).transpose()? else {
        return Ok(());
    };
    if asked == *has {
        return Ok(());
    }
    let name = cluster.name();
    let has = match has.is_empty() {
        true => "no services".to_owned(),
        false => has.iter().map(|service| service.name()).collect::<Vec<_>>().join(", "),
    };
    Err(
        Error::usage(format!("the cluster {name} is up already, booted with {has}"))
            .expected("the same services, or none named")
            .hint(another(name)),
    )
}

/// How to have what the cluster of that name is not.
fn another(name: &str) -> String {
    let option = target::option(name);
    format!("`harness down{option}` removes it; another `--name` boots another cluster")
}

/// Nor does it exchange what runs.
fn same_stack(cluster: &Cluster, asked: Option<&Path>) -> Result<()> {
    let Some(path) = asked else { return Ok(()) };
    if Stack::load(Some(path))?.has_components_of(cluster.stack()) {
        return Ok(());
    }
    let (name, has) = (cluster.name(), &cluster.stack().name);
    let summary = format!(
        "the cluster {name} is up already, of the stack {has} and not of {}",
        path.display()
    );
    Err(Error::usage(summary)
        .expected("the stack that it was booted with, or none")
        .hint(another(name)))
}

async fn booted(cluster: &Cluster, boot_s: Option<f64>, started: &[NodeName]) -> Result<Booted> {
    let services = cluster.nodes().flat_map(|node| {
        let components = cluster.components_on(node.name()).into_iter();
        components.map(|component| Service {
            node: node.name().to_string(),
            address: node.address().to_string(),
            component,
            place: target::place(node, component),
        })
    });
    Ok(Booted {
        name: cluster.name().to_owned(),
        already_up: boot_s.is_none(),
        started: started.iter().map(ToString::to_string).collect(),
        boot_s,
        subnet: cluster.subnet().to_string(),
        services: services.collect(),
        components: cluster.components().await?,
    })
}

/// What is where, whose programs they are, and what to type next.
fn say(booted: &Booted, json: bool) -> Result<()> {
    if json {
        return output::json(booted);
    }
    let mut services = Table::new(["NODE", "ADDRESS", "WHAT", "WHERE"]);
    for one in &booted.services {
        services.row([
            (&one.node).into(),
            (&one.address).into(),
            one.component.into(),
            (&one.place).into(),
        ]);
    }
    let mut parts = Table::new(["COMPONENT", "VERSION", "PROVENANCE", "SHA256", "FROM"]);
    for part in &booted.components {
        let sum = part.sha256.get(..12).unwrap_or_default();
        parts.row([
            (&part.name).into(),
            (&part.version).into(),
            part.provenance.into(),
            sum.into(),
            (&part.artefact).into(),
        ]);
    }
    let (name, option) = (&booted.name, target::option(&booted.name));
    let state = match booted.boot_s {
        Some(took) => format!("the cluster {name} is up after {took:.1} s"),
        None if booted.started.is_empty() => format!("the cluster {name} is up already"),
        None => format!("the cluster {name} is up again: {} started", booted.started.join(", ")),
    };
    output::print(format_args!(
        "{state}\n\n{services}\n\n{parts}\n\n\
         enter a node:  harness ssh{option} mesos-master1\n\
         add a slave:   harness start{option} mesos-slave2\n\
         see the UI:    harness open{option} mesos\n\
         remove it all: harness down{option}\n"
    ))
}
